"""Simulated slides far larger than memory: a pyramidal picture and its truth, band by band."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import ScorableConfig
from alkfish.errors import InputError
from alkfish.io.labels import LabelWriter
from alkfish.io.slide_writer import BLOCK_PX, SlideWriter
from alkfish.io.tables import write_table
from alkfish.model.probe import Colour
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.synthetic.case import (
    FLUOROPHORES,
    describe_truth,
    draw_mix,
    draw_positive_fraction,
    make_case_folders,
    write_record,
)
from alkfish.synthetic.levels import Level, as_level
from alkfish.synthetic.loci import PatternMix
from alkfish.synthetic.slide_layout import (
    TISSUE,
    PlacedNucleus,
    SlideLayout,
    SlidePlan,
    draw_tissue,
)
from alkfish.synthetic.slide_light import (
    GLASS_LIGHT,
    GLASS_SPECKS,
    TEXTURE_PX,
    BlockPainter,
    BlockTruth,
)
from alkfish.synthetic.truth import (
    Geometry,
    TruthNuclei,
    biology_rows,
    nucleus_flags,
    nucleus_rows,
    spot_rows,
)

SLIDE_SIDE_PX = (512, 262_144)
"""Smallest and largest side of a simulated slide."""

Progress = Callable[[int, int], None]
"""Told the blocks done and the blocks of the slide."""


@dataclass(frozen=True)
class SimulatedSlide:
    """Files of a simulated slide.

    Attributes
    ----------
    path : Path
        The picture, ``OUT/<case>/<case>.ome.tif``.
    truth_dir : Path
        ``OUT/truth/<case>``.
    truth : dict
        Content of ``truth.json``.
    """

    path: Path
    truth_dir: Path
    truth: dict[str, Any]


def plan_slide(
    level: str | Level = "typical", *, seed: int, shape: tuple[int, int], tissue: float = 0.5,
    pixel_size_um: float = 0.1, positive_fraction: float | None = None, positive: bool = True,
    mix: PatternMix | None = None, separation: str = "clinical",
    three_prime_colour: Colour = Colour.RED, case_id: str = "",
) -> SlidePlan:  # fmt: skip
    """Decide everything about a slide but its pixels.

    Parameters
    ----------
    level, seed, pixel_size_um, separation, three_prime_colour
        As in `simulate_field`.
    shape : tuple of int
        Height and width in pixels.
    tissue : float
        Share of the slide that is tissue, 0 to 1; the rest is glass.
    positive_fraction, positive, mix, case_id
        As in `simulate_case`; they are drawn alike.

    Raises
    ------
    InputError
        If the level is unknown, or a share or the shape is impossible.
    """
    figures = as_level(level)
    rng = np.random.default_rng([seed, 0])
    drawn_fraction, drawn_mix = draw_positive_fraction(rng, positive=positive), draw_mix(rng)
    fraction = drawn_fraction if positive_fraction is None else positive_fraction
    _check(shape, tissue, fraction)
    theta = np.random.default_rng([seed, 99]).uniform(0, 2 * np.pi)
    section = np.random.default_rng([seed, TISSUE, 1]).normal(*figures.section_um)
    return SlidePlan(
        name=case_id or f"{figures.name}_slide_{seed:03d}", seed=seed, level=figures, shape=shape,
        pixel_size_um=pixel_size_um, positive_fraction=fraction, mix=mix or drawn_mix,
        separation=separation, three_prime_colour=three_prime_colour,
        shift_um=(figures.shift_um * float(np.sin(theta)), figures.shift_um * float(np.cos(theta))),
        section_um=float(np.clip(section, 3.0, 8.0)), tissue_share=tissue,
        tissue=draw_tissue(seed, shape, tissue),
    )  # fmt: skip


def write_slide(
    plan: SlidePlan, out_dir: str | Path, *, pyramid: bool = True, workers: int = 2,
    on_progress: Progress | None = None,
) -> SimulatedSlide:  # fmt: skip
    """Simulate a slide and write picture and truth, block by block.

    ``OUT/<case>/<case>.ome.tif`` is the picture; ``OUT/truth/<case>/`` holds the truth in the form
    that `write_case` writes: one field named as the file.

    Parameters
    ----------
    plan : SlidePlan
        What to simulate (`plan_slide`).
    out_dir : path-like
        Folder to write into; made if need be. It needs about twice the room of the picture.
    pyramid : bool
        Whether the picture has lower levels.
    workers : int
        Threads. The files do not depend on it.
    on_progress : callable, optional
        Called after each row of blocks.

    Raises
    ------
    OutputError
        If the case exists there already, or the files cannot be written. Nothing is left then.
    """
    images, truth = make_case_folders(out_dir, plan.name)
    path = images / f"{plan.name}.ome.tif"
    names = ["DAPI", *(FLUOROPHORES[colour] for colour in (Colour.RED, Colour.GREEN))]
    said = f"simulated, not a specimen; level {plan.level.name}, seed {plan.seed}"
    try:
        labels = LabelWriter(truth / "labels.zarr", plan.shape, plan.pixel_size_um, plan.name)
        with SlideWriter(
            path, (3, *plan.shape), channel_names=names, pixel_size_um=plan.pixel_size_um,
            name=plan.name, description=said, pyramid=pyramid,
        ) as picture:  # fmt: skip
            tables = _simulate(plan, picture, labels, workers, on_progress or _no_progress)
        labels.build_pyramid()
        record = _write_truth(plan, tables, truth)
    except BaseException:
        for folder in (images, truth):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return SimulatedSlide(path, truth, record)


@dataclass
class _Sums:
    """Sums over pixels per nucleus, indexed by its id; filled block by block."""

    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((1024, 5)))
    on_border: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1024, np.bool_))

    def add(self, part: BlockTruth) -> None:
        """Add what one block saw."""
        while len(part.ids) and part.ids.max() >= len(self.values):
            self.values = np.concatenate([self.values, np.zeros_like(self.values)])
            self.on_border = np.concatenate([self.on_border, np.zeros_like(self.on_border)])
        columns = (part.area_px, part.sum_y_px, part.sum_x_px, part.outline_px, part.shared_px)
        self.values[part.ids] += np.stack(columns, axis=1)
        self.on_border[part.ids] |= part.on_border

    def geometry(self, ids: npt.NDArray[np.int32], pixel_size_um: float) -> Geometry:
        """Return where the nuclei `ids` lie."""
        area, y, x = self.values[ids, :3].T
        safe = np.maximum(area, 1.0)
        return Geometry(
            area.astype(np.int64), y / safe, x / safe, self.on_border[ids], pixel_size_um
        )

    def hidden(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """Return the shares of outlines that are shared with other nuclei."""
        outline, shared = self.values[ids, 3:].T
        return np.asarray(shared / np.maximum(outline, 1.0))


@dataclass
class _Tables:
    """Parts of the truth's tables, one per row of blocks."""

    nuclei: list[NucleusRecords] = field(default_factory=list)
    biology: list[TruthNuclei] = field(default_factory=list)
    spots: list[npt.NDArray[np.float64]] = field(default_factory=list)


def _simulate(
    plan: SlidePlan, picture: SlideWriter, labels: LabelWriter, workers: int, report: Progress
) -> _Tables:
    """Paint and write all blocks; the rows of nuclei follow when no block can change them."""
    layout, painter = SlideLayout(plan), BlockPainter(plan)
    sums, tables, (n_rows, n_columns) = _Sums(), _Tables(), plan.grid

    def paint(row: int, column: int) -> tuple[npt.NDArray[np.float64], BlockTruth]:
        block = painter.paint(row, column, layout.around(row, column))
        picture.write(row * BLOCK_PX, column * BLOCK_PX, block.planes)
        labels.write(row * BLOCK_PX, column * BLOCK_PX, block.labels)
        return block.spots, block.nuclei

    layout.fill_row()
    layout.fill_row()
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for row in range(n_rows):
            jobs = [pool.submit(paint, row, column) for column in range(n_columns)]
            ahead = pool.submit(layout.fill_row)
            for job in jobs:
                spots, part = job.result()
                tables.spots.append(spots)
                sums.add(part)
            ahead.result()
            _finish_rows(plan, layout, sums, tables, row)
            report((row + 1) * n_columns, n_rows * n_columns)
    return tables


def _finish_rows(
    plan: SlidePlan, layout: SlideLayout, sums: _Sums, tables: _Tables, painted: int
) -> None:
    """Add the nuclei whose blocks are all painted: those of the row above, at the end of all."""
    is_last = painted == plan.grid[0] - 1
    for row in ([painted - 1] if painted else []) + ([painted] if is_last else []):
        nuclei, biology = _rows(plan, layout.row(row), sums)
        tables.nuclei.append(nuclei)
        tables.biology.append(biology)
    layout.drop_row(painted - 1)


def _rows(
    plan: SlidePlan, placed: Sequence[PlacedNucleus], sums: _Sums
) -> tuple[NucleusRecords, TruthNuclei]:
    """Return the rows of nuclei; those wholly hidden or outside have none."""
    ids = np.array([one.group.nucleus_id for one in placed], np.int32)
    geometry, hidden = sums.geometry(ids, plan.pixel_size_um), sums.hidden(ids)
    readings = [one.group.reading for one in placed]
    smallest = ScorableConfig().min_diam_um
    flags = [
        nucleus_flags(
            readings[i], geometry, i, overlap=float(hidden[i]), min_diam_um=smallest
        )
        for i in range(len(placed))
    ]  # fmt: skip
    order = np.flatnonzero(geometry.area_px > 0)
    nuclei, genomes = [one.nucleus for one in placed], [one.genome for one in placed]
    return (
        nucleus_rows(plan.name, order, ids[order], geometry, readings, flags),
        biology_rows(plan.name, order, ids[order], nuclei, genomes, hidden),
    )


def _write_truth(plan: SlidePlan, tables: _Tables, truth: Path) -> dict[str, Any]:
    nuclei = NucleusRecords.concatenate(tables.nuclei)
    spots: SpotRecords = spot_rows(
        plan.name, np.concatenate([np.empty((0, 9)), *tables.spots]), plan.pixel_size_um
    )
    write_table(nuclei, truth / "nuclei.parquet")
    write_table(spots, truth / "spots.parquet")
    write_table(TruthNuclei.concatenate(tables.biology), truth / "biology.parquet")
    record = describe_truth(
        case_id=plan.name, seed=plan.seed, level=plan.level,
        positive_fraction=plan.positive_fraction, mix=plan.mix, separation=plan.separation,
        three_prime_colour=plan.three_prime_colour, pixel_size_um=plan.pixel_size_um,
        shift_um=plan.shift_um, fields=[plan.name], nuclei=nuclei,
    )  # fmt: skip
    record["slide"] = {
        "shape": list(plan.shape),
        "tissue": plan.tissue_share,
        "section_um": plan.section_um,
        "block_px": BLOCK_PX,
        "glass_light": GLASS_LIGHT,
        "glass_specks": GLASS_SPECKS,
        "simplified": (
            "every nucleus, spot, speck and the camera noise of every pixel are drawn anew; waves "
            f"of chromatin and background repeat every {TEXTURE_PX} px; no vignetting; shot noise "
            "is normal with the skewness of Poisson noise"
        ),
    }
    write_record(record, truth)
    return record


def _check(shape: tuple[int, int], tissue: float, positive_fraction: float) -> None:
    low, high = SLIDE_SIDE_PX
    if not low <= min(shape) <= max(shape) <= high:
        raise InputError(
            "the size of a simulated slide is out of range",
            found=f"{shape[0]} x {shape[1]} px",
            allowed=f"sides of {low} to {high} px",
        )
    for words, share in (("share of tissue", tissue), ("positive fraction", positive_fraction)):
        if not 0.0 <= share <= 1.0:
            raise InputError(f"the {words} must be a share", found=share, allowed="0 to 1")


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def default_workers() -> int:
    """Return the threads that pay off on this machine."""
    return max(1, min(8, os.cpu_count() or 1))
