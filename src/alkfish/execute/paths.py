"""Whether files are seen where the work is done."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path

from alkfish.errors import ExecutionError

Size = int | str
"""Bytes of a file, or `FOLDER`, or `MISSING`."""

FOLDER = "a folder"
MISSING = "nothing"


def local_paths(paths: Iterable[str | PathLike[str]]) -> list[str]:
    """Return the paths that lie in a file system; URLs are left out."""
    return [text for text in (fspath(path) for path in paths) if "://" not in text]


def sizes_of(paths: Iterable[str]) -> list[Size]:
    """Return what lies at each path, as seen by this process."""
    return [_size_of(Path(path)) for path in paths]


def _size_of(path: Path) -> Size:
    try:
        return path.stat().st_size if path.is_file() else FOLDER if path.is_dir() else MISSING
    except OSError as error:
        return f"{MISSING} ({error.strerror})"


def require_here(paths: Iterable[str | PathLike[str]]) -> None:
    """Check that this process sees the paths.

    Raises
    ------
    ExecutionError
        Naming the first path that is not seen.
    """
    names = local_paths(paths)
    for name, size in zip(names, sizes_of(names), strict=True):
        if is_missing(size):
            raise ExecutionError(
                "the path is not seen here",
                where=name,
                found=size,
                remedy="check the spelling and that the drive is mounted",
            )


def is_missing(size: Size) -> bool:
    """Return whether nothing was found at a path."""
    return isinstance(size, str) and size.startswith(MISSING)
