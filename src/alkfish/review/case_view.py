"""What a result and the decisions of a read say together about nuclei. Nothing here writes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from alkfish.io.fingerprint import result_fingerprint
from alkfish.model.probe import CaseRule
from alkfish.model.result import Call, CaseCall, CaseResult, PatternCounts
from alkfish.review.editing import apply_edits
from alkfish.review.edits import Edit
from alkfish.review.order import (
    Draw,
    NucleusKey,
    draw_nuclei,
    order_of_merged,
    order_seed,
    owners_after,
    reading_order,
)
from alkfish.review.replay import Decision, Read, ReviewCall
from alkfish.review.states import ReadMode, ReadRole
from alkfish.score.case_rule import call_counts, call_reads
from alkfish.score.statistics import probability_at_least, wilson_interval


@dataclass(frozen=True)
class NucleusValue:
    """All that is said about one nucleus.

    Attributes
    ----------
    nucleus : NucleusKey
        Which.
    machine : str
        Pattern of the machine's result; empty: not scorable, or not in it.
    proposed : str
        Pattern by the rules after the reader's edits.
    readers : mapping of str to str
        Pattern by role of the read; empty: rejected.
    reason : str
        Why it was rejected.
    final : str
        What counts: the reader's value where there is one, else the proposed one.
    """

    nucleus: NucleusKey
    machine: str
    proposed: str
    readers: Mapping[str, str]
    reason: str
    final: str


class ScoredCase:
    """A machine's result with what reading it needs, computed when first asked for.

    ``patterns`` holds the pattern of every nucleus of the machine's result; empty: not scorable.
    """

    def __init__(self, result: CaseResult) -> None:
        self.result = result
        self.patterns = patterns_of(result)
        self._edited: tuple[tuple[Edit, ...], CaseResult] = ((), result)
        self._proposed: tuple[CaseResult, dict[NucleusKey, str]] = (result, self.patterns)
        self._merged: tuple[dict[NucleusKey, NucleusKey], tuple[NucleusKey, ...]] = ({}, ())

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the result."""
        return result_fingerprint(self.result)

    @cached_property
    def seed(self) -> str:
        """Seed of the reading order."""
        return order_seed(self.result.case_id, self.fingerprint)

    @cached_property
    def order(self) -> tuple[NucleusKey, ...]:
        """Scorable nuclei in the order in which they are read."""
        return reading_order(self.result.nuclei, self.seed)

    @cached_property
    def positions(self) -> dict[NucleusKey, int]:
        """Position of each nucleus in the reading order."""
        return {key: number for number, key in enumerate(self.order)}

    def edited(self, edits: Iterable[Edit]) -> CaseResult:
        """Return the result with edits applied; quick if only the last ones are new."""
        wanted = tuple(edits)
        done, base = self._edited
        if wanted[: len(done)] != done:
            done, base = (), self.result
        self._edited = (wanted, apply_edits(base, wanted[len(done) :]))
        return self._edited[1]

    def proposed(self, edits: Iterable[Edit]) -> dict[NucleusKey, str]:
        """Return the pattern of every nucleus by the rules after edits."""
        result = self.edited(edits)
        if self._proposed[0] is not result:
            self._proposed = (result, patterns_of(result))
        return self._proposed[1]

    def order_after(self, edits: Iterable[Edit]) -> tuple[NucleusKey, ...]:
        """Return the order with merged nuclei, under the name they have now, at their places."""
        owner = owners_after(edits)
        if not owner:
            return self.order
        if self._merged[0] != owner:
            self._merged = (owner, order_of_merged(self.order, owner))
        return self._merged[1]

    def position(self, key: NucleusKey, edits: Iterable[Edit]) -> int:
        """Return the position of a nucleus in the order after edits; -1 if it is not in it."""
        order = self.order_after(edits)
        if order is self.order:
            return self.positions.get(key, -1)
        return order.index(key) if key in order else -1

    def drawn_before(self, groups: Iterable[frozenset[NucleusKey]], start: int) -> set[NucleusKey]:
        """Return the parts of nuclei that an earlier reader merged and had before `start`."""
        places = self.positions
        had = (group for group in groups if any(places.get(k, start) < start for k in group))
        return {key for group in had for key in group}

    def draw(self, read: Read) -> Draw:
        """Return the nuclei that a read covers; a merged one at the first place of its parts."""
        order = self.order_after(read.edits)
        gone = {key for key, decision in read.decisions.items() if decision.is_rejection}
        if read.mode is ReadMode.FIFTY:
            taken = self.drawn_before(read.merged_before, read.start)
            if taken:
                owner = owners_after(read.edits)
                gone |= {owner.get(key, key) for key in taken}
            return draw_nuclei(order, start=read.start, size=read.size, rejected=gone)
        placed = dict.fromkeys(order)
        present = self.proposed(read.edits)
        new = [key for key, pattern in present.items() if pattern and key not in placed]
        decided = [key for key in read.decisions if key in present]
        nuclei = (key for key in dict.fromkeys((*placed, *new, *decided)) if key not in gone)
        return Draw(tuple(nuclei), len(order), 0)

    def values(self, read: Read) -> dict[NucleusKey, str]:
        """Return what a read says of each of its nuclei: decided, else (full read) proposed."""
        nuclei = self.draw(read).nuclei
        values = {key: read.decisions[key].pattern for key in nuclei if key in read.decisions}
        if read.mode is ReadMode.FULL:
            proposed = self.proposed(read.edits)
            return {key: values.get(key, proposed.get(key, "")) for key in nuclei}
        return values

    def ratings(self, read: Read) -> dict[NucleusKey, str]:
        """Return what the reader decided, rejections included; for measures of agreement."""
        rejected = {key: "" for key, decision in read.decisions.items() if decision.is_rejection}
        decided = read.decisions.keys()
        return rejected | {key: v for key, v in self.values(read).items() if key in decided}

    def machine_counts(self, read: Read) -> PatternCounts:
        """Return what the machine counts over the nuclei of a read, each as it was drawn."""
        order = self.order_after(read.edits)
        drawn_as: dict[NucleusKey, NucleusKey] = {}
        if order is not self.order:
            drawn_as = dict(zip(reversed(order), reversed(self.order), strict=True))
        return count(
            self.patterns.get(drawn_as.get(key, key), "") for key in self.draw(read).nuclei
        )


def patterns_of(result: CaseResult) -> dict[NucleusKey, str]:
    """Return the pattern of every nucleus of a result; empty: not scorable."""
    table = result.nuclei
    return {
        NucleusKey(str(fov), int(number)): str(pattern)
        for fov, number, pattern in zip(table.fov, table.nucleus_id, table.pattern, strict=True)
    }


def count(patterns: Iterable[str]) -> PatternCounts:
    """Return the counts of patterns; empty ones are left out."""
    return PatternCounts.from_patterns(np.array(list(patterns), object))


def call_of_read(
    read: Read, counts: PatternCounts, first: Read | None, rule: CaseRule
) -> ReviewCall:
    """Return the call after a first or second read (clinical-rules 1.4).

    Parameters
    ----------
    read : Read
        The read that ends.
    counts : PatternCounts
        Its counts.
    first : Read or None
        The first read, where `read` is the second.
    rule : CaseRule
        Figures of the probe profile.
    """
    if read.mode is ReadMode.FULL:
        call, reason = call_counts(counts, rule)
        return ReviewCall(call, f"full review of the case: {reason}{_left(read, counts)}", counts)
    if read.role is ReadRole.SECOND and first is not None:
        call, reason = call_reads(first.counts, counts, rule=rule)
        return ReviewCall(call, reason, first.counts + counts)
    call, reason = call_reads(counts, rule=rule)
    return ReviewCall(call, reason, counts)


def _left(read: Read, counts: PatternCounts) -> str:
    """Return how many nuclei of a full read count as the machine proposed; empty for none."""
    decided = sum(not decision.is_rejection for decision in read.decisions.values())
    left, n = counts.n_enumerated - decided, counts.n_enumerated
    return f"; {left} of these {n} were left as the machine proposed them" if left > 0 else ""


def with_review(
    result: CaseResult, values: Mapping[NucleusKey, Decision], call: ReviewCall
) -> CaseResult:
    """Return a result with the final values and call of a review; measurements stay.

    Parameters
    ----------
    result : CaseResult
        The machine's result, or an edited one.
    values : mapping
        Decisions of the readers.
    call : ReviewCall
        Call of the review.
    """
    nuclei = result.nuclei
    pattern, scorable = nuclei.pattern.copy(), nuclei.scorable.copy()
    for row, (fov, number) in enumerate(zip(nuclei.fov, nuclei.nucleus_id, strict=True)):
        decision = values.get(NucleusKey(str(fov), int(number)))
        if decision is not None:
            pattern[row], scorable[row] = decision.pattern, not decision.is_rejection
    n, positive = call.counts.n_enumerated, call.counts.n_positive
    cutoff = result.probe.case_rule.positive_percent / 100
    reviewed = CaseCall(
        call=call.call,
        counts=call.counts,
        rate=positive / n if n else 0.0,
        interval=wilson_interval(positive, n),
        p_positive=probability_at_least(positive, n, cutoff=cutoff),
        reasons=(call.reason, *_machine_doubts(result)),
        cautions=result.call.cautions,
    )
    return replace(
        result, call=reviewed, nuclei=replace(nuclei, pattern=pattern, scorable=scorable)
    )


def _machine_doubts(result: CaseResult) -> tuple[str, ...]:
    """Return why the machine held the case not evaluable: a reader's call does not undo it."""
    if result.call.call is not Call.NOT_EVALUABLE:
        return ()
    return tuple(f"the machine held the case not evaluable: {r}" for r in result.call.reasons)


def same_person(one: str, other: str) -> bool:
    """Return whether two names are the same but for case, blanks and width of letters."""
    first, second = (
        " ".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in (one, other)
    )
    return first == second
