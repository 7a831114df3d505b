"""What a batch knows of a case that its own result does not say: controls, and shared pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.controls import ControlCheck, check_controls, covers, speaks_for
from alkfish.batch.outcomes import Done, Outcome
from alkfish.io.batch_note import BatchNote, ControlShown


@dataclass(frozen=True)
class BatchKnowledge:
    """Control slides and shared pictures of a batch, as far as it has come.

    Attributes
    ----------
    checks : tuple of ControlCheck
        Of the control slides that were reached.
    has_controls_or_lots : bool
        Whether any case of the batch is a control slide or names a lot, or controls are expected.
    pictures : mapping of str to tuple of BatchCase
        Cases by the SHA-256 of a picture that several of them have.
    """

    checks: tuple[ControlCheck, ...]
    has_controls_or_lots: bool
    pictures: Mapping[str, tuple[BatchCase, ...]]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], *, expects_controls: bool = False) -> BatchKnowledge:
        """Return what is known once these outcomes are there."""
        reached = tuple(outcomes)
        by_picture: defaultdict[str, list[BatchCase]] = defaultdict(list)
        for outcome in reached:
            for checksum in outcome.figures.inputs if isinstance(outcome, Done) else ():
                by_picture[checksum].append(outcome.case)
        return cls(
            checks=check_controls(reached),
            has_controls_or_lots=expects_controls
            or any(item.case.is_control or item.case.lot for item in reached),
            pictures={key: tuple(found) for key, found in by_picture.items() if len(found) > 1},
        )

    def note(self, case: BatchCase) -> BatchNote:
        """Return what the batch says of a case."""
        return BatchNote(
            twins=tuple(self.twins(case)),
            controls=() if case.is_control else self._controls_of(case),
            missing_controls=self.missing_controls(case),
            is_control=case.control.value if case.is_control else "",
            lot=case.lot,
            block=case.block,
        )

    def missing_controls(self, case: BatchCase) -> str:
        """Return which control slides a patient's case lacks; empty if both are there."""
        if case.is_control or not self.has_controls_or_lots:
            return ""
        there = {check.case.control for check in self.checks if covers(check.case, case)}
        missing = [str(kind) for kind in (Control.POSITIVE, Control.NEGATIVE) if kind not in there]
        lot = f"lot {case.lot}" if case.lot else "lot not stated"
        words = " and no ".join(missing)
        return f"no {words} control of this probe and lot ({lot}) in this batch" if words else ""

    def twins(self, case: BatchCase) -> list[str]:
        """Return the ids of the other cases that have a picture of this one."""
        found = [
            other.case_id
            for cases in self.pictures.values()
            if case in cases
            for other in cases
            if other != case and _same_scene(other, case)
        ]
        return list(dict.fromkeys(found))

    def _controls_of(self, case: BatchCase) -> tuple[ControlShown, ...]:
        return tuple(
            ControlShown(check.case.control.value, check.case.case_id, check.passed)
            for check in self.checks
            if speaks_for(check.case, case)
        )


def _same_scene(one: BatchCase, other: BatchCase) -> bool:
    """Whether two cases may show the same part of a file: scenes of one slide are not the same.

    A number and a name may mean the same scene.
    """
    scenes = {one.reading.scene, other.reading.scene}
    numbers = [scene.isascii() and scene.isdigit() for scene in scenes]
    return len(scenes) == 1 or "" in scenes or len(set(numbers)) == 2
