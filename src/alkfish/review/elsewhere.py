"""A note in a folder of results that its reads are kept in another store, such as a database.

Who scores or reports there without naming that store cannot see the reads, and must be told.
"""

from __future__ import annotations

from pathlib import Path

NOTE = "review-store.txt"
"""File of the note; it holds the store's name without its password."""


def note_elsewhere(results: str | Path, store: str) -> None:
    """Note where the reads of a folder are kept.

    Parameters
    ----------
    results : path-like
        Folder of the bundles. One that cannot be written is left as it is.
    store : str
        Name of the store, without a password; see `alkfish.review.Store.name`.
    """
    file = Path(results) / NOTE
    try:
        if not file.exists():
            file.write_text(f"{store}\n", "utf-8")
    except OSError:
        return


def store_elsewhere(results: str | Path) -> str:
    """Return the name of the other store that holds the reads of a folder; empty if none does."""
    try:
        return (Path(results) / NOTE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
