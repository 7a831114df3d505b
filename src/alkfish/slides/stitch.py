"""From the parts of a slide to its tables and its label image: nothing lost, nothing twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.slides.parts import SEAM_PX, FieldPart
from alkfish.slides.runs import BLOCK_PX, paint_runs, unpack_runs

SAME_NUCLEUS = 0.5
"""Nuclei of two fields whose centroids lie closer than this share of a radius are the same one."""

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Stitched:
    """Tables of a slide, numbered through.

    Attributes
    ----------
    nuclei : NucleusRecords
        In order of y, then x; ``nucleus_id`` counts from 1.
    spots : SpotRecords
        3' before 5', each in order of y, then x; ``spot_id`` counts from 1.
    numbers : mapping of int to ndarray of int32
        For each field of the grid the new id of each of its own ids; 0 where it was dropped.
    """

    nuclei: NucleusRecords
    spots: SpotRecords
    numbers: Mapping[int, Ints]


def stitch_parts(parts: Sequence[FieldPart], *, pixel_size_um: float) -> Stitched:
    """Join the parts of a slide.

    A nucleus belongs to the field whose core holds its centroid. Next to a seam two fields may
    place the same nucleus a little differently, so that both or neither would own it; there the
    lower field number decides.

    Parameters
    ----------
    parts : sequence of FieldPart
        Of all fields with tissue, in any order.
    pixel_size_um : float
        Pixel size.
    """
    ordered = sorted(parts, key=lambda part: part.number)
    field = _repeat([part.number for part in ordered], [len(part.nuclei) for part in ordered])
    nuclei = NucleusRecords.concatenate([part.nuclei for part in ordered])
    owned = np.concatenate(
        [np.empty(0, bool), *(p.core.contains(p.nuclei.y_px, p.nuclei.x_px) for p in ordered)]
    )
    keep = _settle_seams(nuclei, field, owned, ordered, pixel_size_um)
    rows = np.flatnonzero(keep)
    rows = rows[np.lexsort((field[rows], nuclei.x_px[rows], nuclei.y_px[rows]))]
    numbers = {
        part.number: np.zeros(int(part.nuclei.nucleus_id.max(initial=0)) + 1, np.int32)
        for part in ordered
    }
    for new_id, row in enumerate(rows.tolist(), start=1):
        numbers[int(field[row])][nuclei.nucleus_id[row]] = new_id
    spots, new_spot_ids = _join_spots(ordered, numbers)
    decisive = np.array(
        [
            new_spot_ids.get((number, spot), 0)
            for number, spot in zip(
                field[rows].tolist(), nuclei.decisive_spot[rows].tolist(), strict=True
            )
        ],
        np.int32,
    )
    kept = replace(
        nuclei.take(rows),
        nucleus_id=np.arange(1, len(rows) + 1, dtype=np.int32),
        decisive_spot=decisive,
    )
    return Stitched(kept, spots, numbers)


def _settle_seams(
    nuclei: NucleusRecords, field: Ints, owned: Bools, parts: Sequence[FieldPart],
    pixel_size_um: float,
) -> Bools:  # fmt: skip
    """Return which nuclei stay: those owned, with one row per nucleus where fields disagree."""
    keep = owned.copy()
    near = np.flatnonzero(_near_seams(nuclei, field, parts))
    if len(near) == 0:
        return keep
    radius_px = np.sqrt(nuclei.area_um2 / np.pi) / pixel_size_um
    points = np.stack([nuclei.y_px[near], nuclei.x_px[near]], axis=1)
    reach = SAME_NUCLEUS * float(radius_px[near].max())
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    one, other = near[pairs].T if len(pairs) else (np.empty(0, int), np.empty(0, int))
    gap = np.hypot(nuclei.y_px[one] - nuclei.y_px[other], nuclei.x_px[one] - nuclei.x_px[other])
    same = (field[one] != field[other]) & (
        gap < SAME_NUCLEUS * np.minimum(radius_px[one], radius_px[other])
    )
    for first, second in sorted(zip(one[same].tolist(), other[same].tolist(), strict=True)):
        if owned[first] == owned[second]:
            keep[first], keep[second] = True, False
    return keep


def _near_seams(nuclei: NucleusRecords, field: Ints, parts: Sequence[FieldPart]) -> Bools:
    """Return which nuclei lie so near the edge of their core that a neighbour has them too."""
    near = np.zeros(len(nuclei), bool)
    for part in parts:
        rows = np.flatnonzero(field == part.number)
        inside = part.core.contains(nuclei.y_px[rows], nuclei.x_px[rows], margin_px=-SEAM_PX)
        near[rows] = ~inside
    return near


def _join_spots(
    parts: Sequence[FieldPart], numbers: Mapping[int, Ints]
) -> tuple[SpotRecords, dict[tuple[int, int], int]]:
    """Return the spots of all kept nuclei and of none, and the new id of each old one."""
    tables, fields = [], []
    for part in parts:
        new_nucleus = numbers[part.number][part.spots.nucleus_id]
        table = replace(part.spots, nucleus_id=new_nucleus)
        stays = (new_nucleus > 0) | (part.spots.nucleus_id == 0)
        tables.append(table.take(stays))
        fields.append(np.full(int(stays.sum()), part.number, np.int32))
    spots = SpotRecords.concatenate(tables)
    field = np.concatenate([np.empty(0, np.int32), *fields])
    is_5p = spots.end == "5p"
    order = np.lexsort((field, spots.x_px, spots.y_px, is_5p))
    spots, field = spots.take(order), field[order]
    new_ids = {
        key: number
        for number, key in enumerate(
            zip(field.tolist(), spots.spot_id.tolist(), strict=True), start=1
        )
    }
    return replace(
        spots,
        spot_id=np.arange(1, len(spots) + 1, dtype=np.int32),
        signal_id=_renumber(field, spots.signal_id),
    ), new_ids


def _renumber(field: Ints, signal_id: Ints) -> Ints:
    """Return signal ids that are unique within the slide, in order of first appearance."""
    new = np.zeros(len(signal_id), np.int32)
    seen: dict[tuple[int, int], int] = {}
    for row in np.flatnonzero(signal_id > 0).tolist():
        key = int(field[row]), int(signal_id[row])
        new[row] = seen.setdefault(key, len(seen) + 1)
    return new


def _repeat(values: Sequence[int], counts: Sequence[int]) -> Ints:
    return np.repeat(np.array(values, np.int32), np.array(counts, np.int64))


class SlideLabels:
    """The label image of a slide, painted from the outlines of its parts where it is looked at.

    Behaves like an int32 array of shape (H, W) that is cut with two slices. Where the outlines of
    two fields overlap, the lower field number wins.

    Parameters
    ----------
    parts : sequence of FieldPart
        Of all fields with tissue; their packed outlines are kept.
    shape : tuple of int
        Height and width of the slide.
    numbers : mapping
        From `Stitched`.
    """

    dtype = np.dtype(np.int32)
    ndim = 2

    def __init__(
        self, parts: Sequence[FieldPart], shape: tuple[int, int], numbers: Mapping[int, Ints]
    ) -> None:
        self.shape = shape
        self._numbers = dict(numbers)
        self._packed: dict[tuple[int, int], list[tuple[int, bytes]]] = defaultdict(list)
        for part in sorted(parts, key=lambda part: part.number):
            for place, data in part.blocks.items():
                self._packed[place].append((part.number, data))

    def __getitem__(self, key: tuple[slice, slice]) -> Ints:
        (top, bottom, _), (left, right, _) = (
            part.indices(length) for part, length in zip(key, self.shape, strict=True)
        )
        out = np.zeros((max(0, bottom - top), max(0, right - left)), np.int32)
        if out.size == 0:
            return out
        for row in range(top // BLOCK_PX, (bottom - 1) // BLOCK_PX + 1):
            for column in range(left // BLOCK_PX, (right - 1) // BLOCK_PX + 1):
                y, x = row * BLOCK_PX - top, column * BLOCK_PX - left
                for number, data in self._packed.get((row, column), ()):
                    paint_runs(out, unpack_runs(data), self._numbers[number], y, x)
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return the whole image; for small slides only."""
        whole = self[:, :]
        return whole if dtype is None else whole.astype(dtype)
