"""The image of outlines: label images shown by pattern, level by level. No Qt."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.io.labels import LabelFolder, level_shapes
from alkfish.model.result import CaseResult
from alkfish.plugin.colours import HIDDEN_CODE, PATTERN_CODES, SHADES
from alkfish.review.outlines import Patch, PatchedImage, PatchedLabels

Codes = npt.NDArray[np.uint8]

LINE_PX = 2
"""Width of outlines in pixels of the level that is shown."""

KEPT_FIELDS = 4
"""Label images of small fields that are kept in memory."""

BLOCK_PX, KEPT_BLOCKS = 1024, 16
"""Side of the squares of a large label image that are kept, and how many of each level: 64 MB."""

SMALL_PX = 4096 * 4096
"""Label images up to this size are shown from memory."""


class Numbering:
    """What number each nucleus of a field has in the image of outlines.

    Parameters
    ----------
    result : CaseResult
        With the nuclei.
    fov : str
        Field.
    patterns : ndarray of object, shape (N,)
        Pattern per row of the result's table as it may be shown.
    hidden : ndarray of bool, shape (N,)
        Rows whose pattern must not be seen.
    """

    def __init__(
        self, result: CaseResult, fov: str, patterns: npt.NDArray[np.object_],
        hidden: npt.NDArray[np.bool_],
    ) -> None:  # fmt: skip
        rows = np.flatnonzero(result.nuclei.fov == fov)
        self._ids = result.nuclei.nucleus_id[rows]
        self.table: Codes = np.zeros(int(self._ids.max(initial=0)) + 1, np.uint8)
        self.set(self._ids, patterns[rows], hidden[rows])

    def set(
        self, ids: npt.NDArray[Any], patterns: npt.NDArray[np.object_],
        hidden: npt.NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """Take the patterns of some nuclei."""
        codes = np.array([PATTERN_CODES.get(str(p), 1) for p in patterns], np.uint8)
        codes[hidden] = HIDDEN_CODE
        self.table[ids] = codes * SHADES + ids % SHADES

    def __call__(self, labels: npt.NDArray[Any]) -> Codes:
        """Return the numbers to draw for a window of labels: those of outlines, 0 inside."""
        codes: Codes = np.zeros(labels.shape, np.uint8)
        drawn = np.flatnonzero(edges(labels))  # few: looking up all takes several times as long
        numbers = labels.ravel()[drawn]
        numbers[numbers >= len(self.table)] = 0
        codes.ravel()[drawn] = self.table[numbers]
        return codes


def edges(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return the pixels of labels that lie within `LINE_PX` of another label or of background."""
    near = np.zeros(labels.shape, bool)
    for axis in range(labels.ndim):
        along = np.moveaxis(labels, axis, 0)
        differs = along[LINE_PX:] != along[:-LINE_PX]
        seen = np.moveaxis(near, axis, 0)
        seen[LINE_PX:] |= differs
        seen[:-LINE_PX] |= differs
    return near


class LabelCache:
    """Label images of small fields that were shown lately: readers go back and forth."""

    def __init__(self) -> None:
        self._result: CaseResult | None = None
        self._kept: OrderedDict[str, list[Any]] = OrderedDict()
        self._base: tuple[object, dict[str, list[Any]]] = (None, {})

    def levels(self, result: CaseResult, machine: CaseResult, fov: str) -> list[Any]:
        """Return what `label_levels` returns."""
        if self._result is not result:
            self._result, self._kept = result, OrderedDict()
        found = self._kept.pop(fov, None) or self._levels(result, machine, fov)
        self._kept[fov] = found
        while len(self._kept) > KEPT_FIELDS:
            self._kept.popitem(last=False)
        return found

    def _levels(self, result: CaseResult, machine: CaseResult, fov: str) -> list[Any]:
        """Return the levels; what was read of a large image outlives edits, which lie over it."""
        if self._base[0] is not machine.labels:
            self._base = machine.labels, {}
        base = self._base[1]
        if fov not in base and isinstance(machine.labels, LabelFolder):
            base[fov] = stored_levels(machine.labels, fov)
        return label_levels(result, machine, fov, base.get(fov))


class Blocks:
    """A label image on disk whose squares are read once; the last ones are kept. Thread-safe.

    Parameters
    ----------
    image : LazyLabels
        int32, shape (H, W); squares are as large as those it is stored in, or larger.
    """

    def __init__(self, image: Any) -> None:
        self._image = image
        self.shape: tuple[int, ...] = tuple(int(side) for side in image.shape)
        self._kept: OrderedDict[tuple[int, int], npt.NDArray[Any]] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, key: tuple[slice, slice]) -> npt.NDArray[Any]:
        (top, bottom, _), (left, right, _) = (
            k.indices(side) for k, side in zip(key, self.shape, strict=True)
        )
        window = np.zeros((max(0, bottom - top), max(0, right - left)), np.int32)
        if (bottom - top) * (right - left) > KEPT_BLOCKS * BLOCK_PX**2 // 2:
            return np.asarray(self._image[key])
        for row in range(top // BLOCK_PX, -(-bottom // BLOCK_PX)):
            for column in range(left // BLOCK_PX, -(-right // BLOCK_PX)):
                y, x = row * BLOCK_PX, column * BLOCK_PX
                t, b = max(y, top), min(y + BLOCK_PX, bottom)
                l_, r = max(x, left), min(x + BLOCK_PX, right)
                inner = self._block(row, column)[t - y : b - y, l_ - x : r - x]
                window[t - top : b - top, l_ - left : r - left] = inner
        return window

    def _block(self, row: int, column: int) -> npt.NDArray[Any]:
        with self._lock:
            found = self._kept.pop((row, column), None)
            if found is None:
                y, x = row * BLOCK_PX, column * BLOCK_PX
                found = np.asarray(self._image[y : y + BLOCK_PX, x : x + BLOCK_PX])
            self._kept[row, column] = found
            while len(self._kept) > KEPT_BLOCKS:
                self._kept.popitem(last=False)
            return found


class LazyCodes:
    """One level of a large label image, numbered where it is looked at."""

    def __init__(self, labels: Any, numbering: Numbering) -> None:
        self._labels, self._numbering = labels, numbering
        self.shape = tuple(int(side) for side in labels.shape)
        self.dtype, self.ndim = np.dtype(np.uint8), 2
        self.size = int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Codes:
        return self._numbering(np.asarray(self._labels[key]))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Codes:
        return np.asarray(self[...], dtype)


def stored_levels(labels: LabelFolder, fov: str) -> list[Blocks]:
    """Return the levels of a label image as they are on disk."""
    shape = labels.open(fov).shape
    n_levels = len(level_shapes((int(shape[0]), int(shape[1]))))
    return [Blocks(labels.open(fov, level)) for level in range(n_levels)]


def label_levels(
    result: CaseResult, machine: CaseResult, fov: str, stored: list[Blocks] | None = None
) -> list[Any]:
    """Return the label image of a field, and for a large one its lower levels, with all edits.

    Parameters
    ----------
    result : CaseResult
        As edited.
    machine : CaseResult
        As opened; its labels know the lower levels.
    fov : str
        Field.
    stored : list of Blocks, optional
        The levels of a large image as they are on disk, if they were opened before.
    """
    full = result.labels[fov]
    height, width = (int(side) for side in full.shape)
    if height * width <= SMALL_PX:
        return [np.asarray(full)]
    base = machine.labels
    if not isinstance(base, LabelFolder):
        return [full, *_thinned(full)]
    patches = _patches(result, fov)
    return [
        PatchedImage(image, [_thin(patch, level) for patch in patches])
        for level, image in enumerate(stored or stored_levels(base, fov))
    ]


def _patches(result: CaseResult, fov: str) -> tuple[Patch, ...]:
    image = result.labels[fov] if isinstance(result.labels, PatchedLabels) else None
    return image.patches if isinstance(image, PatchedImage) else ()


def _thin(patch: Patch, level: int) -> Patch:
    """Return what a lower level keeps of a patch: every 2^level-th pixel of the whole image."""
    step = 2**level
    top, left = -(-patch.top // step), -(-patch.left // step)
    rows, columns = top * step - patch.top, left * step - patch.left
    return Patch(top, left, patch.labels[rows::step, columns::step])


def _thinned(full: Any) -> list[Any]:
    image = np.asarray(full)
    return [image[:: 2**k, :: 2**k] for k in range(1, len(level_shapes(image.shape)))]
