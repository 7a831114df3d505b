"""Nuclei: their shapes, where they lie, and what the section left of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from alkfish.synthetic.levels import Level

FloatArray = npt.NDArray[np.float64]

SMALLEST_PROFILE = 0.7
"""Profiles smaller than this share of the full radius are left out (clinical-rules 8.1)."""

FOCAL_DEPTH_UM = 1.5
"""Depth that lends light to a picture focused through the section: thicker nuclei look hardly
brighter, and flat but for their rim (chosen)."""

OUTLINE_LIGHT = 0.5
"""The true outline lies where a nucleus has this share of its greatest light: half maximum."""

TRIES = 40
"""Places tried for a nucleus before it is given up."""


@dataclass(frozen=True, eq=False)
class Nucleus:
    """A nucleus as cut by the section; lengths in um, positions from the centre of pixel (0, 0).

    A sphere of ``radius`` whose part between ``z_low`` and ``z_high`` (from its centre) lies in
    the section; seen from above its outline is an ellipse with four harmonics.
    """

    y: float
    x: float
    radius: float
    z_low: float
    z_high: float
    aspect: float
    angle: float
    waves: FloatArray
    phases: FloatArray
    is_tumour: bool
    brightness: float

    def moved(self, y: float, x: float) -> Nucleus:
        """Return the same nucleus at another place."""
        return replace(self, y=y, x=x)

    @cached_property
    def profile_radius(self) -> float:
        """Radius of the largest cross-section within the section."""
        if self.z_low <= 0 <= self.z_high:
            return self.radius
        nearest = min(abs(self.z_low), abs(self.z_high))
        return float(np.sqrt(self.radius**2 - nearest**2))

    def outline(self, theta: npt.ArrayLike) -> FloatArray:
        """Return the outer radius (thickness 0) at angles `theta`, in um."""
        angle = np.asarray(theta, dtype=np.float64) - self.angle
        long_axis = np.sqrt(self.aspect)
        ellipse = 1.0 / np.sqrt((np.cos(angle) / long_axis) ** 2 + (np.sin(angle) * long_axis) ** 2)
        orders = np.arange(3, 3 + len(self.waves))
        ripple = (self.waves * np.cos(angle[..., None] * orders + self.phases)).sum(axis=-1)
        return np.asarray(self.profile_radius * ellipse * (1.0 + ripple))

    def thickness(self, share: npt.ArrayLike) -> FloatArray:
        """Return the thickness in um at a `share` (0 centre, 1 outline) of the outer radius."""
        rho = np.asarray(share, dtype=np.float64) * self.profile_radius
        half = np.sqrt(np.maximum(self.radius**2 - rho**2, 0.0))
        depth = np.minimum(half, self.z_high) - np.maximum(-half, self.z_low)
        return np.asarray(np.maximum(depth, 0.0))

    def light(self, share: npt.ArrayLike) -> FloatArray:
        """Return the light, 0 to 1, at a `share` of the outer radius, before chromatin and lamp."""
        return np.asarray(-np.expm1(-self.thickness(share) / FOCAL_DEPTH_UM))

    @cached_property
    def visible_share(self) -> float:
        """Share of the outer radius at which the true outline lies."""
        share = np.linspace(0.0, 1.0, 2001)
        light = self.light(share)
        return float(share[light >= OUTLINE_LIGHT * light.max()].max())

    def visible_radius(self, theta: npt.ArrayLike) -> FloatArray:
        """Return the radius of the true outline at angles `theta`, in um."""
        return np.asarray(self.outline(theta) * self.visible_share)


def draw_nucleus(rng: np.random.Generator, level: Level, section_um: float) -> Nucleus:
    """Draw one nucleus at the origin with a random cut through it."""
    is_tumour = bool(rng.random() >= level.lymphocyte_share)
    mean, spread = level.tumour_diam_um if is_tumour else level.lymphocyte_diam_um
    low, high = (8.5, 20.0) if is_tumour else (0.8 * mean, 1.2 * mean)
    radius = float(np.clip(rng.normal(mean, spread), low, high)) / 2
    reach = radius * np.sqrt(1 - SMALLEST_PROFILE**2) + section_um / 2
    middle = float(rng.uniform(-reach, reach))
    waves = np.array([0.032, 0.02, 0.012, 0.008]) * rng.normal(size=4) * (1.0 if is_tumour else 0.4)
    aspect = 1.0 + abs(rng.normal(0.0, 0.22 if is_tumour else 0.08))
    return Nucleus(
        y=0.0, x=0.0, radius=radius, z_low=middle - section_um / 2, z_high=middle + section_um / 2,
        aspect=min(aspect, 1.7), angle=float(rng.uniform(0, 2 * np.pi)), waves=waves,
        phases=rng.uniform(0, 2 * np.pi, size=4), is_tumour=is_tumour,
        brightness=float(np.exp(rng.normal(0.0, level.dapi_log_sd)) * (1.0 if is_tumour else 1.2)),
    )  # fmt: skip


def place_nuclei(
    rng: np.random.Generator, level: Level, size_um: tuple[float, float]
) -> list[Nucleus]:
    """Fill a field with nuclei, lowest first.

    Parameters
    ----------
    rng : Generator
        Source of all random choices.
    level : Level
        ``coverage`` sets how many, ``touching_share`` and ``overlapping_share`` how they lie.
    size_um : tuple of float
        Height and width of the field.

    Returns
    -------
    list of Nucleus
        A nucleus later in the list lies above those before it; empty for coverage 0.
    """
    placed: list[Nucleus] = []
    wanted = level.coverage * size_um[0] * size_um[1]
    covered, failures = 0.0, 0
    section = float(np.clip(rng.normal(*level.section_um), 3.0, 8.0))
    while covered < wanted and failures < 25:
        candidate = _place_one(rng, level, draw_nucleus(rng, level, section), placed, size_um)
        if candidate is None:
            failures += 1
            continue
        placed.append(candidate)
        covered += np.pi * (candidate.profile_radius * candidate.visible_share) ** 2
    return placed


def _place_one(
    rng: np.random.Generator, level: Level, nucleus: Nucleus, placed: list[Nucleus],
    size_um: tuple[float, float],
) -> Nucleus | None:  # fmt: skip
    choice = rng.random()
    overlaps = choice < level.overlapping_share
    beside = choice < level.overlapping_share + level.touching_share
    for _ in range(TRIES):
        partner = int(rng.integers(len(placed))) if beside and placed else -1
        if partner >= 0:
            moved = place_beside(rng, nucleus, placed[partner], overlaps=overlaps)
        else:
            # Centres reach a little outside so that border nuclei exist, but no slivers.
            margin = 0.2 * nucleus.radius
            moved = nucleus.moved(*(float(rng.uniform(-margin, s + margin)) for s in size_um))
        if _inside(moved, size_um) and is_free(moved, placed, partner):
            return moved
    return None


def place_beside(
    rng: np.random.Generator, nucleus: Nucleus, partner: Nucleus, *, overlaps: bool
) -> Nucleus:
    """Move a nucleus against `partner`, or partly over it."""
    theta = float(rng.uniform(0, 2 * np.pi))
    own, other = nucleus.visible_radius(theta + np.pi), partner.visible_radius(theta)
    if overlaps:
        gap = -float(rng.uniform(0.2, 0.6)) * float(min(own, other))
    else:
        gap = float(rng.uniform(-0.1, 0.3))
    distance = float(own + other) + gap
    return nucleus.moved(
        partner.y + distance * float(np.sin(theta)), partner.x + distance * float(np.cos(theta))
    )


def _inside(nucleus: Nucleus, size_um: tuple[float, float]) -> bool:
    margin = 0.2 * nucleus.radius
    return (
        -margin <= nucleus.y <= size_um[0] + margin and -margin <= nucleus.x <= size_um[1] + margin
    )


def is_free(nucleus: Nucleus, placed: list[Nucleus], partner: int) -> bool:
    """Return whether a nucleus keeps clear of all others but its partner."""
    for index, other in enumerate(placed):
        dy, dx = other.y - nucleus.y, other.x - nucleus.x
        distance = float(np.hypot(dy, dx))
        if index == partner or distance > 1.6 * (nucleus.radius + other.radius) + 1.0:
            continue
        theta = float(np.arctan2(dy, dx))
        reach = float(nucleus.visible_radius(theta) + other.visible_radius(theta + np.pi))
        if distance - reach < 0.5:
            return False
    return True
