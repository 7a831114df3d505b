"""Single nuclei as readers judged them, beside the machine's patterns of the same nuclei."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from alkfish.errors import ReviewError
from alkfish.evaluate.manual_sheet import ManualNucleus
from alkfish.io.fingerprint import result_fingerprint
from alkfish.model.result import CaseResult
from alkfish.review.agreement import NOT_SCORABLE, Agreement, agreement_of, compare
from alkfish.review.case_view import patterns_of
from alkfish.review.editing import nucleus_at
from alkfish.review.order import NucleusKey

Ratings = dict[NucleusKey, str]

MACHINE = "machine"


@dataclass(frozen=True)
class JudgedNucleus:
    """A nucleus that a reader judged: both patterns, `NOT_SCORABLE` where it does not count."""

    case_id: str
    fov: str
    nucleus_id: int
    reader: str
    manual: str
    machine: str

    @property
    def is_disagreement(self) -> bool:
        """Whether the patterns differ."""
        return self.manual != self.machine


@dataclass
class NucleusComparison:
    """Collects nuclei case by case; nothing of a case is kept but what was judged.

    Attributes
    ----------
    judged : list of JudgedNucleus
        In the order of the sheet.
    not_found : list of str
        Rows that name no nucleus of the result, with the reason.
    """

    judged: list[JudgedNucleus] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    _tables: dict[tuple[str, str], npt.NDArray[np.int_]] = field(default_factory=dict)

    def add(self, result: CaseResult, nuclei: Iterable[ManualNucleus]) -> None:
        """Compare the judged nuclei of a case with its result."""
        machine = patterns_of(result)
        by_reader: dict[str, Ratings] = {}
        for item in nuclei:
            key = self._key(result, item, machine)
            if key is None:
                continue
            ratings = by_reader.setdefault(item.reader or "reader", {})
            if key in ratings:
                self._miss(item, f"nucleus {key.nucleus_id} was judged in an earlier row already")
                continue
            ratings[key] = "" if item.pattern == NOT_SCORABLE else item.pattern
            self.judged.append(
                JudgedNucleus(
                    result.case_id, *key, item.reader, item.pattern, machine[key] or NOT_SCORABLE
                )
            )
        self._count(by_reader, machine)

    def _key(
        self, result: CaseResult, item: ManualNucleus, machine: Mapping[NucleusKey, str]
    ) -> NucleusKey | None:
        """Return which nucleus is meant; None, and a note why, if there is none."""
        number = item.nucleus_id
        if item.result and item.result != result_fingerprint(result):
            self._miss(item, "the nucleus was judged on another result; the case was scored again")
            return None
        if item.fov not in {qc.fov for qc in result.fields}:
            self._miss(item, f"the result has no field {item.fov!r}")
            return None
        if number == 0:
            try:
                number = nucleus_at(result, item.fov, item.y_px, item.x_px)
            except ReviewError as error:
                self._miss(item, error.problem)
                return None
        key = NucleusKey(item.fov, number)
        if key in machine:
            return key
        point = f"no nucleus at y {item.y_px:g}, x {item.x_px:g}"
        told = f"no nucleus {item.nucleus_id}" if item.nucleus_id else point
        self._miss(item, f"the machine has {told} in {item.fov}")
        return None

    def _miss(self, item: ManualNucleus, reason: str) -> None:
        """Note a row that cannot be compared."""
        place = f"row {item.row}" if item.row else "review"
        self.not_found.append(f"{place}, case {item.case_id}: {reason}")

    def _count(self, by_reader: Mapping[str, Ratings], machine: Mapping[NucleusKey, str]) -> None:
        pairs: list[tuple[str, Ratings, str, Mapping[NucleusKey, str]]] = [
            (name, ratings, MACHINE, machine) for name, ratings in by_reader.items()
        ]
        for first, second in combinations(sorted(by_reader), 2):
            pairs.append((first, by_reader[first], second, by_reader[second]))
        for first, ratings, second, others in pairs:
            found = np.array(compare(first, ratings, second, others).confusion)
            key = first, second
            self._tables[key] = self._tables[key] + found if key in self._tables else found

    def agreements(self) -> tuple[Agreement, ...]:
        """Return the agreement of each reader with the machine, then of readers among each other.

        Summed over cases; empty if no nucleus was judged.
        """
        order = sorted(self._tables, key=lambda names: (names[1] != MACHINE, names))
        found = (agreement_of(*names, self._tables[names]) for names in order)
        return tuple(agreement for agreement in found if agreement.n_nuclei)


def disagreeing(judged: Sequence[JudgedNucleus], case_id: str) -> list[JudgedNucleus]:
    """Return the nuclei of a case on which a reader and the machine differ."""
    return [item for item in judged if item.case_id == case_id and item.is_disagreement]
