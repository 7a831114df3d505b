"""How probable it is that a fitted candidate is a true signal.

The candidates of one field are a mixture: false ones, whose number falls steeply with brightness,
and true ones, whose brightness varies log-normally about the field's own level. The mixture is
fitted to each field, so the same defaults serve a field of SNR 5 and one of SNR 50.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]

_STEPS = 40
_ROUNDS, _TRIALS = 5, 65
_SETTLED = 1e-6
_DECAY_RANGE = (3.0, 9.0)
_SPREAD_RANGE = (0.25, 0.9)
_MIN_TRUE = 3.0
_ODD_SHARE = 0.1
_ODD_SPREAD = 0.8
"""One true signal in ten may differ much more in brightness: out of focus, or cut."""


@dataclass(frozen=True)
class BrightnessMixture:
    """Fitted mixture of false and true candidates over the logarithm of the SNR.

    Attributes
    ----------
    floor : float
        Logarithm of the smallest SNR considered.
    decay : float
        Rate at which false candidates become rarer per unit of log SNR.
    mean, spread : float
        Of the log SNR of true signals.
    share : float
        True signals among the candidates.
    """

    floor: float
    decay: float
    mean: float
    spread: float
    share: float

    def p_true(self, snr: Floats) -> Floats:
        """Return the probability of being true, never falling with rising SNR."""
        u = np.log(np.maximum(snr, 1e-6))
        false = self._false(u)
        true = self._true(np.minimum(u, self.mean))
        return np.asarray(self.share * true / (self.share * true + (1 - self.share) * false))

    def snr_at(self, probability: float) -> float:
        """Return the SNR from which on candidates are at least so probable."""
        low, high = self.floor, self.mean + 3.0
        for _ in range(_ROUNDS):
            trial = np.linspace(low, high, _TRIALS)
            enough = np.flatnonzero(self.p_true(np.exp(trial)) >= probability)
            first = int(enough[0]) if len(enough) else _TRIALS - 1
            low, high = trial[max(first - 1, 0)], trial[first]
        return math.exp(high)

    def p_dimmer(self, limit: Floats, usual: Floats) -> Floats:
        """Return the probability that a true signal stays below `limit` where `usual` is its mean.

        Both are SNRs in one unit; brightness varies as it does among the field's signals.
        """
        u = np.log(np.maximum(limit, 1e-6)) - np.log(np.maximum(usual, 1e-6))
        return np.asarray(
            (1 - _ODD_SHARE) * ndtr(u / self.spread) + _ODD_SHARE * ndtr(u / _ODD_SPREAD)
        )

    def _false(self, u: Floats) -> Floats:
        tail = np.exp(-self.decay * np.maximum(u - self.floor, 0.0))
        return np.asarray(self.decay * tail + 1e-12)

    def _true(self, u: Floats) -> Floats:
        usual = _normal(u, self.mean, self.spread) * (1 - _ODD_SHARE)
        return usual + _normal(u, self.mean, _ODD_SPREAD) * _ODD_SHARE


def _normal(u: Floats, mean: float, spread: float) -> Floats:
    z = (u - mean) / spread
    return np.asarray(np.exp(-0.5 * z * z) / (spread * math.sqrt(2 * math.pi)))


def fit_brightness(snr: Floats, *, floor: float, solid: float) -> BrightnessMixture | None:
    """Fit the mixture by expectation maximisation.

    Parameters
    ----------
    snr : ndarray of float64, shape (N,)
        SNR of all candidates of spot-like shape.
    floor : float
        Candidates below are ignored.
    solid : float
        Candidates at or above this SNR are taken as true at the start.

    Returns
    -------
    BrightnessMixture or None
        None if there is no population of true signals to learn from.
    """
    u = np.log(snr[snr >= floor])
    base = math.log(floor)
    weight = (u >= math.log(solid)).astype(np.float64)
    if weight.sum() < _MIN_TRUE:
        return None
    mixture = _maximise(u, weight, base)
    for _ in range(_STEPS):
        true = mixture.share * mixture._true(np.minimum(u, mixture.mean + mixture.spread))
        false = (1 - mixture.share) * mixture._false(u)
        weight = true / (true + false)
        if weight.sum() < _MIN_TRUE:
            return None
        before, mixture = mixture, _maximise(u, weight, base)
        moved = abs(mixture.mean - before.mean) + abs(mixture.share - before.share)
        if moved < _SETTLED:
            break
    return mixture


def _maximise(u: Floats, weight: Floats, base: float) -> BrightnessMixture:
    """Return the mixture whose parts best explain weighted candidates."""
    total = float(weight.sum())
    mean = float((weight * u).sum() / total)
    variance = float((weight * (u - mean) ** 2).sum() / total)
    rest = 1.0 - weight
    excess = float((rest * (u - base)).sum()) + 1.0
    decay = float((rest.sum() + 4.0) / excess)
    return BrightnessMixture(
        floor=base,
        decay=min(max(decay, _DECAY_RANGE[0]), _DECAY_RANGE[1]),
        mean=mean,
        spread=min(max(math.sqrt(variance), _SPREAD_RANGE[0]), _SPREAD_RANGE[1]),
        share=min(max(total / len(u), 0.02), 0.98),
    )
