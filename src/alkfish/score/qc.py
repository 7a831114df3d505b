"""Quality of a field: figures, a verdict, and the reasons in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.model.flags import NucleusFlag
from alkfish.model.result import ChannelQC, FieldQC
from alkfish.model.signals import NucleusRecords
from alkfish.score.shift import ChromaticShift

Floats = npt.NDArray[np.float64]

SHAPE_FLAGS = (
    "border", "too_small", "too_large", "clump", "out_of_focus", "saturated", "outside_roi",
)  # fmt: skip
"""Flags of outline and place; nuclei without them are candidates for the count."""

POOR_EFFICIENCY = 0.10
LOW_EFFICIENCY = 0.40
LOW_SNR = 8.0
LOW_FOCUS = 0.35
HIGH_SATURATION = 0.001
MIN_NUCLEI = 10


@dataclass(frozen=True)
class ChannelFigures:
    """Figures of one probe channel that need the picture."""

    background: float
    noise: float
    saturated: float


def scorable_shape(nuclei: NucleusRecords) -> npt.NDArray[np.bool_]:
    """Return which nuclei could be scored by their outline alone."""
    unfit = {flag.name.lower() for flag in NucleusFlag if flag.name} & set(SHAPE_FLAGS)
    return np.array([not unfit & set(text.split(";")) for text in nuclei.flags], bool)


def channel_qc(
    figures: ChannelFigures, snr: Floats, nuclei: NucleusRecords, missing: tuple[str, ...]
) -> ChannelQC:
    """Return the quality of one channel.

    Parameters
    ----------
    figures : ChannelFigures
        Background, noise and saturation of the picture.
    snr : ndarray of float64, shape (N,)
        SNR of its spots.
    nuclei : NucleusRecords
        Nuclei of the field.
    missing : tuple of str
        Names of the nucleus flags that say that this channel shows no signal.
    """
    fit = scorable_shape(nuclei)
    without = np.array([bool(set(missing) & set(text.split(";"))) for text in nuclei.flags], bool)
    shown = int((fit & ~without).sum())
    return ChannelQC(
        n_spots=len(snr),
        median_snr=float(np.median(snr)) if len(snr) else 0.0,
        background=figures.background,
        noise=figures.noise,
        saturated=figures.saturated,
        efficiency=shown / int(fit.sum()) if fit.any() else 0.0,
    )


def field_qc(
    fov: str, nuclei: NucleusRecords, three: ChannelQC, five: ChannelQC, *, shift: ChromaticShift,
    crosstalk: tuple[float, float], corrections: tuple[str, ...] = (),
    channel_faults: tuple[str, ...] = (), n_planes: int = 1, z_step_um: float = 0.0,
) -> FieldQC:  # fmt: skip
    """Return the figures of a field with its verdict and reasons."""
    focus = float(np.median(nuclei.focus)) if len(nuclei) else 0.0
    poor = [*channel_faults, *_poor(nuclei, three, five)]
    doubts = _doubts(nuclei, three, five, focus)
    return FieldQC(
        fov=fov,
        n_nuclei=len(nuclei),
        n_scorable=int(nuclei.scorable.sum()),
        focus=focus,
        three_prime=three,
        five_prime=five,
        shift_um=(shift.y_um, shift.x_um),
        shift_applied=shift.applied,
        crosstalk=crosstalk,
        corrections=corrections,
        channel_faults=channel_faults,
        n_planes=n_planes,
        z_step_um=z_step_um,
        shift_z_um=shift.z_um,
        verdict="poor" if poor else "caution" if doubts else "good",
        reasons=(*poor, *doubts),
    )


def _poor(nuclei: NucleusRecords, three: ChannelQC, five: ChannelQC) -> list[str]:
    if len(nuclei) == 0:
        return ["no nucleus found"]
    return [
        f"{end} signals in only {qc.efficiency:.0%} of the nuclei: probe failure?"
        for end, qc in (("3'", three), ("5'", five))
        if qc.efficiency < POOR_EFFICIENCY
    ]


def _doubts(nuclei: NucleusRecords, three: ChannelQC, five: ChannelQC, focus: float) -> list[str]:
    doubts = []
    if 0 < len(nuclei) < MIN_NUCLEI:
        doubts.append(f"only {len(nuclei)} nuclei")
    if len(nuclei) and focus < LOW_FOCUS:
        doubts.append(f"nuclei look out of focus (median focus {focus:.2f})")
    for end, qc in (("3'", three), ("5'", five)):
        if POOR_EFFICIENCY <= qc.efficiency < LOW_EFFICIENCY:
            doubts.append(f"{end} signals in only {qc.efficiency:.0%} of the nuclei")
        if qc.n_spots and qc.median_snr < LOW_SNR:
            doubts.append(f"{end} signals are dim (median SNR {qc.median_snr:.1f})")
        if qc.saturated > HIGH_SATURATION:
            doubts.append(f"{end} channel is saturated in {qc.saturated:.1%} of its pixels")
    return doubts
