"""Events of a review: what they hold, and the chain of hashes that ties each to the one before.

An event is never changed or removed; what is taken back is taken back by a later event. The hash of
an event covers everything it holds and the hash of the event before, so that whoever edits, removes
or reorders events has to forge every later hash too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from alkfish.errors import ReviewError

Payload = Mapping[str, Any]

CHAIN = "alkfish-review-1"
"""Name of this way of hashing; part of every hash."""


class EventKind(StrEnum):
    """What happened. The names are part of the store's format: they never change their meaning."""

    RESULT_LINKED = "result_linked"
    READ_STARTED = "read_started"
    PATTERN_SET = "pattern_set"
    NUCLEUS_REJECTED = "nucleus_rejected"
    EDITED = "edited"
    NOTED = "noted"
    UNDONE = "undone"
    REDONE = "redone"
    READ_FINISHED = "read_finished"
    READ_ABANDONED = "read_abandoned"
    SIGNED = "signed"
    VERSION_OPENED = "version_opened"


@dataclass(frozen=True)
class Draft:
    """An event to be appended.

    Attributes
    ----------
    kind : EventKind
        What happened.
    subject : mapping
        What it happened to: a read, a nucleus, an earlier event. JSON values only.
    before, after : mapping
        What held before and what holds now; empty where there is nothing.
    why : str
        The person's reason; empty where none is asked for.
    result : str
        Fingerprint of the result it was made on.
    """

    kind: EventKind
    result: str
    subject: Payload = field(default_factory=dict)
    before: Payload = field(default_factory=dict)
    after: Payload = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Record:
    """An event as it is stored: texts only, in the order in which they are hashed."""

    case_id: str
    seq: int
    at: str
    reader: str
    kind: str
    subject: str
    before: str
    after: str
    why: str
    result: str
    previous: str
    hash: str

    def computed_hash(self) -> str:
        """Return the SHA-256 that `hash` must equal, as 64 hexadecimal digits."""
        parts = [
            CHAIN, self.case_id, self.seq, self.at, self.reader, self.kind, self.subject,
            self.before, self.after, self.why, self.result, self.previous,
        ]  # fmt: skip
        text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Event:
    """One event of a case, with its payloads decoded from the stored texts."""

    record: Record

    @property
    def seq(self) -> int:
        """Number of the event within its case, from 1."""
        return self.record.seq

    @property
    def at(self) -> str:
        """When: UTC in ISO 8601."""
        return self.record.at

    @property
    def reader(self) -> str:
        """Who."""
        return self.record.reader

    @property
    def why(self) -> str:
        """The person's reason."""
        return self.record.why

    @property
    def result(self) -> str:
        """Fingerprint of the result it was made on."""
        return self.record.result

    @property
    def hash(self) -> str:
        """Hash of the event, which covers all events before it."""
        return self.record.hash

    @cached_property
    def kind(self) -> EventKind:
        """What happened."""
        return EventKind(self.record.kind)

    @cached_property
    def subject(self) -> Payload:
        """What it happened to."""
        return _decoded(self.record.subject)

    @cached_property
    def before(self) -> Payload:
        """What held before."""
        return _decoded(self.record.before)

    @cached_property
    def after(self) -> Payload:
        """What holds since."""
        return _decoded(self.record.after)


def genesis(case_id: str) -> str:
    """Return what the first event of a case gives as the hash before it."""
    return hashlib.sha256(f"{CHAIN}\n{case_id}".encode()).hexdigest()


def seal(
    draft: Draft, *, case_id: str, seq: int, at: str, reader: str, previous: str
) -> Record:  # fmt: skip
    """Return the record of a draft, hashed onto the event before it.

    Raises
    ------
    ReviewError
        If a payload is not plain JSON, or a text holds characters that a store cannot keep.
    """
    checked_text(case_id, "case id")
    unsealed = Record(
        case_id=case_id,
        seq=seq,
        at=at,
        reader=checked_text(reader, "name of the reader"),
        kind=draft.kind.value,
        subject=_encoded(draft.subject),
        before=_encoded(draft.before),
        after=_encoded(draft.after),
        why=checked_text(draft.why, "reason", empty=True),
        result=draft.result,
        previous=previous,
        hash="",
    )
    return Record(**(unsealed.__dict__ | {"hash": unsealed.computed_hash()}))


def checked_text(text: str, what: str, *, empty: bool = False) -> str:
    """Return a text without blanks around it, if every store can keep it.

    Raises
    ------
    ReviewError
        If it is empty and may not be, or holds control characters other than a line break.
    """
    clean = text.strip()
    if not clean and not empty:
        raise ReviewError(f"the {what} is missing", remedy=f"write the {what}")
    if not all(sign.isprintable() or sign == "\n" for sign in clean):
        raise ReviewError(
            f"the {what} cannot be used",
            found=repr(text),
            allowed="letters, digits and signs; no control characters",
            remedy=f"write the {what} in plain letters",
        )
    return clean


def _encoded(payload: Payload) -> str:
    try:
        return json.dumps(
            dict(payload), ensure_ascii=True, allow_nan=False, sort_keys=True,
            separators=(",", ":"),
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise ReviewError("an event must hold plain JSON values", found=error) from error


def _decoded(text: str) -> Payload:
    found = json.loads(text)
    return found if isinstance(found, dict) else {"value": found}
