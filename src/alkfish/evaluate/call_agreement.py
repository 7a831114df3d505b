"""Calls of two raters over cases: confusion, agreement in either direction, kappa."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alkfish.evaluate.method_comparison import Estimate
from alkfish.evaluate.patterns import Share
from alkfish.model.result import Call
from alkfish.score.statistics import cohen_kappa

CALLS = (Call.POSITIVE.value, Call.NEGATIVE.value, Call.EQUIVOCAL.value, Call.NOT_EVALUABLE.value)
"""Order of rows and columns of the confusion; the first two are definite calls."""


@dataclass(frozen=True)
class CallAgreement:
    """How the calls of a machine agree with those of a reference, case by case.

    Only cases with a definite call, POSITIVE or NEGATIVE, of both can be right or wrong. Leaving
    out the others flatters the machine, so each figure also exists with every case in which the
    reference is definite and the machine is not counted against the machine.

    Attributes
    ----------
    confusion : tuple of tuple of int
        Cases by call of the reference (rows) and of the machine (columns), in the order of `CALLS`.
    """

    confusion: tuple[tuple[int, ...], ...] = ((0,) * len(CALLS),) * len(CALLS)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> CallAgreement:
        """Return the agreement of pairs of calls, reference first."""
        table = np.zeros((len(CALLS),) * 2, int)
        for reference, machine in pairs:
            table[CALLS.index(reference), CALLS.index(machine)] += 1
        return cls(tuple(tuple(int(value) for value in row) for row in table))

    @property
    def n_cases(self) -> int:
        """Cases with a call of both, definite or not."""
        return sum(map(sum, self.confusion))

    @property
    def n_definite(self) -> int:
        """Cases with a definite call of both."""
        return sum(self.confusion[i][j] for i in (0, 1) for j in (0, 1))

    @property
    def n_opposite(self) -> int:
        """Cases that one calls POSITIVE and the other NEGATIVE."""
        return self.confusion[0][1] + self.confusion[1][0]

    @property
    def sensitivity(self) -> Share:
        """Positive reference cases called POSITIVE, among those with a definite call."""
        return Share(self.confusion[0][0], sum(self.confusion[0][:2]))

    @property
    def specificity(self) -> Share:
        """Negative reference cases called NEGATIVE, among those with a definite call."""
        return Share(self.confusion[1][1], sum(self.confusion[1][:2]))

    @property
    def accuracy(self) -> Share:
        """Cases called alike, among those with a definite call of both."""
        return Share(self.confusion[0][0] + self.confusion[1][1], self.n_definite)

    @property
    def sensitivity_of_all(self) -> Share:
        """Positive reference cases called POSITIVE, among all of them."""
        return Share(self.confusion[0][0], sum(self.confusion[0]))

    @property
    def specificity_of_all(self) -> Share:
        """Negative reference cases called NEGATIVE, among all of them."""
        return Share(self.confusion[1][1], sum(self.confusion[1]))

    @property
    def accuracy_of_all(self) -> Share:
        """Cases called alike, among all with a definite call of the reference."""
        positive, negative = self.confusion[0], self.confusion[1]
        return Share(positive[0] + negative[1], sum(positive) + sum(negative))

    @property
    def undecided(self) -> Share:
        """Cases without a definite call of the machine among those with one of the reference."""
        positive, negative = self.confusion[0], self.confusion[1]
        return Share(sum(positive[2:]) + sum(negative[2:]), sum(positive) + sum(negative))

    @property
    def kappa(self) -> Estimate:
        """Cohen's kappa over the definite calls of both."""
        return Estimate(*cohen_kappa([row[:2] for row in self.confusion[:2]]))

    @property
    def has_kappa(self) -> bool:
        """Whether `kappa` can be told: not without cases, nor if both give all the same call."""
        return max(self.confusion[0][0], self.confusion[1][1]) < self.n_definite

    @property
    def has_kappa_of_all(self) -> bool:
        """Whether `kappa_of_all` can be told; as for `has_kappa`, over all four calls."""
        return max(self.confusion[i][i] for i in range(len(CALLS))) < self.n_cases

    @property
    def has_kappa_interval(self) -> bool:
        """Whether the interval of `kappa` says anything: not if all agree, or nothing varies."""
        low, high = self.kappa.interval
        return low < high and self.accuracy.hits > 0 and (low, high) != (-1.0, 1.0)

    @property
    def kappa_of_all(self) -> Estimate:
        """Cohen's kappa over all four calls."""
        return Estimate(*cohen_kappa(self.confusion))

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        shares = (
            "sensitivity", "specificity", "accuracy", "sensitivity_of_all", "specificity_of_all",
            "accuracy_of_all", "undecided",
        )  # fmt: skip
        return {
            "calls": list(CALLS),
            "confusion": [list(row) for row in self.confusion],
            "n_cases": self.n_cases,
            "n_definite": self.n_definite,
            "n_opposite": self.n_opposite,
            "kappa": self.kappa.to_dict() if self.has_kappa else None,
            "kappa_of_all": self.kappa_of_all.to_dict() if self.has_kappa_of_all else None,
        } | {name: share_to_dict(getattr(self, name)) for name in shares}


def share_to_dict(share: Share) -> dict[str, Any]:
    """Return a share with both of its intervals as plain values."""
    return share.to_dict() | {"exact_interval": list(share.exact_interval)}
