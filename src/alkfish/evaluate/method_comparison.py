"""Two measurements of the same quantity: bias, limits of agreement, correlation, concordance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.score.statistics import Z_95

MIN_PAIRS = 4
"""Fewer pairs tell nothing about their agreement: the intervals do not exist."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return value and interval as plain values."""
        return {"value": self.value, "interval": list(self.interval)}


@dataclass(frozen=True)
class RateAgreement:
    """How two series of measurements of the same things agree.

    With fewer than `MIN_PAIRS` pairs everything but ``n`` is 0 and nothing is known. Coefficients
    are 0 with an interval from -1 to 1 where a series does not vary.

    Attributes
    ----------
    n : int
        Pairs.
    bias : Estimate
        Mean of second minus first, and its interval by Student's t.
    sd : float
        Standard deviation of the differences.
    lower, upper : Estimate
        Limits of agreement, bias -/+ 1.96 SD: 95 % of differences are expected between them.
    mean_absolute : float
        Mean absolute difference.
    pearson, spearman, concordance : Estimate
        Correlation of values, of ranks, and Lin's concordance with the line of equality.
    """

    n: int = 0
    bias: Estimate = Estimate()
    sd: float = 0.0
    lower: Estimate = Estimate()
    upper: Estimate = Estimate()
    mean_absolute: float = 0.0
    pearson: Estimate = Estimate(0.0, (-1.0, 1.0))
    spearman: Estimate = Estimate(0.0, (-1.0, 1.0))
    concordance: Estimate = Estimate(0.0, (-1.0, 1.0))

    @property
    def is_known(self) -> bool:
        """Whether there were pairs enough."""
        return self.n >= MIN_PAIRS

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        names = ("bias", "lower", "upper", "pearson", "spearman", "concordance")
        plain = {"n": self.n, "sd": self.sd, "mean_absolute": self.mean_absolute}
        return plain | {name: getattr(self, name).to_dict() for name in names}


def compare_measurements(first: npt.ArrayLike, second: npt.ArrayLike) -> RateAgreement:
    """Return how two series of measurements agree.

    Parameters
    ----------
    first, second : array-like of float, shape (N,)
        Measurements of the same things, in the same unit.

    Raises
    ------
    ValueError
        If the shapes differ or a value is not finite.

    Notes
    -----
    Limits of agreement and their standard error: Bland and Altman, Stat Methods Med Res 1999;8:135
    (variance of a limit s2 (1/n + 1.96^2 / (2 (n - 1)))). Concordance: Lin, Biometrics 1989;45:255,
    with the corrected variance of 2000;56:324. Interval of the rank correlation: Bonett and Wright,
    Psychometrika 2000;65:23.
    """
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"need two series of the same length, found {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("need finite values")
    if len(x) < MIN_PAIRS:
        return RateAgreement(n=len(x))
    bias, sd, lower, upper = _limits_of_agreement(y - x)
    mean_absolute = float(np.abs(y - x).mean())
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return RateAgreement(len(x), bias, sd, lower, upper, mean_absolute)
    return RateAgreement(
        len(x), bias, sd, lower, upper, mean_absolute, *_correlations(x, y), _concordance(x, y)
    )


def _limits_of_agreement(difference: Floats) -> tuple[Estimate, float, Estimate, Estimate]:
    from scipy.stats import t

    n, mean, sd = len(difference), float(difference.mean()), float(difference.std(ddof=1))
    quantile = float(t.ppf(0.975, n - 1))
    of_bias = quantile * sd / math.sqrt(n)
    of_limit = quantile * sd * math.sqrt(1 / n + Z_95**2 / (2 * (n - 1)))

    def around(value: float, half: float) -> Estimate:
        return Estimate(value, (value - half, value + half))

    limits = (around(mean + sign * Z_95 * sd, of_limit) for sign in (-1, 1))
    return around(mean, of_bias), sd, *limits  # type: ignore[return-value]


def _correlations(x: Floats, y: Floats) -> tuple[Estimate, Estimate]:
    from scipy.stats import pearsonr, spearmanr

    linear = pearsonr(x, y)
    low, high = linear.confidence_interval(0.95)
    ranks = float(np.clip(spearmanr(x, y).statistic, -1.0, 1.0))
    half = Z_95 * math.sqrt((1 + ranks**2 / 2) / (len(x) - 3))
    return (
        Estimate(float(linear.statistic), (float(low), float(high))),
        Estimate(ranks, _from_z(ranks, half)),
    )


def _from_z(value: float, half: float) -> tuple[float, float]:
    """Return an interval that is symmetric after Fisher's transformation."""
    if abs(value) >= 1.0:
        return value, value
    z = math.atanh(value)
    return math.tanh(z - half), math.tanh(z + half)


def _concordance(x: Floats, y: Floats) -> Estimate:
    n = len(x)
    var_x, var_y = float(x.var()), float(y.var())
    covariance = float(((x - x.mean()) * (y - y.mean())).mean())
    offset2 = float(x.mean() - y.mean()) ** 2
    value = 2 * covariance / (var_x + var_y + offset2)
    r = covariance / math.sqrt(var_x * var_y)
    if abs(r) < 1e-9:
        return Estimate(value, (-1.0, 1.0))
    if abs(value) > 1 - 1e-12:
        return Estimate(math.copysign(1.0, value), (math.copysign(1.0, value),) * 2)
    u2 = offset2 / math.sqrt(var_x * var_y)
    spread = (1 - r**2) * value**2 * (1 - value**2) / r**2
    spread += 2 * value**3 * (1 - value) * u2 / r - value**4 * u2**2 / (2 * r**2)
    half = Z_95 * math.sqrt(max(spread, 0.0) / (n - 2)) / (1 - value**2)
    return Estimate(value, _from_z(value, half))
