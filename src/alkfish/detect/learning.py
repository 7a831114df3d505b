"""What is learned from the solid spots of a channel: width, brightness, and what is too faint."""

from __future__ import annotations

import numpy as np

from alkfish.detect.evidence import fit_brightness
from alkfish.detect.fits import (
    Fits,
    Floats,
    SpotModel,
    elongation,
    evidence_of,
    usual_amplitude,
)
from alkfish.detect.fitting import AMPLITUDE, QUALITY, WIDTH
from alkfish.detect.touching import MIN_SOLID, SOLID_SNR

FLOOR_SNR = 2.3
FAINT_SHARE = 0.08
"""Candidates fainter than this share of the solid ones cannot be accepted: they are not fitted."""

SOLID_QUALITY = 0.8

NOISE_ELONGATION = 1.6
"""Median `elongation` of round spots in noise, of any width and SNR (measured on drawn ones)."""


def learn_model(fits: Fits, default_px: float) -> SpotModel:
    """Learn width and brightness from solid spots; fall back to defaults without them.

    Parameters
    ----------
    fits : Fits
        Of spot-like width and shape, from one or more pictures of a channel.
    default_px : float
        Width to assume if there are too few solid ones.
    """
    solid = fits.take((fits.snr >= SOLID_SNR) & (fits.figures[:, QUALITY] >= SOLID_QUALITY))
    middle, spread, length = default_px, 0.5 * default_px, 1.0
    if len(solid) >= MIN_SOLID:
        widths = solid.spots[:, WIDTH]
        middle = float(np.median(widths))
        spread = max(0.15 * middle, 1.4826 * float(np.median(np.abs(widths - middle))))
        length = max(1.0, float(np.median(elongation(solid))) / NOISE_ELONGATION)
    mixture = fit_brightness(evidence_of(fits, middle), floor=FLOOR_SNR, solid=SOLID_SNR)
    usual = usual_amplitude(solid.spots[:, AMPLITUDE])
    return SpotModel(middle, spread, mixture, len(solid), usual, length)


def faint_limit(height_snr: Floats) -> float:
    """Return the height of local maxima, in noise and texture, below which none is looked at."""
    solid = height_snr[height_snr >= SOLID_SNR]
    return FAINT_SHARE * float(np.median(solid)) if len(solid) >= MIN_SOLID else 0.0
