"""What a reader may do with the open case now, for buttons. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alkfish.review import CaseState, ReadMode

if TYPE_CHECKING:
    from alkfish.plugin.session import ReviewSession


@dataclass(frozen=True)
class Steps:
    """What the reader may do with the case now.

    Attributes
    ----------
    start : str
        What a read would be for, in words; empty if none may be started.
    choose_mode : bool
        Whether the reader chooses between 50 and all nuclei.
    """

    start: str = ""
    choose_mode: bool = False
    finish: bool = False
    abandon: bool = False
    sign: bool = False
    open_version: bool = False
    rescore: bool = False


def steps_of(session: ReviewSession) -> Steps:
    """Return what this reader may do now."""
    review, state = session.review, session.review.state
    if session.blocked:
        return Steps()
    fits = not review.is_rescored
    start = {
        CaseState.SCORED: "Start a read",
        CaseState.EQUIVOCAL_AWAITING_SECOND: "Start the second read",
        CaseState.CALLED: "Start a control read",
    }.get(state, "")
    if review.awaits_another:
        start = ""
    if state is not CaseState.SCORED and not fits:
        start = ""
    open_version = (CaseState.EQUIVOCAL_AWAITING_SECOND, CaseState.CALLED, CaseState.SIGNED)
    return Steps(
        start=start,
        choose_mode=state is CaseState.SCORED,
        finish=session.is_reading and fits and may_finish(session),
        abandon=state is CaseState.READING,
        sign=state is CaseState.CALLED and fits,
        open_version=state in open_version,
        rescore=state is not CaseState.READING,
    )


def may_finish(session: ReviewSession) -> bool:
    """Return whether the open read can be finished: of all nuclei unblinded it always can."""
    read = session.review.read
    return read is not None and (
        not session.undecided() or (read.mode is ReadMode.FULL and not read.blinded)
    )
