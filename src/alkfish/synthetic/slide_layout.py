"""Where tissue and nuclei of a simulated slide lie, drawn block by block.

Every block has seeds of its own and is filled in a fixed order, each keeping clear of the nuclei
of the blocks before it: the slide does not depend on how it is cut for rendering or reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from alkfish.io.slide_writer import BLOCK_PX
from alkfish.model.probe import Colour
from alkfish.synthetic.layout import (
    TRIES,
    Nucleus,
    draw_nucleus,
    is_free,
    place_beside,
)
from alkfish.synthetic.levels import Level
from alkfish.synthetic.loci import Genome, PatternMix, draw_genome, draw_spots
from alkfish.synthetic.optics import grain
from alkfish.synthetic.truth import SpotGroup, group_spots, read_pattern

LAYOUT, BIOLOGY, SPECKS, CAMERA, TEXTURE, TISSUE = range(10, 16)
"""Streams of random numbers of a slide; those of fields begin at 0."""

_CELL_PX = 64
_NEAR_UM = 40.0
"""Two nuclei whose centres are further apart never touch."""


@dataclass(frozen=True, eq=False)
class TissueMap:
    """Share of tissue, 0 to 1, on a coarse grid; its contour at one half is the tissue's edge.

    Attributes
    ----------
    weight : ndarray of float32, shape (h, w)
        One value per 64 x 64 px, with one cell more on each side.
    """

    weight: npt.NDArray[np.float32]

    def at(self, y_px: npt.ArrayLike, x_px: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the weight at points, shape (N,), between the cells' centres interpolated."""
        row, dy = self._place(y_px, 0)
        column, dx = self._place(x_px, 1)
        w = self.weight
        upper = w[row, column] * (1 - dx) + w[row, column + 1] * dx
        lower = w[row + 1, column] * (1 - dx) + w[row + 1, column + 1] * dx
        return np.asarray(upper * (1 - dy) + lower * dy, np.float32)

    def window(self, top: int, left: int, size: int) -> npt.NDArray[np.float32]:
        """Return the weight of a square window of pixels, shape (size, size) or (1, 1) if even."""
        row, dy = self._place(np.arange(top, top + size), 0)
        column, dx = self._place(np.arange(left, left + size), 1)
        w = self.weight[row[0] : row[-1] + 2, column[0] : column[-1] + 2]
        if w.min() == w.max():
            return np.full((1, 1), w.min(), np.float32)
        row, column = row - row[0], column - column[0]
        lines = w[row] * (1 - dy)[:, None] + w[row + 1] * dy[:, None]
        return np.asarray(lines[:, column] * (1 - dx) + lines[:, column + 1] * dx, np.float32)

    def _place(
        self, position_px: npt.ArrayLike, axis: int
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        place = (np.asarray(position_px, np.float64) + 0.5) / _CELL_PX + 0.5
        place = np.clip(place, 0.0, self.weight.shape[axis] - 1.001)
        cell = np.floor(place).astype(np.intp)
        return cell, (place - cell).astype(np.float32)


def draw_tissue(seed: int, shape: tuple[int, int], share: float) -> TissueMap:
    """Draw irregular regions that cover `share` of the slide and seldom reach its edge.

    Parameters
    ----------
    seed : int
        Seed of the slide.
    shape : tuple of int
        Height and width in pixels.
    share : float
        0 for glass alone, 1 for tissue everywhere.
    """
    cells = (-(-shape[0] // _CELL_PX) + 2, -(-shape[1] // _CELL_PX) + 2)
    if share >= 1.0 or share <= 0.0:
        return TissueMap(np.full(cells, float(share >= 1.0), np.float32))
    rng, longest = np.random.default_rng([seed, TISSUE]), max(cells)
    value = grain(rng, cells, longest / 12) + 0.4 * grain(rng, cells, max(longest / 45, 0.6))
    reach = [np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.12 * n) for n in cells]
    edge = np.minimum(reach[0][:, None], reach[1][None, :])
    value = value - 1.5 * (1.0 - np.minimum(edge, 1.0))
    rise = (value - np.quantile(value, 1.0 - share)) * longest / 60
    return TissueMap(np.clip(0.5 + rise, 0.0, 1.0).astype(np.float32))


@dataclass(frozen=True, eq=False, kw_only=True)
class SlidePlan:
    """Everything that decides a simulated slide."""

    name: str
    seed: int
    level: Level
    shape: tuple[int, int]
    pixel_size_um: float
    positive_fraction: float
    mix: PatternMix
    separation: str
    three_prime_colour: Colour
    shift_um: tuple[float, float]
    section_um: float
    tissue_share: float
    tissue: TissueMap

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return (-(-self.shape[0] // BLOCK_PX), -(-self.shape[1] // BLOCK_PX))

    @property
    def block_um(self) -> float:
        """Side of a block."""
        return BLOCK_PX * self.pixel_size_um

    def rng(self, stream: int, *place: int) -> np.random.Generator:
        """Return the random numbers of one stream, of one block if a `place` is given."""
        return np.random.default_rng([self.seed, stream, *place])


@dataclass(frozen=True, eq=False)
class PlacedNucleus:
    """A nucleus of the slide, what it carries, and its spots with their numbers."""

    nucleus: Nucleus
    genome: Genome
    group: SpotGroup


class SlideLayout:
    """Nuclei of the slide by block, drawn row by row of blocks.

    Rows must be filled in order; rows that are no longer needed can be dropped.
    """

    def __init__(self, plan: SlidePlan) -> None:
        self._plan = plan
        self._blocks: dict[tuple[int, int], list[PlacedNucleus]] = {}
        self._next_id = self._next_signal = 1
        self.rows_filled = 0

    def fill_row(self) -> None:
        """Draw the next row of blocks, if there is one."""
        row = self.rows_filled
        if row >= self._plan.grid[0]:
            return
        for column in range(self._plan.grid[1]):
            self._blocks[row, column] = self._fill(row, column)
        self.rows_filled += 1

    def drop_row(self, row: int) -> None:
        """Forget a row; a row outside the slide is none."""
        for column in range(self._plan.grid[1]):
            self._blocks.pop((row, column), None)

    def row(self, row: int) -> list[PlacedNucleus]:
        """Return the nuclei of a row of blocks, by id."""
        columns = range(self._plan.grid[1])
        return [placed for column in columns for placed in self._blocks[row, column]]

    def around(self, row: int, column: int) -> list[PlacedNucleus]:
        """Return the nuclei of a block and of its neighbours, by id: lower ones first."""
        places = product((row - 1, row, row + 1), (column - 1, column, column + 1))
        return [placed for place in places for placed in self._blocks.get(place, [])]

    def _fill(self, row: int, column: int) -> list[PlacedNucleus]:
        plan = self._plan
        nuclei = list(_place_block(plan, row, column, self._near(row, column)))
        rng = plan.rng(BIOLOGY, row, column)
        genomes = [
            draw_genome(
                rng, plan.level, is_tumour=nucleus.is_tumour,
                positive_fraction=plan.positive_fraction, mix=plan.mix,
            )
            for nucleus in nuclei
        ]  # fmt: skip
        spots = [
            draw_spots(rng, plan.level, nucleus, genome, separation=plan.separation)
            for nucleus, genome in zip(nuclei, genomes, strict=True)
        ]
        ids = range(self._next_id, self._next_id + len(nuclei))
        readings = [read_pattern(one) for one in spots]
        groups = group_spots(nuclei, spots, readings, ids, first_signal=self._next_signal)
        self._next_id += len(nuclei)
        self._next_signal = groups[-1].next_signal if groups else self._next_signal
        return [PlacedNucleus(*one) for one in zip(nuclei, genomes, groups, strict=True)]

    def _near(self, row: int, column: int) -> list[Nucleus]:
        """Return the nuclei of other blocks that may touch one of this block."""
        side = self._plan.block_um
        low_y, low_x = row * side - _NEAR_UM, column * side - _NEAR_UM
        high_y, high_x = low_y + side + 2 * _NEAR_UM, low_x + side + 2 * _NEAR_UM
        nuclei = [placed.nucleus for placed in self.around(row, column)]
        return [n for n in nuclei if low_y <= n.y <= high_y and low_x <= n.x <= high_x]


def _place_block(
    plan: SlidePlan, row: int, column: int, near: Sequence[Nucleus]
) -> Iterator[Nucleus]:
    """Yield the nuclei whose centres lie in one block, lowest first."""
    rng = plan.rng(LAYOUT, row, column)
    box = _block_box(plan, row, column)
    placed = list(near)
    wanted = plan.level.coverage * _tissue_um2(plan, box)
    covered, failures = 0.0, 0
    while covered < wanted and failures < 25:
        drawn = draw_nucleus(rng, plan.level, plan.section_um)
        nucleus = _place_one(rng, plan, drawn, placed, box)
        if nucleus is None:
            failures += 1
            continue
        placed.append(nucleus)
        covered += np.pi * (nucleus.profile_radius * nucleus.visible_share) ** 2
        yield nucleus


def _block_box(plan: SlidePlan, row: int, column: int) -> tuple[float, float, float, float]:
    """Return top, left, bottom and right of a block in um, cut at the edge of the slide."""
    size, side = plan.pixel_size_um, plan.block_um
    top, left = row * side, column * side
    bottom, right = min(top + side, plan.shape[0] * size), min(left + side, plan.shape[1] * size)
    return top, left, bottom, right


def _tissue_um2(plan: SlidePlan, box: tuple[float, float, float, float]) -> float:
    top, left, bottom, right = box
    y = np.linspace(top, bottom, 33)[:-1] + (bottom - top) / 64
    x = np.linspace(left, right, 33)[:-1] + (right - left) / 64
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    inside = plan.tissue.at(grid_y / plan.pixel_size_um, grid_x / plan.pixel_size_um) >= 0.5
    return float(inside.mean()) * (bottom - top) * (right - left)


def _place_one(
    rng: np.random.Generator, plan: SlidePlan, nucleus: Nucleus, placed: list[Nucleus],
    box: tuple[float, float, float, float],
) -> Nucleus | None:  # fmt: skip
    choice, level = rng.random(), plan.level
    overlaps = choice < level.overlapping_share
    is_beside = choice < level.overlapping_share + level.touching_share
    top, left, bottom, right = box
    for _ in range(TRIES):
        partner = int(rng.integers(len(placed))) if is_beside and placed else -1
        if partner >= 0:
            moved = place_beside(rng, nucleus, placed[partner], overlaps=overlaps)
        else:
            moved = nucleus.moved(float(rng.uniform(top, bottom)), float(rng.uniform(left, right)))
        is_inside = top <= moved.y < bottom and left <= moved.x < right
        if is_inside and _is_tissue(plan, moved) and _is_clear(moved, placed, partner):
            return moved
    return None


def _is_tissue(plan: SlidePlan, nucleus: Nucleus) -> bool:
    size = plan.pixel_size_um
    return bool(plan.tissue.at(nucleus.y / size, nucleus.x / size) >= 0.5)


def _is_clear(nucleus: Nucleus, placed: list[Nucleus], partner: int) -> bool:
    """Return `is_free` among those near enough to matter."""
    near = [
        index
        for index, other in enumerate(placed)
        if abs(other.y - nucleus.y) < _NEAR_UM and abs(other.x - nucleus.x) < _NEAR_UM
    ]
    own = near.index(partner) if partner in near else -1
    return is_free(nucleus, [placed[index] for index in near], own)
