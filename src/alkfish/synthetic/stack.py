"""One simulated field as a focus stack: what each plane sees of a section some um thick.

A wide-field microscope loses no light out of focus: it spreads it. So an object keeps its light in
every plane and only widens with its distance from the plane. Haze from other planes follows from
this and needs no figure of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from alkfish.config import ScorableConfig
from alkfish.errors import InputError
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import Colour
from alkfish.model.signals import SpotRecords
from alkfish.synthetic import optics
from alkfish.synthetic.field import Scene, SimulatedField, check_field, draw_scene
from alkfish.synthetic.layout import Nucleus
from alkfish.synthetic.levels import Level, as_level
from alkfish.synthetic.loci import PatternMix, Spot
from alkfish.synthetic.truth import make_truth

Plane = npt.NDArray[np.float32]
Places = list[tuple[float, float]]

DEFOCUS_SLOPE = 0.45
"""Blur (Gaussian sigma) gained per um out of focus, in um.

It makes a spot of 0.61 um 1.15 um long. An objective of NA 1.3 has a point spread of 0.24 x 0.8 um
(axial 0.88 wavelengths / (n - sqrt(n^2 - NA^2)), 3 to 4 times the lateral width); with a target of
0.56 um that is 1.0 um, and the section's index of refraction adds to it. Far out of focus the cone
of such an objective spreads light faster, by tan(asin(NA / n)) / 2 = 0.8 um per um: haze from far
planes lies closer together here, and disturbs more, than in a microscope.
"""

AXIAL_SHIFT = 2.0
"""Axial chromatic shift per lateral shift: up to 0.4 um where that is up to 0.2 um (chosen)."""

SLAB_UM = 1.0
"""Thickness of the slices that the DAPI light of the section is summed from."""

_ARTEFACTS, _CAMERA = 12, 13


@dataclass(frozen=True)
class _Speck:
    """A grain of a granule or of debris: place in the section (um), size, light in 3' and 5'."""

    y: float
    x: float
    z: float
    sigma: float
    light: tuple[float, float]


def simulate_stack(
    level: str | Level = "typical", *, seed: int, n_planes: int = 16, z_step_um: float = 0.4,
    shape: tuple[int, int] = (1024, 1024), pixel_size_um: float = 0.1,
    positive_fraction: float = 0.3, mix: PatternMix | None = None, separation: str = "clinical",
    three_prime_colour: Colour = Colour.RED, name: str = "field_01", shift_seed: int | None = None,
) -> SimulatedField:  # fmt: skip
    """Simulate one field of break-apart FISH as a focus stack centred on the section.

    Parameters
    ----------
    n_planes : int
        Focus planes, at least 2.
    z_step_um : float
        Their distance.
    level, seed, shape, pixel_size_um, positive_fraction, mix, separation, three_prime_colour, name
        As in `simulate_field`. ``focus_depth_um`` and ``defocus_slope`` of the level belong to
        single planes and are not used.
    shift_seed : int, optional
        As in `simulate_field`; the 5' channel is also shifted in depth.

    Returns
    -------
    SimulatedField
        Stacks and truth: patterns by distances in space, spots with ``z_um`` from the first plane.
        ``clean`` holds maximum projections of the expected photons.

    Raises
    ------
    InputError
        If there are fewer than two planes, or as in `simulate_field`.
    """
    if n_planes < 2:
        raise InputError("a stack needs planes", found=n_planes, allowed="2 or more")
    figures = as_level(level)
    check_field(shape, positive_fraction)
    scene = draw_scene(
        figures, seed, shape, pixel_size_um, positive_fraction, mix or PatternMix(), separation,
        seed if shift_seed is None else shift_seed, in_depth=True,
    )  # fmt: skip
    heights = (np.arange(n_planes) - (n_planes - 1) / 2) * z_step_um
    stacks, clean, labels, hidden = _expose_planes(
        scene, figures, seed, heights.tolist(), three_prime_colour
    )
    fov = FieldOfView(
        dapi=stacks["dapi"], three_prime=stacks["three_prime"], five_prime=stacks["five_prime"],
        pixel_size_um=pixel_size_um, z_step_um=z_step_um, name=name,
        notes=("simulated, not a specimen",),
    )  # fmt: skip
    nuclei, spots, biology, labels = make_truth(
        name, scene.nuclei, scene.genomes, scene.spots, labels, hidden, clean,
        pixel_size_um=pixel_size_um, shift_um=scene.shift_um, level=figures,
        min_diam_um=ScorableConfig().min_diam_um,
    )  # fmt: skip
    return SimulatedField(
        fov, labels, nuclei, _with_depth(spots, scene, figures, float(heights[0])), biology, clean,
        figures, seed, scene.shift_um, three_prime_colour,
    )  # fmt: skip


def _with_depth(spots: SpotRecords, scene: Scene, level: Level, lowest: float) -> SpotRecords:
    """Return the true spots with their heights over the first plane."""
    height, width = scene.shape
    z_um = []
    for nucleus, group in zip(scene.nuclei, scene.spots, strict=True):
        for spot in group:
            y, x, z = _appears(nucleus, spot, scene, level)
            y, x = y / scene.pixel_size_um, x / scene.pixel_size_um
            if -0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5:
                z_um.append(z - lowest)
    return replace(spots, z_um=np.array(z_um))


def _appears(
    nucleus: Nucleus, spot: Spot, scene: Scene, level: Level
) -> tuple[float, float, float]:
    """Return where in the section, in um, a spot appears in its channel."""
    dy, dx = scene.shift_um if spot.end == "5p" else (0.0, 0.0)
    dz = AXIAL_SHIFT * level.shift_um if spot.end == "5p" else 0.0
    return nucleus.y + spot.y + dy, nucleus.x + spot.x + dx, spot.z - _middle(nucleus) + dz


def _middle(nucleus: Nucleus) -> float:
    """Return the height of the section's middle over the nucleus' centre."""
    return (nucleus.z_low + nucleus.z_high) / 2


def _expose_planes(
    scene: Scene, level: Level, seed: int, heights: Sequence[float], colour: Colour
) -> tuple[
    dict[str, npt.NDArray[np.uint16]], dict[str, Plane], npt.NDArray[np.int32],
    npt.NDArray[np.float64],
]:  # fmt: skip
    """Return the stacks, the projected expectations, labels by order of nuclei, hidden shares."""
    rng = np.random.default_rng([seed, _ARTEFACTS])
    camera = np.random.default_rng([seed, _CAMERA])
    slabs, plain, labels, hidden = _draw_nuclei(scene, level, rng)
    lamp, slope = optics.illumination(rng, scene.shape, level)
    light = lamp * np.float32(scene.pixel_size_um**2)
    grounds = _grounds(scene, level, rng, plain, slope)
    specks = _draw_specks(scene, level, rng, labels > 0)
    names = ("dapi", "three_prime", "five_prime")
    stacks = {key: np.empty((len(heights), *scene.shape), np.uint16) for key in names}
    clean = {key: np.zeros(scene.shape, np.float32) for key in names}
    for number, height in enumerate(heights):
        dapi = _dapi_plane(slabs, slope, level, scene.pixel_size_um, height)
        probes = _probe_planes(scene, level, grounds, specks, height)
        three, five = _bled(probes, dapi, colour, level)
        for key, plane in zip(names, (dapi, three, five), strict=True):
            expected = plane * light
            np.maximum(clean[key], expected, out=clean[key])
            stacks[key][number] = optics.expose(camera, expected, level)
    return stacks, clean, labels, hidden


def _draw_nuclei(
    scene: Scene, level: Level, rng: np.random.Generator
) -> tuple[list[tuple[float, Plane]], Plane, npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return slices of chromatin with their heights, light, labels and hidden shares."""
    section = scene.nuclei[0].z_high - scene.nuclei[0].z_low if scene.nuclei else SLAB_UM
    edges = np.linspace(-section / 2, section / 2, max(1, round(section / SLAB_UM)) + 1)
    slabs = [(float(z), np.zeros(scene.shape, np.float32)) for z in (edges[1:] + edges[:-1]) / 2]
    plain, labels = np.zeros(scene.shape, np.float32), np.zeros(scene.shape, np.int32)
    area, shared = np.zeros(len(scene.nuclei)), np.zeros(len(scene.nuclei))
    for index, nucleus in enumerate(scene.nuclei):
        where, light, visible = optics.light_window(nucleus, scene.pixel_size_um, scene.shape)
        plain[where] += light
        for (_, slab), low, high in zip(slabs, edges[:-1], edges[1:], strict=True):
            middle = _middle(nucleus)
            part = replace(nucleus, z_low=low + middle, z_high=high + middle)
            share = _thickness(nucleus, part, where, scene.pixel_size_um) / section
            slab[where] += np.float32(nucleus.brightness) * share
        below = labels[where][visible]
        area[index] = visible.sum()
        shared[index] += (below > 0).sum()
        np.add.at(shared, below[below > 0] - 1, 1)
        labels[where][visible] = index + 1
    for _, slab in slabs:
        slab *= _texture(scene, level, rng)
    return slabs, plain, labels, shared / np.maximum(area, 1.0)


def _thickness(
    nucleus: Nucleus, part: Nucleus, where: tuple[slice, slice], pixel_size_um: float
) -> Plane:
    """Return how much of a nucleus lies in a slice of the section, in um, per pixel."""
    rows, columns = where
    dy = (np.arange(rows.start, rows.stop) * pixel_size_um - nucleus.y)[:, None]
    dx = (np.arange(columns.start, columns.stop) * pixel_size_um - nucleus.x)[None, :]
    angles = np.linspace(-np.pi, np.pi, 1025)
    outer = np.interp(np.arctan2(dy, dx), angles, nucleus.outline(angles))
    share = np.hypot(dy, dx) / outer
    rho = share * nucleus.profile_radius
    half = np.sqrt(np.maximum(nucleus.radius**2 - rho**2, 0.0))
    depth = np.minimum(half, part.z_high) - np.maximum(-half, part.z_low)
    return np.where(share < 1.0, np.maximum(depth, 0.0), 0.0).astype(np.float32)


def _texture(scene: Scene, level: Level, rng: np.random.Generator) -> Plane:
    size = scene.pixel_size_um
    fine = optics.grain(rng, scene.shape, level.texture_um / size)
    coarse = optics.grain(rng, scene.shape, 3 * level.texture_um / size)
    return np.asarray(np.exp(np.float32(level.texture_log_sd) * (0.8 * fine + 0.6 * coarse)))


def _dapi_plane(
    slabs: Sequence[tuple[float, Plane]], slope: Plane, level: Level, pixel_size_um: float,
    height: float,
) -> Plane:  # fmt: skip
    mixed = np.zeros_like(slope)
    for middle, slab in slabs:
        sigma = np.hypot(level.dapi_blur_um, DEFOCUS_SLOPE * (height - middle))
        mixed += optics.blur(slab, float(sigma) / pixel_size_um)
    halo = optics.blur(mixed, 3.0 / pixel_size_um)
    mixed = (1 - level.dapi_halo) * mixed + level.dapi_halo * halo
    return np.asarray(level.dapi_photons * mixed + level.dapi_background * slope, np.float32)


def _grounds(
    scene: Scene, level: Level, rng: np.random.Generator, plain: Plane, slope: Plane
) -> tuple[Plane, Plane]:
    """Return light of tissue and nuclei in the 3' and 5' channel, alike in all planes."""
    size = scene.pixel_size_um
    waves = 0.8 * optics.grain(rng, scene.shape, 12.0 / size)
    waves += 0.6 * optics.grain(rng, scene.shape, 3.0 / size)
    tissue = level.probe_background * slope * np.exp(np.float32(level.autofluorescence) * waves)
    haze = optics.blur(plain, 0.8 / size)
    grounds = []
    for _ in range(2):
        own = np.exp(np.float32(0.12) * optics.grain(rng, scene.shape, 1.5 / size))
        strength = np.float32(np.exp(rng.normal(0.0, 0.2)))
        grounds.append(np.asarray(strength * tissue + level.nuclear_haze * haze * own, np.float32))
    return grounds[0], grounds[1]


def _draw_specks(
    scene: Scene, level: Level, rng: np.random.Generator, nuclear: npt.NDArray[np.bool_]
) -> list[_Speck]:
    """Return granules (both channels) and debris (one channel), anywhere in the section."""
    size = scene.pixel_size_um
    per_field = scene.shape[0] * scene.shape[1] * size**2 / 1e4
    found: list[_Speck] = []
    kinds = [(level.granules, (0.35, 0.8), level.granule_photons, (1.0, 1.0))]
    kinds += [
        (level.debris / 2, level.debris_sigma_um, level.debris_photons, ends)
        for ends in ((1.0, 0.0), (0.0, 1.0))
    ]
    for count, sigmas, photons, ends in kinds:
        for _ in range(int(rng.poisson(count * per_field))):
            y, x, z = rng.uniform(0, 1, 3) * np.array([*scene.shape, 1.0])
            sigma, light = rng.uniform(*sigmas), photons * np.exp(rng.normal(0.0, 0.6))
            ratios = np.exp(rng.normal(0.0, 0.25, size=2)) * ends
            spared = rng.random() < 0.9
            if ends == (1.0, 1.0) and spared and nuclear[int(y), int(x)]:
                continue
            height = (z - 0.5) * level.section_um[0]
            for dy, dx in rng.normal(0.0, 0.7 * sigma, size=(int(rng.integers(1, 5)), 2)):
                part = light / 3 * rng.uniform(0.5, 1.5) * ratios
                grain = _Speck(y * size + dy, x * size + dx, height, sigma, tuple(part.tolist()))
                found.append(grain)
    return found


def _probe_planes(
    scene: Scene, level: Level, grounds: tuple[Plane, Plane], specks: Sequence[_Speck],
    height: float,
) -> tuple[Plane, Plane]:  # fmt: skip
    """Return the light of both probe channels in photons per um2, before bleed-through."""
    size = scene.pixel_size_um
    planes = [ground * np.float32(size**2) for ground in grounds]
    for channel, y, x, z, sigma, photons in _sources(scene, level, specks):
        wide = float(np.hypot(sigma, DEFOCUS_SLOPE * (z - height))) / size
        optics.add_spot(planes[channel], y / size, x / size, wide, photons, psf=level.psf)
    return planes[0] / np.float32(size**2), planes[1] / np.float32(size**2)


def _sources(
    scene: Scene, level: Level, specks: Sequence[_Speck]
) -> Iterator[tuple[int, float, float, float, float, float]]:
    """Yield channel, y, x, z, sigma (um) and photons of everything point-like."""
    for nucleus, spots in zip(scene.nuclei, scene.spots, strict=True):
        for spot in spots:
            y, x, z = _appears(nucleus, spot, scene, level)
            yield int(spot.end == "5p"), y, x, z, spot.sigma, spot.photons
    for speck in specks:
        for channel, light in enumerate(speck.light):
            if light > 0:
                yield channel, speck.y, speck.x, speck.z, speck.sigma, light


def _bled(
    probes: tuple[Plane, Plane], dapi: Plane, colour: Colour, level: Level
) -> tuple[Plane, Plane]:
    """Add to each probe channel what it sees of the others."""
    three_is_red = colour == Colour.RED
    red, green = probes if three_is_red else probes[::-1]
    green = green + level.red_into_green * red + level.dapi_into_green * dapi
    red = red + level.green_into_red * probes[1 if three_is_red else 0]
    return (red, green) if three_is_red else (green, red)
