"""Compiled changes of resolution: block means, and labels drawn at full resolution."""

from __future__ import annotations

from typing import Any

import cv2
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
            _add_line(column, picture[y])
        means = out[v]
        means[:] = 0
        for k in range(reduce):
            _add_line(means, column[k::reduce])
        rows = last - v * reduce
        for u in range(w):
            means[u] /= rows * (min((u + 1) * reduce, width) - u * reduce)
    return out


@inner_kernel
def _add_line(total: Any, line: Any) -> None:
    for x in range(len(line)):
        total[x] += line[x]


def enlarge_labels(
    labels: npt.NDArray[np.int32],
    margin: npt.NDArray[Any],
    reduce: int,
    shape: tuple[int, int],
) -> npt.NDArray[np.int32]:
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
    shape : tuple of int
        Height and width at full resolution.

    Returns
    -------
    ndarray of int32, shape `shape`
    """
    full = np.zeros(shape, np.int32)
    around = cv2.copyMakeBorder(labels, 2, 2, 2, 2, cv2.BORDER_REPLICATE)
    _draw_cells(around, cv2.copyMakeBorder(margin, 1, 1, 1, 1, cv2.BORDER_REPLICATE), reduce, full)
    return full


@kernel
def _draw_cells(labels: Any, margin: Any, reduce: Any, out: Any) -> None:
    """Draw cell by cell, a cell being the pixels between the centres of four reduced pixels.

    The first pixel of cell (v, u) of `margin`, which has a border of one pixel, is the upper left
    of the four; `labels` has a border of two.
    """
    cells_down, cells_across = margin.shape[0] - 1, margin.shape[1] - 1
    weights, shares = _spline_weights(reduce), _shares(reduce)
    kind = np.empty(cells_across + 1, np.int32)
    kind[cells_across] = 0
    for v in range(cells_down):
        top, bottom = _pixels(v, v + 1, reduce, out.shape[0])
        _classify_cells(kind, labels, margin, v)
        u = 0
        while u < cells_across:
            here, first = kind[u], u
            u += 1
            if here == 0:
                continue
            while here > 0 and kind[u] == here:
                u += 1
            left, right = _pixels(first, u, reduce, out.shape[1])
            box = (top, bottom, left, right)
            if here > 0:
                _fill_box(out, box, here)
                continue
            lowest, highest = _label_range(labels, v, first)
            _draw_outline(out, box, margin, (v, first), shares, highest)
            if lowest < highest:
                _draw_lines(out, box, labels, (v, first), weights)


@inner_kernel
def _pixels(cell: Any, end: Any, reduce: Any, length: Any) -> Any:
    """Return the first pixel of a cell, and that of the cell `end`.

    The centre of the first pixel lies at or after that of the cell's first reduced pixel.
    """
    first, beyond = (2 * cell - 1) * reduce // 2, (2 * end - 1) * reduce // 2
    return max(first, 0), min(beyond, length)


@inner_kernel
def _classify_cells(kind: Any, labels: Any, margin: Any, v: Any) -> None:
    """Mark each cell of a row: label if filled, 0 empty, -1 mixed."""
    for u in range(len(kind) - 1):
        here = labels[v + 1, u + 1]
        kind[u] = -1
        if (
            here == labels[v + 1, u + 2]
            and here == labels[v + 2, u + 1]
            and here == labels[v + 2, u + 2]
        ):
            upper = min(margin[v, u], margin[v, u + 1])
            if here == 0 or min(upper, min(margin[v + 1, u], margin[v + 1, u + 1])) > 0:
                kind[u] = here


@inner_kernel
def _label_range(labels: Any, v: Any, u: Any) -> Any:
    """Return the lowest and the highest label among 4 x 4 reduced pixels; not the background."""
    lowest, highest = np.int32(2**31 - 1), np.int32(0)
    for j in range(v, v + 4):
        for i in range(u, u + 4):
            here = labels[j, i]
            highest = max(highest, here)
            lowest = min(lowest, here if here > 0 else np.int32(2**31 - 1))
    return lowest, highest


@inner_kernel
def _fill_box(out: Any, box: Any, label: Any) -> None:
    for y in range(box[0], box[1]):
        for x in range(box[2], box[3]):
            out[y, x] = label


@inner_kernel
def _draw_outline(out: Any, box: Any, margin: Any, cell: Any, shares: Any, label: Any) -> None:
    """Draw a label where the margin, interpolated between the corners of a cell, is positive."""
    v, u = cell
    top, bottom, left, right = box
    a, b, c, d = margin[v, u], margin[v, u + 1], margin[v + 1, u], margin[v + 1, u + 1]
    for y in range(top, bottom):
        start = a + (c - a) * shares[y - top]
        rise = b + (d - b) * shares[y - top] - start
        for x in range(left, right):
            out[y, x] = label if start + rise * shares[x - left] > 0 else 0


@inner_kernel
def _draw_lines(out: Any, box: Any, labels: Any, cell: Any, weights: Any) -> None:
    """Give the pixels of a cell that are inside to the label with the largest weight."""
    top, bottom, left, right = box
    names, place = _names_around(labels, cell)
    votes = np.empty((16, 4), np.float32)
    for y in range(top, bottom):
        votes[:] = 0
        for k in range(16):
            if place[k] >= 0:
                votes[place[k], k % 4] += weights[y % len(weights), k // 4]
        for x in range(left, right):
            if out[y, x] > 0:
                out[y, x] = names[_elected(votes, weights, x % len(weights), len(names))]


@inner_kernel
def _elected(votes: Any, weights: Any, across: Any, count: Any) -> Any:
    """Return the row of the name with the largest weight."""
    best, most = 0, np.float32(-1.0)
    for n in range(count):
        total = np.float32(0.0)
        for k in range(4):
            total += votes[n, k] * weights[across, k]
        if total > most:
            best, most = n, total
    return best


@inner_kernel
def _names_around(labels: Any, cell: Any) -> Any:
    """List the labels among 4 x 4 reduced pixels, and for each pixel its row in the list or -1."""
    names, place = np.empty(16, np.int32), np.empty(16, np.int64)
    count = 0
    for k in range(16):
        here = labels[cell[0] + k // 4, cell[1] + k % 4]
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
    return names[:count], place


@inner_kernel
def _shares(reduce: Any) -> Any:
    """Return how far the pixels of a cell lie on the way from one reduced pixel to the next."""
    shares = np.empty(reduce, np.float32)
    for x in range(reduce):
        shares[x] = (x + 0.5 * (1 - reduce % 2)) / reduce
    return shares


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
