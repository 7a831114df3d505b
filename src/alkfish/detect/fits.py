"""Fitted spots of one channel and what is learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.detect.evidence import BrightnessMixture
from alkfish.detect.fitting import ROUNDNESS, WIDTH

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ALONE_SNR = 5.5
"""What a spot needs in a field without solid spots to learn from."""


@dataclass(frozen=True)
class SpotModel:
    """What the solid spots of a channel look like.

    Attributes
    ----------
    width_px : float
        Typical standard deviation of the profile.
    width_spread_px : float
        Its spread between spots.
    brightness : BrightnessMixture or None
        How bright its signals are; None if the field has no solid spots to learn from.
    n_solid : int
        Solid spots it was learned from; defaults are used if these are too few.
    usual_amplitude : float
        Amplitude of its signals, in counts: half of the light of the solid spots lies above it.
    usual_length : float
        Median `elongation` of the solid spots, in what noise alone gives; at least 1.
    """

    width_px: float
    width_spread_px: float
    brightness: BrightnessMixture | None
    n_solid: int
    usual_amplitude: float = 0.0
    usual_length: float = 1.0

    def p_real(self, evidence: Floats) -> Floats:
        """Return the probability of being a signal for SNRs discounted by shape."""
        if self.brightness is None:
            return np.asarray(evidence >= ALONE_SNR, np.float64)
        return self.brightness.p_true(evidence)


@dataclass(frozen=True, eq=False)
class Fits:
    """Fitted spots: parameters, figures of merit, and SNR, one row each."""

    spots: Floats
    figures: Floats
    snr: Floats

    def __len__(self) -> int:
        return len(self.snr)

    def take(self, rows: npt.NDArray[Any]) -> Fits:
        """Return the selected rows."""
        return Fits(self.spots[rows], self.figures[rows], self.snr[rows])

    def join(self, other: Fits) -> Fits:
        """Return the rows of both."""
        return Fits(
            np.concatenate([self.spots, other.spots]),
            np.concatenate([self.figures, other.figures]),
            np.concatenate([self.snr, other.snr]),
        )


def usual_amplitude(amplitudes: Floats) -> float:
    """Return the amplitude above and below which lies half of the light; 0 for no spots."""
    if len(amplitudes) == 0:
        return 0.0
    ranked = np.sort(amplitudes)
    light = np.cumsum(ranked)
    return float(ranked[np.searchsorted(light, light[-1] / 2)])


def elongation(fits: Fits) -> Floats:
    """Return by how much spots are longer than wide, in units of what noise makes of round ones."""
    return np.asarray((1.0 - fits.figures[:, ROUNDNESS]) * fits.snr)


def evidence_of(fits: Fits, width_px: float) -> Floats:
    """Return the SNR discounted by an odd shape: elongated, or of unusual width."""
    ratio = fits.spots[:, WIDTH] / width_px
    usual = np.minimum(ratio, 1.0 / ratio)
    return np.asarray(fits.snr * np.exp(fits.figures[:, ROUNDNESS] - 1.0) * usual)
