"""From what several readers found to one reference per case, and how the readers agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from alkfish.evaluate.call_agreement import CallAgreement
from alkfish.evaluate.manual_sheet import CONSENSUS, ManualRead
from alkfish.evaluate.method_comparison import RateAgreement, compare_measurements
from alkfish.model.probe import CaseRule
from alkfish.model.result import Call


@dataclass(frozen=True)
class Reference:
    """What the readers say together of a case.

    Attributes
    ----------
    call : str
        The call they agree on, a value of `Call`; empty if there is none.
    has_rate, rate, n_positive, n_counted
        Rate as a share, and the summed counts; counts are 0 if a reader gave none.
    readers : tuple of str
        Who read.
    remark : str
        Why there is no call; empty otherwise.
    """

    case_id: str
    call: str = ""
    has_rate: bool = False
    rate: float = 0.0
    n_positive: int = 0
    n_counted: int = 0
    readers: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class ReaderPair:
    """How two readers agree on the cases that both have read; rates in per cent."""

    first: str
    second: str
    calls: CallAgreement
    rates: RateAgreement

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        both = {"first": self.first, "second": self.second}
        return both | {"calls": self.calls.to_dict(), "rates": self.rates.to_dict()}


def references(reads: Iterable[ManualRead]) -> dict[str, Reference]:
    """Return one reference per case, in the order of the reads.

    A row of the reader ``consensus`` stands above the others. Without one, the call is that on
    which all readers who gave one agree; if they do not, the case has none. Counts of several
    readers are summed (ATLAS2 pp 47-48, clinical-rules 1.4); where one gave no counts the rates
    are averaged.
    """
    by_case: dict[str, list[ManualRead]] = {}
    for read in reads:
        by_case.setdefault(read.case_id, []).append(read)
    return {case_id: _reference(case_id, given) for case_id, given in by_case.items()}


def _reference(case_id: str, given: Sequence[ManualRead]) -> Reference:
    agreed = [read for read in given if read.reader.casefold() == CONSENSUS]
    used = agreed or list(given)
    calls = sorted({read.call for read in used if read.call})
    remark = "" if calls else "no manual call"
    if len(calls) > 1:
        told = ", ".join(f"{read.reader or 'a reader'} {read.call}" for read in used if read.call)
        remark = f"the readers disagree: {told}"
    rated = [read for read in used if read.has_rate]
    counted = bool(rated) and all(read.n_counted for read in rated)
    positive = sum(read.n_positive for read in rated) if counted else 0
    total = sum(read.n_counted for read in rated) if counted else 0
    mean = sum(read.rate for read in rated) / len(rated) if rated else 0.0
    return Reference(
        case_id, calls[0] if len(calls) == 1 else "", bool(rated),
        positive / total if counted else mean, positive, total,
        tuple(dict.fromkeys(read.reader for read in used if read.reader)), remark,
    )  # fmt: skip


def contradictions(
    reads: Iterable[ManualRead], reference: Reference, rule: CaseRule
) -> Iterator[str]:
    """Yield in words where a call of a case contradicts its counts.

    A single read contradicts itself if it is negative above the equivocal range, or positive below
    it (clinical-rules 1.4); the reference, if it lies on the other side of the cut-off.
    """
    low, high = (100 * count / rule.read_size for count in rule.equivocal_counts)
    for read in reads:
        if _contradicts(read.call, read.has_rate, 100 * read.rate, low, high):
            where = f"row {read.row}, " if read.row else ""
            yield (
                f"{where}case {read.case_id}, {read.reader or 'a reader'}: {read.call} contradicts "
                f"{_rate_words(read)}. Ask the reader before you trust either."
            )
            return
    cutoff = rule.positive_percent
    rate = 100 * reference.rate
    if _contradicts(reference.call, reference.has_rate, rate, cutoff, cutoff - 1e-9):
        yield (
            f"case {reference.case_id}: the manual call {reference.call} contradicts "
            f"{_rate_words(reference)} at a cut-off of {cutoff} %. It is used as given."
        )


def _contradicts(call: str, has_rate: bool, rate: float, low: float, high: float) -> bool:
    negative, positive = call == Call.NEGATIVE.value, call == Call.POSITIVE.value
    return has_rate and ((negative and rate > high) or (positive and rate < low - 1e-9))


def _rate_words(found: ManualRead | Reference) -> str:
    counts = f"{found.n_positive} of {found.n_counted} positive nuclei, "
    return f"{counts if found.n_counted else ''}{100 * found.rate:.1f} %"


def reader_pairs(reads: Iterable[ManualRead]) -> tuple[ReaderPair, ...]:
    """Return the agreement of every two named readers who share a case; not of the consensus."""
    by_reader: dict[str, dict[str, ManualRead]] = {}
    for read in reads:
        if read.reader and read.reader.casefold() != CONSENSUS:
            by_reader.setdefault(read.reader, {})[read.case_id] = read
    pairs = (
        _pair(first, second, by_reader[first], by_reader[second])
        for first, second in combinations(sorted(by_reader), 2)
    )
    return tuple(pair for pair in pairs if pair.calls.n_cases or pair.rates.n)


def _pair(
    first: str, second: str, ours: Mapping[str, ManualRead], theirs: Mapping[str, ManualRead]
) -> ReaderPair:
    both = [(ours[case], theirs[case]) for case in ours if case in theirs]
    rated = [(a, b) for a, b in both if a.has_rate and b.has_rate]
    return ReaderPair(
        first,
        second,
        CallAgreement.of((a.call, b.call) for a, b in both if a.call and b.call),
        compare_measurements([100 * a.rate for a, _ in rated], [100 * b.rate for _, b in rated]),
    )
