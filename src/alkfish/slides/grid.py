"""The grid of a slide: fields with a halo, and tiles of fields as units of work."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from alkfish.model.window import Window

CORE_PX = 4096
"""Typical side of a field of the grid without its halo, for a single plane."""

MIN_CORE_PX = 1024
"""Smallest side of fields of deep stacks, whose cores shrink to keep memory flat."""

ALIGN_PX = 64
"""Cores and windows begin at multiples of it."""

TILE_PX = 512
"""Windows of large fields begin at multiples of it: usual tiles of slides are then read whole."""


@dataclass(frozen=True)
class GridField:
    """One field of the grid.

    Attributes
    ----------
    number : int
        Place in the grid, row by row, from 0.
    row, column : int
        The same as row and column of the grid.
    core : Window
        What the field owns; the cores tile the slide.
    window : Window
        What is read: the core, or the part of it that has tissue, with a halo, cut at the edges of
        the slide.
    """

    number: int
    row: int
    column: int
    core: Window
    window: Window


def halo_px(pixel_size_um: float, largest_diam_um: float) -> int:
    """Return the halo of a field: wider than the largest nucleus, a multiple of `ALIGN_PX`."""
    return ALIGN_PX * (int(largest_diam_um / pixel_size_um) // ALIGN_PX + 1)


def core_px(n_planes: int = 1) -> int:
    """Return the typical side of a core; smaller for stacks, so that memory stays flat."""
    side = int(CORE_PX / math.sqrt(max(1, n_planes)))
    return max(MIN_CORE_PX, ALIGN_PX * (side // ALIGN_PX))


def is_slide(shape: tuple[int, int], *, n_planes: int = 1) -> bool:
    """Return whether a picture is too large for one field, and is scored as a grid."""
    return any(len(_edges(length, core_px(n_planes))) > 2 for length in shape)


def make_grid(
    shape: tuple[int, int], *, halo: int, n_planes: int = 1
) -> tuple[tuple[GridField, ...], ...]:
    """Return the rows of the grid of a slide.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the slide in pixels.
    halo : int
        Margin in pixels round each core.
    n_planes : int
        Focus planes of the slide.

    Returns
    -------
    tuple of tuple of GridField
        Fields by row and column. Their cores tile the slide without gap or overlap.
    """
    side = core_px(n_planes)
    ys, xs = (_edges(length, side, halo) for length in shape)
    rows = []
    for row, (top, bottom) in enumerate(itertools.pairwise(ys)):
        fields = []
        for column, (left, right) in enumerate(itertools.pairwise(xs)):
            core = Window(top, left, bottom - top, right - left)
            number = row * (len(xs) - 1) + column
            fields.append(GridField(number, row, column, core, core.grown(halo, shape)))
        rows.append(tuple(fields))
    return tuple(rows)


def make_tiles(fields: Sequence[GridField], fields_per_side: int) -> list[tuple[GridField, ...]]:
    """Return the units of work: squares of up to `fields_per_side` squared fields, in grid order.

    How fields are grouped changes how often a worker is asked, and nothing else.
    """
    tiles: dict[tuple[int, int], list[GridField]] = defaultdict(list)
    for field in fields:
        tiles[field.row // fields_per_side, field.column // fields_per_side].append(field)
    return [tuple(tiles[key]) for key in sorted(tiles)]


def _edges(length: int, side: int, halo: int = 0) -> list[int]:
    """Return where cores begin and end along one axis, none much smaller than the others."""
    count = max(1, round(length / side))
    step = TILE_PX if side >= 4 * TILE_PX else ALIGN_PX
    inner = [step * round((length * k / count - halo) / step) + halo for k in range(1, count)]
    return [0, *inner, length]
