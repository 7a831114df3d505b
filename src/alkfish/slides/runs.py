"""Outlines as runs: stretches of equal labels in a row, a hundredth of the label image."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from imagecodecs import zstd_decode, zstd_encode

from alkfish.compiled import kernel

Ints = npt.NDArray[np.int32]

BLOCK_PX = 1024
"""Runs are kept by blocks of the slide of this side."""

_LITTLE_ENDIAN = np.dtype("<i4")


def split_runs(runs: Ints) -> Iterator[tuple[tuple[int, int], Ints]]:
    """Yield row and column of each block that holds any of the runs, and its runs.

    Parameters
    ----------
    runs : ndarray of int32, shape (N, 4)
        Label, y, first and last x, in pixels of the slide.

    Yields
    ------
    tuple of int
        Row and column of the block.
    ndarray of int32, shape (M, 4)
        In order of label, y and x; pixels counted from the block's corner.
    """
    pieces = np.concatenate(list(_cut_columns(runs)) or [np.empty((0, 4), np.int32)])
    label, y, first, last = pieces.T
    row, column = y // BLOCK_PX, first // BLOCK_PX
    order = np.lexsort((first, y, label, column, row))
    inner = np.stack([label, y % BLOCK_PX, first % BLOCK_PX, last % BLOCK_PX], axis=1)[order]
    row, column = row[order], column[order]
    starts = np.flatnonzero(np.diff(row, prepend=-1) | np.diff(column, prepend=-1))
    for start, end in itertools.pairwise([*starts.tolist(), len(inner)]):
        yield (int(row[start]), int(column[start])), inner[start:end]


def _cut_columns(runs: Ints) -> Iterator[Ints]:
    """Yield the runs in pieces that do not cross from one column of blocks to the next."""
    while len(runs):
        edge = (runs[:, 2] // BLOCK_PX + 1) * BLOCK_PX
        piece = runs.copy()
        piece[:, 3] = np.minimum(runs[:, 3], edge - 1)
        yield piece
        longer = runs[:, 3] >= edge
        runs = runs[longer]
        runs[:, 2] = edge[longer]


def pack_runs(runs: Ints) -> bytes:
    """Return the runs of one block, compressed: differences column by column."""
    steps = np.diff(runs.T, axis=1, prepend=0).astype(_LITTLE_ENDIAN)
    return bytes(zstd_encode(steps.tobytes(), level=1))


def unpack_runs(data: bytes) -> Ints:
    """Return what `pack_runs` was given."""
    steps = np.frombuffer(zstd_decode(data), _LITTLE_ENDIAN).reshape(4, -1)
    return np.ascontiguousarray(np.cumsum(steps, axis=1, dtype=np.int32).T)


@kernel
def paint_runs(image: Ints, runs: Ints, numbers: Ints, top: int, left: int) -> None:
    """Paint the runs of one block where the image is still background.

    Parameters
    ----------
    image : ndarray of int32, shape (H, W)
        Painted on, in place.
    runs : ndarray of int32, shape (N, 4)
        Of one block.
    numbers : ndarray of int32, shape (n_labels + 1,)
        What each label is painted as; 0 leaves it out.
    top, left : int
        Row and column of the block's corner in the image; may be negative.
    """
    height, width = image.shape
    for k in range(len(runs)):
        number, y = numbers[runs[k, 0]], runs[k, 1] + top
        if number == 0 or y < 0 or y >= height:
            continue
        for x in range(max(0, runs[k, 2] + left), min(width - 1, runs[k, 3] + left) + 1):
            if image[y, x] == 0:
                image[y, x] = number
