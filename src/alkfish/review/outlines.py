"""Merged and declumped outlines, laid over label images that are never changed or copied whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import ReviewError

Labels = npt.NDArray[np.int32]

_FIRST_REACH_PX = 64


@dataclass(frozen=True, eq=False)
class Patch:
    """A window of a label image as it is after an edit; ``top`` and ``left`` in pixels.

    ``last_id`` is the largest number that the field had before the edit: numbers of nuclei that
    were merged away are not given again.
    """

    top: int
    left: int
    labels: Labels
    last_id: int = 0


class PatchedImage:
    """A label image with patches laid over it in order; read it in windows."""

    def __init__(self, base: Any, patches: Sequence[Patch]) -> None:
        self._base, self._patches = base, tuple(patches)

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width in pixels."""
        return tuple(int(side) for side in self._base.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the labels: int32."""
        return np.dtype(np.int32)

    @property
    def ndim(self) -> int:
        """Number of dimensions: 2."""
        return 2

    @property
    def patches(self) -> tuple[Patch, ...]:
        """What is laid over the image, in order."""
        return self._patches

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Labels:
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > 2 or not all(isinstance(k, slice) and k.step in (None, 1) for k in keys):
            return np.asarray(self[:, :][key])
        (top, bottom, _), (left, right, _) = (
            (*keys, slice(None))[axis].indices(self.shape[axis]) for axis in (0, 1)
        )
        window = np.array(self._base[top:bottom, left:right], np.int32)
        for patch in self._patches:
            _lay(patch, window, top, left)
        return window

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Labels:
        return np.asarray(self[:, :], dtype)

    def with_patch(self, patch: Patch) -> PatchedImage:
        """Return the image with one more patch over it."""
        return PatchedImage(self._base, (*self._patches, patch))


class PatchedLabels(Mapping[str, Any]):
    """Label images of a case, some of them patched."""

    def __init__(self, base: Mapping[str, Any], images: Mapping[str, PatchedImage]) -> None:
        self._base, self._images = base, dict(images)

    def __getitem__(self, name: str) -> Any:
        return self._images[name] if name in self._images else self._base[name]

    def __contains__(self, name: object) -> bool:
        return name in self._base

    def __iter__(self) -> Iterator[str]:
        return iter(self._base)

    def __len__(self) -> int:
        return len(self._base)

    def with_patch(self, name: str, patch: Patch) -> PatchedLabels:
        """Return the labels with one more patch over one field."""
        image = self._images.get(name) or PatchedImage(self._base[name], ())
        return PatchedLabels(self._base, self._images | {name: image.with_patch(patch)})


def _lay(patch: Patch, window: Labels, top: int, left: int) -> None:
    rows, cols = patch.labels.shape
    t, b = max(patch.top, top), min(patch.top + rows, top + window.shape[0])
    l_, r = max(patch.left, left), min(patch.left + cols, left + window.shape[1])
    if t < b and l_ < r:
        inner = patch.labels[t - patch.top : b - patch.top, l_ - patch.left : r - patch.left]
        window[t - top : b - top, l_ - left : r - left] = inner


def window_of(image: Any, ids: Sequence[int], centres: npt.ArrayLike) -> Patch:
    """Return the smallest tried window that holds some nuclei whole, with a rim around them.

    Parameters
    ----------
    image : array-like of int32, shape (H, W)
        Labels.
    ids : sequence of int
        Nuclei.
    centres : array-like, shape (N, 2)
        Their centroids, y and x, in pixels.

    Raises
    ------
    ReviewError
        If one of them is not in the image.
    """
    points = np.asarray(centres, float)
    height, width = image.shape
    reach = _FIRST_REACH_PX
    while True:
        top, left = (int(max(low, 0)) for low in np.floor(points.min(axis=0)) - reach)
        bottom, right = np.ceil(points.max(axis=0)).astype(int) + reach
        window = np.asarray(image[top : min(bottom, height), left : min(right, width)], np.int32)
        inside = np.isin(window, ids)
        whole = (top, left) == (0, 0) and bottom >= height and right >= width
        if whole or not _touches(inside, top > 0, left > 0, bottom < height, right < width):
            break
        reach *= 2
    missing = sorted(set(ids) - set(np.unique(window[inside]).tolist()))
    if missing:
        raise ReviewError(
            "the result holds no outline of these nuclei",
            found=", ".join(f"nucleus {number}" for number in missing),
            remedy="score the case again: its outlines and its tables do not belong together",
        )
    return Patch(top, left, window.copy())


def _touches(inside: npt.NDArray[np.bool_], *open_sides: bool) -> bool:
    if not inside.any():
        return True
    sides = (inside[0], inside[:, 0], inside[-1], inside[:, -1])
    return any(is_open and side.any() for side, is_open in zip(sides, open_sides, strict=True))


def cut_mask(
    mask: npt.NDArray[np.bool_], cut: Sequence[tuple[float, float]]
) -> npt.NDArray[np.int32]:
    """Part a mask along a line.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
        One nucleus.
    cut : sequence of (y, x)
        At least two points of the line, in pixels of the mask.

    Returns
    -------
    ndarray of int32, shape (H, W)
        Parts 1, 2, ... from the largest to the smallest; pixels of the line belong to the nearest.

    Raises
    ------
    ReviewError
        If the line does not part the nucleus.
    """
    import cv2

    points = np.rint(np.array(cut, float).reshape(-1, 2)[:, ::-1]).astype(np.int32)
    left = np.ascontiguousarray(mask, np.uint8)
    if len(points) >= 2:
        cv2.polylines(left, [points], isClosed=False, color=0, thickness=1, lineType=cv2.LINE_4)
    count, parts = cv2.connectedComponents(left, connectivity=4)
    sizes = np.bincount(parts.ravel(), minlength=count)[1:]
    if count < 3:
        raise ReviewError(
            "the line does not part the nucleus",
            remedy="draw it from outside through the nucleus to the other side",
        )
    rank = np.zeros(count, np.int32)
    rank[np.argsort(-sizes, kind="stable") + 1] = np.arange(1, count)
    return _grown(rank[parts], mask)


def _grown(parts: npt.NDArray[np.int32], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Give the pixels of the mask that belong to no part to the nearest one."""
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    return np.where(mask, parts[tuple(nearest)], 0).astype(np.int32)
