"""What is not possible in which state, why, and what to do instead, in words for a reader."""

from __future__ import annotations

from collections.abc import Mapping

from alkfish.errors import ReviewError
from alkfish.review.events import EventKind
from alkfish.review.states import TRANSITIONS, CaseState

RESCORE = "the case cannot be scored again"
"""What `check_step` refuses when a case is to be scored again."""


def check_step(state: CaseState, kind: EventKind, *, where: str, refused: str = "") -> None:
    """Refuse an event that the state does not allow.

    Parameters
    ----------
    state : CaseState
        Where the case stands.
    kind : EventKind
        The event.
    where : str
        The case.
    refused : str
        What is not possible then, in words; by default those of the event.

    Raises
    ------
    ReviewError
        If it is not in `TRANSITIONS`.
    """
    if kind not in TRANSITIONS[state]:
        raise ReviewError(
            f"{refused or _REFUSED[kind]}: {_BECAUSE[state]}",
            where=where,
            remedy=_REMEDIES.get((state, kind), _USUAL[state]),
        )


_S, _K = CaseState, EventKind

_REFUSED: Mapping[EventKind, str] = {
    _K.RESULT_LINKED: RESCORE,
    _K.READ_STARTED: "no read can be started",
    _K.PATTERN_SET: "nothing can be decided",
    _K.NUCLEUS_REJECTED: "nothing can be decided",
    _K.EDITED: "signals and outlines cannot be edited",
    _K.NOTED: "no note can be written",
    _K.UNDONE: "nothing can be undone",
    _K.REDONE: "nothing can be done again",
    _K.READ_FINISHED: "there is no read to finish",
    _K.READ_ABANDONED: "there is no read to abandon",
    _K.SIGNED: "the case cannot be signed",
    _K.VERSION_OPENED: "no new version can be opened",
}

_BECAUSE: Mapping[CaseState, str] = {
    _S.SCORED: "nobody is reading the case",
    _S.READING: "a read of it is open",
    _S.EQUIVOCAL_AWAITING_SECOND: "the first read was equivocal and a second reader is awaited",
    _S.CALLED: "it is called and no read is open",
    _S.SIGNED: "it is signed and frozen",
}

_USUAL: Mapping[CaseState, str] = {
    _S.SCORED: "start a read first",
    _S.READING: "finish or abandon the read that is open",
    _S.EQUIVOCAL_AWAITING_SECOND: "let another person start the second read",
    _S.CALLED: "sign the case; to change something, open a new version and give the reason",
    _S.SIGNED: "open a new version and give the reason; the signed one is kept",
}
"""What helps in a state, whatever was refused."""

_REMEDIES: Mapping[tuple[CaseState, EventKind], str] = {
    (_S.SCORED, _K.SIGNED): "start a read and finish it: what is signed is the call of a read",
    (_S.SCORED, _K.VERSION_OPENED): "start a read: there is no call yet that could be changed",
    (_S.READING, _K.READ_STARTED): "go on with the open read if it is yours; else wait until it is "
    "finished, or abandon it with a reason",
    (_S.EQUIVOCAL_AWAITING_SECOND, _K.SIGNED): "let another person make the second read; the case "
    "is called after it",
    (_S.EQUIVOCAL_AWAITING_SECOND, _K.RESULT_LINKED): "open a new version and give the reason",
    (_S.SIGNED, _K.SIGNED): "nothing: it is signed already. A later change is a new version, with "
    "a reason",
}
"""Where something else helps than usually."""
