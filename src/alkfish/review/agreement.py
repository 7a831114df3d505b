"""Agreement between readers, and between a reader and the machine, nucleus by nucleus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.model.signals import Pattern
from alkfish.review.order import NucleusKey
from alkfish.score.statistics import cohen_kappa

NOT_SCORABLE = "NOT_SCORABLE"
"""Category of nuclei that are not counted."""

CATEGORIES = (*(pattern.value for pattern in Pattern), NOT_SCORABLE)
"""Categories in the order of the rows and columns of the confusion matrix."""


@dataclass(frozen=True)
class Agreement:
    """How two raters agree on the nuclei that both have judged.

    Attributes
    ----------
    first, second : str
        Who; ``machine`` for the machine's proposal.
    confusion : tuple of tuple of int
        Nuclei per category of the first (rows) and of the second (columns), as `CATEGORIES`.
    kappa : float
        Cohen's kappa over the categories; 0 where it cannot be told.
    interval : tuple of float
        Its 95 % interval.
    kappa_positive, interval_positive
        The same for positive against not positive, which is what the call rests on.
    """

    first: str
    second: str
    confusion: tuple[tuple[int, ...], ...]
    kappa: float
    interval: tuple[float, float]
    kappa_positive: float
    interval_positive: tuple[float, float]

    @property
    def n_nuclei(self) -> int:
        """Nuclei that both have judged."""
        return sum(map(sum, self.confusion))

    @property
    def n_agreed(self) -> int:
        """Nuclei of the same category for both."""
        return sum(self.confusion[i][i] for i in range(len(self.confusion)))


def compare(
    first: str, ratings: Mapping[NucleusKey, str], second: str, others: Mapping[NucleusKey, str]
) -> Agreement:
    """Return the agreement of two raters on the nuclei that both have judged.

    Parameters
    ----------
    first, second : str
        Names of the raters.
    ratings, others : mapping
        Pattern per nucleus; an empty text is `NOT_SCORABLE`.
    """
    table = np.zeros((len(CATEGORIES),) * 2, int)
    for nucleus in ratings.keys() & others.keys():
        row = CATEGORIES.index(ratings[nucleus] or NOT_SCORABLE)
        column = CATEGORIES.index(others[nucleus] or NOT_SCORABLE)
        table[row, column] += 1
    return agreement_of(first, second, table)


def agreement_of(first: str, second: str, table: npt.NDArray[np.int_]) -> Agreement:
    """Return the agreement that a confusion matrix shows, of one case or summed over several.

    Parameters
    ----------
    first, second : str
        Names of the raters.
    table : ndarray of int, shape (5, 5)
        Nuclei per category of the first (rows) and of the second (columns), as `CATEGORIES`.
    """
    positive = np.array([*(pattern.is_positive for pattern in Pattern), False])
    fold = np.stack([positive, ~positive]).astype(int)
    kappa, interval = cohen_kappa(table)
    kappa_positive, interval_positive = cohen_kappa(fold @ table @ fold.T)
    confusion = tuple(tuple(int(value) for value in row) for row in table)
    return Agreement(first, second, confusion, kappa, interval, kappa_positive, interval_positive)
