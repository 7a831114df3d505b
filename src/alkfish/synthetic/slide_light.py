"""Pictures of a simulated slide, one block at a time, seamless across blocks.

A block is painted with a margin wider than anything that shines into it. Objects come from the
layout of the block and its neighbours, waves of chromatin and background from periodic textures,
blurs are taken on a grid that all blocks share: two neighbours agree on every expected photon.
Only camera noise is drawn per block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.io.slide_writer import BLOCK_PX
from alkfish.model.probe import Colour
from alkfish.synthetic import optics
from alkfish.synthetic.field import Plane, Scene, add_signals, bleed
from alkfish.synthetic.levels import Level
from alkfish.synthetic.slide_layout import CAMERA, SPECKS, TEXTURE, PlacedNucleus, SlidePlan
from alkfish.synthetic.truth import spot_values

TEXTURE_PX = 3072
"""Period of the waves of chromatin and of the background."""

GLASS_LIGHT = 0.3
"""Background beside the tissue, as a share of the tissue's (chosen)."""

GLASS_SPECKS = 0.2
"""Share of specks that are kept beside the tissue (chosen)."""

_HALO_UM, _HAZE_UM = 3.0, 0.8
_FEW_PHOTONS = 8.0
_WAVE_PX = (9_000.0, 7_300.0)


class BlockTruth(NamedTuple):
    """What one block adds to the truth; all arrays have one entry per nucleus of ``ids``.

    ``area_px``, ``sum_y_px`` and ``sum_x_px`` are of the pixels labelled with the nucleus,
    ``outline_px`` of its whole outline, ``shared_px`` of the part shared with other nuclei.
    """

    ids: npt.NDArray[np.int64]
    area_px: npt.NDArray[np.float64]
    sum_y_px: npt.NDArray[np.float64]
    sum_x_px: npt.NDArray[np.float64]
    outline_px: npt.NDArray[np.float64]
    shared_px: npt.NDArray[np.float64]
    on_border: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PaintedBlock:
    """Pictures and truth of one block.

    Attributes
    ----------
    planes : ndarray of uint16, shape (3, h, w)
        DAPI, red and green counts.
    labels : ndarray of int32, shape (h, w)
        Ids of the slide's nuclei.
    spots : ndarray of float64, shape (N, 9)
        Values of `spot_values`.
    nuclei : BlockTruth
        Shares of the nuclei that lie in the block.
    """

    planes: npt.NDArray[np.uint16]
    labels: npt.NDArray[np.int32]
    spots: npt.NDArray[np.float64]
    nuclei: BlockTruth


class _Textures(NamedTuple):
    chromatin: Plane
    waves: Plane
    own: tuple[Plane, Plane]


class _Grain(NamedTuple):
    """One grain of a speck in one probe channel; `y_px`, `x_px` of the slide."""

    channel: int
    y_px: float
    x_px: float
    sigma_px: float
    photons: float
    centre: tuple[int, int]
    keep_off: bool


class BlockPainter:
    """Paints blocks of one slide; safe to use from several threads."""

    def __init__(self, plan: SlidePlan) -> None:
        self._plan = plan
        size = plan.pixel_size_um
        self._margin = 64 * int(np.ceil(4 * _HALO_UM / size / 64))
        self._textures = _draw_textures(plan)
        self._side = BLOCK_PX + 2 * self._margin

    def paint(self, row: int, column: int, around: Sequence[PlacedNucleus]) -> PaintedBlock:
        """Return one block.

        Parameters
        ----------
        row, column : int
            Block.
        around : sequence of PlacedNucleus
            Nuclei of the block and its neighbours, lowest first (`SlideLayout.around`).
        """
        plan, margin = self._plan, self._margin
        top, left = row * BLOCK_PX, column * BLOCK_PX
        height, width = min(BLOCK_PX, plan.shape[0] - top), min(BLOCK_PX, plan.shape[1] - left)
        core = (slice(margin, margin + height), slice(margin, margin + width))
        scene, kept = self._scene(top, left, around)
        painting = _paint_nuclei(scene, self._wave(self._textures.chromatin, top, left), core)
        ids = np.array([placed.group.nucleus_id for placed in kept], np.int64)
        clean = self._light(scene, painting, row, column, core)
        labels = painting.labels[core]
        truth = _measure(labels, ids, painting, (top, left), plan.shape)
        spots = spot_values(
            [placed.group for placed in kept], clean, (top, left),
            pixel_size_um=plan.pixel_size_um, shift_um=plan.shift_um, level=plan.level,
        )  # fmt: skip
        numbers = np.concatenate([[0], ids]).astype(np.int32)
        return PaintedBlock(self._expose(clean, row, column), numbers[labels], spots, truth)

    def _scene(
        self, top: int, left: int, around: Sequence[PlacedNucleus]
    ) -> tuple[Scene, list[PlacedNucleus]]:
        """Return the nuclei that reach into the window, in its coordinates."""
        size, side = self._plan.pixel_size_um, self._side * self._plan.pixel_size_um
        y, x = (top - self._margin) * size, (left - self._margin) * size
        kept = []
        for placed in around:
            reach = 1.6 * placed.nucleus.radius + 1.0
            row, column = placed.nucleus.y - y, placed.nucleus.x - x
            if -reach < row < side + reach and -reach < column < side + reach:
                kept.append(placed)
        nuclei = [p.nucleus.moved(p.nucleus.y - y, p.nucleus.x - x) for p in kept]
        scene = Scene(
            nuclei, [p.genome for p in kept], [list(p.group.spots) for p in kept],
            (self._side, self._side), size, self._plan.shift_um,
        )  # fmt: skip
        return scene, kept

    def _light(
        self, scene: Scene, painting: _Painting, row: int, column: int, core: tuple[slice, slice]
    ) -> dict[str, Plane]:
        """Return the expected photons of the block itself, by channel."""
        plan, level = self._plan, self._plan.level
        size, area = plan.pixel_size_um, np.float32(plan.pixel_size_um**2)
        top, left = row * BLOCK_PX, column * BLOCK_PX
        ground = self._ground(top, left)
        sharp = aligned_blur(painting.chromatin, level.dapi_blur_um / size)[core]
        halo = aligned_blur(painting.chromatin, _HALO_UM / size)[core]
        mixed = (1 - level.dapi_halo) * sharp + level.dapi_halo * halo
        background = level.dapi_background * ground[core]
        dapi = np.asarray(level.dapi_photons * mixed + background, np.float32)
        planes = self._probes(scene, painting, ground, top, left)
        grains = self._grains(row, column)
        origin = (top - self._margin, left - self._margin)
        _add_grains(planes, grains, origin, painting.labels > 0)
        probes = planes[0][core] / area, planes[1][core] / area
        three, five = bleed(probes, dapi, plan.three_prime_colour, level)
        return {"dapi": dapi * area, "three_prime": three * area, "five_prime": five * area}

    def _probes(
        self, scene: Scene, painting: _Painting, ground: Plane, top: int, left: int
    ) -> list[Plane]:
        """Return the light of the 3' and 5' channels in photons per pixel, without specks."""
        plan, level = self._plan, self._plan.level
        area = np.float32(plan.pixel_size_um**2)
        tissue = level.probe_background * ground * self._wave(self._textures.waves, top, left)
        haze = level.nuclear_haze * aligned_blur(painting.plain, _HAZE_UM / plan.pixel_size_um)
        strength = np.exp(plan.rng(TEXTURE, 1).normal(0.0, 0.2, size=2))
        planes = []
        for index, end in enumerate(("3p", "5p")):
            own = self._wave(self._textures.own[index], top, left)
            plane = np.asarray((np.float32(strength[index]) * tissue + haze * own) * area)
            add_signals(plane, scene, level, end)
            planes.append(plane)
        return planes

    def _ground(self, top: int, left: int) -> Plane:
        """Return the light of the background, 1 on the average tissue."""
        first_y, first_x = top - self._margin, left - self._margin
        y, x = np.arange(first_y, first_y + self._side), np.arange(first_x, first_x + self._side)
        rise = np.float32(0.5 * self._plan.level.gradient)
        slope = (1 + rise * np.sin(2 * np.pi * y / _WAVE_PX[0]))[:, None] + (
            rise * np.sin(2 * np.pi * x / _WAVE_PX[1])
        )[None, :]
        weight = self._plan.tissue.window(first_y, first_x, self._side)
        return np.asarray(slope * (GLASS_LIGHT + (1 - GLASS_LIGHT) * weight), np.float32)

    def _wave(self, texture: Plane, top: int, left: int) -> Plane:
        """Return the part of a periodic texture that lies under the window of a block."""
        steps = np.arange(self._side) - self._margin
        rows, columns = (top + steps) % TEXTURE_PX, (left + steps) % TEXTURE_PX
        return np.asarray(texture.take(rows, axis=0).take(columns, axis=1))

    def _grains(self, row: int, column: int) -> list[_Grain]:
        """Return the grains of all specks of a block and its neighbours."""
        places = product((row - 1, row, row + 1), (column - 1, column, column + 1))
        grid = self._plan.grid
        return [
            grain
            for y, x in places
            if 0 <= y < grid[0] and 0 <= x < grid[1]
            for grain in _draw_grains(self._plan, y, x)
        ]

    def _expose(self, clean: dict[str, Plane], row: int, column: int) -> npt.NDArray[np.uint16]:
        rng = self._plan.rng(CAMERA, row, column)
        three_is_red = self._plan.three_prime_colour == Colour.RED
        probes = ("three_prime", "five_prime") if three_is_red else ("five_prime", "three_prime")
        names = ("dapi", *probes)
        return np.stack([expose(rng, clean[name], self._plan.level) for name in names])


def expose(rng: np.random.Generator, photons: Plane, level: Level) -> npt.NDArray[np.uint16]:
    """Return what the camera records, as `optics.expose` does, six times as fast.

    Shot and read noise are drawn together, as one normal number with the variance of both and the
    skewness of the shot noise; a block with less than 8 photons somewhere is drawn exactly.
    """
    if float(photons.min()) < _FEW_PHOTONS:
        return optics.expose(rng, photons, level)
    gain, read = np.float32(level.camera_gain), np.float32(level.read_noise)
    normal = rng.standard_normal(photons.shape, dtype=np.float32)
    counts = np.sqrt(photons * (gain * gain) + read * read) * normal
    counts += gain * photons + np.float32(level.camera_offset)
    normal *= normal
    counts += (normal - 1) * (gain / 6)
    n_hot = int(rng.poisson(level.hot_pixels * counts.size / 1e6))
    where = rng.integers(counts.size, size=n_hot)
    light = 300.0 * np.exp(rng.normal(0.0, 0.8, size=n_hot))
    counts.ravel()[where] += (level.camera_gain * light).astype(np.float32)
    np.rint(counts, out=counts)
    return np.asarray(np.clip(counts, 0, level.full_scale, out=counts), np.uint16)


def aligned_blur(plane: Plane, sigma_px: float) -> Plane:
    """Blur with a Gaussian, wide ones on a grid of 2, 4, 8, ... px that all windows share."""
    step = 1 << max(0, int(np.log2(max(1.0, sigma_px / 4))))
    edge = cv2.BORDER_REPLICATE
    if step == 1:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_px, borderType=edge))
    height, width = plane.shape
    small = cv2.resize(plane, (width // step, height // step), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / step, borderType=edge)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def periodic_grain(rng: np.random.Generator, side: int, sigma_px: float) -> Plane:
    """Return smooth random waves of unit standard deviation that repeat after `side` px.

    `side` is a multiple of a high power of 2.
    """
    step = 1 << max(0, int(np.log2(max(1.0, sigma_px / 3))))
    sigma = sigma_px / step
    pad = int(np.ceil(4 * sigma)) + 2
    noise = rng.standard_normal((side // step,) * 2, dtype=np.float32)
    noise = np.pad(noise, pad, mode="wrap")
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma))
    noise *= np.float32(2 * np.sqrt(np.pi) * sigma)
    if step > 1:
        full = (noise.shape[1] * step, noise.shape[0] * step)
        noise = np.asarray(cv2.resize(noise, full, interpolation=cv2.INTER_CUBIC))
    return np.ascontiguousarray(noise[pad * step :, pad * step :][:side, :side])


@dataclass(frozen=True, eq=False)
class _Painting:
    """Nuclei of a window; labels count from 1 in the order of the scene."""

    chromatin: Plane
    plain: Plane
    labels: npt.NDArray[np.int32]
    outline_px: npt.NDArray[np.float64]
    shared_px: npt.NDArray[np.float64]


def _paint_nuclei(scene: Scene, texture: Plane, core: tuple[slice, slice]) -> _Painting:
    """Paint the nuclei of a window; areas are counted within its core alone."""
    chromatin, plain = np.zeros(scene.shape, np.float32), np.zeros(scene.shape, np.float32)
    labels = np.zeros(scene.shape, np.int32)
    outline, shared = np.zeros(len(scene.nuclei)), np.zeros(len(scene.nuclei))
    for index, nucleus in enumerate(scene.nuclei):
        where, light, visible = optics.light_window(nucleus, scene.pixel_size_um, scene.shape)
        chromatin[where] += np.float32(nucleus.brightness) * light * texture[where]
        plain[where] += light
        inside = visible & _within(where, core)
        below = labels[where][inside]
        outline[index] = inside.sum()
        shared[index] += (below > 0).sum()
        np.add.at(shared, below[below > 0] - 1, 1)
        labels[where][visible] = index + 1
    return _Painting(chromatin, plain, labels, outline, shared)


def _within(where: tuple[slice, slice], core: tuple[slice, slice]) -> npt.NDArray[np.bool_]:
    axes = [
        (np.arange(part.start, part.stop) >= whole.start)
        & (np.arange(part.start, part.stop) < whole.stop)
        for part, whole in zip(where, core, strict=True)
    ]
    return np.asarray(axes[0][:, None] & axes[1][None, :])


def _measure(
    labels: npt.NDArray[np.int32], ids: npt.NDArray[np.int64], painting: _Painting,
    origin: tuple[int, int], shape: tuple[int, int],
) -> BlockTruth:  # fmt: skip
    count = len(ids)
    y, x = np.nonzero(labels)
    index = labels[y, x] - 1
    area = np.bincount(index, minlength=count)[:count]
    on_border = np.zeros(count + 1, np.bool_)
    for axis in (0, 1):
        if origin[axis] == 0:
            on_border[labels.take(0, axis)] = True
        if origin[axis] + labels.shape[axis] == shape[axis]:
            on_border[labels.take(-1, axis)] = True
    return BlockTruth(
        ids, area.astype(np.float64),
        np.bincount(index, y, count) + area * float(origin[0]),
        np.bincount(index, x, count) + area * float(origin[1]),
        painting.outline_px, painting.shared_px, on_border[1:],
    )  # fmt: skip


def _draw_textures(plan: SlidePlan) -> _Textures:
    level, size, rng = plan.level, plan.pixel_size_um, plan.rng(TEXTURE, 0)
    fine = periodic_grain(rng, TEXTURE_PX, level.texture_um / size)
    coarse = periodic_grain(rng, TEXTURE_PX, 3 * level.texture_um / size)
    waves = 0.8 * periodic_grain(rng, TEXTURE_PX, 12.0 / size)
    waves += 0.6 * periodic_grain(rng, TEXTURE_PX, 3.0 / size)
    own = [periodic_grain(rng, TEXTURE_PX, 1.5 / size) for _ in range(2)]
    return _Textures(
        np.exp(np.float32(level.texture_log_sd) * (0.8 * fine + 0.6 * coarse)),
        np.exp(np.float32(level.autofluorescence) * waves),
        (np.exp(np.float32(0.12) * own[0]), np.exp(np.float32(0.12) * own[1])),
    )


def _draw_grains(plan: SlidePlan, row: int, column: int) -> Iterable[_Grain]:
    """Yield the grains of the specks of one block: granules in both channels, debris in one."""
    level, rng = plan.level, plan.rng(SPECKS, row, column)
    per_block = plan.block_um**2 / 1e4
    kinds = (
        ((0, 1), level.granules * per_block, (0.35, 0.8), level.granule_photons, True),
        ((0,), level.debris * per_block / 2, level.debris_sigma_um, level.debris_photons, False),
        ((1,), level.debris * per_block / 2, level.debris_sigma_um, level.debris_photons, False),
    )
    for channels, count, sigma_um, photons, keeps_off in kinds:
        for _ in range(int(rng.poisson(count))):
            yield from _draw_speck(
                rng, plan, (row, column), channels, sigma_um, photons, keeps_off=keeps_off
            )


def _draw_speck(
    rng: np.random.Generator, plan: SlidePlan, block: tuple[int, int], channels: tuple[int, ...],
    sigma_um: tuple[float, float], photons: float, *, keeps_off: bool,
) -> list[_Grain]:  # fmt: skip
    """Return the grains of one speck, which are none if it falls beside the tissue and is lost."""
    y = block[0] * BLOCK_PX + float(rng.uniform(0, BLOCK_PX - 1))
    x = block[1] * BLOCK_PX + float(rng.uniform(0, BLOCK_PX - 1))
    sigma = float(rng.uniform(*sigma_um)) / plan.pixel_size_um
    light = photons * float(np.exp(rng.normal(0.0, 0.6)))
    ratios = np.exp(rng.normal(0.0, 0.25, size=len(channels)))
    keep_off = keeps_off and bool(rng.random() < 0.9)
    offsets = rng.normal(0.0, 0.7 * sigma, size=(int(rng.integers(1, 5)), 2))
    parts = light / 3 * rng.uniform(0.5, 1.5, size=len(offsets))
    is_lost = bool(rng.random() >= GLASS_SPECKS)
    if is_lost and float(plan.tissue.at(y, x)) < 0.5:
        return []
    return [
        _Grain(c, y + dy, x + dx, sigma, float(part * ratio), (int(y), int(x)), keep_off)
        for (dy, dx), part in zip(offsets.tolist(), parts, strict=True)
        for c, ratio in zip(channels, ratios, strict=True)
    ]


def _add_grains(
    planes: Sequence[Plane], grains: Iterable[_Grain], origin: tuple[int, int],
    nuclear: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """Add the grains of specks whose centres lie in the window, off nuclei if they keep off."""
    height, width = nuclear.shape
    for grain in grains:
        y, x = grain.centre[0] - origin[0], grain.centre[1] - origin[1]
        if not (0 <= y < height and 0 <= x < width) or (grain.keep_off and nuclear[y, x]):
            continue
        optics.add_spot(
            planes[grain.channel], grain.y_px - origin[0], grain.x_px - origin[1], grain.sigma_px,
            grain.photons, psf="gaussian",
        )  # fmt: skip
