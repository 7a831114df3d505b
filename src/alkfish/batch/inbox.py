"""What lies in a watched folder, and whether it is complete."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alkfish.errors import InputError
from alkfish.io._files import is_picture

TEMPORARY = (
    ".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".filepart", ".swp", ".lock",
    ".incomplete", ".writing",
)  # fmt: skip
"""Endings of files that are being written or copied."""

CLUTTER = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Entry:
    """A picture or a folder of pictures in the watched folder.

    Attributes
    ----------
    name : str
        Its name there.
    path : Path
        Where it is.
    signature : str
        Changes with the names, sizes and times of its files.
    is_marked : bool
        Whether the marker says that it is complete.
    """

    name: str
    path: Path
    signature: str
    is_marked: bool


def look_into(inbox: Path, *, marker: str = "") -> list[Entry]:
    """Return what may be a case, by name; what vanishes meanwhile is left out.

    Hidden, temporary and other files are passed over, and folders without a picture.

    Parameters
    ----------
    inbox : Path
        The watched folder.
    marker : str
        Ending of the marker, such as ``.done``; empty if none is used.

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    try:
        items = sorted(os.scandir(inbox), key=lambda item: item.name)
    except OSError as error:
        raise InputError(
            "the watched folder cannot be read",
            where=inbox,
            found=error.strerror or error,
            remedy="check the path, and that the drive is mounted",
        ) from error
    found = []
    for item in items:
        path = inbox / item.name
        if is_passed_over(item.name) or (marker and item.name.endswith(marker)):
            continue
        entry = _entry(path, marker)
        found += [] if entry is None else [entry]
    return found


def is_passed_over(name: str) -> bool:
    """Whether a name is hidden, temporary, or clutter of an operating system."""
    lowered = name.lower()
    return name.startswith((".", "~")) or lowered.endswith(TEMPORARY) or lowered in CLUTTER


def _entry(path: Path, marker: str) -> Entry | None:
    """Return the entry of a path; None if it is no case, or has just vanished."""
    try:
        files = sorted(_files_of(path)) if path.is_dir() else [_stamp(path, path.name)]
    except FileNotFoundError:
        return None
    except OSError:
        return None  # seen again at the next look
    pictures = [name for name, _, _ in files if not is_passed_over(Path(name).name)]
    if not (is_picture(path) or any(is_picture(Path(name)) for name in pictures)):
        return None
    beside = bool(marker) and path.with_name(path.name + marker).exists()
    inside = bool(marker) and path.is_dir() and (path / marker).exists()
    kept = [item for item in files if not (marker and item[0].endswith(marker))]
    signature = hashlib.sha256(repr(kept).encode("utf-8", "surrogatepass")).hexdigest()
    return Entry(path.name, path, signature, beside or inside)


def _files_of(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield every file below a folder, temporary ones too: they tell that something is written."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            try:
                yield _stamp(path, path.relative_to(folder).as_posix())
            except FileNotFoundError:
                continue


def _stamp(path: Path, name: str) -> tuple[str, int, int]:
    known = path.stat()
    return name, known.st_size, known.st_mtime_ns
