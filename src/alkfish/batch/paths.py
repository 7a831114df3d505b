"""From paths, as they are given on the command line, to cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alkfish.batch.cases import BatchCase
from alkfish.batch.manifest import Defaults
from alkfish.batch.outlines import OutlineOptions, check_outlines
from alkfish.errors import InputError
from alkfish.io.bundle import folder_key
from alkfish.io.images import as_source, default_case_id


def cases_of_paths(
    paths: Sequence[str | Path],
    *,
    defaults: Defaults | None = None,
    outlines: OutlineOptions | None = None,
) -> tuple[BatchCase, ...]:
    """Return one case per path, in their order; nothing is opened.

    Parameters
    ----------
    paths : sequence of path-like
        Pictures, slides, URLs of OME-Zarr, or folders of pictures.
    defaults : Defaults, optional
        Probe profile and options of reading.
    outlines : OutlineOptions, optional
        Outlined areas: a file for a single case, a folder for several.

    Raises
    ------
    InputError
        If a path does not exist, two paths give the same case id, or one file of outlines is
        given for several cases.
    OutputError
        If a case id cannot name a folder.
    """
    known, areas = defaults or Defaults(), outlines or OutlineOptions()
    sources = [as_source(path) for path in paths]
    missing = [str(path) for path in sources if isinstance(path, Path) and not path.exists()]
    if missing:
        raise InputError(
            "there is no such file or folder",
            where=", ".join(missing),
            remedy="check the spelling; put quotes around a path with spaces",
        )
    check_outlines(areas, n_cases=len(paths))
    cases = tuple(
        BatchCase(
            default_case_id(path),
            (source.absolute() if isinstance(source, Path) else source,),  # workers live elsewhere
            probe=known.probe,
            reading=known.reading,
            roi=areas.path,
        )
        for path, source in zip(paths, sources, strict=True)
    )
    _refuse_same_ids(paths, cases)
    return cases


def _refuse_same_ids(paths: Sequence[str | Path], cases: Sequence[BatchCase]) -> None:
    folders = [folder_key(case.case_id) for case in cases]
    twice = [number for number, folder in enumerate(folders) if folders.count(folder) > 1]
    if twice:
        raise InputError(
            "several paths give the same case id",
            where=", ".join(str(paths[number]) for number in twice),
            found=", ".join(sorted({cases[number].case_id for number in twice})),
            allowed="one path per case; the case id is the name of the folder or file",
            remedy="put all pictures of a case into one folder, or rename one",
        )
