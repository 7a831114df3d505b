"""The work on one case, here or at a worker: score it, write its bundle, make its report."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from alkfish.batch.cases import BatchCase
from alkfish.batch.recipe import Recipe, fingerprint, set_report, write_record
from alkfish.batch.reviews import keep_older
from alkfish.config import Config
from alkfish.errors import AlkfishError, InputError, output_errors
from alkfish.execute.worker import portable_error
from alkfish.io.areas import write_areas
from alkfish.io.batch_note import NO_NOTE, BatchNote
from alkfish.io.bundle import open_bundle, place_bundle, write_bundle
from alkfish.io.geojson import Regions
from alkfish.io.images import Case
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult
from alkfish.pipeline import Spread, score_case
from alkfish.report import CaseDetails, ReportOptions, write_report

REPORT = "report.html"
MAKE_ROOM = "make room on the drive, or choose another folder with -o, and start again"


@dataclass(frozen=True)
class ReportPlan:
    """Whether and how the report of each case is written.

    Attributes
    ----------
    wanted : bool
        Write ``report.html`` into the folder of the case.
    pdf : bool
        And ``report.pdf``.
    lab_name : str
        Stands at the head of reports and of the summary.
    """

    wanted: bool = True
    pdf: bool = False
    lab_name: str = ""


@dataclass(frozen=True)
class CaseWork:
    """An opened case with all that is needed to score it; it can be sent to a worker.

    Attributes
    ----------
    recipe : Recipe
        What the result will depend on; the checksums are added when it is scored.
    scratch : Path
        Folder for unfinished things, used where it can be seen.
    note : BatchNote
        What the batch says of the case, for its report.
    """

    case: Case
    probe: ProbeProfile
    config: Config
    regions: Mapping[str, Regions]
    recipe: Recipe
    report: ReportPlan
    details: CaseDetails
    scratch: Path
    note: BatchNote = NO_NOTE

    @property
    def case_id(self) -> str:
        """Identifier of the case."""
        return self.case.case_id

    def __repr__(self) -> str:
        return f"CaseWork({self.case_id!r})"

    @property
    def report_key(self) -> str:
        """Fingerprint of what the report shows besides the result."""
        return report_key(self.report, self.details, self.note)


@dataclass(frozen=True)
class Packed:
    """A finished bundle on its way from a worker: the folder as an archive."""

    data: bytes
    report_problem: str = ""


def report_key(plan: ReportPlan, details: CaseDetails, note: BatchNote = NO_NOTE) -> str:
    """Return the fingerprint of what a report shows besides the result; empty for no report."""
    cautions = [[item.code, item.text] for item in note.cautions]
    known = dict(details.with_note(note).values)
    shown = [vars(plan), known, *([cautions] if cautions else [])]
    return fingerprint(shown) if plan.wanted else ""


def details_of(case: BatchCase) -> CaseDetails:
    """Return what the laboratory's own file says of patient, specimen and assay of a case."""
    return CaseDetails() if case.details is None else CaseDetails.from_toml(case.details)


def score_and_pack(work: CaseWork) -> Packed | Exception:
    """Do the work at a worker; an error is returned, so that the other cases go on."""
    try:
        base = work.scratch if work.scratch.is_dir() else None
        with tempfile.TemporaryDirectory(dir=base, prefix="alkfish-") as folder:
            bundle, problem = make_bundle(work, Path(folder), Spread())
            return Packed(_pack(bundle), problem)
    except Exception as error:  # noqa: BLE001 - reported as the failure of this case
        return portable_error(error)


def place_packed(packed: Packed, work: CaseWork, out: Path) -> Path:
    """Unpack a bundle beside its place and move it there."""
    with (
        output_errors("the results cannot be written there", out, remedy=MAKE_ROOM),
        tempfile.TemporaryDirectory(dir=work.scratch) as folder,
    ):
        with tarfile.open(fileobj=io.BytesIO(packed.data)) as archive:
            archive.extractall(folder, filter="data")
        (bundle,) = Path(folder).iterdir()
        return place_bundle(bundle, out, work.case_id, keep_older=keep_older(out, work.case_id))


def make_bundle(work: CaseWork, folder: Path, spread: Spread) -> tuple[Path, str]:
    """Score a case and write bundle, report and record into a folder.

    Returns
    -------
    bundle : Path
        The complete bundle.
    problem : str
        Why the report could not be written; empty if it was, or was not wanted.

    Raises
    ------
    InputError
        If a picture changed while it was scored.
    AlkfishError
        If the case cannot be scored or written.
    """
    before = _stamps(work.case)
    result = score_case(
        work.case, probe=work.probe, config=work.config, regions=work.regions, spread=spread
    )
    if _stamps(work.case) != before:
        raise InputError(
            "a picture changed while the case was scored",
            where=work.case_id,
            remedy="wait until the microscope has finished, and start again",
        )
    bundle = write_bundle(result, folder)
    if work.regions:
        write_areas(bundle, work.regions)
    problem = make_report(work, result, bundle)
    recipe = replace(work.recipe, inputs=dict(result.provenance.inputs))
    write_record(bundle, recipe, report="" if problem else work.report_key)
    return bundle, problem


def make_report(work: CaseWork, result: CaseResult, bundle: Path) -> str:
    """Write the report of a result; return why that failed, empty if it did not."""
    if not work.report.wanted:
        return ""
    try:
        write_report(
            result,
            bundle / REPORT,
            images=work.case,
            details=work.details,
            note=work.note,
            options=ReportOptions(lab_name=work.report.lab_name),
            pdf=work.report.pdf,
        )
    except AlkfishError as error:
        return f"the report was not written: {' '.join(str(error).split())}"
    return ""


def renew_report(work: CaseWork, bundle: Path) -> str:
    """Write the report of a result that is done and intact; return why that failed."""
    problem = make_report(work, open_bundle(bundle), bundle)
    if not problem:
        set_report(bundle, work.report_key)
    return problem


def _stamps(case: Case) -> list[tuple[str, int, int]]:
    """Return size and time of each file of a case; 0 for URLs and folders that are stores."""
    stamps = []
    for path in case.paths:
        known = path.stat() if isinstance(path, Path) and path.is_file() else None
        stamps.append((str(path), 0, 0) if known is None
                      else (str(path), known.st_size, known.st_mtime_ns))  # fmt: skip
    return stamps


def _pack(bundle: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(bundle, arcname=bundle.name)
    return stream.getvalue()


def clear(folder: Path) -> None:
    """Remove a folder of unfinished things."""
    shutil.rmtree(folder, ignore_errors=True)
