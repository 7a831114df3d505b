"""What one field of the grid contributes to its slide, small enough to travel and to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from alkfish.model.result import FieldResult
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.window import Window
from alkfish.slides.grid import GridField
from alkfish.slides.runs import pack_runs, split_runs

SEAM_PX = 16
"""Nuclei so little outside a core are handed in too: seen from next door their centroid may
move."""

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class FieldPart:
    """Nuclei, spots and outlines of one field of the grid, in slide coordinates.

    Attributes
    ----------
    number : int
        The field's number in the grid.
    core : Window
        What the field owns.
    nuclei : NucleusRecords
        Nuclei whose centroid lies in the core, or at most `SEAM_PX` outside.
    spots : SpotRecords
        Spots of these nuclei, and spots of the core that belong to no nucleus.
    blocks : mapping of (row, column) to bytes
        Runs of these nuclei by block of the slide, packed (see `alkfish.slides.runs`); blocks
        without any are left out.
    saturated : tuple of int
        Pixels of the core at the top of the camera's range, 3' and 5' channel.
    """

    number: int
    core: Window
    nuclei: NucleusRecords
    spots: SpotRecords
    blocks: Mapping[tuple[int, int], bytes]
    saturated: tuple[int, int] = (0, 0)

    @property
    def n_owned(self) -> int:
        """Number of nuclei whose centroid lies in the core."""
        return int(self.core.contains(self.nuclei.y_px, self.nuclei.x_px).sum())


def cut_part(
    result: FieldResult, runs: Ints, field: GridField, *, saturated: tuple[int, int] = (0, 0)
) -> FieldPart:
    """Return what a scored field contributes: its own nuclei and spots, none of its halo.

    Parameters
    ----------
    result : FieldResult
        Result of the field's window; its labels are not looked at.
    runs : ndarray of int32, shape (N, 4)
        Label, y, first and last x of every stretch of equal labels in a row of them.
    field : GridField
        Its place in the grid.
    saturated : tuple of int
        See `FieldPart`.
    """
    top, left = field.window.top, field.window.left
    nuclei = replace(result.nuclei, y_px=result.nuclei.y_px + top, x_px=result.nuclei.x_px + left)
    spots = replace(result.spots, y_px=result.spots.y_px + top, x_px=result.spots.x_px + left)
    near = field.core.contains(nuclei.y_px, nuclei.x_px, margin_px=SEAM_PX)
    kept = np.zeros(int(nuclei.nucleus_id.max(initial=0)) + 1, np.bool_)
    kept[nuclei.nucleus_id[near]] = True
    free = (spots.nucleus_id == 0) & field.core.contains(spots.y_px, spots.x_px)
    return FieldPart(
        number=field.number,
        core=field.core,
        nuclei=nuclei.take(near),
        spots=spots.take(free | kept[spots.nucleus_id]),
        blocks=_blocks(runs[kept[runs[:, 0]]], top, left),
        saturated=saturated,
    )


def _blocks(runs: Ints, top: int, left: int) -> dict[tuple[int, int], bytes]:
    placed = runs + np.array([0, top, left, left], np.int32)
    return {place: pack_runs(found) for place, found in split_runs(placed)}
