"""Uncertainty of a rate. Information for the reader: it never changes a call."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
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


def cohen_kappa(confusion: npt.ArrayLike) -> tuple[float, tuple[float, float]]:
    """Return Cohen's kappa of two raters and its 95 % interval.

    Parameters
    ----------
    confusion : array-like of int, shape (K, K)
        Nuclei per category of the first (rows) and of the second rater (columns).

    Returns
    -------
    kappa : float
        1 for complete agreement, 0 for agreement as by chance; 0 too where chance alone explains
        complete agreement (one category only) or nothing was rated.
    interval : tuple of float
        Of the large-sample standard error, within -1 to 1; (-1, 1) where it cannot be told. With
        few nuclei it is too narrow.

    Raises
    ------
    ValueError
        If the table is not square or holds negative counts.

    Notes
    -----
    Sources: Cohen, Educ Psychol Meas 1960;20:37; variance: Fleiss, Cohen and Everitt, Psychol Bull
    1969;72:323.
    """
    table = np.asarray(confusion, np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or (table < 0).any():
        raise ValueError(f"need a square table of counts, found shape {table.shape}")
    total = table.sum()
    if total == 0:
        return 0.0, (-1.0, 1.0)
    share = table / total
    row, column = share.sum(axis=1), share.sum(axis=0)
    chance = float(row @ column)
    if 1.0 - chance < 1e-12:
        return 0.0, (-1.0, 1.0)
    agreed = float(np.trace(share))
    kappa = (agreed - chance) / (1.0 - chance)
    margins = row[None, :] + column[:, None]  # of entry i, j: column share of i, row share of j
    on = float((np.diag(share) * (1 - np.diag(margins) * (1 - kappa)) ** 2).sum())
    off = share * margins**2
    spread = on + (1 - kappa) ** 2 * float(off.sum() - np.trace(off))
    spread -= (kappa - chance * (1 - kappa)) ** 2
    half = Z_95 * math.sqrt(max(spread, 0.0) / total) / (1.0 - chance)
    return kappa, (max(-1.0, kappa - half), min(1.0, kappa + half))


def _check(positive: int, total: int) -> None:
    if not 0 <= positive <= total:
        raise ValueError(f"need 0 <= positive <= total, found {positive} of {total}")
