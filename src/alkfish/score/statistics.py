"""Uncertainty of a rate. Information for the reader: it never changes a call."""

from __future__ import annotations

import math

from scipy.special import betainc

Z_95 = 1.959963984540054


def wilson_interval(positive: int, total: int, *, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Parameters
    ----------
    positive, total : int
        Numerator and denominator; ``(0, 1)`` is returned for a total of 0.
    z : float
        Standard normal quantile; the default gives 95 %.

    Raises
    ------
    ValueError
        If not ``0 <= positive <= total``.

    Notes
    -----
    Source: Wilson 1927; figures tabulated in clinical-rules 3.2.
    """
    _check(positive, total)
    if total == 0:
        return 0.0, 1.0
    p = positive / total
    denominator = 1 + z * z / total
    centre = (p + z * z / (2 * total)) / denominator
    half = z / denominator * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    low = 0.0 if positive == 0 else max(0.0, centre - half)
    high = 1.0 if positive == total else min(1.0, centre + half)
    return low, high


def probability_at_least(positive: int, total: int, *, cutoff: float) -> float:
    """Return the probability that the true rate is at least `cutoff`.

    The posterior of the rate under the Jeffreys prior, Beta(x + 1/2, n - x + 1/2). It treats every
    pattern as read without error.

    Parameters
    ----------
    positive, total : int
        Numerator and denominator.
    cutoff : float
        Rate between 0 and 1.
    """
    _check(positive, total)
    return float(1.0 - betainc(positive + 0.5, total - positive + 0.5, cutoff))


def _check(positive: int, total: int) -> None:
    if not 0 <= positive <= total:
        raise ValueError(f"need 0 <= positive <= total, found {positive} of {total}")
