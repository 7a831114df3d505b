"""A whole slide: what belongs to all of it, then field by field, then one result."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from alkfish._version import __version__
from alkfish.config import Config
from alkfish.detect import saturation_level
from alkfish.io.geojson import Regions
from alkfish.io.images import FieldSource
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import FieldResult
from alkfish.pipeline.correction import ChannelCorrection
from alkfish.pipeline.field import (
    FieldFindings,
    FieldModel,
    analyse_fov,
    mark_outside,
    score_findings,
)
from alkfish.pipeline.slide_sample import measure_sample
from alkfish.score.qc import ChannelFigures, channel_qc, field_qc
from alkfish.segment.runs import list_runs
from alkfish.slides import (
    FieldPart,
    GridField,
    PartStore,
    SlideLabels,
    TissueMap,
    cut_part,
    find_tissue,
    make_grid,
    make_tiles,
    sample_windows,
    stitch_parts,
)
from alkfish.slides.grid import halo_px

NO_OVERVIEW = "the slide has no small picture of itself: empty areas could not be skipped"


class Executor(Protocol):
    """What spreads tasks over workers; see `alkfish.execute`."""

    def run(self, task: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the number and the result of each item as it is done, in any order."""


def run_here(task: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Do one item after the other, here."""
    for number, item in enumerate(items):
        yield number, task(item)


@dataclass(frozen=True)
class SlideProgress:
    """How far a slide is: pixels of one plane, fields and nuclei, done and in all."""

    fields_done: int
    fields_total: int
    pixels_done: int
    pixels_total: int
    n_nuclei: int
    resumed: int = 0


@dataclass(frozen=True)
class SlideSetting:
    """What was estimated once for a slide, and what all of its fields are scored with.

    It travels to the workers, which open the slide themselves.
    """

    source: FieldSource
    model: FieldModel
    correction: ChannelCorrection
    probe: ProbeProfile
    config: Config
    regions: Regions | None = None

    def score(self, field: GridField) -> FieldPart:
        """Score one field of the grid."""
        window = field.window
        fov = self.source.load_region(window.top, window.left, window.height, window.width)
        findings = analyse_fov(
            fov, config=self.config, model=self.model, origin_px=(window.top, window.left)
        )
        if self.regions is not None:
            findings = mark_outside(findings, self.regions, top=window.top, left=window.left)
        result = score_findings(
            findings, correction=self.correction, probe=self.probe, config=self.config
        )
        runs = list_runs(findings.nuclei.labels)
        return cut_part(result, runs, field, saturated=_saturated(fov, findings, field))

    def score_tile(self, tile: Sequence[GridField]) -> list[FieldPart]:
        """Score the fields of one unit of work."""
        return [self.score(field) for field in tile]


def score_slide(
    source: FieldSource,
    *,
    probe: ProbeProfile,
    config: Config,
    executor: Executor | None = None,
    folder: Path | None = None,
    regions: Regions | None = None,
    tile_fields: int = 1,
    on_progress: Callable[[SlideProgress], None] | None = None,
) -> FieldResult:
    """Score a slide as a grid of fields with a halo.

    A run that was stopped goes on from the finished fields in `folder`. The result depends neither
    on `executor` nor on `tile_fields`.

    Parameters
    ----------
    source : FieldSource
        The slide; only windows of it are read.
    probe : ProbeProfile
        A confirmed profile.
    config : Config
        Settings.
    executor : Executor, optional
        Spreads the work; None: field after field.
    folder : Path, optional
        Where finished fields are kept until the result is written; the caller removes it. None: a
        temporary folder that is removed at the end.
    regions : Regions, optional
        Outlined areas; nuclei outside are kept, flagged and not counted.
    tile_fields : int
        Side of a unit of work, in fields.
    on_progress : callable, optional
        Called when work begins and after each unit.

    Returns
    -------
    FieldResult
        In slide coordinates. Its labels are painted where they are looked at.
    """
    tissue = find_tissue(source)
    windows = sample_windows(tissue, source.shape)
    run = run_here if executor is None else executor.run
    model, correction, figures = measure_sample(source, windows, config=config, run=run)
    setting = SlideSetting(source, model, correction, probe, config, regions)
    kept_in = Path(tempfile.mkdtemp(prefix="alkfish-")) if folder is None else folder
    store = PartStore(kept_in, _job(setting))
    fields = _fields_with_tissue(source, tissue, config)
    try:
        parts = _score_missing(setting, fields, store, executor, tile_fields, on_progress)
    finally:
        if folder is None:
            store.remove()
    return _assemble(setting, parts, figures, tissue_found=tissue.found)


def _fields_with_tissue(source: FieldSource, tissue: TissueMap, config: Config) -> list[GridField]:
    """Return the fields of the grid that have tissue; no more than the tissue of each is read."""
    halo = halo_px(source.pixel_size_um, config.scorable.max_diam_um)
    grid = make_grid(source.shape, halo=halo, n_planes=source.n_planes)
    boxed = [(field, tissue.box(field.core)) for row in grid for field in row]
    return [
        replace(field, window=box.grown(halo, source.shape)) for field, box in boxed if box.n_pixels
    ]


def _job(setting: SlideSetting) -> dict[str, Any]:
    """Return what the parts of a slide depend on."""
    source = setting.source
    return {
        "version": __version__,
        "config": setting.config.fingerprint(),
        "probe": repr(setting.probe),
        "source": repr(source),
        "files": [[str(path), *_identity(path)] for path in source.paths],
        "regions": None if setting.regions is None else setting.regions.fingerprint(),
    }


def _identity(path: Any) -> list[int]:
    """Return size and time of change of a file; none for what is not a local file."""
    try:
        state = Path(path).stat()
    except (OSError, TypeError):
        return []
    return [state.st_size, state.st_mtime_ns]


def _score_missing(
    setting: SlideSetting, fields: Sequence[GridField], store: PartStore,
    executor: Executor | None, tile_fields: int,
    on_progress: Callable[[SlideProgress], None] | None,
) -> list[FieldPart]:  # fmt: skip
    """Score the fields whose parts are not in the store yet; return the parts of all."""
    kept = [store.read(field.number) for field in fields if store.has(field.number)]
    there = {part.number for part in kept}
    missing = [field for field in fields if field.number not in there]
    left = sum(field.core.n_pixels for field in missing)
    total = sum(field.core.n_pixels for field in fields)
    known, resumed = sum(part.n_owned for part in kept), len(kept)
    state = SlideProgress(resumed, len(fields), total - left, total, known, resumed)

    def tell() -> None:
        if on_progress is not None:
            on_progress(state)

    tell()
    run = run_here if executor is None else executor.run
    for _, parts in run(setting.score_tile, make_tiles(missing, tile_fields)):
        for part in parts:
            store.write(part)
        kept += parts
        state = replace(
            state,
            fields_done=state.fields_done + len(parts),
            pixels_done=state.pixels_done + sum(part.core.n_pixels for part in parts),
            n_nuclei=state.n_nuclei + sum(part.n_owned for part in parts),
        )
        tell()
    return kept


def _assemble(
    setting: SlideSetting, parts: Sequence[FieldPart],
    figures: tuple[ChannelFigures, ChannelFigures], *, tissue_found: bool,
) -> FieldResult:  # fmt: skip
    """Return the result of the slide from its parts."""
    source, correction = setting.source, setting.correction
    stitched = stitch_parts(parts, pixel_size_um=source.pixel_size_um)
    name = source.name
    nuclei = replace(stitched.nuclei, fov=np.full(len(stitched.nuclei), name, object))
    spots = replace(stitched.spots, fov=np.full(len(stitched.spots), name, object))
    pixels = max(1, sum(part.core.n_pixels for part in parts))
    channels = []
    for figure, end, side, missing in (
        (figures[0], "3p", 0, ("no_signal", "only_5p")),
        (figures[1], "5p", 1, ("no_signal", "only_3p")),
    ):
        full = sum(part.saturated[side] for part in parts) / pixels
        own = spots.snr[spots.end == end]
        channels.append(channel_qc(replace(figure, saturated=full), own, nuclei, missing))
    notes = [] if tissue_found else [NO_OVERVIEW]
    notes += [] if setting.regions is None else [setting.regions.in_words()]
    return FieldResult(
        fov=name,
        pixel_size_um=source.pixel_size_um,
        labels=SlideLabels(parts, source.shape, stitched.numbers),
        nuclei=nuclei,
        spots=spots,
        qc=field_qc(
            name, nuclei, channels[0], channels[1], shift=correction.shift,
            crosstalk=(correction.crosstalk_3p.share, correction.crosstalk_5p.share),
            corrections=correction.in_words(), channel_faults=correction.faults(),
            n_planes=source.n_planes if source.z_step_um > 0 else 1, z_step_um=source.z_step_um,
        ),
        notes=(*source.notes, *notes),
    )  # fmt: skip


def _saturated(fov: FieldOfView, findings: FieldFindings, field: GridField) -> tuple[int, int]:
    """Return the saturated pixels of the core of both probe channels, in any focus plane."""
    rows, columns = field.core.common(field.window).inside(field.window)
    counts = []
    for plane, channel in ((fov.three_prime, findings.three), (fov.five_prime, findings.five)):
        full = saturation_level(plane) if fov.is_stack else channel.saturation
        core = plane[..., rows, columns] >= full
        counts.append(int(np.count_nonzero(core.any(axis=0) if core.ndim == 3 else core)))
    return counts[0], counts[1]
