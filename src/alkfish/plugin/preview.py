"""What other settings would find in the part of a field that is looked at, without Qt."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.io.images import FieldSource
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult, FieldResult, PatternCounts
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.pipeline import score_fov
from alkfish.report.pictures import Window

if TYPE_CHECKING:
    from alkfish.plugin.background import JobControl

WHOLE_PX = 2048
"""Fields with no longer side are previewed whole; of larger ones a part of `PART_PX`."""

PART_PX = 1280

MARGIN_UM = 15.0
"""Nuclei so near to the edge of a part are compared with nothing: it may cut them."""

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class PreviewTask:
    """What to preview.

    Attributes
    ----------
    source : FieldSource
        The field.
    window : Window
        The part of it.
    """

    source: FieldSource
    window: Window
    probe: ProbeProfile
    config: Config


@dataclass(frozen=True)
class Preview:
    """What the settings find in a part of a field.

    Attributes
    ----------
    found : FieldResult
        In pixels of the window.
    counts, before : PatternCounts
        Counted nuclei now, and in the result of the case.
    n_nuclei, n_nuclei_before, n_spots, n_spots_before : int
        Found now, and in the result of the case. All figures are of the same area.
    """

    fov: str
    window: Window
    found: FieldResult
    counts: PatternCounts
    before: PatternCounts
    n_nuclei: int
    n_nuclei_before: int
    n_spots: int
    n_spots_before: int


def preview_window(shape: tuple[int, int], y_px: float, x_px: float) -> Window:
    """Return the part of a field to preview: all of a small one, else around a point."""
    height, width = shape
    if max(shape) <= WHOLE_PX:
        return Window(0, 0, height, width)
    side = (min(PART_PX, height), min(PART_PX, width))
    top = int(np.clip(y_px - side[0] / 2, 0, height - side[0]))
    left = int(np.clip(x_px - side[1] / 2, 0, width - side[1]))
    return Window(top, left, *side)


def make_preview(task: PreviewTask, result: CaseResult, control: JobControl) -> Preview:
    """Score a part of a field with other settings, and compare it with the case's result.

    The shift of the channels is measured on the part alone, so that single nuclei can differ from
    what scoring the whole case gives. Only one preview is worked on at a time.

    Raises
    ------
    JobStoppedError
        If a newer one was asked for.
    """
    with _ONE_AT_A_TIME:
        control.check()
        window = task.window
        source = replace(task.source, probe=task.probe)
        fov = source.load_region(window.top, window.left, window.height, window.width)
        control.check()
        found = score_fov(fov, probe=task.probe, config=task.config)
    control.check()
    return _compared(found, window, result, source.shape)


def _compared(
    found: FieldResult, window: Window, result: CaseResult, shape: tuple[int, int]
) -> Preview:
    """Compare nuclei and spots of the part, less a margin where the part cuts nuclei."""
    is_part = (window.height, window.width) != shape
    margin = round(MARGIN_UM / found.pixel_size_um) if is_part else 0
    core = Window(
        window.top + margin, window.left + margin,
        window.height - 2 * margin, window.width - 2 * margin,
    )  # fmt: skip
    here = replace(core, top=margin, left=margin)
    now = found.nuclei.take(_inside(found.nuclei, here))
    nuclei, spots = result.nuclei, result.spots
    before = nuclei.take((nuclei.fov == found.fov) & _inside(nuclei, core))
    return Preview(
        fov=found.fov,
        window=window,
        found=found,
        counts=PatternCounts.from_patterns(now.pattern),
        before=PatternCounts.from_patterns(before.pattern),
        n_nuclei=len(now),
        n_nuclei_before=len(before),
        n_spots=int(_inside(found.spots, here).sum()),
        n_spots_before=int(((spots.fov == found.fov) & _inside(spots, core)).sum()),
    )


def _inside(table: NucleusRecords | SpotRecords, window: Window) -> npt.NDArray[np.bool_]:
    y, x = table.y_px - window.top, table.x_px - window.left
    return np.asarray((y >= 0) & (y < window.height) & (x >= 0) & (x < window.width))


def words_of(preview: Preview) -> str:
    """Return in words what changes: nuclei, signals, counted and positive nuclei."""
    rows = (
        ("nuclei", preview.n_nuclei_before, preview.n_nuclei),
        ("counted", preview.before.n_enumerated, preview.counts.n_enumerated),
        ("positive", preview.before.n_positive, preview.counts.n_positive),
        ("signals", preview.n_spots_before, preview.n_spots),
    )
    told = ", ".join(
        f"{name} {now}" if now == before else f"{name} {before} \u2192 {now}"
        for name, before, now in rows
    )
    changes = any(before != now for _, before, now in rows)
    return told if changes else f"no change in number ({told})"
