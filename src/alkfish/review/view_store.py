"""A review store that can only be read: in a folder that cannot be written, such as a locked share.

SQLite wants to write beside a file even to read it. So a copy is read, made anew when the original
has changed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from sqlalchemy import URL, Connection

from alkfish.errors import StoreError
from alkfish.review.events import Draft
from alkfish.review.store import FILE_NAME, Store, _engine

VIEW_ONLY = "View only: the folder of results cannot be written, so nothing can be decided here."
"""What a reader is told."""

_Stamp = tuple[tuple[str, int, int], ...]


def can_be_written(results: str | Path) -> bool:
    """Whether files can be made in a folder, and its review store be changed."""
    file = Path(results) / FILE_NAME
    try:
        with tempfile.TemporaryFile(dir=results, prefix=".alkfish-"):
            pass
        if file.exists():
            with file.open("r+b"):
                pass
    except OSError:
        return False
    return True


def open_view(results: str | Path) -> ViewStore:
    """Open the review store of a folder to look at it; without one, an empty store.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    store = ViewStore(Path(results) / FILE_NAME)
    try:
        store._take_copy()
    except BaseException:
        store.close()
        raise
    return store


class ViewStore(Store):
    """Made by `open_view`. Every step that writes is refused.

    Parameters
    ----------
    file : Path
        The original.
    """

    is_view = True

    def __init__(self, file: Path) -> None:
        self._original = file
        self._folder = tempfile.TemporaryDirectory(prefix="alkfish-view-")
        self._copy = Path(self._folder.name) / FILE_NAME
        self._stamp: _Stamp | None = None
        url = URL.create("sqlite", database=str(self._copy))
        super().__init__(_engine(url), str(file), lambda: datetime.now(UTC))

    def close(self) -> None:
        """Let go of the copy."""
        super().close()
        self._folder.cleanup()

    def append(
        self, case_id: str, drafts: Sequence[Draft], *, reader: str, expected: int
    ) -> NoReturn:
        """Refuse to write.

        Raises
        ------
        StoreError
            Always.
        """
        del drafts, reader, expected
        raise StoreError(
            VIEW_ONLY,
            where=f"{self._original.parent}, case {case_id}",
            remedy="open the folder with permission to write, or a copy of it",
        )

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._take_copy()
        with super()._reading() as connection:
            yield connection

    def _take_copy(self) -> None:
        """Copy the original with its newest events, if it has changed."""
        try:
            parts = (self._original, Path(f"{self._original}-wal"))
            present = [part for part in parts if part.is_file()]
            stamp = tuple(
                (part.name, found.st_mtime_ns, found.st_size)
                for part, found in ((part, part.stat()) for part in present)
            )
            if stamp == self._stamp:
                return
            self._engine.dispose()
            for item in Path(self._folder.name).iterdir():
                item.unlink()
            for part in present:
                shutil.copyfile(part, self._copy.with_name(part.name))
        except OSError as error:
            raise StoreError(
                "the review store cannot be read",
                where=self._original,
                found=error.strerror or error,
                remedy="check that the folder is connected and may be read",
            ) from error
        self._prepare(create=True)  # of an older version: the copy is brought up to date
        self._stamp = stamp
