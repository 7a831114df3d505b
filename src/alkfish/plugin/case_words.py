"""What the case dock says of a session, worked out without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alkfish.model.probe import CaseRule
from alkfish.model.result import Call, CaseCall, FieldQC, PatternCounts
from alkfish.plugin.case_steps import Steps, may_finish, steps_of
from alkfish.report.wording import CALL_WORDS, call_meaning, interval_text, percent_of
from alkfish.review import CaseReview, CaseState, EventKind, Read, ReadMode, ReadRole
from alkfish.review.case_view import call_of_read
from alkfish.score.statistics import wilson_interval

if TYPE_CHECKING:
    from alkfish.plugin.session import ReviewSession

STATE_WORDS = {
    CaseState.SCORED: "Scored, not read",
    CaseState.READING: "Being read",
    CaseState.EQUIVOCAL_AWAITING_SECOND: "Equivocal, awaits a second reader",
    CaseState.CALLED: "Called, not signed",
    CaseState.SIGNED: "Signed",
}
"""States as lists and docks name them."""

STATE_MARKS = {
    CaseState.SCORED: "○",
    CaseState.READING: "◐",
    CaseState.EQUIVOCAL_AWAITING_SECOND: "②",
    CaseState.CALLED: "●",
    CaseState.SIGNED: "✔",
}
"""A sign per state, so that a list is read at a glance and without colours."""

OTHER_READER = (
    "Your read was equivocal. Another person must make the second read: click your name to let "
    "them sit down."
)
RESCORED = (
    "This case was scored again after the review was begun. Reads stay tied to the older result."
)
_AFTER_RESCORE = {
    CaseState.SCORED: "Start a read of this one.",
    CaseState.READING: "Abandon the open read, with a reason.",
    CaseState.EQUIVOCAL_AWAITING_SECOND: "Open a new version, with a reason.",
    CaseState.CALLED: "Open a new version, with a reason.",
    CaseState.SIGNED: "A change needs a new version, with a reason.",
}
"""What is possible in each state once the case was scored again elsewhere."""

HIDDEN = "Blinded read: the machine's proposal is hidden until the read is finished."


@dataclass(frozen=True)
class CaseSummary:
    """Everything the case dock shows.

    Attributes
    ----------
    state, next_step : str
        Where the case stands, and what comes next.
    done, total : int
        Nuclei of the open read that are decided, and in all; 0 and 0 without an own read.
    counts : PatternCounts
        Of the open read so far, of the review, or of the machine; see `counted_by`.
    counted_by : str
        Whose counts these are, in words.
    figures : str
        Positive of counted, rate and interval in words.
    has_rate : bool
        Whether a rate and shares may be shown: not of a case that is not evaluable.
    call, call_key, reason : str
        The call of the review, or of the reader's own equivocal read; empty while a read is open.
        The reason then says what the rule makes of it.
    machine : tuple of str
        The machine's call, figures and reasons in words; empty where hidden.
    cautions : tuple of str
        What to weigh; empty where hidden, because some of them tell the rate.
    quality : tuple of FieldQC
        Quality of the fields; they say nothing of patterns.
    """

    case_id: str
    version: int
    state: str
    next_step: str
    done: int
    total: int
    counts: PatternCounts
    counted_by: str
    figures: str
    has_rate: bool
    call: str
    call_key: str
    reason: str
    machine: tuple[str, ...]
    cautions: tuple[str, ...]
    quality: tuple[FieldQC, ...]
    steps: Steps


def summarise(session: ReviewSession) -> CaseSummary:
    """Return what the case dock says of a session."""
    review, result = session.review, session.review.machine_result
    done, total = _progress(session)
    counts, counted_by = _counts(session)
    call, reason = _call(session)
    visible = session.may_see_machine
    return CaseSummary(
        case_id=session.case_id,
        version=review.version,
        state=_state(review),
        next_step=next_step(session),
        done=done,
        total=total,
        counts=counts,
        counted_by=counted_by,
        figures=_figures(session, counts),
        has_rate=_has_rate(session),
        call=f"{CALL_WORDS[call]}: {call_meaning(call, counts, result.probe)}" if call else "",
        call_key=call.value if call else "",
        reason=reason,
        machine=machine_words(result.call, result.probe.case_rule) if visible else (),
        cautions=tuple(caution.text for caution in result.call.cautions) if visible else (),
        quality=result.fields,
        steps=steps_of(session),
    )


def figures_of(counts: PatternCounts, rule: CaseRule) -> str:
    """Return positive and counted nuclei, rate and interval in words."""
    n, positive = counts.n_enumerated, counts.n_positive
    if not n:
        return "no nucleus counted yet"
    low, high = wilson_interval(positive, n)
    rate = percent_of(counts, rule.positive_percent)
    return (
        f"{positive} of {n} positive: {rate} (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    ).replace(" %", "\N{NO-BREAK SPACE}%")


def rateless(counts: PatternCounts) -> str:
    """Return positive and counted nuclei of a case that is not evaluable: no rate."""
    return f"{counts.n_positive} of {counts.n_enumerated} positive; no rate is stated"


def _figures(session: ReviewSession, counts: PatternCounts) -> str:
    """Return the figures to show; a case that is not evaluable gets no rate."""
    if not _has_rate(session):
        return rateless(counts)
    return figures_of(counts, session.review.machine_result.probe.case_rule)


def _has_rate(session: ReviewSession) -> bool:
    review = session.review
    shown = review.call if review.call and not review.is_rescored else review.machine_result.call
    return session.is_reading or shown.call is not Call.NOT_EVALUABLE


def machine_words(call: CaseCall, rule: CaseRule) -> tuple[str, ...]:
    """Return the machine's call, its figures and its reasons, a line each."""
    n, positive = call.counts.n_enumerated, call.counts.n_positive
    rate = f"{positive} of {n} positive"
    if call.call is not Call.NOT_EVALUABLE:
        rate += (
            f": {percent_of(call.counts, rule.positive_percent)} "
            f"(95 % interval {interval_text(call)})"
        )
    return (CALL_WORDS[call.call], rate, *call.reasons)


def rule_words(rule: CaseRule) -> str:
    """Return what a first read leads to, from the figures of the probe profile."""
    low, high = rule.equivocal_counts
    return (
        f"First read of {rule.read_size}: 0 to {low - 1} positive is negative, {low} to {high} "
        f"equivocal, {high + 1} to {rule.read_size} positive."
    )


def open_reader(review: CaseReview) -> str:
    """Return who has a read open; empty if nobody."""
    if review.state is not CaseState.READING:
        return ""
    started = [e.reader for e in review.history() if e.kind is EventKind.READ_STARTED]
    return started[-1] if started else ""


def next_step(session: ReviewSession) -> str:
    """Return what comes next for this reader, as a sentence or two."""
    review = session.review
    if session.blocked:
        return session.blocked
    if review.is_rescored:
        return f"{RESCORED} {_AFTER_RESCORE[review.state]} {shortage(session)}".strip()
    if review.state is CaseState.READING:
        return _while_reading(session)
    if review.state is CaseState.EQUIVOCAL_AWAITING_SECOND:
        if review.awaits_another:
            return OTHER_READER
        words = "Start the second read: other nuclei, and nothing of the first read is shown."
        return f"{words} {shortage(session)}".strip()
    short = shortage(session)
    if short:
        return f"Start a read. {short}"
    return {
        CaseState.SCORED: "Start a read. What the machine proposes is not a result.",
        CaseState.CALLED: "Sign the call, or let another person make a control read.",
        CaseState.SIGNED: "The case is frozen. A change needs a new version, with a reason.",
    }[review.state]


def notice(session: ReviewSession) -> str:
    """Return what a reader must know before any step, such as why none is possible.

    Empty if there is nothing of the kind. It holds until it is no longer so.
    """
    review = session.review
    if session.blocked or review.is_rescored:
        return next_step(session)
    if review.state is CaseState.READING and review.read is None:
        return next_step(session)
    if review.awaits_another:
        return OTHER_READER
    return shortage(session)


def continue_words(read: Read) -> str:
    """Return what a button says that takes over an earlier read of one's own."""
    done = f"{len(read.decisions)} decided"
    if read.abandoned:
        return f"Go on with my abandoned read ({done})"
    return f"Take over my read of version {read.version} ({done})"


def shortage(session: ReviewSession) -> str:
    """Return what it means that there are too few nuclei for a read; empty if there are enough.

    Fewer than the rule asks for are not evaluable, whatever they show (clinical-rules 1.4).
    """
    review, rule = session.review, session.review.machine_result.probe.case_rule
    if review.read is not None:
        return _short_read(session)
    if not session.may_start or not review.n_missing():
        return ""
    if review.state is not CaseState.SCORED:
        return (
            f"Fewer than {rule.read_size} nuclei are left for a second read. The rule needs "
            f"{rule.read_size} of each reader: the case will be not evaluable."
        )
    n = rule.read_size - review.n_missing()
    found = {0: "No nucleus is", 1: "Only 1 nucleus is"}.get(n, f"Only {n} nuclei are")
    words = f"{found} scorable; a read needs {rule.read_size}."
    if n >= rule.min_nuclei:
        return f"{words} Reading all nuclei can lead to a call, a drawn read cannot."
    return f"{words} The case will be not evaluable, whatever the read finds; it is kept."


def _short_read(session: ReviewSession) -> str:
    read = session.review.read
    assert read is not None  # noqa: S101 - the caller has looked
    n, size = len(session.draw), read.size
    if read.mode is not ReadMode.FIFTY or n >= size or read.role is ReadRole.CONTROL:
        return ""
    return f"Only {n} of {size} nuclei can be counted: finished so, the case is not evaluable."


def _state(review: CaseReview) -> str:
    words = STATE_WORDS[review.state]
    if review.state is CaseState.READING:
        reader = open_reader(review)
        return f"{words} by {reader}" if reader else words
    if review.state is CaseState.SIGNED:
        version = review.versions()[-1]
        return f"{words} by {version.signed_by}, {version.signed_at[:16].replace('T', ' ')} UTC"
    return words


def _while_reading(session: ReviewSession) -> str:
    read = session.review.read
    if read is None:
        return f"{open_reader(session.review)} is reading. Nothing can be decided here until then."
    left, short = len(session.undecided()), _short_read(session)
    if short:
        return f"{short} {left} are not decided yet." if left else f"{short} Finish or abandon it."
    if left and not may_finish(session):
        return f"Decide the {left} nuclei that are left, then finish the read."
    if read.mode is ReadMode.FULL and left:
        return f"{left} nuclei are not looked at: finished now, they count as proposed."
    return "All nuclei of the read are decided. Finish it."


def _progress(session: ReviewSession) -> tuple[int, int]:
    if not session.is_reading:
        return 0, 0
    total = len(session.draw)
    return total - len(session.undecided()), total


def _counts(session: ReviewSession) -> tuple[PatternCounts, str]:
    """Return the counts to show, and whose they are."""
    review = session.review
    read = review.read
    if read is not None and (read.mode is ReadMode.FIFTY or read.blinded):
        patterns = [read.decisions[key].pattern for key in session.draw if key in read.decisions]
        return PatternCounts.from_patterns(patterns), "Your read so far"
    if read is not None:
        return PatternCounts.from_patterns(session.patterns), "All nuclei, your changes included"
    if review.call is not None and not review.is_rescored:
        return review.call.counts, "The readers"
    own = _equivocal_read(session)
    if own is not None:
        return own.counts, "Your read"
    return review.machine_result.call.counts, "The machine's proposal"


def _call(session: ReviewSession) -> tuple[Call | None, str]:
    review = session.review
    if review.call is not None and not review.is_rescored:
        return review.call.call, review.call.reason
    if review.read is not None:
        return None, _prospect(session, review.read)
    own, rule = _equivocal_read(session), review.machine_result.probe.case_rule
    if own is not None:
        found = call_of_read(own, own.counts, None, rule)
        return found.call, found.reason
    if review.state is CaseState.READING or not session.may_see_machine:
        return None, ""
    if review.state is CaseState.EQUIVOCAL_AWAITING_SECOND:
        return None, "Only one of two reads is made. Nothing of this is a result."
    return None, "Not reviewed. Nothing of this is a result."


def _equivocal_read(session: ReviewSession) -> Read | None:
    """Return this reader's own first read while another person's is awaited; None else."""
    review = session.review
    return next(iter(review.counted_reads()), None) if review.awaits_another else None


def _prospect(session: ReviewSession, read: Read) -> str:
    """Return what the case rule makes of an open read; of a second one nothing is told.

    The sum would tell what the first reader has counted.
    """
    rule = session.review.machine_result.probe.case_rule
    if read.role is ReadRole.SECOND:
        return "The sum of both reads decides when you finish."
    if read.role is ReadRole.CONTROL:
        return ""
    if may_finish(session):
        found = call_of_read(read, _counts(session)[0], None, rule)
        return f"Finished now: {CALL_WORDS[found.call]}. {found.reason}"
    return rule_words(rule) if read.mode is ReadMode.FIFTY else ""
