"""Patterns found against true patterns, nucleus by nucleus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.model.signals import NucleusRecords, Pattern
from alkfish.score.statistics import wilson_interval

PATTERNS = tuple(pattern.value for pattern in Pattern)
"""Order of rows and columns of a confusion matrix."""

_POSITIVE = np.array([pattern.is_positive for pattern in Pattern])


@dataclass(frozen=True)
class Share:
    """A share with its counts and its Wilson 95 % interval."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share; 0 when there was nothing to count."""
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 95 % interval; (0, 1) when there was nothing to count."""
        return wilson_interval(self.hits, self.total)

    @property
    def exact_interval(self) -> tuple[float, float]:
        """Clopper-Pearson 95 % interval; (0, 1) when there was nothing to count."""
        from scipy.stats import binomtest

        if not self.total:
            return 0.0, 1.0
        found = binomtest(self.hits, self.total).proportion_ci(method="exact")
        return float(found.low), float(found.high)

    def to_dict(self) -> dict[str, Any]:
        """Return value, interval and counts as plain values."""
        return {
            "value": self.value,
            "interval": list(self.interval),
            "hits": self.hits,
            "total": self.total,
        }


@dataclass(frozen=True, eq=False)
class PatternComparison:
    """Patterns of matched nuclei; sums of comparisons are comparisons.

    Attributes
    ----------
    confusion : ndarray of int64, shape (4, 4)
        Rows: true pattern, columns: found pattern, in the order of `PATTERNS`; nuclei that are
        scorable in both.
    n_true_only : int
        Matched nuclei scorable in truth, excluded by the program.
    n_found_only : int
        Matched nuclei counted by the program, not scorable in truth.
    n_unmatched_true, n_unmatched_found : int
        Scorable nuclei without a counterpart.
    positive_elsewhere_true, positive_elsewhere_found : int
        Positive ones among these, in truth and as found: they enter the rates.
    """

    confusion: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((4, 4), np.int64))
    n_true_only: int = 0
    n_found_only: int = 0
    n_unmatched_true: int = 0
    n_unmatched_found: int = 0
    positive_elsewhere_true: int = 0
    positive_elsewhere_found: int = 0

    def __add__(self, other: PatternComparison) -> PatternComparison:
        return PatternComparison(
            self.confusion + other.confusion,
            self.n_true_only + other.n_true_only,
            self.n_found_only + other.n_found_only,
            self.n_unmatched_true + other.n_unmatched_true,
            self.n_unmatched_found + other.n_unmatched_found,
            self.positive_elsewhere_true + other.positive_elsewhere_true,
            self.positive_elsewhere_found + other.positive_elsewhere_found,
        )

    @property
    def n_both(self) -> int:
        """Matched nuclei scorable in both."""
        return int(self.confusion.sum())

    @property
    def agreement(self) -> Share:
        """Same pattern among nuclei scorable in both."""
        return Share(int(np.trace(self.confusion)), self.n_both)

    @property
    def sensitivity(self) -> Share:
        """Found positive among the truly positive."""
        rows = self.confusion[_POSITIVE]
        return Share(int(rows[:, _POSITIVE].sum()), int(rows.sum()))

    @property
    def specificity(self) -> Share:
        """Found negative among the truly negative."""
        rows = self.confusion[~_POSITIVE]
        return Share(int(rows[:, ~_POSITIVE].sum()), int(rows.sum()))

    @property
    def true_rate(self) -> Share:
        """True positives among all nuclei truly scorable, matched or not."""
        positive = int(self.confusion[_POSITIVE].sum()) + self.positive_elsewhere_true
        return Share(positive, self.n_both + self.n_true_only + self.n_unmatched_true)

    @property
    def found_rate(self) -> Share:
        """Positives among all nuclei the program counted, matched or not."""
        positive = int(self.confusion[:, _POSITIVE].sum()) + self.positive_elsewhere_found
        return Share(positive, self.n_both + self.n_found_only + self.n_unmatched_found)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        return {
            "patterns": list(PATTERNS),
            "confusion": self.confusion.tolist(),
            "n_scorable_both": self.n_both,
            "n_scorable_true_only": self.n_true_only + self.n_unmatched_true,
            "n_scorable_found_only": self.n_found_only + self.n_unmatched_found,
            "agreement": self.agreement.to_dict(),
            "sensitivity": self.sensitivity.to_dict(),
            "specificity": self.specificity.to_dict(),
            "true_rate": self.true_rate.to_dict(),
            "found_rate": self.found_rate.to_dict(),
        }


def compare_patterns(
    truth: NucleusRecords, found: NucleusRecords, pairs: npt.NDArray[np.int64]
) -> PatternComparison:
    """Compare the patterns of one field.

    Parameters
    ----------
    truth, found : NucleusRecords
        Nuclei of the same field.
    pairs : ndarray of int64, shape (N, 2)
        True and found ``nucleus_id`` of each match, as given by `match_labels`.

    Returns
    -------
    PatternComparison
        All zero without scorable nuclei.
    """
    code_true, code_found = _codes(truth), _codes(found)
    partners = dict(pairs.tolist())
    confusion = np.zeros((4, 4), np.int64)
    counts = dict.fromkeys(("n_true_only", "n_found_only", "n_unmatched_true"), 0)
    elsewhere = [0, 0]
    seen = set()
    for true_id, true in code_true.items():
        partner = partners.get(true_id)
        other = -1 if partner is None else code_found.get(partner, -1)
        seen.add(partner)
        if true >= 0 and other >= 0:
            confusion[true, other] += 1
        elif true >= 0:
            counts["n_unmatched_true" if partner is None else "n_true_only"] += 1
            elsewhere[0] += int(_POSITIVE[true])
        elif other >= 0:
            counts["n_found_only"] += 1
            elsewhere[1] += int(_POSITIVE[other])
    rest = [code for found_id, code in code_found.items() if found_id not in seen and code >= 0]
    elsewhere[1] += sum(int(_POSITIVE[code]) for code in rest)
    return PatternComparison(
        confusion, **counts, n_unmatched_found=len(rest),
        positive_elsewhere_true=elsewhere[0], positive_elsewhere_found=elsewhere[1],
    )  # fmt: skip


def _codes(nuclei: NucleusRecords) -> dict[int, int]:
    """Return the position of the pattern in `PATTERNS` by nucleus; -1 if not scorable."""
    order = {name: index for index, name in enumerate(PATTERNS)}
    return {
        int(number): order.get(str(pattern), -1) if scorable else -1
        for number, pattern, scorable in zip(
            nuclei.nucleus_id, nuclei.pattern, nuclei.scorable, strict=True
        )
    }
