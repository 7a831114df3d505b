"""The cases of a folder of results and how far each is, without opening the bundles. No Qt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from alkfish.io.bundle import NUCLEI, RESULT
from alkfish.model.result import Call
from alkfish.plugin.case_words import STATE_WORDS
from alkfish.report.wording import CALL_WORDS
from alkfish.review import CaseState, Standing, Store, standings
from alkfish.review.case_view import same_person


@dataclass(frozen=True)
class CaseEntry:
    """One case of the folder, as a reader may see it.

    Attributes
    ----------
    case_id : str
        Identifier.
    folder : Path
        Its bundle.
    state : CaseState
        How far its review is.
    call : str
        Call of the people, a value of `Call`; empty while there is none.
    words : str
        What a worklist shows: state, who reads or has signed, and the call.
    machine_call : str
        The machine's call, a value of `Call`; empty where it is hidden from the reader.
    people : str
        Who reads, has read or has signed; empty if nobody.
    changed_at : str
        When the last step of its review was made (UTC); empty before the first.
    waits_for_reader : bool
        Whether this reader could begin or go on with a read that leads to the call.
    """

    case_id: str
    folder: Path
    state: CaseState
    call: str
    words: str
    machine_call: str = ""
    people: str = ""
    changed_at: str = ""
    waits_for_reader: bool = False


@dataclass(frozen=True)
class _Told:
    """What ``result.json`` says."""

    case_id: str
    call: str


class CaseList:
    """Lists cases; each ``result.json`` is read once until it changes.

    Parameters
    ----------
    results : Path
        Folder of the bundles.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._known: dict[Path, tuple[tuple[int, int], _Told | None]] = {}
        self._listed: set[Path] = set()
        self._damaged: set[Path] = set()

    def entries(self, store: Store, reader: str) -> tuple[CaseEntry, ...]:
        """Return the cases by name of their folder, without those that are `unreadable`.

        Raises
        ------
        StoreError
            If the review store cannot be read.
        """
        known = standings(store)
        found = {folder: self._told(folder) for folder in self._folders(RESULT)}
        readable = {folder: told for folder, told in found.items() if told is not None}
        self._listed, self._damaged = set(readable), set(found) - set(readable)
        return tuple(
            _entry(told, folder, known.get(told.case_id), reader)
            for folder, told in readable.items()
        )

    def unreadable(self) -> tuple[str, ...]:
        """Return the names of the bundles that the last `entries` left out as not readable.

        A case must not vanish from a worklist unnoticed.
        """
        parts = set(self._folders(NUCLEI)) - self._listed
        return tuple(sorted(folder.name for folder in parts | self._damaged))

    def _folders(self, part: str) -> list[Path]:
        """Return the folders that hold a part of a bundle."""
        if not self._results.is_dir():
            return []
        found = (item.parent for item in self._results.glob(f"*/{part}"))
        return sorted(folder for folder in found if not folder.name.startswith("."))

    def _told(self, folder: Path) -> _Told | None:
        file = folder / RESULT
        try:
            about = file.stat()
            stamp = about.st_mtime_ns, about.st_size
            if folder not in self._known or self._known[folder][0] != stamp:
                self._known[folder] = stamp, _read(file)
        except OSError:
            return None
        return self._known[folder][1]


def _read(file: Path) -> _Told | None:
    try:
        data = json.loads(file.read_text("utf-8"))
        return _Told(str(data["case"]), Call(data["call"]).value)
    except (ValueError, KeyError, TypeError):
        return None


def _entry(told: _Told, folder: Path, standing: Standing | None, reader: str) -> CaseEntry:
    if standing is None:
        state = CaseState.SCORED
        return CaseEntry(
            told.case_id, folder, state, "", STATE_WORDS[state], told.call, waits_for_reader=True
        )
    call = standing.call.call.value if standing.call else ""
    people = _people(standing, reader)
    words = f"{STATE_WORDS[standing.state]} {people}".strip()
    if standing.state is CaseState.EQUIVOCAL_AWAITING_SECOND:
        words = STATE_WORDS[standing.state]
    return CaseEntry(
        case_id=told.case_id,
        folder=folder,
        state=standing.state,
        call=call,
        words=f"{CALL_WORDS[Call(call)]} - {words}" if call else words,
        machine_call="" if standing.hides_machine_from(reader) else told.call,
        people=people,
        changed_at=standing.last_at,
        waits_for_reader=_waits(standing, reader),
    )


def _people(standing: Standing, reader: str) -> str:
    """Return who is at the case, or was."""

    def name(person: str) -> str:
        return "you" if same_person(person, reader) else person

    if standing.reader:
        return f"by {name(standing.reader)}"
    if standing.signed_by:
        return f"by {name(standing.signed_by)}"
    return f"read by {', '.join(map(name, standing.readers))}" if standing.readers else ""


def _waits(standing: Standing, reader: str) -> bool:
    if standing.state is CaseState.SCORED:
        return True
    if standing.state is CaseState.READING:
        return same_person(standing.reader, reader)
    if standing.state is CaseState.EQUIVOCAL_AWAITING_SECOND:
        return not any(same_person(person, reader) for person in standing.readers)
    return False
