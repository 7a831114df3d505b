"""One batch at a time in a folder of results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alkfish.errors import OutputError, output_errors

NAME = ".batch.lock"


@contextmanager
def locked(out: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the folder of results; the system lets go of it when the program ends or is killed.

    File systems without locks are used without one, and so are shared holds on Windows.

    Parameters
    ----------
    out : Path
        The folder; made if missing.
    shared : bool
        Let others in that share it, too: runs that write nothing but results of their own cases.

    Raises
    ------
    OutputError
        If another batch works there, or the folder cannot be written.
    """
    with output_errors(
        "the results cannot be written there", out,
        remedy="choose a folder that you may write to, with -o",
    ):  # fmt: skip
        out.mkdir(parents=True, exist_ok=True)
        handle = os.open(out / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _try_lock(handle, shared=shared):
            raise OutputError(
                "another batch is working in this folder",
                where=out,
                remedy="wait until it has ended, or choose another folder with -o",
            )
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int, *, shared: bool) -> bool:
    """Return whether nobody holds the lock who does not share it."""
    if sys.platform == "win32":
        if shared:
            return True
        import msvcrt

        with suppress(OSError):
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            return True
        return False
    import fcntl

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network share without locks
        return True
    return True
