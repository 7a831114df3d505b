"""Scoring several cases one after the other: plan, check, score, write.

Everything that can be refused is refused before the first case is scored. After that one bad case
never stops the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alkfish.errors import AlkfishError, InputError

if TYPE_CHECKING:
    from alkfish.io.images import Case
    from alkfish.io.locations import PicturePlace
    from alkfish.model.probe import ProbeProfile
    from alkfish.model.result import CaseResult


@dataclass(frozen=True)
class ReadOptions:
    """How the pictures are to be read, as given on the command line."""

    probe: ProbeProfile
    channels: Mapping[str, int] | None = None
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    scene: str | None = None

    def place_of(self, path: Path) -> PicturePlace:
        """Return what is noted beside the results, so that the pictures are found again."""
        from alkfish.io.images import as_source
        from alkfish.io.locations import PicturePlace

        return PicturePlace(
            (as_source(path),),
            dict(self.channels or {}),
            self.pixel_size_um or 0.0,
            self.z_step_um or 0.0,
            self.scene or "",
        )


@dataclass(frozen=True)
class Job:
    """One opened case that waits to be scored."""

    path: Path
    case_id: str
    case: Case


@dataclass(frozen=True)
class Scored:
    """One case that was scored, and where its bundle lies."""

    path: Path
    case_id: str
    result: CaseResult
    bundle: Path


@dataclass(frozen=True)
class Failed:
    """One case that could not be opened, scored or written, and why."""

    path: Path
    case_id: str
    error: Exception


Outcome = Scored | Failed


def plan(paths: Sequence[Path], options: ReadOptions) -> list[Job | Failed]:
    """Open every path without reading pixels; a case that cannot be opened is `Failed`.

    Raises
    ------
    InputError
        If a path does not exist, or two paths give the same case id.
    """
    from alkfish.io.bundle import folder_key
    from alkfish.io.images import as_source

    sources = [as_source(path) for path in paths]
    missing = [str(path) for path in sources if isinstance(path, Path) and not path.exists()]
    if missing:
        raise InputError(
            "there is no such file or folder",
            where=", ".join(missing),
            remedy="check the spelling; put quotes around a path with spaces",
        )
    jobs = [_open(path, options) for path in paths]
    folders = [folder_key(job.case_id) for job in jobs]
    twice = [job for job, folder in zip(jobs, folders, strict=True) if folders.count(folder) > 1]
    if twice:
        raise InputError(
            "several paths give the same case id",
            where=", ".join(str(job.path) for job in twice),
            found=", ".join(sorted({job.case_id for job in twice})),
            allowed="one path per case; the case id is the name of the folder or file",
            remedy="put all pictures of a case into one folder, or rename one",
        )
    return jobs


def _open(path: Path, options: ReadOptions) -> Job | Failed:
    from alkfish.io.images import as_source, default_case_id, open_case

    case_id = default_case_id(path)
    source = as_source(path)
    try:
        case = open_case(
            source.absolute() if isinstance(source, Path) else source,  # workers live elsewhere
            probe=options.probe,
            channels=options.channels,
            pixel_size_um=options.pixel_size_um,
            z_step_um=options.z_step_um,
            scene=options.scene,
        )
    except AlkfishError as error:
        return Failed(path, case_id, error)
    return Job(path, case_id, case)


def check_out(out: Path, case_ids: Sequence[str], *, overwrite: bool) -> None:
    """Check that the bundles of all cases may be written; nothing is written yet.

    Raises
    ------
    OutputError
        If the folder cannot be written, or something is there already and may not be replaced.
    """
    from alkfish.io.bundle import check_bundle_target

    for case_id in case_ids:
        check_bundle_target(out, case_id, overwrite=overwrite)


def run(jobs: Sequence[Job | Failed], score: Callable[[Job], Scored]) -> Iterator[Outcome]:
    """Do `score` for each job in order; yield one outcome per job, whatever happens to others."""
    for job in jobs:
        if isinstance(job, Failed):
            yield job
            continue
        try:
            yield score(job)
        except Exception as error:  # noqa: BLE001 - reported; a defect must not stop the batch
            yield Failed(job.path, job.case_id, error)
