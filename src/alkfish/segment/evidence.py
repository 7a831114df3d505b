"""Weights of the evidence by which regions are joined and kept.

Both rules are logistic regressions on features without units. They were fitted once by
``benchmarks/nuclei_fit.py`` on a random half of public nucleus pictures (Data Science Bowl 2018,
stage 1) and are fixed: nothing is learned from the picture at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class LinearRule:
    """A weighted sum of features; above 0 speaks for the statement."""

    weights: tuple[float, ...]
    offset: float

    def score(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the sum for each row of `features`, shape (N, number of weights)."""
        total: npt.NDArray[np.float64] = features @ np.array(self.weights) + self.offset
        return total


PAIR_RULE = LinearRule(
    weights=(
        -0.3607, -1.982, 0.5405, 1.024, -0.8782, -1.899, 3.463,
        -1.622, -0.5576, -1.411, -1.306, -2.134, -3.311, 0.7061,
        -0.9329, 0.02624, 0.3905, -2.75, -0.5636, 0.4775,
    ),
    offset=0.1783,
)
"""Two regions in contact are one nucleus; features of `RegionGraph.evidence`."""

OBJECT_RULE = LinearRule(
    weights=(
        1.453, 0.2814, 1.027, -0.2609, 0.4887, -1.437, -0.5716,
        0.8968, 0.6182,
    ),
    offset=4.516,
)
"""A region is a nucleus; features of `object_evidence`."""
