"""What people have done with the cases of a batch, from the review store beside the results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alkfish.io.bundle import RESULT
from alkfish.model.result import Call
from alkfish.review.elsewhere import store_elsewhere

if TYPE_CHECKING:
    from alkfish.review.standing import Standing

STORE = "review.sqlite"


@dataclass(frozen=True)
class ReviewNote:
    """How far the review of a case is.

    Attributes
    ----------
    words : str
        In a few words.
    call : str
        Verdict of the people, a value of `Call`; empty while there is none.
    fingerprint : str
        Of the result that was read; empty if none was.
    claim : str
        Why the result is not replaced unasked: what people have done with it, as a clause.
    """

    words: str
    call: str = ""
    fingerprint: str = ""
    claim: str = "people have read it"

    def call_of(self, machine: Call) -> Call:
        """Return the verdict of the people, or the machine's while there is none."""
        return Call(self.call) if self.call else machine


_READ, _BEGUN = "people have read it", "its review has begun"

NOT_REVIEWED = ReviewNote("not reviewed")


def review_notes(out: Path) -> Mapping[str, ReviewNote]:
    """Return the state of every case with events in the review store; empty without a store.

    Where the reads are kept in another store than the folder's, every case may have been read.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    other = store_elsewhere(out)
    elsewhere = ReviewNote(f"read in {other}", "", other, "people may have read it")
    notes = dict.fromkeys(_case_ids(out), elsewhere) if other else {}
    return notes | _notes_of_store(out)


def _case_ids(out: Path) -> list[str]:
    """Return the identifiers of the results of a folder; damaged ones are left out."""
    found = []
    for file in sorted(out.glob(f"*/{RESULT}")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found.append(str(json.loads(file.read_text("utf-8"))["case"]))
    return found


def _notes_of_store(out: Path) -> dict[str, ReviewNote]:
    if not (out / STORE).is_file():
        return {}
    from alkfish.review.standing import standings
    from alkfish.review.store import open_store

    with open_store(out, create=False) as store:
        return {name: _note(standing) for name, standing in standings(store).items()}


def _note(standing: Standing) -> ReviewNote:
    was_called = standing.version > 1  # a new version follows a call or an equivocal read
    again = f"to be read again, as version {standing.version}"
    words, claim = {
        "scored": (again, _READ) if was_called else ("without a finished read", _BEGUN),
        "reading": ("being read", _READ if was_called else "somebody is reading it"),
        "equivocal_awaiting_second": ("awaits a second reader", _READ),
        "called": ("read, not signed", _READ),
        "signed": (f"signed by {standing.signed_by}", _READ),
    }[standing.state.value]
    call = "" if standing.call is None else standing.call.call.value
    return ReviewNote(words, call, standing.result, claim)


def keep_older(out: Path, case_id: str) -> Path | None:
    """Return where a result that people have read is kept when it is replaced; None if nobody has.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    if not (out / STORE).is_file() and not store_elsewhere(out):
        return None
    from alkfish.review.scored_again import keep_if_read

    return keep_if_read(out, case_id)


def warnings_of(out: Path, case_ids: Iterable[str]) -> tuple[str, ...]:
    """Return what has to be said before results are replaced that people have read.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    notes = review_notes(out)
    return tuple(
        f"warning: {case_id} is {notes[case_id].words}. Its result is replaced all the same: the "
        f"older one is kept in {out / '.earlier'}, what was read stays in the log, tied to it, and "
        "the case has to be read anew"
        for case_id in case_ids
        if notes.get(case_id, NOT_REVIEWED).fingerprint
    )
