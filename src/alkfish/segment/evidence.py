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
        -0.2641,
        -1.888,
        0.4424,
        1.221,
        -0.3427,
        -1.715,
        3.415,
        -2.298,
        -0.5286,
        -0.7601,
        -1.613,
        -2.245,
        -2.961,
        -0.1189,
        -0.7155,
        -0.08532,
        0.1586,
        -3.035,
        -0.2091,
        0.473,
    ),
    offset=0.3729,
)
"""Two regions in contact are one nucleus; features of `RegionGraph.evidence`."""

OBJECT_RULE = LinearRule(
    weights=(
        1.138,
        0.2115,
        1.119,
        -0.7391,
        0.6749,
        -1.671,
        -1.083,
        1.073,
        1.419,
    ),
    offset=3.3249,
)
"""A region is a nucleus; features of `object_evidence`."""
