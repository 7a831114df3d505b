"""Which nuclei may be counted, judged by their shape and picture quality."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import ScorableConfig
from alkfish.model.flags import NucleusFlag
from alkfish.model.nuclei import NucleusTable

CLUMP_AREA = 2.5
"""A region so many times larger than the field's median tumour-sized nucleus is a clump."""

_ENOUGH = 10


def shape_flags(
    table: NucleusTable,
    labels: npt.NDArray[np.int32],
    *,
    pixel_size_um: float,  # noqa: ARG001 - sizes in the table are in um already
    config: ScorableConfig | None = None,
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
        Width of a pixel in um; the sizes in `table` are already in um.
    config : ScorableConfig, optional
        Limits; the defaults if left out.

    Returns
    -------
    ndarray of int32, shape (len(table),)
        Bits of `NucleusFlag`; empty for an empty table.
    """
    limits = ScorableConfig() if config is None else config
    diam_um = 2.0 * np.sqrt(table.area_um2 / np.pi)
    flags = np.zeros(len(table), np.int32)
    rules: list[tuple[npt.NDArray[Any], NucleusFlag]] = [
        (np.isin(table.nucleus_id, _border_ids(labels)), NucleusFlag.BORDER),
        (diam_um < limits.min_diam_um, NucleusFlag.TOO_SMALL),
        (diam_um > limits.max_diam_um, NucleusFlag.TOO_LARGE),
        (table.solidity < limits.min_solidity, NucleusFlag.CLUMP),
        (table.area_um2 > _largest_single(table, diam_um >= limits.min_diam_um), NucleusFlag.CLUMP),
        (table.focus < limits.min_focus, NucleusFlag.OUT_OF_FOCUS),
        (table.saturated > limits.max_saturated, NucleusFlag.SATURATED),
    ]
    for broken, flag in rules:
        flags[broken] |= int(flag)
    return flags


def _largest_single(table: NucleusTable, tumour_sized: npt.NDArray[np.bool_]) -> float:
    """Return the largest area of a single nucleus; infinity with few nuclei to compare with.

    Clumps without a bay in their outline pass the limit of solidity; their size gives them away.
    """
    if tumour_sized.sum() < _ENOUGH:
        return np.inf
    return CLUMP_AREA * float(np.median(table.area_um2[tumour_sized]))


def _border_ids(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    if labels.size == 0:
        return np.empty(0, np.int32)
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    return np.unique(np.concatenate(edges))
