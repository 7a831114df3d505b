"""Compiled changes of resolution: block means, and labels drawn at full resolution."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel


def block_means(picture: npt.NDArray[Any], reduce: int) -> npt.NDArray[np.float32]:
    """Return the means of blocks of `reduce` x `reduce` pixels.

    Blocks cut by the far edges are averaged over the pixels they have.
    """
    height, width = picture.shape
    out = np.zeros((-(-height // reduce), -(-width // reduce)), np.float32)
    _block_means(picture, reduce, np.empty(out.shape[1] * reduce, np.float32), out)
    return out


@kernel
def _block_means(picture: Any, reduce: Any, column: Any, out: Any) -> None:
    height, width = picture.shape
    for v in range(out.shape[0]):
        for x in range(len(column)):
            column[x] = 0
        last = (v + 1) * reduce if (v + 1) * reduce < height else height
        for y in range(v * reduce, last):
            _add_line(column, picture[y])
        means = out[v]
        for k in range(reduce):
            _add_every(means, column, k, reduce)
        rows = last - v * reduce
        for u in range(len(means)):
            end = (u + 1) * reduce if (u + 1) * reduce < width else width
            means[u] /= rows * (end - u * reduce)


@inner_kernel
def _add_line(total: Any, line: Any) -> None:
    for x in range(len(line)):
        total[x] += line[x]


@inner_kernel
def _add_every(total: Any, line: Any, start: Any, step: Any) -> None:
    for x in range(len(total)):
        total[x] += line[start + x * step]


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
    framed = cv2.copyMakeBorder(margin, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    kind = np.zeros(framed.shape[1], np.int32)
    room = np.empty(16, np.int32), np.empty(16, np.int64), np.empty((16, 4), np.float32)
    _draw_cells(around, framed, reduce, full, kind, _shares(reduce), _spline_weights(reduce), *room)
    return full


@kernel
def _draw_cells(
    labels: Any, margin: Any, reduce: Any, out: Any, kind: Any, shares: Any, weights: Any,
    names: Any, place: Any, votes: Any,
) -> None:  # fmt: skip
    """Draw cell by cell, a cell being the pixels between the centres of four reduced pixels.

    The first pixel of cell (v, u) of `margin`, which has a border of one pixel, is the upper left
    of the four; `labels` has a border of two. `kind`, with a 0 at its end, `names`, `place` and
    `votes` are room to work in.
    """
    cells_down, cells_across = margin.shape[0] - 1, margin.shape[1] - 1
    for v in range(cells_down):
        top, bottom = _pixels(v, v + 1, reduce, out.shape[0])
        _classify_cells(kind, labels, margin, v)
        u = np.int64(0)
        while u < cells_across:
            here, first = kind[u], u
            u += 1
            if here == 0:
                continue
            while here > 0 and kind[u] == here:
                u += 1
            left, right = _pixels(first, u, reduce, out.shape[1])
            box, cell = (top, bottom, left, right), (v, first)
            if here > 0:
                _fill_box(out, box, here)
                continue
            lowest, highest = _label_range(labels, v, first)
            _draw_outline(out, box, margin, cell, shares, highest)
            if lowest < highest:
                count = _names_around(labels, cell, names, place)
                _draw_lines(out, box, weights, names, count, place, votes)


@inner_kernel
def _pixels(cell: Any, end: Any, reduce: Any, length: Any) -> Any:
    """Return the first pixel of a cell, and that of the cell `end`.

    The centre of the first pixel lies at or after that of the cell's first reduced pixel.
    """
    first, beyond = (2 * cell - 1) * reduce // 2, (2 * end - 1) * reduce // 2
    return first if first > 0 else 0, beyond if beyond < length else length


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
            inside = margin[v, u] > 0 and margin[v, u + 1] > 0
            if here == 0 or (inside and margin[v + 1, u] > 0 and margin[v + 1, u + 1] > 0):
                kind[u] = here


@inner_kernel
def _label_range(labels: Any, v: Any, u: Any) -> Any:
    """Return the lowest and the highest label among 4 x 4 reduced pixels; not the background."""
    lowest, highest = np.int32(2**31 - 1), np.int32(0)
    for j in range(v, v + 4):
        for i in range(u, u + 4):
            here = labels[j, i]
            highest = here if here > highest else highest
            lowest = here if 0 < here < lowest else lowest
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
def _draw_lines(
    out: Any, box: Any, weights: Any, names: Any, count: Any, place: Any, votes: Any
) -> None:
    """Give the pixels of a cell that are inside to the label with the largest weight."""
    top, bottom, left, right = box
    for y in range(top, bottom):
        for n in range(count):
            for k in range(4):
                votes[n, k] = 0
        for k in range(16):
            if place[k] >= 0:
                votes[place[k], k % 4] += weights[y % len(weights), k // 4]
        for x in range(left, right):
            if out[y, x] > 0:
                out[y, x] = names[_elected(votes, weights, x % len(weights), count)]


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
def _names_around(labels: Any, cell: Any, names: Any, place: Any) -> Any:
    """List the labels among 4 x 4 reduced pixels, and for each pixel its row in the list or -1."""
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
    return count


def _shares(reduce: int) -> npt.NDArray[np.float32]:
    """Return how far the pixels of a cell lie on the way from one reduced pixel to the next."""
    return ((np.arange(reduce) + 0.5 * (1 - reduce % 2)) / reduce).astype(np.float32)


def _spline_weights(reduce: int) -> npt.NDArray[np.float32]:
    """Return the cubic B-spline's weights of four reduced pixels for each pixel between the two."""
    f = ((np.arange(reduce) + 0.5) / reduce - 0.5) % 1.0  # way from one reduced pixel to the next
    b = 1 - f
    weights = [
        b * b * b / 6,
        2 / 3 - f * f * (1 - f / 2),
        2 / 3 - b * b * (1 + f) / 2,
        f * f * f / 6,
    ]
    return np.stack(weights, axis=1).astype(np.float32)
