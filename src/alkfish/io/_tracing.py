"""Compiled loops that follow the outline of a nucleus along the edges of its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel

Ints = npt.NDArray[np.int32]


@kernel
def trace_outline(labels: Ints, number: int, top: int, left: int, bottom: int, right: int) -> Ints:
    """Return the outline of a label that lies within a window, as corners of its pixels.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        Label image.
    number : int
        The label.
    top, left, bottom, right : int
        Window of `labels`, the last two not included.

    Returns
    -------
    ndarray of int32, shape (N, 2)
        x and y of the corners at which the outline turns, counted in `labels`, counter-clockwise
        seen with y upwards. Empty if there is no such pixel, if the label touches the edge of the
        window, or if it is more than one part without holes.
    """
    n_left, start = _scan(labels, number, top, left, bottom, right)
    if n_left <= 0:
        return np.empty((0, 2), np.int32)
    corners = np.empty((4 * n_left, 2), np.int32)
    # Along the left edge of the first pixel, downwards; the label lies to the left of the way.
    y, x, dy, dx = start[0], start[1], 1, 0
    n = down = 0
    while True:
        down += dy == 1
        y, x = y + dy, x + dx
        # The two pixels ahead: on the label's side and on the other side.
        inner = _has(labels, number, y + (dy - dx - 1) // 2, x + (dx + dy - 1) // 2)
        outer = _has(labels, number, y + (dy + dx - 1) // 2, x + (dx - dy - 1) // 2)
        if inner and not outer:
            continue
        corners[n, 0], corners[n, 1] = x, y
        n += 1
        dy, dx = (dx, -dy) if inner else (-dx, dy)
        if y == start[0] and x == start[1] and dy == 1:
            break
    if down != n_left:  # other parts, or holes, have left edges too
        return np.empty((0, 2), np.int32)
    return corners[:n][::-1].copy()


@inner_kernel
def _scan(labels: Any, number: Any, top: Any, left: Any, bottom: Any, right: Any) -> Any:
    """Return how many left edges a label has in a window, and its first pixel; -1 if cut off."""
    height, width = labels.shape
    want = np.int32(number)
    total, start = 0, (0, 0)
    for y in range(top, bottom):
        row = labels[y]
        count = 1 if row[left] == want else 0
        for x in range(left + 1, right):
            count += (row[x] == want) & (row[x - 1] != want)
        if count == 0:
            continue
        cut = (y == top and top > 0) or (y == bottom - 1 and bottom < height)
        cut |= (left > 0 and row[left] == want) or (right < width and row[right - 1] == want)
        if cut:
            return -1, start
        if total == 0:
            x = left
            while row[x] != want:
                x += 1
            start = (y, x)
        total += count
    return total, start


@inner_kernel
def _has(labels: Any, number: Any, y: Any, x: Any) -> Any:
    inside = y >= 0 and x >= 0 and y < labels.shape[0] and x < labels.shape[1]
    return inside and labels[y, x] == number


@kernel
def is_simple(ring: Ints) -> bool:
    """Return whether a closed ring, shape (N, 2), last point unlike the first, is a polygon.

    No point comes twice, no two edges meet elsewhere, and none folds back on the one before.
    """
    n = len(ring)
    for i in range(n):
        x, y = ring[i]
        step_x, step_y = ring[(i + 1) % n, 0] - x, ring[(i + 1) % n, 1] - y
        back_x, back_y = x - ring[i - 1, 0], y - ring[i - 1, 1]
        if step_x * back_y == step_y * back_x and step_x * back_x + step_y * back_y <= 0:
            return False
        for j in range(i + 2, n if i else n - 1):
            if _meet(x, y, x + step_x, y + step_y, ring[j], ring[(j + 1) % n]):
                return False
    return n >= 3


@inner_kernel
def _meet(ax: Any, ay: Any, bx: Any, by: Any, c: Any, d: Any) -> Any:
    """Return whether the edges ``a b`` and ``c d`` have a point in common."""
    cx, cy, dx, dy = c[0], c[1], d[0], d[1]
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx):
        return False
    if max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return False
    c_side = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    d_side = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    a_side = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    b_side = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    apart = (c_side > 0 and d_side > 0) or (c_side < 0 and d_side < 0)
    return not (apart or (a_side > 0 and b_side > 0) or (a_side < 0 and b_side < 0))
