"""What is to be done with a case: nothing, because it is done and intact, or the work on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alkfish.batch.cases import BatchCase
from alkfish.batch.outcomes import KEPT
from alkfish.batch.outlines import OutlineOptions, find_outlines
from alkfish.batch.recipe import (
    is_own,
    make_recipe,
    reasons_to_score,
    recipe_of_result,
    report_of,
)
from alkfish.batch.reviews import ReviewNote
from alkfish.batch.work import REPORT, CaseWork, ReportPlan, details_of
from alkfish.config import Config
from alkfish.errors import InputError, OutputError
from alkfish.io.batch_note import BatchNote
from alkfish.io.bundle import check_bundle_target
from alkfish.io.images import Case, FieldSource
from alkfish.io.locations import open_pictures
from alkfish.io.probes import load_probe, require_confirmed
from alkfish.model.probe import ProbeProfile
from alkfish.slides import is_slide


@dataclass(frozen=True)
class Plan:
    """What is to be done with a case.

    Attributes
    ----------
    why : tuple of str
        Why it is scored though there is a result; empty for a new case.
    needed : bool
        Whether it is to be scored.
    report_needed : bool
        Whether only its report is to be written.
    kept : str
        Why its result stays, if it is not to be scored.
    """

    case: BatchCase
    work: CaseWork
    why: tuple[str, ...]
    needed: bool
    report_needed: bool = False
    kept: str = KEPT

    @property
    def is_slide(self) -> bool:
        """Whether a field of it is so large that it is scored in parts."""
        return any(
            is_slide(source.shape, n_planes=source.n_planes) for source in self.work.case.fields
        )

    @property
    def weight(self) -> int:
        """Pixels of one channel, with all focus planes: a measure of the work."""
        return sum(
            source.shape[0] * source.shape[1] * source.n_planes for source in self.work.case.fields
        )


@dataclass(frozen=True)
class Planner:
    """Decides about cases; the same rules for a batch and for the watched folder.

    Attributes
    ----------
    out : Path
        Folder of the results.
    overwrite : bool
        Score everything again.
    outlines : OutlineOptions
        Classes of outlined areas to use.
    """

    out: Path
    config: Config
    report: ReportPlan
    scratch: Path
    overwrite: bool = False
    outlines: OutlineOptions = field(default_factory=OutlineOptions)

    def plan(self, case: BatchCase, review: ReviewNote | None, note: BatchNote) -> Plan:
        """Open a case and decide about it; only the checksums of an older result read pictures.

        Parameters
        ----------
        case : BatchCase
            The case.
        review : ReviewNote, optional
            What people have done with its result.
        note : BatchNote
            What the batch says of it, for its report.

        Raises
        ------
        AlkfishError
            If the case cannot be opened, or its result must not be replaced.
        """
        probe = require_confirmed(load_probe(case.probe))
        opened = open_images(case, probe)
        options = replace(self.outlines, path=case.roi)
        regions = {} if case.roi is None else find_outlines(options, [_Opened(opened)])
        areas = regions.get(case.case_id, {})
        bundle = check_bundle_target(self.out, case.case_id, overwrite=True)
        recipe = make_recipe(
            opened, probe=probe, config=self.config, regions=areas, checksums=bundle.exists()
        )
        work = CaseWork(
            opened, probe, self.config, areas, recipe, self.report, details_of(case),
            self.scratch, note,
        )  # fmt: skip
        if not bundle.exists():
            return Plan(case, work, (), needed=True)
        if review is not None and review.fingerprint and not is_own(bundle):
            return self._plan_of_readers(case, work, bundle, review)
        why = reasons_to_score(bundle, recipe)
        why = ("--overwrite was given",) if self.overwrite and not why else why
        self._check_replaceable(bundle, why, review)
        return Plan(case, work, why, bool(why), report_needed=self._report_needed(work, bundle))

    def _plan_of_readers(
        self, case: BatchCase, work: CaseWork, bundle: Path, review: ReviewNote
    ) -> Plan:
        """Decide about a result that people have read and no batch has written.

        One that a reader has scored again is kept with the reader's settings, and so told; but
        never for other pictures.
        """
        if self.overwrite:
            return Plan(case, work, ("--overwrite was given",), needed=True)
        older = recipe_of_result(bundle, work.case, work.recipe)
        why = tuple(work.recipe.changes_from(older))
        is_chosen = _is_scored_again(self.out, case.case_id) and older.inputs == work.recipe.inputs
        if why and not is_chosen:
            raise _read_already(bundle, why, review)
        kept = "as a reader scored it again" if is_chosen else f"as {review.claim}"
        words = f"kept {kept}" + (f", though {'; '.join(why)}" if why else "")
        return Plan(case, work, (), needed=False, kept=words)

    def _check_replaceable(
        self, bundle: Path, why: Sequence[str], review: ReviewNote | None
    ) -> None:
        """Refuse to replace silently what people have read, or what no batch has written."""
        if not why or self.overwrite:
            return
        if not is_own(bundle):
            raise OutputError(
                "there is a result of this case that no batch has written",
                where=bundle,
                remedy="choose another folder with -o, or replace it with --overwrite",
            )
        if review is not None and review.fingerprint:
            raise _read_already(bundle, why, review)

    def _report_needed(self, work: CaseWork, bundle: Path) -> bool:
        if not self.report.wanted:
            return False
        return report_of(bundle) != work.report_key or not (bundle / REPORT).is_file()


def _read_already(bundle: Path, why: Sequence[str], review: ReviewNote) -> OutputError:
    return OutputError(
        f"the result would be made anew, but {review.claim}",
        where=bundle,
        found=f"{review.words}; {'; '.join(why)}",
        remedy="keep it, or replace it with --overwrite and read the case again",
    )


def _is_scored_again(out: Path, case_id: str) -> bool:
    """Whether an earlier result of a case was kept when the present one replaced it."""
    from alkfish.review.scored_again import earlier_results

    return bool(earlier_results(out, case_id))


@dataclass(frozen=True)
class _Opened:
    """An opened case as `find_outlines` wants it."""

    case: Case

    @property
    def case_id(self) -> str:
        return self.case.case_id


def open_images(case: BatchCase, probe: ProbeProfile) -> Case:
    """Open the pictures of a case without reading pixels.

    Raises
    ------
    AlkfishError
        If one of them cannot be opened, or two fields have the same name.
    """
    opened = open_pictures(case.place, case.case_id, probe)
    _check_names(case, opened.fields)
    return opened


def _check_names(case: BatchCase, fields: Sequence[FieldSource]) -> None:
    names = [source.name for source in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            "two pictures of the case give fields of the same name",
            where=case.case_id,
            found=", ".join(twice),
            remedy="rename one of the files, or put all pictures of the case into one folder",
        )
