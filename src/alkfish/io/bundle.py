"""The case bundle: one folder with the result, the tables and the label images of a case.

A bundle is written beside its place and moved there when it is complete, so that a reader never
meets half of one and a failed run leaves nothing behind.
"""

from __future__ import annotations

import glob
import itertools
import json
import os
import shutil
import unicodedata
from functools import partial
from pathlib import Path

from alkfish.errors import BundleError, OutputError, output_errors
from alkfish.io._files import is_picture
from alkfish.io._result_json import from_json, to_json
from alkfish.io.labels import read_labels, write_labels
from alkfish.io.tables import read_table, write_csv, write_table
from alkfish.model.result import CaseResult
from alkfish.model.signals import NucleusRecords, SpotRecords

RESULT, NUCLEI, SPOTS, LABELS = "result.json", "nuclei.parquet", "spots.parquet", "labels.zarr"
"""Names of the parts of a bundle."""

_writing = partial(
    output_errors,
    "the results cannot be written there",
    remedy="choose a folder that you may write to, with space left, with -o",
)

_EXPORTED = ("_nuclei.csv", "_spots.csv", "_nuclei.geojson")
AREAS = "areas"
"""Folder of the outlines that a result was scored within; see `alkfish.io.areas`."""

_RECORD = "batch.json"
_DERIVED = frozenset({"report.html", "report.pdf", "report-anonymous.html", _RECORD, AREAS})
_UNSAFE = frozenset('<>:"|?*')
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{i}" for port in ("COM", "LPT") for i in range(1, 10))]
)
_MAX_NAME = 150


def folder_name(case_id: str) -> str:
    r"""Return the folder name for a case: its id, with ``_`` for what some systems do not allow.

    Raises
    ------
    OutputError
        If the id is empty, too long, ``.`` or ``..``, or holds ``/``, ``\`` or control characters.
    """
    tricky = any(character in "/\\" or not character.isprintable() for character in case_id)
    if not case_id.strip(". ") or tricky or len(case_id.encode()) > _MAX_NAME:
        raise OutputError(
            "the case id cannot name a folder",
            where=repr(case_id),
            allowed=f"1 to {_MAX_NAME} bytes without / and \\ and control characters",
            remedy="rename the picture or folder of the case",
        )
    name = "".join("_" if character in _UNSAFE else character for character in case_id)
    name = name.rstrip(". ") + "_" * (len(name) - len(name.rstrip(". ")))
    name = "_" + name[1:] if name.startswith(".") else name
    return f"{name}_" if name.split(".")[0].upper() in _DEVICES else name


def folder_key(case_id: str) -> str:
    """Return what two case ids have in common if some file systems take their folders for one.

    Raises
    ------
    OutputError
        As `folder_name`.
    """
    return same_name(folder_name(case_id))


def same_name(name: str) -> str:
    """Return a name without what file systems may not tell apart: capitals and composed letters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def check_bundle_target(out_dir: str | Path, case_id: str, *, overwrite: bool = False) -> Path:
    """Return where the bundle of a case goes, if it may be written there. Writes nothing.

    Call it before the work starts: what it refuses, `write_bundle` refuses too.

    Parameters
    ----------
    out_dir : path-like
        Folder of the bundles; it need not exist yet.
    case_id : str
        Identifier of the case.
    overwrite : bool
        Whether an older bundle of the same case may be replaced.

    Raises
    ------
    OutputError
        If there is a bundle already, something that is no bundle of this case, or no permission.
    """
    out, target = Path(out_dir), Path(out_dir) / folder_name(case_id)
    existing = out
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(
            "the results cannot be written there",
            where=out,
            found=f"{existing} is not a folder" if not existing.is_dir() else "no permission",
            remedy="choose a folder that you may write to, with -o",
        )
    if target.is_symlink() or target.exists():
        _check_replaceable(target, case_id, overwrite=overwrite)
    return target


def write_bundle(
    result: CaseResult, out_dir: str | Path, *, overwrite: bool = False,
    keep_older: str | Path | None = None,
) -> Path:  # fmt: skip
    """Write a result as ``out_dir/<case id>/``.

    The same result gives the same bytes.

    Parameters
    ----------
    result : CaseResult
        What to write.
    out_dir : path-like
        Folder of the bundles; made if missing.
    overwrite : bool
        Whether an older bundle of the same case may be replaced. It stays if writing fails.
    keep_older : path-like, optional
        Where a replaced bundle goes, as for `place_bundle`.

    Returns
    -------
    Path
        The folder of the bundle.

    Raises
    ------
    OutputError
        If it may not or cannot be written there; see `check_bundle_target`.
    BundleError
        If the result holds values that a bundle must not hold, such as NaN.

    Examples
    --------
    >>> from alkfish import open_case, score_case
    >>> folder = write_bundle(score_case(open_case("case_17")), "mine")
    >>> sorted(path.name for path in folder.iterdir())
    ['labels.zarr', 'nuclei.parquet', 'result.json', 'spots.parquet']
    """
    target = check_bundle_target(out_dir, result.case_id, overwrite=overwrite)
    text = to_json(result)
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_overs(target)
        partial = _new_sibling(target, "partial")
        try:
            (partial / RESULT).write_text(text, encoding="utf-8", newline="\n")
            write_table(result.nuclei, partial / NUCLEI)
            write_table(result.spots, partial / SPOTS)
            write_labels(partial / LABELS, result.labels, result.pixel_size_um)
            _move(partial, target, None if keep_older is None else Path(keep_older))
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def place_bundle(
    bundle: str | Path, out_dir: str | Path, case_id: str, *, keep_older: str | Path | None = None
) -> Path:
    """Move a complete bundle into its place; an older one of the same case is replaced.

    Parameters
    ----------
    bundle : path-like
        A folder as `write_bundle` makes it, in the same file system; it is gone afterwards.
    out_dir : path-like
        Folder of the bundles.
    case_id : str
        Identifier of the case.
    keep_older : path-like, optional
        Where the older bundle goes, in the same file system; it is deleted if left out, or if there
        is something already.

    Returns
    -------
    Path
        The folder of the bundle.

    Raises
    ------
    OutputError
        If it may not or cannot be put there; see `check_bundle_target`.
    """
    target = check_bundle_target(out_dir, case_id, overwrite=True)
    with _writing(target):
        _move(Path(bundle), target, None if keep_older is None else Path(keep_older))
    return target


def open_bundle(path: str | Path) -> CaseResult:
    """Open a bundle; the tables are read, label images only when asked for.

    Parameters
    ----------
    path : path-like
        Folder of one case.

    Raises
    ------
    BundleError
        If the folder is missing, a part of it is missing or damaged, parts contradict each other,
        or it was written by a version with another layout.

    Examples
    --------
    >>> result = open_bundle("results/case_17")
    >>> result.case_id, result.call.call.value
    ('case_17', 'NOT_EVALUABLE')
    >>> result.call.reasons[0].endswith("at least 50 are needed")
    True
    """
    folder = Path(path)
    file = folder / RESULT
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(
            "this is not the bundle of a case",
            where=folder,
            found=f"no readable {RESULT}" if folder.is_dir() else "no such folder",
            remedy="give the folder OUT/<case> that `alkfish score` wrote",
        ) from error
    return from_json(
        text,
        where=file,
        nuclei=read_table(NucleusRecords, folder / NUCLEI),
        spots=read_table(SpotRecords, folder / SPOTS),
        labels=read_labels(folder / LABELS),
    )


def export_csv(bundle_path: str | Path, out_dir: str | Path) -> tuple[Path, Path]:
    """Write the tables of a bundle as ``<case>_nuclei.csv`` and ``<case>_spots.csv``.

    Returns
    -------
    tuple of Path
        The two files; older ones of the same names are replaced.

    Raises
    ------
    BundleError
        If the bundle cannot be read.
    OutputError
        If the files cannot be written.

    Examples
    --------
    >>> nuclei, spots = export_csv("results/case_17", "tables")
    >>> nuclei.name, spots.name
    ('case_17_nuclei.csv', 'case_17_spots.csv')
    """
    result = open_bundle(bundle_path)
    out, name = Path(out_dir), folder_name(result.case_id)
    files = out / f"{name}_nuclei.csv", out / f"{name}_spots.csv"
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        for table, file in zip((result.nuclei, result.spots), files, strict=True):
            partial = file.with_name(f".{file.name}.partial")
            try:
                write_csv(table, partial)
                partial.replace(file)
            finally:
                partial.unlink(missing_ok=True)
    return files


def _check_replaceable(target: Path, case_id: str, *, overwrite: bool) -> None:
    """Refuse to replace anything but an older bundle of the same case."""
    found = ""
    try:
        case = json.loads((target / RESULT).read_text("utf-8"))["case"]
        found = f"a bundle of case {case!r}" if case != case_id else ""
    except (OSError, ValueError, KeyError, TypeError):
        found = "" if _is_of_batch(target) else "no bundle"
    if not found and any(is_picture(item) and item.name != LABELS for item in target.iterdir()):
        found = "pictures"
    if found or target.is_symlink():
        raise OutputError(
            "the place of the bundle is taken by something else",
            where=target,
            found=found or "a link",
            remedy="choose another folder with -o",
        )
    if not overwrite:
        raise OutputError(
            "there is a bundle of this case already",
            where=target,
            remedy="choose another folder with -o, or replace it with --overwrite",
        )


def _is_of_batch(target: Path) -> bool:
    """Whether a batch has written a folder, though its result is damaged."""
    try:
        record = json.loads((target / _RECORD).read_text("utf-8"))
        return {"recipe", "parts"} <= set(record)
    except (OSError, ValueError, TypeError):
        return False


def _move(partial: Path, target: Path, keep: Path | None = None) -> None:
    """Put `partial` in the place of `target`; an older target stays if that fails."""
    if not target.exists():
        partial.rename(target)
        return
    older = _new_sibling(target, "older")
    target.rename(older / target.name)
    try:
        partial.rename(target)
        _keep_other_files(older / target.name, target)
    except OSError:
        if not target.exists():
            (older / target.name).rename(target)
        raise
    finally:
        if target.exists():
            if keep is not None and not keep.exists():
                keep.parent.mkdir(parents=True, exist_ok=True)
                (older / target.name).rename(keep)
            shutil.rmtree(older, ignore_errors=True)


def _keep_other_files(older: Path, target: Path) -> None:
    """Carry over what is not part of a bundle: notes, reads. Tables and reports would be stale."""
    own = {RESULT, NUCLEI, SPOTS, LABELS} | _DERIVED
    for item in older.iterdir():
        is_stale = item.name in own or item.name.endswith(_EXPORTED)
        if not is_stale and not (target / item.name).exists():
            item.rename(target / item.name)


def _remove_left_overs(target: Path) -> None:
    """Remove what a program that was killed while it wrote this bundle left beside it."""
    if os.name == "nt":  # there is no harmless way to ask for a process
        return
    for item in target.parent.glob(f".{glob.escape(target.name)}.*-*.partial"):
        number = item.name.split(".")[-2].split("-")[0]
        if number.isdigit() and not _is_running(int(number)):
            shutil.rmtree(item, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _new_sibling(target: Path, purpose: str) -> Path:
    for number in itertools.count():
        folder = target.with_name(f".{target.name}.{os.getpid()}-{number}.{purpose}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError  # the count never ends
