"""Outlined areas (``--roi``): which file belongs to which field of which case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from alkfish.errors import InputError

if TYPE_CHECKING:
    from alkfish.io.geojson import Regions
    from alkfish.io.images import Case


class Job(Protocol):
    """An opened case that waits to be scored."""

    @property
    def case_id(self) -> str:
        """Identifier of the case."""

    @property
    def case(self) -> Case:
        """Its fields."""


SUFFIXES = (".geojson", ".geojson.gz", ".json")


@dataclass(frozen=True)
class OutlineOptions:
    """The file or folder of outlines and the classes to use, as given on the command line."""

    path: Path | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def check_outlines(options: OutlineOptions, *, n_cases: int) -> None:
    """Refuse what cannot be meant, before a case is opened.

    Raises
    ------
    InputError
        If classes are named without outlines, or one file is given for several cases.
    """
    if options.path is None and (options.include or options.exclude):
        raise InputError(
            "classes of outlines are named, but no outlines are given",
            where="--roi-include, --roi-exclude",
            remedy="give the outlines with --roi FILE.geojson",
        )
    if options.path is not None and not options.path.is_dir() and n_cases > 1:
        raise _shared_file(options.path, f"{n_cases} cases")


def _shared_file(path: Path, found: str) -> InputError:
    return InputError(
        "one file of outlines cannot belong to several pictures",
        where=path,
        found=found,
        remedy="give a folder with one <case>.geojson or <field>.geojson each",
    )


def find_outlines(
    options: OutlineOptions, jobs: Sequence[Job]
) -> Mapping[str, Mapping[str, Regions]]:
    """Read the outlines of all cases before the first is scored.

    A file belongs to the only field of the only case. In a folder, ``<case>.geojson`` belongs to a
    case of one field, ``<field>.geojson`` to a field.

    Returns
    -------
    mapping
        Regions by case id and name of the field.

    Raises
    ------
    InputError
        If it is not clear what a file belongs to, a case has none, or outlines cannot be used.
    """
    from alkfish.io.geojson import read_regions

    check_outlines(options, n_cases=len(jobs))
    if options.path is None:
        return {}
    found: dict[str, dict[str, Regions]] = {}
    for job in jobs:
        files = _files_of(job, options.path)
        for field in job.case.fields:
            if field.name in files:
                regions = read_regions(
                    files[field.name], include=options.include, exclude=options.exclude
                )
                regions.check_inside(field.shape, where=files[field.name])
                found.setdefault(job.case_id, {})[field.name] = regions
    return found


def _files_of(job: Job, path: Path) -> Mapping[str, Path]:
    """Return the file of outlines of each field of a case."""
    names = [field.name for field in job.case.fields]
    if not path.is_dir():
        if len(names) > 1:
            raise _shared_file(path, f"{len(names)} fields")
        return {names[0]: path}
    wanted = {name: (name, job.case_id) if len(names) == 1 else (name,) for name in names}
    files = {
        name: file
        for name, stems in wanted.items()
        if (file := _first_file(path, stems)) is not None
    }
    missing = [name for name in names if name not in files]
    if missing:
        raise InputError(
            "outlines are missing for a field: it is not clear whether all of it counts",
            where=path,
            found=f"none for {', '.join(missing)}",
            allowed=", ".join(f"<name>{suffix}" for suffix in SUFFIXES),
            remedy="add the file, or score this case in a run of its own",
        )
    return files


def _first_file(folder: Path, stems: Sequence[str]) -> Path | None:
    candidates = (folder / f"{stem}{suffix}" for stem in stems for suffix in SUFFIXES)
    return next((file for file in candidates if file.is_file()), None)
