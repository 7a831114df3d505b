"""What stands on a report, from the result of a case: plain rows and sentences, no markup."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alkfish.config import Config, list_settings
from alkfish.io.fingerprint import probe_fingerprint
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import Call, CaseResult, FieldQC
from alkfish.report.details import CaseDetails
from alkfish.report.iscn import iscn_string
from alkfish.report.options import ReportOptions
from alkfish.report.review import ReviewState
from alkfish.report.wording import (
    CALL_WORDS,
    LIMITS,
    NO_ISCN,
    NOTICE,
    PATTERN_WORDS,
    POSITIVE,
    PatternWords,
    call_meaning,
    flag_meaning,
    interval_text,
    percent_of,
    reaches_borderline,
    rule_text,
    share_text,
    threshold_text,
)

NOT_STATED = "not stated"


@dataclass(frozen=True)
class PatternRow:
    """One line of the pattern table."""

    words: PatternWords
    count: int
    share: str


@dataclass(frozen=True)
class FieldRow:
    """Quality of one field in words."""

    fov: str
    nuclei: str
    counted: str
    three_prime: str
    five_prime: str
    focus: str
    verdict: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """Everything a template shows but pictures and drawings.

    Attributes
    ----------
    call_words : str
        POSITIVE, NEGATIVE, EQUIVOCAL or NOT EVALUABLE.
    overruled : str
        The machine's call in words where people decided otherwise; empty where they agree.
    rate, interval : str
        In per cent; empty where no rate may be shown.
    projected : bool
        Whether pictures are projections of focus stacks.
    """

    case_id: str
    gene: str
    call_words: str
    call_key: str
    call_meaning: str
    overruled: str
    review: ReviewState
    n_positive: int
    n_counted: int
    n_nuclei: int
    n_excluded: int
    rate: str
    interval: str
    p_positive: str
    reasons: tuple[str, ...]
    cautions: tuple[tuple[str, str], ...]
    patterns: tuple[PatternRow, ...]
    excluded: tuple[tuple[str, int], ...]
    iscn: str
    no_iscn: str
    method: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    quality: tuple[FieldRow, ...]
    corrections: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    origin: tuple[tuple[str, str], ...]
    changed_settings: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    details: CaseDetails
    projected: bool
    notice: str = NOTICE
    limits: str = LIMITS


def make_content(
    result: CaseResult, *, review: ReviewState, details: CaseDetails, options: ReportOptions
) -> Content:
    """Return the content of the report of a case."""
    figures = result.call
    machine = Call(review.machine_call) if review.has_readers_figures else figures.call
    call = review.call(machine)
    agrees = call is figures.call
    order = options.three_prime_first
    borderline = reaches_borderline(figures.counts, result.probe)
    return Content(
        case_id=result.case_id,
        gene=result.probe.gene,
        call_words=CALL_WORDS[call],
        call_key=call.value.lower(),
        call_meaning=call_meaning(call, figures.counts, result.probe),
        overruled="" if call is machine else CALL_WORDS[machine],
        review=review,
        n_positive=figures.counts.n_positive,
        n_counted=figures.counts.n_enumerated,
        n_nuclei=len(result.nuclei),
        n_excluded=int((~result.nuclei.scorable).sum()),
        **_rate(result),
        reasons=figures.reasons,
        cautions=tuple((c.code, _sentence(c.text)) for c in figures.cautions),
        patterns=_pattern_rows(result),
        excluded=tuple((flag_meaning(k), n) for k, n in _most_first(result.excluded) if n),
        iscn=iscn_string(result, call, three_prime_first=order) if agrees else "",
        no_iscn=_no_iscn(result) if call is Call.NEGATIVE and borderline else "",
        method=_method(result, details),
        sources=tuple((key.replace("_", " "), text) for key, text in result.probe.sources.items()),
        quality=tuple(_field_row(qc) for qc in result.fields),
        corrections=tuple(dict.fromkeys(w for qc in result.fields for w in qc.corrections)),
        notes=tuple((fov, note) for fov, notes in result.notes.items() for note in notes),
        origin=_origin(result),
        changed_settings=_changed_settings(result),
        inputs=tuple(result.provenance.inputs.items()),
        details=details,
        projected=any(qc.n_planes > 1 for qc in result.fields),
    )


def _no_iscn(result: CaseResult) -> str:
    counts = result.call.counts
    low, high = result.probe.case_rule.borderline_percent
    return NO_ISCN.format(positive=counts.n_positive, total=counts.n_enumerated, low=low, high=high)


def _rate(result: CaseResult) -> dict[str, str]:
    """Return rate, interval and probability in words; empty without a verdict of the machine."""
    call = result.call
    if call.call is Call.NOT_EVALUABLE:
        return {"rate": "", "interval": "", "p_positive": ""}
    return {
        "rate": percent_of(call.counts, result.probe.case_rule.positive_percent),
        "interval": interval_text(call),
        "p_positive": _probability(call.p_positive),
    }


def _most_first(counts: object) -> list[tuple[str, int]]:
    items = dict(counts).items()  # type: ignore[call-overload]
    return sorted(items, key=lambda item: -item[1])


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else ""


def _probability(p: float) -> str:
    if p > 0.999:
        return "over 99.9 %"
    return "below 0.1 %" if p < 0.001 else f"{100 * p:.1f} %"


def _pattern_rows(result: CaseResult) -> tuple[PatternRow, ...]:
    counts = result.call.counts.by_pattern()
    total = result.call.counts.n_enumerated
    with_shares = result.call.call is not Call.NOT_EVALUABLE
    return tuple(
        PatternRow(words, counts[name], share_text(counts[name], total) if with_shares else "-")
        for name, words in PATTERN_WORDS.items()
    )


def _method(result: CaseResult, details: CaseDetails) -> tuple[tuple[str, str], ...]:
    probe = result.probe
    sizes = sorted(set(result.pixel_size_um.values()))
    return (
        ("Probe", f"{probe.title} (profile {probe.name})"),
        ("Probe lot", details.get("assay.probe_lot") or NOT_STATED),
        ("Signal colours", _colours(probe)),
        ("Assessment", f"image analysis, alkfish {result.provenance.version}"),
        ("Split criterion", rule_text(probe.separation)),
        ("Positivity threshold", threshold_text(probe)),
        ("Control slides", details.get("assay.controls") or NOT_STATED),
        ("Section thickness", details.get("assay.section_thickness") or NOT_STATED),
        ("Pixel size", ", ".join(f"{size:.4g} µm" for size in sizes) or NOT_STATED),
        ("Focus planes", _planes(result)),
    )


def _planes(result: CaseResult) -> str:
    """Return in words how the depth of the section was captured."""
    kinds = dict.fromkeys((qc.n_planes, qc.z_step_um) for qc in result.fields)
    return ", ".join(f"{n} at {step:g} µm" if n > 1 else "1" for n, step in kinds) or NOT_STATED


def _colours(probe: ProbeProfile) -> str:
    return (
        f"3' {probe.gene} {probe.three_prime_colour.value}, "
        f"5' {probe.gene} {probe.five_prime_colour.value}"
    )


def _field_row(qc: FieldQC) -> FieldRow:
    def channel(figures: object) -> str:
        seen, snr = getattr(figures, "efficiency", 0.0), getattr(figures, "median_snr", 0.0)
        return f"{seen:.0%}, SNR {snr:.0f}"

    return FieldRow(
        fov=qc.fov,
        nuclei=str(qc.n_nuclei),
        counted=str(qc.n_scorable),
        three_prime=channel(qc.three_prime),
        five_prime=channel(qc.five_prime),
        focus=f"{qc.focus:.2f}",
        verdict=qc.verdict,
        remarks=qc.reasons,
    )


def _origin(result: CaseResult) -> tuple[tuple[str, str], ...]:
    made = result.provenance
    rows = [
        ("Software", f"alkfish {made.version}"),
        ("Settings fingerprint (SHA-256)", made.config_fingerprint),
        ("Probe profile", f"{result.probe.name}, version {result.probe.version}"),
        ("Probe profile fingerprint (SHA-256)", probe_fingerprint(result.probe)),
        ("Scored", made.created),
    ]
    return tuple((label, text) for label, text in rows if text)


def _changed_settings(result: CaseResult) -> tuple[tuple[str, str], ...]:
    """Return the settings of the run that differ from the defaults of this version."""
    known = Config().model_dump(mode="json")
    units = {(info.stage, info.name): info.unit for info in list_settings()}
    changed = []
    for stage, group in result.provenance.config.items():
        for name, value in dict(group).items() if isinstance(group, dict) else ():
            default = known.get(stage, {}).get(name, "unknown to this version")
            if value != default:
                unit = units.get((stage, name), "")
                changed.append((f"{stage}.{name}", f"{value} {unit} (default {default})"))
    return tuple(changed)


def counted_positive(result: CaseResult) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return of each counted nucleus, in the order of the table, whether it is positive."""
    counted = result.nuclei.scorable
    return np.asarray(np.isin(result.nuclei.pattern[counted].astype(str), POSITIVE), np.bool_)
