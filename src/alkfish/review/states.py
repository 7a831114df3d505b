"""The states of a case under review, and every step between them in one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from alkfish.review.events import EventKind


class CaseState(StrEnum):
    """How far the review of a case is."""

    SCORED = "scored"
    READING = "reading"
    EQUIVOCAL_AWAITING_SECOND = "equivocal_awaiting_second"
    CALLED = "called"
    SIGNED = "signed"


class ReadMode(StrEnum):
    """Which nuclei a read covers."""

    FIFTY = "fifty"
    """As many as the probe's rule asks for (50 for ALK), drawn in the fixed random order."""
    FULL = "full"
    """All scorable nuclei of the case."""


class ReadRole(StrEnum):
    """What a read is for."""

    FIRST = "first"
    SECOND = "second"
    """Made when the first was equivocal; by another person, on the next nuclei."""
    CONTROL = "control"
    """Made of a called case on the nuclei of the first read, for agreement; changes no call."""


_S, _K = CaseState, EventKind
_WITHIN_READ = (
    _K.PATTERN_SET, _K.NUCLEUS_REJECTED, _K.EDITED, _K.NOTED, _K.UNDONE, _K.REDONE,
)  # fmt: skip

TRANSITIONS: Mapping[CaseState, Mapping[EventKind, frozenset[CaseState]]] = {
    _S.SCORED: {
        _K.RESULT_LINKED: frozenset({_S.SCORED}),
        _K.READ_STARTED: frozenset({_S.READING}),
    },
    _S.READING: {
        **{kind: frozenset({_S.READING}) for kind in _WITHIN_READ},
        _K.READ_FINISHED: frozenset({_S.EQUIVOCAL_AWAITING_SECOND, _S.CALLED}),
        _K.READ_ABANDONED: frozenset({_S.SCORED, _S.EQUIVOCAL_AWAITING_SECOND, _S.CALLED}),
    },
    _S.EQUIVOCAL_AWAITING_SECOND: {
        _K.READ_STARTED: frozenset({_S.READING}),
        _K.VERSION_OPENED: frozenset({_S.SCORED}),
    },
    _S.CALLED: {
        _K.READ_STARTED: frozenset({_S.READING}),
        _K.SIGNED: frozenset({_S.SIGNED}),
        _K.VERSION_OPENED: frozenset({_S.SCORED}),
    },
    _S.SIGNED: {
        _K.VERSION_OPENED: frozenset({_S.SCORED}),
    },
}
"""Which event is allowed in which state, and the states it may lead to."""


def next_state(state: CaseState, kind: EventKind, wanted: CaseState | None) -> CaseState:
    """Return the state after an event.

    Parameters
    ----------
    state : CaseState
        Before the event.
    kind : EventKind
        The event.
    wanted : CaseState or None
        Which of several possible states it leads to; None where there is only one.

    Raises
    ------
    ValueError
        If the table does not lead there: the log was not written by this program.
    """
    possible = TRANSITIONS[state].get(kind, frozenset())
    if wanted is None and len(possible) == 1:
        return next(iter(possible))
    if wanted not in possible:
        raise ValueError(f"{kind.value} cannot lead from {state.value} to {wanted}")
    return wanted
