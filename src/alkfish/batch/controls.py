"""Control slides: whether they show what they must, and what that means for the patients' cases."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.outcomes import Done, Outcome, Waiting
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import Call
from alkfish.report.wording import CALL_WORDS, percent_of


@dataclass(frozen=True)
class ControlCheck:
    """What a control slide came to."""

    case: BatchCase
    passed: bool
    text: str


def check_controls(outcomes: Iterable[Outcome]) -> tuple[ControlCheck, ...]:
    """Check every control slide that was reached; one without a result has failed."""
    return tuple(
        check_control(outcome)
        for outcome in outcomes
        if outcome.case.is_control and not isinstance(outcome, Waiting)
    )


def check_control(outcome: Outcome) -> ControlCheck:
    """Compare a control slide with the limits of its probe.

    A negative control must be called NEGATIVE and stay below the limit, a positive one must be
    called POSITIVE and reach its limit; by integers. See `ProbeProfile.control_limits`.
    """
    case = outcome.case
    kind = case.control.value
    if not isinstance(outcome, Done):
        return ControlCheck(case, passed=False, text=f"{kind} control without a result")
    call, probe = outcome.figures.call, outcome.figures.probe
    limits, counts = probe.control_limits, outcome.figures.call.counts
    share = 100 * counts.n_positive
    if case.control is Control.NEGATIVE:
        within = share < limits.negative_below_percent * counts.n_enumerated
        wanted, limit = Call.NEGATIVE, f"below {limits.negative_below_percent} %"
    else:
        within = share >= limits.positive_from_percent * counts.n_enumerated
        wanted, limit = Call.POSITIVE, f"at least {limits.positive_from_percent} %"
    shown = f"{counts.n_positive} of {counts.n_enumerated} nuclei positive"
    if call.call is not Call.NOT_EVALUABLE:
        shown += f" ({percent_of(counts, probe.case_rule.positive_percent)})"
    return ControlCheck(
        case,
        passed=call.call is wanted and within,
        text=f"{kind} control: {CALL_WORDS[call.call]}, {shown}; "
        f"expected {CALL_WORDS[wanted]}, {limit} ({_origin(probe)})",
    )


def _origin(probe: ProbeProfile) -> str:
    """Return in words where the limits of control slides come from."""
    if probe.controls is not None:
        return "declared by the profile"
    return "by the kit's case rule" if probe.has_own_cutoff else "by the case rule"


def speaks_for(control: BatchCase, case: BatchCase) -> bool:
    """Whether a control slide was made with probe and lot of a case, as far as they are told."""
    same_lot = _lot(control) == _lot(case) or not (_lot(control) and _lot(case))
    return _kit(control) == _kit(case) and same_lot


def covers(control: BatchCase, case: BatchCase) -> bool:
    """Whether a control slide stands for the very probe and lot of a case."""
    return _kit(control) == _kit(case) and _lot(control) == _lot(case)


def _lot(case: BatchCase) -> str:
    """Return a lot as it is compared: capitals and blanks do not matter."""
    return "".join(unicodedata.normalize("NFKC", case.lot).split()).casefold()


def _kit(case: BatchCase) -> str:
    """Return the name of a probe however its file is addressed; in doubt two are the same."""
    return re.split(r"[/\\]", case.probe)[-1].removesuffix(".toml").casefold()
