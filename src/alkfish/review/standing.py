"""How far the review of every case of a store is, for a list of cases: one query for all."""

from __future__ import annotations

from dataclasses import dataclass

from alkfish.review.case_view import same_person
from alkfish.review.events import Event, EventKind
from alkfish.review.replay import Review, ReviewCall
from alkfish.review.states import CaseState, ReadRole
from alkfish.review.store import Store

STEPS = frozenset(
    {
        EventKind.RESULT_LINKED,
        EventKind.READ_STARTED,
        EventKind.READ_FINISHED,
        EventKind.READ_ABANDONED,
        EventKind.SIGNED,
        EventKind.VERSION_OPENED,
    }
)
"""Events that change where a case stands; the decisions between them are not read."""


@dataclass(frozen=True)
class Standing:
    """Where a case stands, as far as everybody may know.

    Attributes
    ----------
    case_id : str
        The case.
    state : CaseState
        Where it stands.
    version : int
        Number of the present version of its review.
    result : str
        Fingerprint of the result that the version is about.
    reader : str
        Who has a read open; empty if nobody.
    is_blinded : bool
        Whether the machine's proposal is hidden in the open read.
    readers : tuple of str
        Who finished the first, then the second read of this version.
    call : ReviewCall or None
        The call; None before the case is called, so that nobody learns of a first read.
    signed_by, signed_at : str
        Who signed, and when (UTC); empty if nobody.
    last_at : str
        When the last step was made (UTC).
    """

    case_id: str
    state: CaseState
    version: int
    result: str
    reader: str
    is_blinded: bool
    readers: tuple[str, ...]
    call: ReviewCall | None
    signed_by: str
    signed_at: str
    last_at: str

    def hides_machine_from(self, reader: str) -> bool:
        """Whether the machine's proposal is hidden from a reader, whose blinded read is open."""
        return self.is_blinded and same_person(self.reader, reader)


def standings(store: Store) -> dict[str, Standing]:
    """Return where each case of a store stands, by case id; cases nobody touched are not in it."""
    found = store.events_of_kinds(STEPS)
    return {case_id: _standing(case_id, events) for case_id, events in found.items()}


def _standing(case_id: str, events: tuple[Event, ...]) -> Standing:
    review = Review(events)
    version, read = review.version, review.open_read
    is_called = review.state in (CaseState.CALLED, CaseState.SIGNED)
    first_two = [version.read_of(role) for role in (ReadRole.FIRST, ReadRole.SECOND)]
    return Standing(
        case_id=case_id,
        state=review.state,
        version=version.number,
        result=version.result,
        reader=read.reader if read else "",
        is_blinded=bool(read and read.blinded),
        readers=tuple(each.reader for each in first_two if each and each.finished),
        call=version.call if is_called else None,
        signed_by=version.signed_by,
        signed_at=version.signed_at,
        last_at=events[-1].at,
    )
