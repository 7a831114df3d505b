"""Matching what was found with what is true: label images by overlap, points by distance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from alkfish.errors import InputError
from alkfish.model.result import LabelImage

Pairs = npt.NDArray[np.int64]

_WINDOW_PX = 4096


def f1_score(tp: int, fp: int, fn: int) -> float:
    """Return 2 TP / (2 TP + FP + FN); 1 when there was nothing to find and nothing was found."""
    total = 2 * tp + fp + fn
    return 2 * tp / total if total else 1.0


@dataclass(frozen=True, eq=False)
class LabelMatch:
    """Nuclei found against true nuclei.

    Attributes
    ----------
    tp, fp, fn : int
        Matched, found only, true only.
    iou_sum : float
        Sum of the overlaps of the matched pairs.
    pairs : ndarray of int64, shape (tp, 2)
        True id and found id of each match.
    """

    tp: int
    fp: int
    fn: int
    iou_sum: float
    pairs: Pairs

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return f1_score(self.tp, self.fp, self.fn)

    @property
    def mean_iou(self) -> float:
        """Mean intersection over union of the matched pairs; 0 without any."""
        return self.iou_sum / self.tp if self.tp else 0.0


@dataclass(frozen=True, eq=False)
class PointMatch:
    """Points found against true points.

    Attributes
    ----------
    tp, fp, fn : int
        Matched, found only, true only.
    squared_error_px2 : float
        Sum of the squared distances of the matched pairs.
    pairs : ndarray of int64, shape (tp, 2)
        Row of the true and of the found point of each match.
    """

    tp: int
    fp: int
    fn: int
    squared_error_px2: float
    pairs: Pairs

    @property
    def precision(self) -> float:
        """Share of found points that are true; 1 when nothing was found."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """Share of true points that were found; 1 when there is none."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return f1_score(self.tp, self.fp, self.fn)

    @property
    def rmse_px(self) -> float:
        """Root mean square distance of the matched pairs; 0 without any."""
        return float(np.sqrt(self.squared_error_px2 / self.tp)) if self.tp else 0.0


def match_labels(
    truth: npt.ArrayLike | LabelImage, found: npt.ArrayLike | LabelImage, *, min_iou: float = 0.5
) -> LabelMatch:
    """Match found nuclei with true ones where their outlines overlap enough.

    Parameters
    ----------
    truth, found : array-like of int, shape (H, W)
        Label images; 0 is background, ids need not be consecutive. Images that are read window by
        window are never held whole.
    min_iou : float
        Smallest intersection over union of a match, at least 0.5: above one half no nucleus
        can match twice, and at exactly one half ties go to the larger overlap.

    Returns
    -------
    LabelMatch
        Without nuclei in either image, all counts are 0 and F1 is 1.

    Raises
    ------
    InputError
        If the shapes differ, an image is not 2-D of integers, a label is negative, or `min_iou` is
        not between 0.5 and 1.
    """
    a, b = _as_image(truth), _as_image(found)
    _check_labels(a, b, min_iou)
    area_a, area_b, id_a, id_b, shared = _count_overlaps(a, b)
    iou = shared / (area_a[id_a] + area_b[id_b] - shared)
    keep = _pick(id_a, id_b, iou, min_iou)
    tp = len(keep)
    n_true, n_found = np.count_nonzero(area_a[1:]), np.count_nonzero(area_b[1:])
    pairs = np.stack([id_a[keep], id_b[keep]], axis=1)
    return LabelMatch(tp, int(n_found) - tp, int(n_true) - tp, float(iou[keep].sum()), pairs)


def _as_image(labels: npt.ArrayLike | LabelImage) -> LabelImage:
    """Return what can be read window by window as it is, everything else as an array."""
    if all(hasattr(labels, name) for name in ("shape", "dtype", "ndim", "__getitem__")):
        return cast("LabelImage", labels)
    return np.asarray(labels)


def _count_overlaps(a: LabelImage, b: LabelImage) -> tuple[Pairs, Pairs, Pairs, Pairs, Pairs]:
    """Return the areas by id, and the pairs of ids that share pixels and how many they share."""
    area_a, area_b = np.zeros(1, np.int64), np.zeros(1, np.int64)
    keys, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for top in range(0, a.shape[0], _WINDOW_PX):
        for left in range(0, a.shape[1], _WINDOW_PX):
            where = slice(top, top + _WINDOW_PX), slice(left, left + _WINDOW_PX)
            x, y = _checked_window(a[where]), _checked_window(b[where])
            area_a = _added(area_a, np.bincount(x.ravel()))
            area_b = _added(area_b, np.bincount(y.ravel()))
            inside = (x > 0) & (y > 0)
            found = np.unique((x[inside] << 32) + y[inside], return_counts=True)
            keys.append(found[0])
            counts.append(found[1])
    key, first = np.unique(np.concatenate(keys), return_inverse=True)
    shared = np.bincount(first, np.concatenate(counts), len(key)).astype(np.int64)
    return area_a, area_b, key >> 32, key & 0xFFFFFFFF, shared


def _checked_window(labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    window = np.asarray(labels)
    if window.size and not 0 <= int(window.min()) <= int(window.max()) < 1 << 31:
        raise InputError(
            "labels must be integers from 0 on", found=f"{window.min()} to {window.max()}"
        )
    return window.astype(np.int64)


def _added(total: Pairs, part: Pairs) -> Pairs:
    """Return the sum of two arrays of counts; the shorter one counts as 0 beyond its end."""
    long, short = (total, part) if len(total) >= len(part) else (part, total)
    result = long.copy()
    result[: len(short)] += short
    return result


def _check_labels(a: LabelImage, b: LabelImage, min_iou: float) -> None:
    if a.shape != b.shape or a.ndim != 2:
        raise InputError(
            "true and found labels must be 2-D pictures of one shape",
            found=f"{a.shape} and {b.shape}",
        )
    for image in (a, b):
        if image.dtype.kind not in "iu":
            raise InputError("labels must be integers from 0 on", found=str(image.dtype))
    if not 0.5 <= min_iou <= 1.0:
        raise InputError(
            "the overlap of a match is out of range", found=min_iou, allowed="0.5 to 1"
        )


def _pick(
    id_a: Pairs, id_b: Pairs, iou: npt.NDArray[np.float64], min_iou: float
) -> npt.NDArray[np.intp]:
    """Return rows of one-to-one matches, largest overlap first on ties."""
    rows = np.flatnonzero(iou >= min_iou)
    rows = rows[np.argsort(-iou[rows], kind="stable")]
    _, first_a = np.unique(id_a[rows], return_index=True)
    _, first_b = np.unique(id_b[rows], return_index=True)
    return np.sort(rows[np.intersect1d(first_a, first_b)])


def match_points(
    truth_yx: npt.ArrayLike, found_yx: npt.ArrayLike, *, max_distance_px: float = 3.0
) -> PointMatch:
    """Match points one to one: as many as possible, with the least sum of distances.

    Parameters
    ----------
    truth_yx, found_yx : array-like of float, shape (N, 2), (M, 2)
        Positions; may be empty.
    max_distance_px : float
        Largest distance of a match, included.

    Returns
    -------
    PointMatch
        Without points on either side, all counts are 0, precision, recall and F1 are 1.

    Raises
    ------
    InputError
        If positions are not finite ``(N, 2)`` or the distance is not positive.
    """
    a, b = _checked_points(truth_yx), _checked_points(found_yx)
    if not max_distance_px > 0:
        raise InputError("the matching distance must be positive", found=max_distance_px)
    if not (len(a) and len(b)):
        return PointMatch(0, len(b), len(a), 0.0, np.empty((0, 2), np.int64))
    near = cKDTree(a).query_ball_point(cKDTree(b).data, max_distance_px)
    columns = np.repeat(np.arange(len(b)), [len(hits) for hits in near])
    rows = np.array([i for hits in near for i in hits], dtype=np.int64)
    distance = np.hypot(*(a[rows] - b[columns]).T)
    pairs = _assign_sparse(rows, columns, distance, len(a), len(b))
    error = float(((a[pairs[:, 0]] - b[pairs[:, 1]]) ** 2).sum())
    return PointMatch(len(pairs), len(b) - len(pairs), len(a) - len(pairs), error, pairs)


def _checked_points(points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64)
    if array.size == 0:
        return np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
        raise InputError("points must be finite and of shape (N, 2)", found=f"shape {array.shape}")
    return array


def _assign_sparse(
    rows: Pairs, columns: Pairs, distance: npt.NDArray[np.float64], n: int, m: int
) -> Pairs:
    """Solve the assignment in each group of points that are linked to one another."""
    links = coo_array((np.ones(len(rows)), (rows, columns + n)), shape=(n + m, n + m))
    _, group = connected_components(links, directed=False)
    order = np.argsort(group[rows], kind="stable")
    bounds = np.flatnonzero(np.diff(group[rows][order], prepend=-1, append=-1))
    found = [
        _assign_group(rows[part], columns[part], distance[part])
        for part in (order[i:j] for i, j in pairwise(bounds))
    ]
    pairs = np.concatenate([*found, np.empty((0, 2), np.int64)])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _assign_group(rows: Pairs, columns: Pairs, distance: npt.NDArray[np.float64]) -> Pairs:
    if len(rows) == 1:
        return np.array([[rows[0], columns[0]]], dtype=np.int64)
    ids_a, i = np.unique(rows, return_inverse=True)
    ids_b, j = np.unique(columns, return_inverse=True)
    # One missing match must cost more than any sum of distances can save.
    never = 1.0 + float(distance.sum())
    cost = np.full((len(ids_a), len(ids_b)), never)
    cost[i, j] = distance
    picked_a, picked_b = linear_sum_assignment(cost)
    real = cost[picked_a, picked_b] < never
    return np.stack([ids_a[picked_a[real]], ids_b[picked_b[real]]], axis=1)
