"""The state of a case from its events alone: nothing else is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from alkfish.model.result import Call, PatternCounts
from alkfish.review.edits import Edit, edit_from_payload
from alkfish.review.events import Event, EventKind, Payload
from alkfish.review.order import NucleusKey, merged_groups
from alkfish.review.states import CaseState, ReadMode, ReadRole, next_state

UNDOABLE = frozenset(
    {EventKind.PATTERN_SET, EventKind.NUCLEUS_REJECTED, EventKind.EDITED, EventKind.NOTED}
)
"""Events that a reader can take back while the read is open."""


@dataclass(frozen=True)
class Decision:
    """What a reader decided on a nucleus; an empty pattern means rejected, for a `reason`."""

    pattern: str
    reason: str
    seq: int

    @property
    def is_rejection(self) -> bool:
        """Whether the nucleus is not to be counted."""
        return not self.pattern


@dataclass(frozen=True)
class Note:
    """A remark on a nucleus, or on the case if `nucleus` is None."""

    text: str
    nucleus: NucleusKey | None
    seq: int


@dataclass
class Read:
    """One reader's pass over nuclei of a case, as the events tell it.

    Attributes
    ----------
    read_id : int
        Number of the event that started it.
    reader : str
        Who.
    role, mode, blinded
        What it is for, which nuclei it covers, and whether the machine's proposal was hidden.
    result : str
        Fingerprint of the result it was made on.
    version : int
        Version of the review it belongs to.
    seed : str
        Seed of the reading order.
    start, size : int
        Position of its first nucleus in that order, and how many it counts; of a full read 0.
    merged_before : tuple of frozenset
        Of a second read: parts of the nuclei that the first reader merged and counted. They are
        not drawn again; the window shows nothing of it.
    decisions : dict
        Last decision per nucleus.
    edits, notes : list
        In the order in which they were made.
    done, taken_back : list of int
        Events that can be undone and redone, the last one first in line.
    counts, machine_counts : PatternCounts
        What the reader and the machine count over its nuclei; set when it is finished.
    next_position : int
        Where the next reader begins; set when it is finished.
    """

    read_id: int
    reader: str
    role: ReadRole
    mode: ReadMode
    blinded: bool
    result: str
    version: int
    seed: str
    start: int
    size: int
    merged_before: tuple[frozenset[NucleusKey], ...] = ()
    decisions: dict[NucleusKey, Decision] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    taken_back: list[int] = field(default_factory=list)
    finished: bool = False
    abandoned: bool = False
    counts: PatternCounts = field(default_factory=PatternCounts)
    machine_counts: PatternCounts = field(default_factory=PatternCounts)
    next_position: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return not (self.finished or self.abandoned)


@dataclass(frozen=True)
class ReviewCall:
    """The call of a version of the review, and the counts and the reason it rests on."""

    call: Call
    reason: str
    counts: PatternCounts


@dataclass
class Version:
    """One version of the review of a case: the reads made for it, its call, and who signed it.

    ``result`` is the fingerprint of the result it is about, ``why`` the reason for opening it.
    """

    number: int
    result: str
    why: str = ""
    reads: list[Read] = field(default_factory=list)
    call: ReviewCall | None = None
    signed_by: str = ""
    signed_at: str = ""

    def read_of(self, role: ReadRole) -> Read | None:
        """Return the last read of a role that was not abandoned."""
        found = [read for read in self.reads if read.role is role and not read.abandoned]
        return found[-1] if found else None


class Review:
    """State of one case: versions, reads and where it stands.

    Attributes
    ----------
    state : CaseState
        Where it stands.
    versions : list of Version
        Oldest first; empty before a result was linked.
    seq : int
        Number of the last event.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.state = CaseState.SCORED
        self.versions: list[Version] = []
        self.seq = 0
        kept = tuple(events)
        self._cancelled = cancelled_events(kept)
        self.extend(kept)

    def extend(self, events: Iterable[Event]) -> None:
        """Take later events, none of which undoes or redoes another."""
        for event in events:
            self._take(event)

    @property
    def version(self) -> Version:
        """The present version; ValueError before a result was linked."""
        if not self.versions:
            raise ValueError("no result was linked to the case")
        return self.versions[-1]

    @property
    def open_read(self) -> Read | None:
        """The read that goes on, if there is one."""
        reads = self.versions[-1].reads if self.versions else []
        return next((read for read in reads if read.is_open), None)

    def read(self, read_id: int) -> Read:
        """Return a read of any version; KeyError if there is none."""
        for version in self.versions:
            for read in version.reads:
                if read.read_id == read_id:
                    return read
        raise KeyError(read_id)

    def _take(self, event: Event) -> None:
        wanted = event.after.get("state")
        self.state = next_state(self.state, event.kind, CaseState(wanted) if wanted else None)
        self.seq = event.seq
        step = _STEPS.get(event.kind)
        if step is not None:
            step(self, event)
        elif event.seq not in self._cancelled:
            _CHANGES[event.kind](self.read(event.subject["read"]), event)
        if event.kind in UNDOABLE:
            read = self.read(event.subject["read"])
            read.done.append(event.seq)
            read.taken_back.clear()


def cancelled_events(events: Iterable[Event]) -> frozenset[int]:
    """Return the numbers of the events that were undone and not redone."""
    cancelled: set[int] = set()
    for event in events:
        if event.kind is EventKind.UNDONE:
            cancelled.add(event.subject["event"])
        elif event.kind is EventKind.REDONE:
            cancelled.discard(event.subject["event"])
    return frozenset(cancelled)


def nucleus_of(subject: Payload) -> NucleusKey:
    """Return the nucleus that the subject of an event names."""
    return NucleusKey(str(subject["fov"]), int(subject["nucleus_id"]))


def counted_merges(read: Read) -> tuple[frozenset[NucleusKey], ...]:
    """Return the parts of each nucleus that a reader merged and did not reject."""
    decisions, groups = read.decisions, merged_groups(read.edits)
    return tuple(
        parts
        for whole, parts in groups.items()
        if whole not in decisions or not decisions[whole].is_rejection
    )


def counts_to_payload(counts: PatternCounts) -> dict[str, int]:
    """Return counts as plain JSON values; the inverse of `counts_from_payload`."""
    return dict(vars(counts))


def counts_from_payload(payload: Mapping[str, int]) -> PatternCounts:
    """Return the counts that an event holds."""
    return PatternCounts(**{name: int(value) for name, value in payload.items()})


def _link(review: Review, event: Event) -> None:
    if review.versions:
        review.versions[-1].result = event.result
    else:
        review.versions.append(Version(1, event.result))


def _open_version(review: Review, event: Event) -> None:
    review.versions.append(Version(len(review.versions) + 1, event.result, event.why))


def _start(review: Review, event: Event) -> None:
    after = event.after
    read = Read(
        read_id=event.seq,
        reader=event.reader,
        role=ReadRole(after["role"]),
        mode=ReadMode(after["mode"]),
        blinded=bool(after["blinded"]),
        result=event.result,
        version=review.version.number,
        seed=str(after["seed"]),
        start=int(after["start"]),
        size=int(after["size"]),
    )
    first = review.version.read_of(ReadRole.FIRST)
    if read.role is ReadRole.SECOND and first is not None:
        read.merged_before = counted_merges(first)
    if after.get("continues"):
        earlier = review.read(int(after["continues"]))
        read.decisions = dict(earlier.decisions)
        read.edits, read.notes = list(earlier.edits), list(earlier.notes)
    review.version.reads.append(read)


def _finish(review: Review, event: Event) -> None:
    read = review.read(event.subject["read"])
    read.finished = True
    read.counts = counts_from_payload(event.after["counts"])
    read.machine_counts = counts_from_payload(event.before["machine"])
    read.next_position = int(event.after["next_position"])
    if event.after.get("call"):
        review.version.call = ReviewCall(
            Call(event.after["call"]),
            str(event.after["reason"]),
            counts_from_payload(event.after["total"]),
        )


def _abandon(review: Review, event: Event) -> None:
    review.read(event.subject["read"]).abandoned = True


def _sign(review: Review, event: Event) -> None:
    review.version.signed_by, review.version.signed_at = event.reader, event.at


def _undo(review: Review, event: Event) -> None:
    read = review.read(event.subject["read"])
    read.done.remove(event.subject["event"])
    read.taken_back.append(event.subject["event"])


def _redo(review: Review, event: Event) -> None:
    read = review.read(event.subject["read"])
    read.taken_back.remove(event.subject["event"])
    read.done.append(event.subject["event"])


_STEPS: Mapping[EventKind, Callable[[Review, Event], None]] = {
    EventKind.RESULT_LINKED: _link,
    EventKind.VERSION_OPENED: _open_version,
    EventKind.READ_STARTED: _start,
    EventKind.READ_FINISHED: _finish,
    EventKind.READ_ABANDONED: _abandon,
    EventKind.SIGNED: _sign,
    EventKind.UNDONE: _undo,
    EventKind.REDONE: _redo,
}


def _set_pattern(read: Read, event: Event) -> None:
    decision = Decision(str(event.after["pattern"]), "", event.seq)
    read.decisions[nucleus_of(event.subject)] = decision


def _reject(read: Read, event: Event) -> None:
    read.decisions[nucleus_of(event.subject)] = Decision("", event.why, event.seq)


def _edit(read: Read, event: Event) -> None:
    """Add an edit; decisions on the nuclei it touches have to be made again."""
    read.edits.append(edit_from_payload(event.after))
    for number in event.subject["nuclei"]:
        read.decisions.pop(NucleusKey(str(event.subject["fov"]), int(number)), None)


def _note(read: Read, event: Event) -> None:
    nucleus = nucleus_of(event.subject) if "fov" in event.subject else None
    read.notes.append(Note(str(event.after["text"]), nucleus, event.seq))


_CHANGES: Mapping[EventKind, Callable[[Read, Event], None]] = {
    EventKind.PATTERN_SET: _set_pattern,
    EventKind.NUCLEUS_REJECTED: _reject,
    EventKind.EDITED: _edit,
    EventKind.NOTED: _note,
}
