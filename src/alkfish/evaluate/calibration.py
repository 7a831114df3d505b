"""Are the probabilities right? Reliability of a probability against its outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError

Floats = npt.NDArray[np.float64]

MAX_CALIBRATION_ERROR = 0.05
"""Expected calibration error up to which probabilities count as calibrated (chosen)."""

_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Reliability:
    """Reliability table: one row per bin of equal width, empty bins included.

    Attributes
    ----------
    edges : ndarray of float64, shape (n_bins + 1,)
        Bounds of the bins from 0 to 1.
    count : ndarray of int64, shape (n_bins,)
        Predictions in each bin.
    mean_p : ndarray of float64, shape (n_bins,)
        Mean prediction; 0 in an empty bin.
    observed : ndarray of float64, shape (n_bins,)
        Share of outcomes that came true; 0 in an empty bin.
    """

    edges: Floats
    count: npt.NDArray[np.int64]
    mean_p: Floats
    observed: Floats

    @property
    def ece(self) -> float:
        """Expected calibration error: mean gap of prediction and outcome, by count; 0 if empty."""
        total = int(self.count.sum())
        gap = np.abs(self.mean_p - self.observed) * self.count
        return float(gap.sum() / total) if total else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the table and its error as plain values."""
        return {
            "edges": self.edges.tolist(),
            "count": self.count.tolist(),
            "mean_p": self.mean_p.tolist(),
            "observed": self.observed.tolist(),
            "ece": self.ece,
        }


def reliability(p: npt.ArrayLike, outcome: npt.ArrayLike, *, n_bins: int = 10) -> Reliability:
    """Compare predicted probabilities with what was true.

    Parameters
    ----------
    p : array-like of float, shape (N,)
        Probabilities, 0 to 1; may be empty.
    outcome : array-like of bool, shape (N,)
        Whether it was so.
    n_bins : int
        Bins of equal width; the last one includes 1.

    Returns
    -------
    Reliability
        All counts 0 for empty input.

    Raises
    ------
    InputError
        If lengths differ, a probability lies outside 0 to 1, or there is no bin.
    """
    predicted = np.asarray(p, dtype=np.float64).ravel()
    came_true = np.asarray(outcome, dtype=np.bool_).ravel()
    if len(predicted) != len(came_true):
        raise InputError(
            "probabilities and outcomes differ in number",
            found=f"{len(predicted)} and {len(came_true)}",
        )
    if n_bins < 1:
        raise InputError("a reliability table needs bins", found=n_bins, allowed="1 or more")
    if not ((predicted >= -_ROUNDING) & (predicted <= 1 + _ROUNDING)).all():
        raise InputError("a probability is out of range", allowed="0 to 1")
    predicted = predicted.clip(0.0, 1.0)
    bins = np.minimum((predicted * n_bins).astype(np.int64), n_bins - 1)
    count = np.bincount(bins, minlength=n_bins)
    safe = np.maximum(count, 1)
    return Reliability(
        np.linspace(0.0, 1.0, n_bins + 1), count.astype(np.int64),
        np.bincount(bins, predicted, n_bins) / safe,
        np.bincount(bins, came_true.astype(np.float64), n_bins) / safe,
    )  # fmt: skip
