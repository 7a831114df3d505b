"""Compiled changes of resolution: block means, and labels drawn at full resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel


@kernel
def block_means(picture: npt.NDArray[Any], reduce: int) -> npt.NDArray[np.float32]:
    """Return the means of blocks of `reduce` x `reduce` pixels.

    Blocks cut by the far edges are averaged over the pixels they have.
    """
    height, width = picture.shape
    h, w = -(-height // reduce), -(-width // reduce)
    out = np.empty((h, w), np.float32)
    column = np.empty(w * reduce, np.float32)
    for v in range(h):
        column[:] = 0
        last = min((v + 1) * reduce, height)
        for y in range(v * reduce, last):
            for x in range(width):
                column[x] += picture[y, x]
        rows = last - v * reduce
        for u in range(w):
            total = np.float32(0.0)
            for x in range(u * reduce, (u + 1) * reduce):
                total += column[x]
            out[v, u] = total / (rows * (min((u + 1) * reduce, width) - u * reduce))
    return out


@kernel
def enlarge_labels(
    labels: npt.NDArray[np.int32],
    margin: npt.NDArray[Any],
    reduce: int,
    out: npt.NDArray[np.int32],
) -> None:
    """Draw reduced labels at full resolution, with the outline where `margin` crosses 0.

    The margin is interpolated bilinearly. A pixel inside takes the label with the largest sum of
    cubic B-spline weights, so that lines between touching nuclei are smooth too.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        Reduced labels.
    margin : ndarray of float32, shape (h, w)
        Positive inside, negative outside.
    reduce : int
        Size of a reduced pixel in pixels.
    out : ndarray of int32, shape (H, W)
        Zeros; drawn into.
    """
    height, width = out.shape
    h, w = labels.shape
    names, place = np.empty(16, np.int32), np.empty(16, np.int64)
    weights = _spline_weights(reduce)
    kind = np.empty(w + 2, np.int32)
    kind[w + 1] = 0
    for v0 in range(-1, h):
        top, bottom = _first_pixel(v0, reduce, height), _first_pixel(v0 + 1, reduce, height)
        _classify_cells(kind, labels, margin, v0)
        u = 0
        while u <= w:
            here, u0 = kind[u], u - 1
            u += 1
            if here == 0:
                continue
            while here > 0 and kind[u] == here:
                u += 1
            left, right = _first_pixel(u0, reduce, width), _first_pixel(u - 1, reduce, width)
            if here > 0:
                for y in range(top, bottom):
                    for x in range(left, right):
                        out[y, x] = here
            else:
                count = _names_around(labels, v0, u0, names, place)
                cell = out[top:bottom, left:right]
                _draw_cell(cell, (v0, u0), (top, left), margin, names[:count], place, weights)


@inner_kernel
def _first_pixel(u0: Any, reduce: Any, length: Any) -> Any:
    """Return the first pixel whose centre lies at or after that of reduced pixel `u0`."""
    return min(max((2 * u0 + 1) * reduce // 2, 0), length)


@inner_kernel
def _classify_cells(kind: Any, labels: Any, margin: Any, v0: Any) -> None:
    """Mark each cell of a row, between four reduced pixels: label if filled, 0 empty, -1 mixed."""
    h, w = labels.shape
    a, b = max(v0, 0), min(v0 + 1, h - 1)
    for u0 in range(-1, w):
        c, d = max(u0, 0), min(u0 + 1, w - 1)
        p, q, r, s = labels[a, c], labels[a, d], labels[b, c], labels[b, d]
        kind[u0 + 1] = -1
        if p == q and p == r and p == s:
            lowest = min(min(margin[a, c], margin[a, d]), min(margin[b, c], margin[b, d]))
            if p == 0 or lowest > 0:
                kind[u0 + 1] = p


@inner_kernel
def _draw_cell(
    cell: Any, origin: Any, first: Any, margin: Any, names: Any, place: Any, weights: Any
) -> None:
    """Draw the pixels between four reduced pixels, `origin` being the upper left one."""
    h, w = margin.shape
    reduce = len(weights)
    a, b = max(origin[0], 0), min(origin[0] + 1, h - 1)
    c, d = max(origin[1], 0), min(origin[1] + 1, w - 1)
    for y in range(cell.shape[0]):
        fy = (first[0] + y + 0.5) / reduce - 0.5 - origin[0]
        left = margin[a, c] * (1 - fy) + margin[b, c] * fy
        right = margin[a, d] * (1 - fy) + margin[b, d] * fy
        for x in range(cell.shape[1]):
            fx = (first[1] + x + 0.5) / reduce - 0.5 - origin[1]
            if left * (1 - fx) + right * fx > 0:
                cell[y, x] = names[0]
                if len(names) > 1:
                    down, across = (first[0] + y) % reduce, (first[1] + x) % reduce
                    cell[y, x] = names[_elected(weights, down, across, place, len(names))]


@inner_kernel
def _elected(weights: Any, down: Any, across: Any, place: Any, count: Any) -> Any:
    """Return the row of the name with the largest weight."""
    best, most = 0, np.float32(-1.0)
    for n in range(count):
        votes = np.float32(0.0)
        for k in range(16):
            if place[k] == n:
                votes += weights[down, k // 4] * weights[across, k % 4]
        if votes > most:
            best, most = n, votes
    return best


@inner_kernel
def _names_around(labels: Any, v0: Any, u0: Any, names: Any, place: Any) -> Any:
    """List the labels among 4 x 4 reduced pixels, and for each pixel its row in the list."""
    h, w = labels.shape
    count = 0
    for k in range(16):
        v = min(max(v0 + k // 4 - 1, 0), h - 1)
        u = min(max(u0 + k % 4 - 1, 0), w - 1)
        here = labels[v, u]
        place[k] = -1
        if here == 0:
            continue
        for n in range(count):
            if names[n] == here:
                place[k] = n
        if place[k] < 0:
            names[count] = here
            place[k] = count
            count += 1
    return count


@inner_kernel
def _spline_weights(reduce: Any) -> Any:
    """Return the cubic B-spline's weights of four reduced pixels for each pixel between the two."""
    weights = np.empty((reduce, 4), np.float32)
    for x in range(reduce):
        f = ((x + 0.5) / reduce - 0.5) % 1.0  # share of the way from one reduced pixel to the next
        weights[x, 0] = (1 - f) ** 3 / 6
        weights[x, 1] = 2 / 3 - f * f * (1 - f / 2)
        weights[x, 2] = 2 / 3 - (1 - f) ** 2 * (1 + f) / 2
        weights[x, 3] = f**3 / 6
    return weights
