"""Results against human readers: calls, rates, and single nuclei. The figures of a validation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.errors import AlkfishError, InputError
from alkfish.evaluate.call_agreement import CallAgreement
from alkfish.evaluate.manual_nuclei import JudgedNucleus, NucleusComparison, disagreeing
from alkfish.evaluate.manual_reference import (
    ReaderPair,
    Reference,
    contradictions,
    reader_pairs,
    references,
)
from alkfish.evaluate.manual_sheet import ManualNucleus, ManualReads
from alkfish.evaluate.method_comparison import RateAgreement, compare_measurements
from alkfish.evaluate.nuclei_to_see import (
    Explanation,
    NucleusToSee,
    judged_otherwise,
    nuclei_behind_rate,
)
from alkfish.evaluate.outdated import outdated_results
from alkfish.evaluate.report import find_case_folders, read_record
from alkfish.io.bundle import open_bundle
from alkfish.io.fingerprint import result_fingerprint
from alkfish.model.result import Call, CaseResult, Caution, PatternCounts
from alkfish.review.agreement import Agreement

_DEFINITE = (Call.POSITIVE.value, Call.NEGATIVE.value)


class Outcome(StrEnum):
    """How the calls of a case compare, the gravest first."""

    OPPOSITE = "OPPOSITE"
    """One POSITIVE, the other NEGATIVE."""
    UNDECIDED = "UNDECIDED"
    """Not the same, and at least one is EQUIVOCAL or NOT_EVALUABLE."""
    NO_REFERENCE = "NO_REFERENCE"
    """The readers gave no call, or not the same."""
    AGREE = "AGREE"
    """The same call."""


@dataclass(frozen=True)
class MachineCase:
    """What is needed of a result once it has been read."""

    case_id: str
    bundle: Path
    call: str
    counts: PatternCounts
    rate: float
    interval: tuple[float, float]
    cautions: tuple[Caution, ...]
    reason: str
    fingerprint: str


@dataclass(frozen=True)
class Method:
    """With what results were made; all cases of a validation should share it."""

    version: str
    probe: str
    cutoff_percent: int
    separation: str
    config_fingerprint: str


@dataclass(frozen=True)
class ComparedCase:
    """One case: what the readers say, what the machine says, and what to look at."""

    reference: Reference
    machine: MachineCase
    nuclei: tuple[NucleusToSee, ...] = ()
    nuclei_note: str = ""

    @property
    def case_id(self) -> str:
        """Identifier of the case."""
        return self.machine.case_id

    @property
    def outcome(self) -> Outcome:
        """How the calls compare."""
        manual, found = self.reference.call, self.machine.call
        if not manual:
            return Outcome.NO_REFERENCE
        if manual == found:
            return Outcome.AGREE
        definite = manual in _DEFINITE and found in _DEFINITE
        return Outcome.OPPOSITE if definite else Outcome.UNDECIDED

    @property
    def has_rates(self) -> bool:
        """Whether both have a rate: of a case that is not evaluable the machine has none."""
        evaluable = self.machine.call != Call.NOT_EVALUABLE and self.machine.counts.n_enumerated > 0
        return self.reference.has_rate and evaluable

    @property
    def difference(self) -> float:
        """Machine's minus manual rate in percentage points; 0 without both."""
        return 100 * (self.machine.rate - self.reference.rate) if self.has_rates else 0.0


@dataclass(frozen=True)
class LeftOut:
    """A case that takes no part in some figures, and why."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class Validation:
    """All figures of a validation.

    Attributes
    ----------
    cases : tuple of ComparedCase
        The gravest disagreement first, then by name.
    calls : CallAgreement
        Of the cases with a call of both.
    rates : RateAgreement
        Of the cases with a rate of both; manual first, in per cent.
    counting_sd : float
        Standard deviation of the differences, in percentage points, that counting so many nuclei
        brings alone; 0 where a reader gave no counts.
    left_out : tuple of LeftOut
        Cases of either side that do not take part, or not in all figures.
    readers : tuple of ReaderPair
        How the readers agree among each other.
    nuclei : tuple of Agreement
        Of judged nuclei: readers with the machine, then readers among each other.
    judged : tuple of JudgedNucleus
        Every nucleus that was judged.
    nuclei_not_found : tuple of str
        Judged nuclei that the machine does not have, with the reason.
    methods : tuple of Method
        With what the results were made; more than one is a fault of the study.
    remarks : tuple of str
        What must be known of the manual reads and of the results.
    """

    cases: tuple[ComparedCase, ...]
    calls: CallAgreement
    rates: RateAgreement
    counting_sd: float = 0.0
    left_out: tuple[LeftOut, ...] = ()
    readers: tuple[ReaderPair, ...] = ()
    nuclei: tuple[Agreement, ...] = ()
    judged: tuple[JudgedNucleus, ...] = ()
    nuclei_not_found: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def disagreements(self) -> tuple[ComparedCase, ...]:
        """Cases of different calls, and those whose rates differ beyond the limits of agreement."""
        return tuple(
            case
            for case in self.cases
            if case.outcome in (Outcome.OPPOSITE, Outcome.UNDECIDED) or self.is_outlier(case)
        )

    def is_outlier(self, case: ComparedCase) -> bool:
        """Return whether the rates of a case differ beyond the limits of agreement."""
        low, high = self.rates.lower.value, self.rates.upper.value
        return self.rates.is_known and case.has_rates and not low <= case.difference <= high

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "n_cases": len(self.cases),
            "calls": self.calls.to_dict(),
            "rates_percent": self.rates.to_dict() | {"counting_sd": self.counting_sd},
            "readers": [pair.to_dict() for pair in self.readers],
            "nuclei": [asdict(agreement) for agreement in self.nuclei],
            "n_nuclei_judged": len(self.judged),
            "nuclei_not_found": list(self.nuclei_not_found),
            "left_out": [asdict(item) for item in self.left_out],
            "remarks": list(self.remarks),
            "methods": [asdict(method) for method in self.methods],
            "cases": [_case_to_dict(case, self.is_outlier(case)) for case in self.cases],
        }


def _case_to_dict(case: ComparedCase, is_outlier: bool) -> dict[str, Any]:
    machine, manual = case.machine, case.reference
    return {
        "case_id": case.case_id,
        "outcome": case.outcome.value,
        "manual_call": manual.call,
        "machine_call": machine.call,
        "has_rates": case.has_rates,
        "manual_rate": manual.rate if manual.has_rate else "",
        "machine_rate": machine.rate if machine.counts.n_enumerated else "",
        "difference_points": case.difference if case.has_rates else "",
        "beyond_limits": is_outlier,
        "manual_n_positive": manual.n_positive if manual.n_counted else "",
        "manual_n_counted": manual.n_counted or "",
        "machine_n_positive": machine.counts.n_positive,
        "machine_n_counted": machine.counts.n_enumerated,
        "readers": list(manual.readers),
        "remark": manual.remark,
        "cautions": [caution.code for caution in machine.cautions],
        "result_fingerprint": machine.fingerprint,
        "nuclei_note": case.nuclei_note,
        "nuclei_to_see": [asdict(nucleus) for nucleus in case.nuclei],
    }


def validate_results(result_dir: str | Path, manual: ManualReads) -> Validation:
    """Compare case bundles with what human readers found.

    Parameters
    ----------
    result_dir : path-like
        A case bundle, or a folder of bundles. Cases are matched by their case id.
    manual : ManualReads
        From `read_manual`, or of several sheets, added.

    Returns
    -------
    Validation
        Cases that one side lacks, and bundles that cannot be read, are named in ``left_out``.

    Raises
    ------
    InputError
        If there is no bundle, nothing was read by hand, or no case is on both sides.
    """
    given = references(manual.cases)
    by_case: dict[str, list[ManualNucleus]] = {case_id: [] for case_id in given}
    for item in manual.nuclei:
        by_case.setdefault(item.case_id, []).append(item)
    bundles, unreadable = _bundles_by_case(Path(result_dir))
    names = [case_id for case_id in by_case if case_id in bundles]
    if not names:
        raise InputError(
            "no case of the manual reads has a result",
            where=result_dir,
            found=", ".join(sorted(by_case)[:10]) or "no manual reads",
            allowed=", ".join(sorted(bundles)[:10]),
            remedy="write case ids as alkfish names the results; see docs/validation.md",
        )
    left_out = [LeftOut(name, "no result") for name in by_case if name not in bundles]
    left_out += [LeftOut(n, "no manual read") for n in sorted(bundles) if n not in by_case]
    left_out += unreadable
    nuclei, methods, cases = NucleusComparison(), dict[Method, None](), []
    remarks = outdated_results(Path(result_dir), names)
    for name in names:
        try:
            result = open_bundle(bundles[name])
        except AlkfishError as error:
            left_out.append(LeftOut(name, f"the result cannot be read: {error.problem}"))
            continue
        nuclei.add(result, by_case[name])
        methods[_method(result)] = None
        if name in given:
            reads = [read for read in manual.cases if read.case_id == name]
            remarks += contradictions(reads, given[name], result.probe.case_rule)
            cases.append(_compared(given[name], result, bundles[name], nuclei.judged))
    manual = replace(manual, remarks=(*manual.remarks, *remarks))
    return _summed(manual, cases, left_out, nuclei, tuple(methods))


def _bundles_by_case(folder: Path) -> tuple[dict[str, Path], list[LeftOut]]:
    """Return the bundles by case id, and what cannot be used."""
    found: dict[str, Path] = {}
    left_out = []
    for name, path in sorted(find_case_folders(folder, "result.json", "case bundle").items()):
        try:
            case_id = str(read_record(path / "result.json").get("case", name))
        except AlkfishError as error:
            left_out.append(LeftOut(name, f"the result cannot be read: {error.problem}"))
            continue
        if case_id in found:
            raise InputError(
                "two results have the same case id",
                where=folder,
                found=f"{case_id}: {found[case_id].name} and {name}",
                remedy="keep one of them",
            )
        found[case_id] = path
    return found, left_out


def _method(result: CaseResult) -> Method:
    rule, made = result.probe.separation, result.provenance
    return Method(
        made.version, result.probe.name, result.probe.case_rule.positive_percent,
        f"{rule.measure.value} {rule.limit:g}", made.config_fingerprint,
    )  # fmt: skip


def _compared(
    reference: Reference, result: CaseResult, bundle: Path, judged: list[JudgedNucleus]
) -> ComparedCase:
    call = result.call
    machine = MachineCase(
        result.case_id, bundle, call.call.value, call.counts, call.rate, call.interval,
        call.cautions, "; ".join(call.reasons), result_fingerprint(result),
    )  # fmt: skip
    case = ComparedCase(reference, machine)
    found = _explanation(case, result, judged)
    return ComparedCase(reference, machine, found.nuclei, found.note)


def _explanation(
    case: ComparedCase, result: CaseResult, judged: list[JudgedNucleus]
) -> Explanation:
    """Return the nuclei that were judged differently; else those that may have tipped the call."""
    found = judged_otherwise(result, disagreeing(judged, result.case_id))
    if found.nuclei or (case.outcome is Outcome.AGREE and not case.has_rates):
        return found
    machine_higher = case.machine.call == Call.POSITIVE or case.difference > 0
    return nuclei_behind_rate(result, machine_higher=machine_higher)


def _summed(
    manual: ManualReads, cases: list[ComparedCase], left_out: list[LeftOut],
    nuclei: NucleusComparison, methods: tuple[Method, ...],
) -> Validation:  # fmt: skip
    order = {outcome: number for number, outcome in enumerate(Outcome)}
    ordered = sorted(cases, key=lambda c: (order[c.outcome], -abs(c.difference), c.case_id))
    for case in ordered:
        if case.outcome is Outcome.NO_REFERENCE:
            left_out.append(LeftOut(case.case_id, f"{case.reference.remark}: not in the calls"))
        if case.reference.has_rate and not case.has_rates:
            left_out.append(LeftOut(case.case_id, "not evaluable by machine: not in the rates"))
    rated = [case for case in ordered if case.has_rates]
    return Validation(
        tuple(ordered),
        CallAgreement.of((c.reference.call, c.machine.call) for c in ordered if c.reference.call),
        compare_measurements(
            [100 * c.reference.rate for c in rated], [100 * c.machine.rate for c in rated]
        ),
        _counting_sd(rated),
        tuple(left_out),
        reader_pairs(manual.cases),
        nuclei.agreements(),
        tuple(nuclei.judged),
        tuple(nuclei.not_found),
        methods,
        manual.remarks,
    )


def _counting_sd(cases: list[ComparedCase]) -> float:
    """Return the spread of differences if both had only drawn nuclei from the same specimen."""
    if not cases or not all(case.reference.n_counted for case in cases):
        return 0.0
    variances = [_counting_variance(case.reference, case.machine.counts) for case in cases]
    return 100 * float(np.sqrt(np.mean(variances)))


def _counting_variance(reference: Reference, counts: PatternCounts) -> float:
    n, m = reference.n_counted, counts.n_enumerated
    share = (reference.n_positive + counts.n_positive) / (n + m)
    return share * (1 - share) * (1 / n + 1 / m)
