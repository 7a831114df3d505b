"""Which nuclei may be counted, judged by their shape and picture quality."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import ScorableConfig
from alkfish.model.flags import NucleusFlag
from alkfish.model.nuclei import NucleusTable
from alkfish.segment.runs import count_sides

CONTACT_SLOPE = 0.15
MOST_CONTACT = 0.4
"""The least solidity rises by so much per share of the outline in contact, up to that share.

Where nuclei overlap, the line drawn between them cuts a piece off both: contact together with a
bay tells overlap. Contact alone does not: nuclei of solid tumours flatten against each other.
"""

CLUMP_AREA = 2.5
"""A region so many times larger than the field's median tumour-sized nucleus is a clump."""

SAMPLE_UM = 0.4
"""Outlines are followed in steps of about this length: finer shows only jitter."""

_ENOUGH = 10


def shape_flags(
    table: NucleusTable,
    labels: npt.NDArray[np.int32],
    *,
    pixel_size_um: float,
    config: ScorableConfig | None = None,
    largest_um2: float | None = None,
) -> npt.NDArray[np.int32]:
    """Return the flags of each nucleus that follow from its outline and its DAPI signal.

    Sets ``BORDER, TOO_SMALL, TOO_LARGE, CLUMP, OUT_OF_FOCUS, SATURATED`` (clinical-rules 1.2:
    overlapping, damaged and unclear nuclei and non-tumour cells are skipped).

    Parameters
    ----------
    table : NucleusTable
        Measurements of the nuclei, in um.
    labels : ndarray of int32, shape (H, W)
        The label image the table was measured on.
    pixel_size_um : float
        Width of a pixel in um.
    config : ScorableConfig, optional
        Limits; the defaults if left out.
    largest_um2 : float, optional
        Area beyond which a region is a clump; `largest_single_um2` of this table if left out.

    Returns
    -------
    ndarray of int32, shape (len(table),)
        Bits of `NucleusFlag`; empty for an empty table.
    """
    limits = ScorableConfig() if config is None else config
    if largest_um2 is None:
        largest_um2 = largest_single_um2(table.area_um2, limits)
    diam_um = 2.0 * np.sqrt(table.area_um2 / np.pi)
    contact = contact_shares(labels, table.nucleus_id, pixel_size_um=pixel_size_um)
    least_solidity = limits.min_solidity + CONTACT_SLOPE * np.minimum(contact, MOST_CONTACT)
    flags = np.zeros(len(table), np.int32)
    rules: list[tuple[npt.NDArray[Any], NucleusFlag]] = [
        (np.isin(table.nucleus_id, _border_ids(labels)), NucleusFlag.BORDER),
        (diam_um < limits.min_diam_um, NucleusFlag.TOO_SMALL),
        (diam_um > limits.max_diam_um, NucleusFlag.TOO_LARGE),
        (table.solidity < least_solidity, NucleusFlag.CLUMP),
        (table.area_um2 > largest_um2, NucleusFlag.CLUMP),
        (table.focus < limits.min_focus, NucleusFlag.OUT_OF_FOCUS),
        (table.saturated > limits.max_saturated, NucleusFlag.SATURATED),
    ]
    for broken, flag in rules:
        flags[broken] |= int(flag)
    return flags


def contact_shares(
    labels: npt.NDArray[np.int32], ids: npt.NDArray[np.int32], *, pixel_size_um: float
) -> npt.NDArray[np.float64]:
    """Return how much of each nucleus' outline faces other nuclei.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        0 is background.
    ids : ndarray of int32, shape (N,)
        Nuclei to look at.
    pixel_size_um : float
        Width of a pixel in um.

    Returns
    -------
    ndarray of float64, shape (N,)
        Share of the outline, 0 to 1; 0 for ids that are not in `labels`. The border of the picture
        counts as background.
    """
    if len(ids) == 0:
        return np.zeros(0)
    step = max(1, round(SAMPLE_UM / pixel_size_um))
    sampled = labels[step // 2 :: step, step // 2 :: step]
    framed = np.zeros((sampled.shape[0] + 1, sampled.shape[1] + 1), np.int32)
    framed[:-1, :-1] = sampled
    count = int(max(ids.max(), framed.max()))
    sides = count_sides(framed, count)[ids]
    shares: npt.NDArray[np.float64] = sides[:, 1] / np.maximum(sides[:, 0], 1)
    return shares


def largest_single_um2(areas_um2: npt.NDArray[np.float64], limits: ScorableConfig) -> float:
    """Return the largest area of a single nucleus; infinity with few nuclei to compare with.

    Clumps without a bay in their outline pass the limit of solidity; their size gives them away.
    """
    tumour_sized = areas_um2[areas_um2 >= np.pi / 4 * limits.min_diam_um**2]
    if len(tumour_sized) < _ENOUGH:
        return math.inf
    return CLUMP_AREA * float(np.median(tumour_sized))


def _border_ids(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    if labels.size == 0:
        return np.empty(0, np.int32)
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    return np.unique(np.concatenate(edges))
