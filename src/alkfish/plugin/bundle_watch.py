"""Whether the bundle of the open case is still there, and still holds the result that is shown.

No Qt. Another program can score the case again, and a folder can be moved while it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

from alkfish.errors import AlkfishError
from alkfish.io.bundle import RESULT, open_bundle
from alkfish.io.fingerprint import result_fingerprint

_Stamp = tuple[int, int, int]


class Found(Enum):
    """What a look at the bundle finds."""

    SAME = "same"
    GONE = "gone"
    REPLACED = "replaced"


class BundleWatch:
    """Looks at a bundle. A look costs one question to the file system while nothing has changed.

    Parameters
    ----------
    folder : Path
        The bundle; make the watch before it is opened, so that no change is overlooked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stamp = _stamp(folder)

    def look(self, fingerprint: Callable[[], str]) -> Found:
        """Return what is there now.

        Parameters
        ----------
        fingerprint : callable
            Returns the fingerprint of the result that is shown; asked for if files have changed.
        """
        stamp = _stamp(self.folder)
        if stamp is None:
            return Found.GONE
        if stamp == self._stamp:
            return Found.SAME
        try:
            now = result_fingerprint(open_bundle(self.folder))
        except AlkfishError:
            return Found.GONE  # half there: it is being moved or copied
        if now != fingerprint():
            return Found.REPLACED
        self._stamp = stamp
        return Found.SAME


def _stamp(folder: Path) -> _Stamp | None:
    try:
        found = (folder / RESULT).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
