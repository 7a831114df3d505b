"""Biology: the ALK loci of a nucleus, and which of their signals the section shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError
from alkfish.model.signals import Pattern
from alkfish.synthetic.layout import Nucleus
from alkfish.synthetic.levels import Level
from alkfish.synthetic.rule import Point, classify

NATIVE_UM = (1.81, 0.182)
"""Shape and scale of the gamma distance between the ends of a native locus: 0.33 +/- 0.24 um
(SMUK18, read with 0.1 um per pixel)."""

PUBLISHED_UM = (3.58, 0.272)
"""The same for a rearranged (inverted) locus as published: 0.97 +/- 0.51 um (SMUK18)."""

CLINICAL_EXCESS_UM = (2.0, 0.8)
"""Gamma distance beyond the rule's limit for a clearly split locus: up to several um (chosen)."""

_SHOWS = {
    "split": Pattern.SPLIT,
    "lost_5p": Pattern.ISOLATED_3P,
    "lost_3p": Pattern.ISOLATED_5P,
}

_MARGIN_UM = 0.3
_LOCUS_DISTANCE_UM = 1.5
_TRIES = 60


class PatternMix(NamedTuple):
    """Shares of the patterns.

    ``split`` and ``isolated_3p`` share out the rearranged nuclei (54 % to 36 % of positive cases:
    DACIC16); ``isolated_5p`` is the share of the other tumour nuclei that lost a 3' end.
    """

    split: float = 0.6
    isolated_3p: float = 0.4
    isolated_5p: float = 0.03


@dataclass(frozen=True)
class Spot:
    """One signal spot of a nucleus; lengths in um, z from the nucleus' centre."""

    end: str
    y: float
    x: float
    z: float
    sigma: float
    photons: float
    locus: int

    @property
    def point(self) -> Point:
        """Position and diameter (full width at half maximum) as the rule needs them."""
        return Point(self.y, self.x, self.sigma * FWHM_PER_SIGMA)


@dataclass(frozen=True)
class DepthSpot(Spot):
    """A spot of a focus stack: the rule measures its distances in three dimensions."""

    @property
    def point(self) -> Point:
        """Position with its depth, and lateral diameter."""
        return Point(self.y, self.x, self.sigma * FWHM_PER_SIGMA, self.z)


FWHM_PER_SIGMA = 2.3548200450309493


@dataclass(frozen=True)
class Genome:
    """What a nucleus carries before it is cut: copies, and what became of one of them."""

    copies: int
    fate: str
    is_rearranged: bool


def draw_genome(
    rng: np.random.Generator, level: Level, *, is_tumour: bool, positive_fraction: float,
    mix: PatternMix,
) -> Genome:  # fmt: skip
    """Draw copies (2, or 3 to 8 with gain) and the fate of one allele.

    The fate is ``native``, ``split``, ``lost_5p`` (isolated 3') or ``lost_3p`` (isolated 5').
    """
    rolls = rng.random(3)
    copies = 2
    if is_tumour and rolls[0] < level.gain_share:
        copies = int(rng.choice([3, 4, 5, 6, 7, 8], p=[0.45, 0.3, 0.1, 0.07, 0.05, 0.03]))
    fate = "native"
    if is_tumour and rolls[1] < positive_fraction:
        fate = "split" if rolls[2] * (mix.split + mix.isolated_3p) < mix.split else "lost_5p"
    elif is_tumour and rolls[2] < mix.isolated_5p:
        fate = "lost_3p"
    return Genome(copies, fate, is_rearranged=fate in ("split", "lost_5p"))


def draw_spots(
    rng: np.random.Generator, level: Level, nucleus: Nucleus, genome: Genome, *, separation: str,
    in_depth: bool = False,
) -> list[Spot]:  # fmt: skip
    """Draw the spots that the section shows of one nucleus.

    With ``separation='clinical'`` the cut first decides, as for a native nucleus, whether both
    ends are seen at all; a nucleus with a changed allele is then redrawn until it shows that change
    or, if it is not to be scorable, too little. So the share of rearranged nuclei is the share of
    positive ones, while native nuclei keep the isolated signals that truncation makes of them. With
    ``'published'`` nothing is redrawn: a narrow split stays a split locus that the rule may read as
    fused.

    With `in_depth`, for focus stacks, loci keep clear of each other in three dimensions instead of
    in the picture, clinical splits point in all directions of space, and the pattern is that of the
    distances in space. Published distances are distances in a picture and stay so.

    Raises
    ------
    InputError
        If `separation` is neither of the two.
    """
    if separation not in ("clinical", "published"):
        raise InputError(
            "unknown distribution of separations",
            found=separation,
            allowed="clinical, published",
        )
    spots = _try_spots(rng, level, nucleus, genome, separation, in_depth)
    if genome.fate == "native" or separation == "published":
        return spots
    native = Genome(genome.copies, "native", is_rearranged=False)
    is_seen = _pattern(_try_spots(rng, level, nucleus, native, separation, in_depth)) != ""
    wanted = _SHOWS[genome.fate].value if is_seen else ""
    for _ in range(_TRIES):
        if _pattern(spots) == wanted:
            break
        spots = _try_spots(rng, level, nucleus, genome, separation, in_depth)
    return spots


def _pattern(spots: Sequence[Spot]) -> str:
    three = [spot.point for spot in spots if spot.end == "3p"]
    five = [spot.point for spot in spots if spot.end == "5p"]
    return classify(three, five).pattern


def _try_spots(
    rng: np.random.Generator, level: Level, nucleus: Nucleus, genome: Genome, separation: str,
    in_depth: bool,
) -> list[Spot]:  # fmt: skip
    spots: list[Spot] = []
    centres: list[npt.NDArray[np.float64]] = []
    for locus in range(genome.copies):
        fate = genome.fate if locus == 0 else "native"
        first = _free_place(rng, nucleus, centres, in_depth)
        if first is None:
            continue
        centres.append(first)
        second = _partner(rng, nucleus, first, fate, separation, in_depth)
        # Which end lies at the first place is left to chance.
        ends = ("3p", "5p") if rng.random() < 0.5 else ("5p", "3p")
        for end, place in zip(ends, (first, second), strict=True):
            lost = (fate == "lost_5p" and end == "5p") or (fate == "lost_3p" and end == "3p")
            if not lost and nucleus.z_low <= place[2] <= nucleus.z_high:
                spots += _signal(rng, level, nucleus, end, place, locus, in_depth)
        if fate == "split":
            centres.append(second)
    return spots


def _free_place(
    rng: np.random.Generator, nucleus: Nucleus, centres: Sequence[npt.NDArray[np.float64]],
    in_depth: bool,
) -> npt.NDArray[np.float64] | None:  # fmt: skip
    axes = 3 if in_depth else 2
    for _ in range(_TRIES):
        unit = rng.normal(size=3)
        unit *= rng.random() ** (1 / 3) / np.sqrt((unit**2).sum())
        scale = float(nucleus.outline(np.arctan2(unit[0], unit[1]))) / nucleus.profile_radius
        place = unit * nucleus.radius * np.array([scale, scale, 1.0])
        near = any(_length((place - other)[:axes]) < _LOCUS_DISTANCE_UM for other in centres)
        if not near and _is_within(nucleus, place[0], place[1]):
            return np.asarray(place)
    return None


def _length(vector: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt((vector**2).sum()))


def _is_within(nucleus: Nucleus, y: float, x: float) -> bool:
    reach = float(nucleus.visible_radius(np.arctan2(y, x)))
    return float(np.hypot(y, x)) < reach - _MARGIN_UM


def _partner(
    rng: np.random.Generator, nucleus: Nucleus, first: npt.NDArray[np.float64], fate: str,
    separation: str, in_depth: bool,
) -> npt.NDArray[np.float64]:  # fmt: skip
    for _ in range(_TRIES):
        tilt = rng.uniform(-0.8, 0.8)
        theta = rng.uniform(0, 2 * np.pi)
        if fate != "split":
            distance = float(rng.gamma(*NATIVE_UM))
        elif separation == "published":
            distance = float(rng.gamma(*PUBLISHED_UM))
        else:
            # Three diameters between centres make a gap of two; spots measure about 0.65 um.
            distance = 3 * 0.65 + float(rng.gamma(*CLINICAL_EXCESS_UM))
            tilt = rng.uniform(-1, 1) if in_depth else rng.uniform(-0.3, 0.3)
            distance *= np.sqrt(1 - tilt**2) if in_depth else 1.0
        rise = distance * tilt / np.sqrt(1 - tilt**2)
        place = first + np.array([distance * np.sin(theta), distance * np.cos(theta), rise])
        inside = not in_depth or abs(place[2]) < nucleus.radius
        if inside and _is_within(nucleus, place[0], place[1]):
            break
    return np.asarray(place)


def _signal(
    rng: np.random.Generator, level: Level, nucleus: Nucleus, end: str,
    place: npt.NDArray[np.float64], locus: int, in_depth: bool,
) -> list[Spot]:  # fmt: skip
    kind = DepthSpot if in_depth else Spot
    efficiency = level.three_prime_efficiency if end == "3p" else level.five_prime_efficiency
    if rng.random() >= efficiency:
        return []
    middle = (nucleus.z_low + nucleus.z_high) / 2
    outside = max(0.0, abs(float(place[2]) - middle) - level.focus_depth_um / 2)
    in_focus = max(0.1, float(rng.normal(*level.spot_sigma_um)))
    blur = 0.0 if in_depth else level.defocus_slope * outside
    sigma = float(np.hypot(in_focus, blur))
    photons = level.spot_photons * float(np.exp(rng.normal(0.0, level.spot_log_sd)))
    y, x, z = (float(value) for value in place)
    spot = kind(end, y, x, z, sigma, photons, locus)
    if rng.random() >= level.doublet_share:
        return [spot]
    # Sister chromatids: far enough apart to be seen as two, closer than one diameter of gap.
    apart, theta = rng.uniform(1.15, 1.7) * sigma * FWHM_PER_SIGMA, rng.uniform(0, 2 * np.pi)
    y, x = y + apart * float(np.sin(theta)), x + apart * float(np.cos(theta))
    return [spot, kind(end, y, x, z, sigma, photons * float(rng.uniform(0.7, 1.3)), locus)]
