"""Which outlines may be merged: those that touch, as parts of one nucleus do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from alkfish.errors import ReviewError
from alkfish.model.result import CaseResult
from alkfish.review.edit_words import listed
from alkfish.review.edits import NucleiMerged
from alkfish.review.outlines import window_of

Labels = npt.NDArray[np.int32]

MERGE_GAP_UM = 0.5
"""Widest gap between outlines that are parts of one nucleus.

Segmentation cuts a nucleus without a gap. Outlines run where DAPI has half its height, which blur
(about 0.3 um) and pixels of up to 0.25 um place no better than this; a wider dark gap is a border
between two nuclei.
"""

_NEIGHBOUR_PX = 1.5
"""Pixels nearer than this, centre to centre, touch by a side or a corner."""


def check_touching(result: CaseResult, edit: NucleiMerged) -> None:
    """Refuse to merge nuclei that do not hang together.

    Raises
    ------
    ReviewError
        If one of them touches none of the others, directly or by way of others of them.
    """
    ids = sorted(set(edit.nucleus_ids))
    rims = {number: _rim(result, edit.fov, number) for number in ids}
    size = result.pixel_size_um[edit.fov]
    gaps = {pair: _gap_um(rims[pair[0]], rims[pair[1]], size) for pair in combinations(ids, 2)}
    touching = [{*pair} for pair, gap in gaps.items() if gap <= MERGE_GAP_UM]
    joined = {ids[0]}
    for _ in ids:
        joined = joined.union(*(pair for pair in touching if joined & pair))
    apart = [number for number in ids if number not in joined]
    if apart:
        nearest = min(gap for pair, gap in gaps.items() if len(joined & {*pair}) == 1)
        raise ReviewError(
            f"nuclei {listed(sorted(joined))} and {listed(apart)} do not touch and cannot be "
            "merged",
            where=f"{result.case_id}, {edit.fov}",
            found=f"a gap of {nearest:.1f} um between their outlines",
            allowed=f"outlines that touch, or have a gap of at most {MERGE_GAP_UM:g} um: the parts "
            "of one nucleus that segmentation cut",
            remedy="click the part that lies beside the current nucleus; a nucleus whose outline "
            "is wrong in another way can be taken out of the count (not scorable)",
        )


def bridged(labels: Labels, ids: Sequence[int], *, pixel_size_um: float) -> Labels:
    """Return labels with the background in narrow gaps between some nuclei given to the first.

    So a merged nucleus is one piece, which a line can part again.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        A window that holds the nuclei; not changed.
    ids : sequence of int
        Nuclei that are to be one.
    pixel_size_um : float
        Pixel size.

    Returns
    -------
    ndarray of int32, shape (H, W)
        `labels` itself if the nuclei are one piece already.
    """
    import cv2

    masks = [(labels == number).astype(np.uint8) for number in ids]
    inside = np.bitwise_or.reduce(masks)
    if cv2.connectedComponents(inside, connectivity=4)[0] <= 2:
        return labels
    reach = int(np.ceil(MERGE_GAP_UM / pixel_size_um / 2)) + 1
    margin = 2 * reach
    wide, narrow = (_disc(radius) for radius in (margin, reach))
    beside = [cv2.dilate(mask, wide) for mask in masks]
    closed = cv2.morphologyEx(np.pad(inside, margin), cv2.MORPH_CLOSE, narrow)
    closed = closed[margin:-margin, margin:-margin]
    between = np.sum(beside, axis=0) >= 2
    return np.where((closed > 0) & between & (labels == 0), np.int32(ids[0]), labels)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    import cv2

    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _rim(result: CaseResult, fov: str, number: int) -> npt.NDArray[np.float64]:
    """Return the pixels of a nucleus that have a side outside of it, as y and x in the field."""
    nuclei = result.nuclei
    rows = np.flatnonzero((nuclei.fov == fov) & (nuclei.nucleus_id == number))
    centres = np.stack([nuclei.y_px[rows], nuclei.x_px[rows]], axis=1)
    patch = window_of(result.labels[fov], [number], centres)
    inside = np.pad(patch.labels == number, 1)
    core = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    y, x = np.nonzero(inside[1:-1, 1:-1] & ~core)
    return np.stack([y + patch.top, x + patch.left], axis=1).astype(float)


def _gap_um(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], pixel_size_um: float
) -> float:
    """Return the width of the background between two outlines; 0 if they touch."""
    from scipy.spatial import cKDTree

    nearest = float(cKDTree(one).query(other)[0].min())
    return 0.0 if nearest < _NEIGHBOUR_PX else (nearest - 1.0) * pixel_size_um
