"""Does the log of a case hold together? What a chain of hashes can show, and what it cannot.

It shows events that were edited, removed from the middle, inserted or reordered, and a tail cut off
by somebody who left the note of the last event alone. Whoever can write to the database and knows
the program can compute a new chain from any event on: only a hash kept elsewhere, in a signed
report for example, shows that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alkfish.review.events import Record, genesis
from alkfish.review.store import Head, Store


@dataclass(frozen=True)
class Finding:
    """A place where the log of a case does not hold together; number 0 concerns all of it."""

    seq: int
    problem: str


@dataclass(frozen=True)
class AuditReport:
    """What the check of one case found.

    Attributes
    ----------
    case_id : str
        The case.
    n_events : int
        Events in the log.
    head : str
        Hash of the last event: note it elsewhere to prove later that nothing was cut off.
    findings : tuple of Finding
        Empty if the log holds together.
    """

    case_id: str
    n_events: int
    head: str
    findings: tuple[Finding, ...]

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(store: Store, case_id: str, *, expected_head: str = "") -> AuditReport:
    """Check the log of a case.

    Parameters
    ----------
    store : Store
        Where it is kept.
    case_id : str
        The case; one without events is intact.
    expected_head : str, optional
        Hash of an event noted earlier, or at least its first 8 digits: it must still be in the log.
    """
    head, records = _unmoved(store, case_id)
    findings = check_chain(case_id, records, head)
    if expected_head and not _holds(records, expected_head):
        findings += (Finding(0, f"the event with hash {expected_head} is no longer in the log"),)
    last_hash = records[-1].hash if records else head.hash
    return AuditReport(case_id, len(records), last_hash, findings)


def _unmoved(store: Store, case_id: str) -> tuple[Head, tuple[Record, ...]]:
    """Return the note of the last event and all events, read while nobody wrote in between."""
    while True:
        before, records = store.head(case_id), store.records(case_id)
        if store.head(case_id) == before:
            return before, records


def check_chain(case_id: str, records: Sequence[Record], head: Head) -> tuple[Finding, ...]:
    """Return where the events of a case contradict their hashes, their order or the noted end."""
    return tuple(_chain_findings(case_id, records, head))


def _chain_findings(case_id: str, records: Sequence[Record], head: Head) -> Iterator[Finding]:
    previous, number = genesis(case_id), 0
    for record in records:
        if record.seq != number + 1:
            yield Finding(record.seq, f"events are missing after number {number}")
        if record.previous != previous:
            yield Finding(record.seq, "it does not follow from the event before it")
        if record.hash != record.computed_hash():
            yield Finding(record.seq, "its content was changed after it was written")
        previous, number = record.hash, record.seq
    if head.seq > number:
        yield Finding(head.seq, f"the end was cut off: {head.seq - number} events are missing")
    elif (head.seq, head.hash) != (number, previous):
        yield Finding(number, "the note of the last event does not agree with it")


def _holds(records: Sequence[Record], expected: str) -> bool:
    wanted = expected.strip().lower()
    return len(wanted) >= 8 and any(record.hash.startswith(wanted) for record in records)
