"""The words of a report: calls, patterns, rules and figures as a reader expects them."""

from __future__ import annotations

from dataclasses import dataclass

from alkfish.model.flags import NucleusFlag
from alkfish.model.probe import ProbeProfile, SeparationMeasure, SeparationRule
from alkfish.model.result import Call, CaseCall, PatternCounts
from alkfish.model.signals import Pattern
from alkfish.score.case_rule import reaches_cutoff

NOTICE = (
    "Research use only. Not for diagnostic use unless the laboratory has validated it. alkfish "
    "proposes a call; a qualified person must review the nuclei and sign."
)

LIMITS = (
    "Break-apart FISH does not name the fusion partner and can miss cryptic insertions and very "
    "short inversions. Resolve unexpected, discordant, equivocal or low-confidence results by "
    "another method (IHC, RT-PCR, NGS) or another sample."
)

CALL_WORDS = {
    Call.POSITIVE: "POSITIVE",
    Call.NEGATIVE: "NEGATIVE",
    Call.EQUIVOCAL: "EQUIVOCAL",
    Call.NOT_EVALUABLE: "NOT EVALUABLE",
}

CALL_MEANINGS = {
    Call.POSITIVE: "{gene} rearrangement found",
    Call.NEGATIVE: "no {gene} rearrangement found",
    Call.EQUIVOCAL: "a second, independent reader is needed",
    Call.NOT_EVALUABLE: "no statement on {gene} rearrangement is possible; this is not a negative "
    "result",
}


BELOW_CUTOFF = "rearranged nuclei below the cut-off; borderline, confirm by another method"

NO_ISCN = (
    "No ISCN string is proposed: the case is negative, but {positive} of {total} nuclei are "
    "rearranged, which reaches the borderline range of {low} to {high} %."
)


@dataclass(frozen=True)
class PatternWords:
    """How a pattern is named, drawn and counted.

    Attributes
    ----------
    key : str
        Short name for style sheets and filters.
    colour : str
        From a palette that the colour-blind can tell apart; never the only mark.
    """

    key: str
    name: str
    meaning: str
    counts_as: str
    glyph: str
    colour: str


PATTERN_WORDS = {
    Pattern.SPLIT.value: PatternWords(
        "split", "Split", "3' and 5' signals apart", "positive", "◆", "#c8440f"
    ),
    Pattern.ISOLATED_3P.value: PatternWords(
        "iso3", "Isolated 3'", "3' signal without 5' partner", "positive", "▲", "#b8860b"
    ),
    Pattern.ISOLATED_5P.value: PatternWords(
        "iso5", "Isolated 5'", "5' signal without 3' partner", "negative", "▽", "#1a8a6a"
    ),
    Pattern.FUSED.value: PatternWords(
        "fused", "Fused", "all 3' and 5' signals together", "negative", "○", "#2f6db5"
    ),
}
"""Patterns in the order of the report: positive ones first."""

POSITIVE = [name for name, words in PATTERN_WORDS.items() if words.counts_as == "positive"]
"""Patterns that count as positive."""

NOT_COUNTED = PatternWords("out", "Not counted", "excluded from the count", "-", "×", "#707680")

MEASURE_WORDS = {
    SeparationMeasure.GAP_DIAMETERS: "diameters of the larger signal apart, edge to edge",
    SeparationMeasure.CENTRE_DIAMETERS: "diameters of the larger signal apart, centre to centre",
    SeparationMeasure.CENTRE_UM: "µm apart, centre to centre",
}


def words_of(pattern: str) -> PatternWords:
    """Return the words of a pattern name; the empty name is a nucleus that is not counted."""
    return PATTERN_WORDS.get(pattern, NOT_COUNTED)


def call_meaning(call: Call, counts: PatternCounts, probe: ProbeProfile) -> str:
    """Return what a call says, in a few words.

    A negative case whose positive nuclei reach the borderline range is not said to have none.
    """
    hidden = call is Call.NEGATIVE and reaches_borderline(counts, probe)
    if hidden and not reaches_cutoff(counts, probe.case_rule):
        return BELOW_CUTOFF
    return CALL_MEANINGS[call].format(gene=probe.gene)


def reaches_borderline(counts: PatternCounts, probe: ProbeProfile) -> bool:
    """Return whether there are positive nuclei, and so many that the borderline range begins."""
    low = probe.case_rule.borderline_percent[0]
    return counts.n_positive > 0 and low * counts.n_enumerated <= 100 * counts.n_positive


def rule_text(rule: SeparationRule) -> str:
    """Return when signals are split, as a sentence."""
    return (
        f"3' and 5' signals of a nucleus are split when they lie at least {rule.limit:g} "
        f"{MEASURE_WORDS[rule.measure]}; closer signals are fused."
    )


def threshold_text(probe: ProbeProfile) -> str:
    """Return when a case is positive, as a sentence."""
    rule = probe.case_rule
    return (
        f"A case is positive when at least {rule.positive_percent} % of the counted nuclei are "
        f"positive (split or isolated 3'), and evaluable from {rule.min_nuclei} counted nuclei."
    )


def percent_of(counts: PatternCounts, cutoff_percent: int) -> str:
    """Return the rate in per cent with as many decimals as keep it on its side of the cut-off.

    One decimal is usual; 14.98 % must not be shown as 15.0 %. Empty if nothing was counted.
    """
    n, positive = counts.n_enumerated, counts.n_positive
    if n == 0:
        return ""
    below = positive * 100 < cutoff_percent * n
    for decimals in range(1, 7):
        text = f"{100 * positive / n:.{decimals}f}"
        if (float(text) < cutoff_percent) == below:
            break
    return f"{text} %"


def chance_text(probability: float) -> str:
    """Return an estimated probability in whole per cent; never as if it were certain."""
    percent = round(100 * probability)
    return "<1 %" if percent < 1 else ">99 %" if percent > 99 else f"{percent} %"


def signed_text(value: float) -> str:
    """Return a difference with its sign and one decimal; nothing is not negative."""
    text = f"{value:+.1f}"
    return "0.0" if float(text) == 0 else text


def interval_text(call: CaseCall) -> str:
    """Return the interval of the rate in per cent."""
    low, high = call.interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def share_text(count: int, total: int) -> str:
    """Return a share in per cent with one decimal; a dash if there is no total."""
    return f"{100 * count / total:.1f} %" if total else "-"


def flag_meaning(name: str) -> str:
    """Return the meaning of a flag by its name; the name itself if the flag is unknown."""
    member = NucleusFlag.__members__.get(name.upper())
    return member.meaning if member is not None else name.replace("_", " ")
