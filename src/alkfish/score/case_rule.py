"""From pattern counts to the call of a case. Pure: standard library and model only.

All thresholds are applied to integers: 15 of 100 is exactly the cut-off and is positive.
Source: ATLAS2 pp 46-48, fig 10 (clinical-rules 1.4).
"""

from __future__ import annotations

from alkfish.model.probe import CaseRule
from alkfish.model.result import Call, PatternCounts


def reaches_cutoff(counts: PatternCounts, rule: CaseRule) -> bool:
    """Return whether the positive nuclei reach the cut-off, in integer arithmetic."""
    return counts.n_positive * 100 >= rule.positive_percent * counts.n_enumerated


def is_borderline(counts: PatternCounts, rule: CaseRule) -> bool:
    """Return whether the rate lies in the borderline range, both ends included."""
    low, high = rule.borderline_percent
    n = counts.n_enumerated
    return n > 0 and low * n <= counts.n_positive * 100 <= high * n


def call_counts(counts: PatternCounts, rule: CaseRule) -> tuple[Call, str]:
    """Return the call over all enumerated nuclei and its reason.

    Parameters
    ----------
    counts : PatternCounts
        All scorable nuclei of the case.
    rule : CaseRule
        Figures of the probe profile.

    Returns
    -------
    call : Call
        POSITIVE, NEGATIVE, or NOT_EVALUABLE below the minimum number of nuclei.
    reason : str
        The comparison that decided, with its integers.
    """
    n, positive = counts.n_enumerated, counts.n_positive
    if n < rule.min_nuclei:
        return Call.NOT_EVALUABLE, (
            f"only {n} scorable nuclei with both probe ends; at least {rule.min_nuclei} are needed"
        )
    relation = "reach" if reaches_cutoff(counts, rule) else "stay below"
    reason = f"{positive} of {n} nuclei are positive; they {relation} {rule.positive_percent} %"
    return (Call.POSITIVE if relation == "reach" else Call.NEGATIVE), reason


def call_reads(
    first: PatternCounts, second: PatternCounts | None = None, *, rule: CaseRule
) -> tuple[Call, str]:
    """Return the call of the two-reader rule and its reason.

    Reader 1 counts `rule.read_size` nuclei. A clear result stands; an equivocal one needs a second,
    independent reader who counts as many again, and the sum is compared with the cut-off.

    Parameters
    ----------
    first : PatternCounts
        The read of reader 1.
    second : PatternCounts, optional
        The read of reader 2; ignored when reader 1 was not equivocal.
    rule : CaseRule
        Figures of the probe profile.

    Returns
    -------
    call : Call
        EQUIVOCAL while reader 2 is awaited; NOT_EVALUABLE if a read is too short.
    reason : str
        The comparison that decided.

    Raises
    ------
    ValueError
        If a read holds more nuclei than the rule is defined for.
    """
    short = _read_problem(first, "reader 1", rule)
    if short:
        return Call.NOT_EVALUABLE, short
    low, high = rule.equivocal_counts
    positive, size = first.n_positive, rule.read_size
    if positive < low:
        return Call.NEGATIVE, f"reader 1: {positive} of {size} positive, fewer than {low}"
    if positive > high:
        return Call.POSITIVE, f"reader 1: {positive} of {size} positive, more than {high}"
    if second is None:
        return Call.EQUIVOCAL, (
            f"reader 1: {positive} of {size} positive, within {low} to {high}: "
            "a second reader is needed"
        )
    short = _read_problem(second, "reader 2", rule)
    if short:
        return Call.NOT_EVALUABLE, short
    total = first + second
    call = Call.POSITIVE if reaches_cutoff(total, rule) else Call.NEGATIVE
    return call, (
        f"both readers: {total.n_positive} of {total.n_enumerated} positive, "
        f"cut-off {rule.positive_percent} %"
    )


def _read_problem(read: PatternCounts, who: str, rule: CaseRule) -> str:
    if read.n_enumerated > rule.read_size:
        raise ValueError(
            f"{who} counted {read.n_enumerated} nuclei; the rule is defined for {rule.read_size}"
        )
    if read.n_enumerated < rule.read_size:
        return f"{who} counted {read.n_enumerated} of the {rule.read_size} nuclei required"
    return ""
