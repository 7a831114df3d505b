"""What a watcher remembers across restarts: what it saw since when, and what it has done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from alkfish.errors import output_errors

FILE = "watch.json"
_SCHEMA = 1


@dataclass
class Seen:
    """One entry of the watched folder.

    Attributes
    ----------
    signature : str
        As it was seen last.
    since : float
        When it was first seen with this signature, in seconds since 1970.
    handled : str
        Signature with which it was scored or failed; empty if it was not yet.
    case_id : str
        Case it was handled as.
    failure : dict
        Parts of the error if it failed.
    """

    signature: str
    since: float
    handled: str = ""
    case_id: str = ""
    failure: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_handled(self) -> bool:
        """Whether nothing is left to be done with it as it is."""
        return self.handled == self.signature


def read_state(out: Path, run: str) -> dict[str, Seen]:
    """Return what is remembered; a run with other settings begins anew with every entry.

    Parameters
    ----------
    out : Path
        Folder of the results.
    run : str
        Fingerprint of version, settings and options.
    """
    try:
        data = json.loads((out / FILE).read_text("utf-8"))
        entries = {name: Seen(**values) for name, values in data["entries"].items()}
        same = data["schema_version"] == _SCHEMA and data["run"] == run
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    if not same:
        for seen in entries.values():
            seen.handled = ""
    return entries


def write_state(out: Path, run: str, entries: Mapping[str, Seen]) -> None:
    """Write what is to be remembered; complete or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    content = {
        "schema_version": _SCHEMA,
        "run": run,
        "entries": {name: asdict(seen) for name, seen in entries.items()},
    }
    with output_errors("the state of the watcher cannot be written", out / FILE):
        partial = out / f".{FILE}.partial"
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.replace(out / FILE)
