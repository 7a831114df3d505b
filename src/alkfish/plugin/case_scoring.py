"""Scoring from within the window, without Qt: field by field, with progress and a real cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from alkfish.config import Config
from alkfish.io.geojson import Regions
from alkfish.io.images import Case, FieldSource
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult, FieldResult
from alkfish.pipeline import Spread, combine_fields, iter_case
from alkfish.pipeline.slide import SlideProgress
from alkfish.preparation import prepare_kernels

MPIX = 1e6


class Teller(Protocol):
    """Who is told how far the work is, and ends it by raising."""

    def tell(self, done: int, total: int, words: str) -> None:
        """Say how far the work is; raises if it was stopped."""

    def give(self, part: object) -> None:
        """Hand over a finished field; raises if the work was stopped."""


@dataclass(frozen=True)
class ScoringPlan:
    """What is to be scored, and how.

    Attributes
    ----------
    case : Case or sequence of FieldOfView
        Pictures on disk, or fields from the layers of a viewer.
    case_id : str
        Identifier of the case.
    regions : mapping of str to Regions
        Outlined areas by field; empty: all of it counts.
    """

    case: Case | Sequence[FieldOfView]
    case_id: str
    probe: ProbeProfile
    config: Config
    regions: Mapping[str, Regions] = field(default_factory=dict)


def score_plan(plan: ScoringPlan, teller: Teller) -> CaseResult:
    """Score a case; the teller is told after each field and each part of a slide.

    Parameters
    ----------
    plan : ScoringPlan
        What to do.
    teller : Teller
        Gets each field's result by ``give``; whatever it raises ends the work.

    Returns
    -------
    CaseResult
        As `alkfish.score_case` gives it.
    """
    prepare_kernels(lambda text: teller.tell(0, 1, text))
    progress = _Progress(plan, teller)
    results: list[FieldResult] = []
    fields = iter_case(
        plan.case,
        probe=plan.probe,
        config=plan.config,
        regions=plan.regions,
        spread=Spread(on_analysed=progress.field, on_slide=progress.slide),
    )
    for result in fields:
        results.append(result)
        teller.give(result)
    inputs = plan.case.paths if isinstance(plan.case, Case) else ()
    return combine_fields(
        plan.case_id, results, probe=plan.probe, config=plan.config, inputs=inputs
    )


class _Progress:
    """Counts fields, and the megapixels of slides."""

    def __init__(self, plan: ScoringPlan, teller: Teller) -> None:
        self._teller, self._done = teller, 0
        self._total = len(plan.case)
        self._tell(f"{self._total} {'field' if self._total == 1 else 'fields'} to score")

    def field(self, name: str) -> None:
        """Count a field whose nuclei and spots are found."""
        self._done += 1
        self._tell(f"{name}: field {self._done} of {self._total}")

    def slide(self, name: str, progress: SlideProgress) -> None:
        """Tell how far a slide is; it counts as one field."""
        done, total = progress.pixels_done / MPIX, max(progress.pixels_total, 1) / MPIX
        self._teller.tell(
            int(done), max(int(total), 1),
            f"{name}: {done:.0f} of {total:.0f} MPix, {progress.n_nuclei} nuclei",
        )  # fmt: skip

    def _tell(self, words: str) -> None:
        self._teller.tell(self._done, max(self._total, 1), words)


def field_names(case: Case | Sequence[FieldOfView]) -> tuple[str, ...]:
    """Return the names of the fields of a case."""
    fields: Sequence[FieldSource] | Sequence[FieldOfView]
    fields = case.fields if isinstance(case, Case) else case
    return tuple(each.name for each in fields)
