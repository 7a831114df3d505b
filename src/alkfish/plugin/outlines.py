"""The image of outlines: label images shown by pattern, level by level. No Qt."""

from __future__ import annotations

from collections import OrderedDict
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
        known = np.where(labels < len(self.table), labels, 0)
        codes: Codes = self.table[known]
        codes[~edges(known)] = 0
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

    def levels(self, result: CaseResult, machine: CaseResult, fov: str) -> list[Any]:
        """Return what `label_levels` returns."""
        if self._result is not result:
            self._result, self._kept = result, OrderedDict()
        found = self._kept.pop(fov, None) or label_levels(result, machine, fov)
        self._kept[fov] = found
        while len(self._kept) > KEPT_FIELDS:
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


def label_levels(result: CaseResult, machine: CaseResult, fov: str) -> list[Any]:
    """Return the label image of a field, and for a large one its lower levels, with all edits.

    Parameters
    ----------
    result : CaseResult
        As edited.
    machine : CaseResult
        As opened; its labels know the lower levels.
    fov : str
        Field.
    """
    full = result.labels[fov]
    height, width = (int(side) for side in full.shape)
    if height * width <= SMALL_PX:
        return [np.asarray(full)]
    base = machine.labels
    if not isinstance(base, LabelFolder):
        return [full, *_thinned(full)]
    patches = _patches(result, fov)
    n_levels = len(level_shapes((height, width)))
    levels = [base.open(fov, level) for level in range(n_levels)]
    return [
        PatchedImage(image, [_thin(patch, level) for patch in patches])
        for level, image in enumerate(levels)
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
