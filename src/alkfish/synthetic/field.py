"""One simulated field: pictures and the exact truth behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.config import ScorableConfig
from alkfish.errors import InputError
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import Colour
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.synthetic import optics
from alkfish.synthetic.layout import Nucleus, place_nuclei
from alkfish.synthetic.levels import Level, as_level
from alkfish.synthetic.loci import Genome, PatternMix, Spot, draw_genome, draw_spots
from alkfish.synthetic.truth import TruthNuclei, make_truth

Plane = npt.NDArray[np.float32]

_LAYOUT, _BIOLOGY, _ARTEFACTS, _CAMERA = range(4)


@dataclass(frozen=True, eq=False)
class SimulatedField:
    """A field and its truth.

    Attributes
    ----------
    fov : FieldOfView
        The pictures, uint16 counts.
    labels : ndarray of int32, shape (H, W)
        True outlines; where nuclei overlap, the upper one.
    nuclei : NucleusRecords
        Truth per nucleus in the form of results; patterns by the written rule on true positions.
    spots : SpotRecords
        True spots where they appear in their channel, chromatic shift included.
    biology : TruthNuclei
        What each nucleus is, apart from what can be seen of it.
    clean : dict of str to ndarray of float32, shape (H, W)
        Expected photons of ``dapi``, ``three_prime`` and ``five_prime``, noise-free.
    level : Level
        Figures used.
    seed : int
        Seed used.
    shift_um : tuple of float
        y, x by which the 5' channel is shifted against the others.
    three_prime_colour : Colour
        Colour of the 3' channel.
    """

    fov: FieldOfView
    labels: npt.NDArray[np.int32]
    nuclei: NucleusRecords
    spots: SpotRecords
    biology: TruthNuclei
    clean: dict[str, Plane]
    level: Level
    seed: int
    shift_um: tuple[float, float]
    three_prime_colour: Colour


@dataclass(frozen=True, eq=False)
class Scene:
    """Objects of a field before any light: nuclei, lowest first, their genomes and spots."""

    nuclei: list[Nucleus]
    genomes: list[Genome]
    spots: list[list[Spot]]
    shape: tuple[int, int]
    pixel_size_um: float
    shift_um: tuple[float, float]


def simulate_field(
    level: str | Level = "typical", *, seed: int, shape: tuple[int, int] = (1024, 1024),
    pixel_size_um: float = 0.1, positive_fraction: float = 0.3, mix: PatternMix | None = None,
    separation: str = "clinical", three_prime_colour: Colour = Colour.RED, name: str = "field_01",
    shift_seed: int | None = None,
) -> SimulatedField:  # fmt: skip
    """Simulate one field of break-apart FISH on a tissue section.

    Parameters
    ----------
    level : str or Level
        Difficulty by name (see `LEVELS`) or figures of your own.
    seed : int
        The same seed and arguments give the same bytes.
    shape : tuple of int
        Height and width in pixels.
    pixel_size_um : float
        Width of a pixel.
    positive_fraction : float
        Chance, 0 to 1, that a tumour nucleus is rearranged. Truncation adds about two in a hundred
        isolated 3' signals among native nuclei, and lymphocytes of tumour size dilute.
    mix : PatternMix, optional
        Shares of split, isolated 3' and isolated 5'.
    separation : {'clinical', 'published'}
        Distance of the ends of a split locus: clearly beyond the rule's limit, or as published for
        the ALK inversion (0.97 +/- 0.51 um), where the rule reads many as fused.
    three_prime_colour : Colour
        Colour of the 3' end; decides which way light bleeds between the channels.
    name : str
        Name of the field.
    shift_seed : int, optional
        Seed of the chromatic shift, which the fields of a case share; `seed` if not given.

    Returns
    -------
    SimulatedField
        Pictures and truth. A level with coverage 0 gives empty tables.

    Raises
    ------
    InputError
        If the level is unknown, or a fraction or the shape is impossible.
    """
    figures = as_level(level)
    check_field(shape, positive_fraction)
    scene = draw_scene(
        figures, seed, shape, pixel_size_um, positive_fraction, mix or PatternMix(), separation,
        seed if shift_seed is None else shift_seed,
    )  # fmt: skip
    colours = (three_prime_colour, figures, seed)
    clean, labels, hidden = _render(scene, *colours)
    camera = np.random.default_rng([seed, _CAMERA])
    planes = {channel: optics.expose(camera, clean[channel], figures) for channel in clean}
    fov = FieldOfView(
        dapi=planes["dapi"], three_prime=planes["three_prime"], five_prime=planes["five_prime"],
        pixel_size_um=pixel_size_um, name=name, notes=("simulated, not a specimen",),
    )  # fmt: skip
    nuclei, spots, biology, labels = make_truth(
        name, scene.nuclei, scene.genomes, scene.spots, labels, hidden, clean,
        pixel_size_um=pixel_size_um, shift_um=scene.shift_um, level=figures,
        min_diam_um=ScorableConfig().min_diam_um,
    )  # fmt: skip
    return SimulatedField(
        fov, labels, nuclei, spots, biology, clean, figures, seed, scene.shift_um,
        three_prime_colour,
    )  # fmt: skip


def check_field(shape: tuple[int, int], positive_fraction: float) -> None:
    """Refuse a shape or a fraction that no field can have."""
    if min(shape) < 16:
        raise InputError(
            "a simulated field is too small", found=f"{shape} px", allowed="at least 16 x 16 px"
        )
    if not 0.0 <= positive_fraction <= 1.0:
        raise InputError(
            "the positive fraction must be a share", found=positive_fraction, allowed="0 to 1"
        )


def draw_scene(
    level: Level, seed: int, shape: tuple[int, int], pixel_size_um: float,
    positive_fraction: float, mix: PatternMix, separation: str, shift_seed: int,
    in_depth: bool = False,
) -> Scene:  # fmt: skip
    """Draw the objects of a field; `in_depth` as for `draw_spots`."""
    size_um = (shape[0] * pixel_size_um, shape[1] * pixel_size_um)
    nuclei = place_nuclei(np.random.default_rng([seed, _LAYOUT]), level, size_um)
    rng = np.random.default_rng([seed, _BIOLOGY])
    genomes = [
        draw_genome(rng, level, is_tumour=n.is_tumour, positive_fraction=positive_fraction, mix=mix)
        for n in nuclei
    ]
    spots = [
        draw_spots(rng, level, nucleus, genome, separation=separation, in_depth=in_depth)
        for nucleus, genome in zip(nuclei, genomes, strict=True)
    ]
    theta = np.random.default_rng([shift_seed, 99]).uniform(0, 2 * np.pi)
    shift = (level.shift_um * float(np.sin(theta)), level.shift_um * float(np.cos(theta)))
    return Scene(nuclei, genomes, spots, shape, pixel_size_um, shift)


def _render(
    scene: Scene, three_prime_colour: Colour, level: Level, seed: int
) -> tuple[dict[str, Plane], npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return expected photons per channel, labels by order of nuclei, and hidden shares."""
    rng = np.random.default_rng([seed, _ARTEFACTS])
    chromatin, plain, labels, hidden = _render_nuclei(scene, level, rng)
    lamp, slope = optics.illumination(rng, scene.shape, level)
    pixel_area = scene.pixel_size_um**2
    dapi = _finish_dapi(chromatin, slope, level, scene.pixel_size_um)
    probes = _render_probes(scene, level, rng, plain, slope, labels > 0)
    three, five = bleed(probes, dapi, three_prime_colour, level)
    light = lamp * np.float32(pixel_area)
    clean = {"dapi": dapi * light, "three_prime": three * light, "five_prime": five * light}
    return clean, labels, hidden


def _render_nuclei(
    scene: Scene, level: Level, rng: np.random.Generator
) -> tuple[Plane, Plane, npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    chromatin = np.zeros(scene.shape, np.float32)
    plain = np.zeros(scene.shape, np.float32)
    labels = np.zeros(scene.shape, np.int32)
    area = np.zeros(len(scene.nuclei))
    shared = np.zeros(len(scene.nuclei))
    fine = optics.grain(rng, scene.shape, level.texture_um / scene.pixel_size_um)
    coarse = optics.grain(rng, scene.shape, 3 * level.texture_um / scene.pixel_size_um)
    texture = np.exp(np.float32(level.texture_log_sd) * (0.8 * fine + 0.6 * coarse))
    for index, nucleus in enumerate(scene.nuclei):
        where, light, visible = optics.light_window(nucleus, scene.pixel_size_um, scene.shape)
        chromatin[where] += np.float32(nucleus.brightness) * light * texture[where]
        plain[where] += light
        below = labels[where][visible]
        area[index] = visible.sum()
        shared[index] += (below > 0).sum()
        np.add.at(shared, below[below > 0] - 1, 1)
        labels[where][visible] = index + 1
    return chromatin, plain, labels, shared / np.maximum(area, 1.0)


def _finish_dapi(chromatin: Plane, slope: Plane, level: Level, pixel_size_um: float) -> Plane:
    sharp = optics.blur(chromatin, level.dapi_blur_um / pixel_size_um)
    halo = optics.blur(chromatin, 3.0 / pixel_size_um)
    mixed = (1 - level.dapi_halo) * sharp + level.dapi_halo * halo
    return np.asarray(level.dapi_photons * mixed + level.dapi_background * slope, np.float32)


def _render_probes(
    scene: Scene, level: Level, rng: np.random.Generator, plain: Plane, slope: Plane,
    nuclear: npt.NDArray[np.bool_],
) -> tuple[Plane, Plane]:  # fmt: skip
    """Return light of the 3' and 5' channels in photons per um2, before bleed-through."""
    size, area = scene.pixel_size_um, scene.pixel_size_um**2
    waves = 0.8 * optics.grain(rng, scene.shape, 12.0 / size)
    waves += 0.6 * optics.grain(rng, scene.shape, 3.0 / size)
    tissue = level.probe_background * slope * np.exp(np.float32(level.autofluorescence) * waves)
    haze = optics.blur(plain, 0.8 / size)
    planes = []
    for end in ("3p", "5p"):
        own = np.exp(np.float32(0.12) * optics.grain(rng, scene.shape, 1.5 / size))
        strength = float(np.exp(rng.normal(0.0, 0.2)))
        plane = (strength * tissue + level.nuclear_haze * haze * own) * np.float32(area)
        add_signals(plane, scene, level, end)
        planes.append(plane)
    per_field = scene.shape[0] * scene.shape[1] * area / 1e4
    optics.add_specks(
        rng, planes, count=level.granules * per_field, sigma_um=(0.35, 0.8),
        photons=level.granule_photons, pixel_size_um=size, keep_off=nuclear,
    )  # fmt: skip
    for plane in planes:
        optics.add_specks(
            rng, [plane], count=level.debris * per_field / 2, sigma_um=level.debris_sigma_um,
            photons=level.debris_photons, pixel_size_um=size,
        )  # fmt: skip
    return planes[0] / np.float32(area), planes[1] / np.float32(area)


def add_signals(plane: Plane, scene: Scene, level: Level, end: str) -> None:
    """Add the spots of one probe end to its plane, in photons per pixel."""
    size = scene.pixel_size_um
    shift = scene.shift_um if end == "5p" else (0.0, 0.0)
    for nucleus, spots in zip(scene.nuclei, scene.spots, strict=True):
        for spot in spots:
            if spot.end == end:
                optics.add_spot(
                    plane, (nucleus.y + spot.y + shift[0]) / size,
                    (nucleus.x + spot.x + shift[1]) / size, spot.sigma / size, spot.photons,
                    psf=level.psf,
                )  # fmt: skip


def bleed(
    probes: tuple[Plane, Plane], dapi: Plane, three_prime_colour: Colour, level: Level
) -> tuple[Plane, Plane]:
    """Add to each probe channel what it sees of the others."""
    three_is_red = three_prime_colour == Colour.RED
    red, green = probes if three_is_red else probes[::-1]
    into_green = level.red_into_green * red + level.dapi_into_green * dapi
    green, red = green + into_green, red + level.green_into_red * green
    return (red, green) if three_is_red else (green, red)
