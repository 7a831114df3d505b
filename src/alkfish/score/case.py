"""From scored fields to the call of a case, with its reasons and cautions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from alkfish.model.flags import EXCLUDING, NucleusFlag, flag_names
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import Call, CaseCall, Caution, FieldQC, PatternCounts
from alkfish.model.signals import NucleusRecords
from alkfish.score.case_rule import call_counts, is_borderline, reaches_cutoff
from alkfish.score.qc import LOW_EFFICIENCY, POOR_EFFICIENCY, scorable_shape
from alkfish.score.statistics import probability_at_least, wilson_interval

WEAK_SNR = 10.0
FEW_NUCLEI = 10
FEW_FUSED = 0.4
FEW_COUNTED = 0.15
FREQUENT_PERCENT = 15
DOMINANT_SHARE = 0.5
GAIN_SHARE = 0.3
DOUBTFUL_SHARE = 0.1

SECTION_UM = 6.0
"""Depth that a stack must cover: that of a thick section (4 to 6 um; clinical-rules 1.1, 1.6)."""

MAX_STEP_UM = 1.0
"""Planes further apart miss signals between them: a signal is about 1.1 um long in depth."""

CAUTION_TEXTS = {
    "borderline": "the rate lies in the borderline range: recount with care, view single colours, "
    "and confirm by IHC, RT-PCR or NGS",
    "isolated_3p_dominant": "the positive nuclei are mostly of the isolated 3' pattern, which is "
    "often not confirmed: confirm by IHC or NGS",
    "five_prime_predominant": "isolated 5' nuclei are frequent; negative by the rule, but some "
    "such tumours carry a fusion: confirm by another method",
    "three_prime_only_frequent": "nuclei with 3' signals and no 5' signal at all are frequent; "
    "they are not counted, but rare true positives look like this",
    "copy_gain": "copy-number gain is frequent; it is not evidence of a rearrangement and raises "
    "the background of single signals",
    "low_efficiency_3p": "many nuclei show no 3' signal: low probe efficiency or thin section",
    "low_efficiency_5p": "many nuclei show no 5' signal: low probe efficiency or thin section; "
    "missing 5' signals imitate isolated 3'",
    "weak_3p": "the 3' signals are dim: some are missed, and fused nuclei may look isolated 5'",
    "weak_5p": "the 5' signals are dim: some are missed, and fused nuclei may look isolated 3'",
    "few_fused": "hardly any nucleus shows a fused signal, though one allele is usually native: "
    "check that the channels lie on each other",
    "few_counted": "most nuclei were excluded: see the reasons, and judge whether the rest stand "
    "for the tumour",
    "doublet_3p": "3'-5'-3' arrangements that look fused are present: view single colours",
    "doubtful": "many patterns hang on one dim spot or on a separation near the limit: review "
    "the nuclei flagged doubtful",
    "poor_field": "at least one field is of poor quality",
    "single_plane": "the pictures hold a single plane: separation in depth cannot be seen, and "
    "signals of other planes are missed",
    "shallow_stack": f"the focus stack covers less than {SECTION_UM:g} um, the depth of a section: "
    "signals of other planes are missed, and fused signals may look isolated",
    "coarse_stack": f"the focus planes lie more than {MAX_STEP_UM:g} um apart: signals between "
    "them are dim, and their depth is poorly known",
    "own_cutoff": "the cut-off is the laboratory's own, not the kit's",
    "reading": "a picture was altered on reading",
}
"""Codes of all cautions and their words (clinical-rules 1.5, 1.6, 9)."""


def call_case(
    nuclei: NucleusRecords, fields: Sequence[FieldQC], probe: ProbeProfile,
    *, notes: Sequence[str] = (),
) -> CaseCall:  # fmt: skip
    """Return the machine's call over all scorable nuclei of a case.

    Parameters
    ----------
    nuclei : NucleusRecords
        All nuclei of the case.
    fields : sequence of FieldQC
        Quality of its fields.
    probe : ProbeProfile
        Case rule.
    notes : sequence of str
        What was done to the pictures on reading.
    """
    counts = PatternCounts.from_patterns(nuclei.pattern)
    rule = probe.case_rule
    call, reason = call_counts(counts, rule)
    failures = [*_channel_faults(fields), *_probe_failures(nuclei)]
    failures += _untrusted_isolation(call, counts, fields)
    if failures and call is not Call.NOT_EVALUABLE:
        call = Call.NOT_EVALUABLE
    n, positive = counts.n_enumerated, counts.n_positive
    return CaseCall(
        call=call,
        counts=counts,
        rate=positive / n if n else 0.0,
        interval=wilson_interval(positive, n),
        p_positive=probability_at_least(positive, n, cutoff=rule.positive_percent / 100),
        reasons=(*failures, reason),
        cautions=_cautions(nuclei, counts, fields, probe, notes),
    )


def count_excluded(nuclei: NucleusRecords) -> dict[str, int]:
    """Return how many nuclei carry each excluding flag, in the order of the flags' bits."""
    carried = [set(text.split(";")) for text in nuclei.flags]
    names = flag_names(int(EXCLUDING), NucleusFlag)
    return {name: sum(name in flags for flags in carried) for name in names}


def _share_showing(nuclei: NucleusRecords, missing: set[str]) -> float:
    """Return the share of nuclei of scorable shape that carry none of the flags."""
    fit = scorable_shape(nuclei)
    shown = [not missing & set(text.split(";")) for text in nuclei.flags[fit]]
    return sum(shown) / len(shown) if shown else 1.0


def _efficiencies(nuclei: NucleusRecords) -> tuple[float, float]:
    """Return the share of nuclei of scorable shape that show 3' and 5' signals."""
    return (
        _share_showing(nuclei, {"no_signal", "only_5p"}),
        _share_showing(nuclei, {"no_signal", "only_3p"}),
    )


def _channel_faults(fields: Sequence[FieldQC]) -> list[str]:
    return list(dict.fromkeys(fault for qc in fields for fault in qc.channel_faults))


def _is_weak(fields: Sequence[FieldQC], end: str) -> bool:
    """Return whether the signals of one end are so dim that many of them must be missed."""
    found = [qc for qc in (getattr(field, end) for field in fields) if qc.n_spots]
    return bool(found) and float(np.median([qc.median_snr for qc in found])) < WEAK_SNR


def _untrusted_isolation(call: Call, counts: PatternCounts, fields: Sequence[FieldQC]) -> list[str]:
    """Return why a positive call that rests on missing 5' signals cannot stand."""
    rests_on_missing = counts.isolated_3p > DOMINANT_SHARE * counts.n_positive
    if call is Call.POSITIVE and rests_on_missing and _is_weak(fields, "five_prime"):
        return [
            "the positive nuclei are mostly isolated 3', and the 5' channel is too weak to show "
            "all of its signals"
        ]
    return []


def _probe_failures(nuclei: NucleusRecords) -> list[str]:
    if len(nuclei) and not _n_inside(nuclei):
        return [
            "no nucleus lies within the outlined areas: check that they were drawn on this "
            "picture, in its pixels"
        ]
    if not scorable_shape(nuclei).any():
        return ["no nucleus of scorable shape was found"]
    return [
        f"the {end} channel shows signals in only {share:.1%} of the nuclei: failed hybridisation, "
        "or a missing or saturated channel"
        for end, share in zip(("3'", "5'"), _efficiencies(nuclei), strict=True)
        if share < POOR_EFFICIENCY
    ]


def _cautions(
    nuclei: NucleusRecords, counts: PatternCounts, fields: Sequence[FieldQC], probe: ProbeProfile,
    notes: Sequence[str],
) -> tuple[Caution, ...]:  # fmt: skip
    n, positive = counts.n_enumerated, counts.n_positive
    eff_3p, eff_5p = _efficiencies(nuclei)
    enough = n >= FEW_NUCLEI
    matters = reaches_cutoff(counts, probe.case_rule) or is_borderline(counts, probe.case_rule)
    found = {
        "borderline": is_borderline(counts, probe.case_rule),
        "isolated_3p_dominant": enough
        and matters
        and counts.isolated_3p > DOMINANT_SHARE * positive,
        "five_prime_predominant": enough and counts.isolated_5p * 100 >= FREQUENT_PERCENT * n,
        "three_prime_only_frequent": _three_prime_only(nuclei, n),
        "copy_gain": enough and _share_scorable(nuclei, "gain") >= GAIN_SHARE,
        "weak_3p": _is_weak(fields, "three_prime"),
        "weak_5p": _is_weak(fields, "five_prime"),
        "few_fused": enough and float((nuclei.n_fused[nuclei.scorable] > 0).mean()) < FEW_FUSED,
        "few_counted": FEW_NUCLEI <= _n_inside(nuclei) > n / FEW_COUNTED,
        "low_efficiency_3p": POOR_EFFICIENCY <= eff_3p < LOW_EFFICIENCY,
        "low_efficiency_5p": POOR_EFFICIENCY <= eff_5p < LOW_EFFICIENCY,
        "doublet_3p": _share_scorable(nuclei, "doublet_3p") > 0,
        "doubtful": _share_scorable(nuclei, "doubtful") >= DOUBTFUL_SHARE,
        "poor_field": any(qc.verdict == "poor" for qc in fields),
        "single_plane": not any("planes projected" in note for note in notes)
        and (not fields or any(qc.n_planes == 1 for qc in fields)),
        "shallow_stack": any(_covered_um(qc) < SECTION_UM for qc in fields if qc.n_planes > 1),
        "coarse_stack": any(qc.z_step_um > MAX_STEP_UM for qc in fields),
    }
    cautions = [Caution(code, CAUTION_TEXTS[code]) for code, applies in found.items() if applies]
    if probe.has_own_cutoff:
        cautions.insert(0, Caution("own_cutoff", _own_cutoff_text(probe)))
    cautions += [Caution("reading", note) for note in dict.fromkeys(notes)]
    return tuple(cautions)


def _own_cutoff_text(probe: ProbeProfile) -> str:
    """Return that the cut-off is not the kit's, and what it rests on."""
    measured = probe.background
    if measured is None:
        return CAUTION_TEXTS["own_cutoff"]
    kit = f" {measured.kit_percent} %" if measured.kit_percent else ""
    return (
        f"the cut-off of {probe.case_rule.positive_percent} % is the laboratory's own, from "
        f"{measured.n_specimens} normal specimens, not the kit's{kit}"
    )


def _covered_um(qc: FieldQC) -> float:
    """Return the depth that a stack covers: each plane stands for one step."""
    return qc.n_planes * qc.z_step_um + 1e-9


def _n_inside(nuclei: NucleusRecords) -> int:
    """Return the number of nuclei within the outlined areas; all, if there are none."""
    return sum("outside_roi" not in text.split(";") for text in nuclei.flags)


def _three_prime_only(nuclei: NucleusRecords, n_enumerated: int) -> bool:
    carried: npt.NDArray[np.bool_] = np.array(
        ["only_3p" in text.split(";") for text in nuclei.flags]
    )
    only = int((carried & scorable_shape(nuclei)).sum()) if len(nuclei) else 0
    return only * 100 >= FREQUENT_PERCENT * (n_enumerated + only) > 0


def _share_scorable(nuclei: NucleusRecords, flag: str) -> float:
    flags = nuclei.flags[nuclei.scorable]
    return float(np.mean([flag in text.split(";") for text in flags])) if len(flags) else 0.0
