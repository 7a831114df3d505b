"""What belongs to the optics of a case: measured on a sample of its fields, applied to all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alkfish.detect import Crosstalk, estimate_crosstalk
from alkfish.score.shift import ChromaticShift, estimate_shift

if TYPE_CHECKING:
    from alkfish.pipeline.field import FieldFindings

SAME_PICTURE = 0.98
"""Correlation of noise that only copies of one picture have."""


@dataclass(frozen=True)
class ChannelCorrection:
    """What belongs to the optics of a case: measured on a sample of its fields.

    Attributes
    ----------
    shift : ChromaticShift
        Of the 5' channel against the 3' channel.
    crosstalk_3p, crosstalk_5p : Crosstalk
        Light of the 3' channel in the 5' channel, and the reverse.
    same_noise : float
        Correlation of the pixel noise of the two probe channels.
    """

    shift: ChromaticShift
    crosstalk_3p: Crosstalk
    crosstalk_5p: Crosstalk
    same_noise: float = 0.0

    def faults(self) -> tuple[str, ...]:
        """Return why the two probe channels cannot be compared; empty if they can."""
        faults = []
        if self.same_noise > SAME_PICTURE:
            faults.append("both probe channels hold the same picture: check the channel roles")
        elif self.crosstalk_3p.inseparable or self.crosstalk_5p.inseparable:
            faults.append(
                "both probe channels show the same spots at a constant ratio: one channel used "
                "twice, or filters that do not separate the dyes"
            )
        if self.shift.misaligned:
            faults.append(
                f"the probe channels do not lie on each other ({self.shift.reason}): wrong "
                "registration"
            )
        return tuple(faults)

    def in_words(self) -> tuple[str, ...]:
        """Return one sentence per correction: applied or not, and why."""
        named = (
            ("chromatic shift", self.shift),
            ("crosstalk from 3' into 5'", self.crosstalk_3p),
            ("crosstalk from 5' into 3'", self.crosstalk_5p),
        )
        return tuple(
            f"{name} {'corrected' if part.applied else 'not corrected'}: {part.reason}"
            for name, part in named
        )


def measure_correction(sample: Sequence[FieldFindings]) -> ChannelCorrection:
    """Return the corrections of a case from the findings of some of its fields."""
    none = np.empty((0, 3))
    noise = float(np.median([found.same_noise for found in sample] or [0.0]))
    into_5p = np.concatenate([none[:, 0], *(found.bleed_3p for found in sample)])
    into_3p = np.concatenate([none[:, 0], *(found.bleed_5p for found in sample)])
    return ChannelCorrection(
        estimate_shift(np.concatenate([none, *(found.offsets_um for found in sample)])),
        estimate_crosstalk(into_5p, same_noise=noise),
        estimate_crosstalk(into_3p, same_noise=noise),
        noise,
    )
