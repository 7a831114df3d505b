"""From objects to photons to counts: spots, nuclei, background, artefacts and the camera."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.special import erf, j1

from alkfish.synthetic.layout import Nucleus
from alkfish.synthetic.levels import Level

Plane = npt.NDArray[np.float32]

_AIRY_HALF = 1.61633995
"""Argument at which the Airy profile (2 J1(v) / v)^2 has half its height."""

_SUBPIXELS = 5


def window(centre: float, half_width: float, length: int) -> tuple[slice, npt.NDArray[np.float64]]:
    """Return the pixels of one axis within `half_width` of `centre`, cut at the picture's edge."""
    first = max(0, int(np.floor(centre - half_width)))
    last = min(length, int(np.ceil(centre + half_width)) + 1)
    return slice(first, max(first, last)), np.arange(first, max(first, last), dtype=np.float64)


def add_spot(
    plane: Plane, y_px: float, x_px: float, sigma_px: float, photons: float, *, psf: str
) -> None:
    """Add one spot to `plane`, integrated over each pixel's area.

    Parameters
    ----------
    plane : ndarray of float32, shape (H, W)
        Changed in place.
    y_px, x_px : float
        Centre; pixel centres lie at integers. May lie outside.
    sigma_px : float
        Gaussian sigma; an Airy profile is given the same full width at half maximum.
    photons : float
        Light of the whole spot.
    psf : {'gaussian', 'airy'}
        Profile.
    """
    reach = (4.5 if psf == "gaussian" else 7.0) * sigma_px + 1.0
    rows, y = window(y_px, reach, plane.shape[0])
    columns, x = window(x_px, reach, plane.shape[1])
    if not (len(y) and len(x)):
        return
    if psf == "gaussian":
        profile = np.outer(_gauss_share(y - y_px, sigma_px), _gauss_share(x - x_px, sigma_px))
    else:
        profile = _airy_share(y - y_px, x - x_px, sigma_px)
    plane[rows, columns] += (photons * profile).astype(np.float32)


def _gauss_share(offset: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    scale = 1.0 / (np.sqrt(2.0) * sigma)
    return np.asarray(0.5 * (erf((offset + 0.5) * scale) - erf((offset - 0.5) * scale)))


def _airy_share(
    dy: npt.NDArray[np.float64], dx: npt.NDArray[np.float64], sigma: float
) -> npt.NDArray[np.float64]:
    part = (np.arange(_SUBPIXELS) + 0.5) / _SUBPIXELS - 0.5
    y, x = (dy[:, None] + part).ravel(), (dx[:, None] + part).ravel()
    scale = _AIRY_HALF / (1.17741 * sigma)
    v = np.maximum(np.hypot(y[:, None], x[None, :]) * scale, 1e-6)
    value = (2 * j1(v) / v) ** 2 * scale**2 / (4 * np.pi)
    blocks = value.reshape(len(dy), _SUBPIXELS, len(dx), _SUBPIXELS)
    return np.asarray(blocks.mean(axis=(1, 3)))


def light_window(
    nucleus: Nucleus, pixel_size_um: float, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], Plane, npt.NDArray[np.bool_]]:
    """Return where a nucleus lies, its light (0 to 1) and its outline there."""
    y_px, x_px = nucleus.y / pixel_size_um, nucleus.x / pixel_size_um
    reach = 1.6 * nucleus.profile_radius / pixel_size_um
    rows, y = window(y_px, reach, shape[0])
    columns, x = window(x_px, reach, shape[1])
    dy, dx = (y - y_px)[:, None] * pixel_size_um, (x - x_px)[None, :] * pixel_size_um
    # The outline is smooth: a table of it is exact enough and spares trigonometry per pixel.
    angles = np.linspace(-np.pi, np.pi, 1025)
    outer = np.interp(np.arctan2(dy, dx), angles, nucleus.outline(angles))
    share = np.hypot(dy, dx) / outer
    light = np.where(share < 1.0, nucleus.light(np.minimum(share, 1.0)), 0.0)
    return (rows, columns), light.astype(np.float32), share <= nucleus.visible_share


def grain(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> Plane:
    """Return smooth random waves of unit standard deviation."""
    # Coarse waves are drawn on a coarse grid: the price does not grow with their width.
    step = max(1, int(sigma_px / 3))
    small = (-(-shape[0] // step) + 2, -(-shape[1] // step) + 2)
    noise = rng.standard_normal(small, dtype=np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma_px / step))
    # The value of one pixel of blurred white noise has variance 1 / (4 pi sigma^2).
    noise *= np.float32(2 * np.sqrt(np.pi) * sigma_px / step)
    if step == 1:
        return np.ascontiguousarray(noise[: shape[0], : shape[1]])
    size = (small[1] * step, small[0] * step)
    large = np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC))
    return np.ascontiguousarray(large[: shape[0], : shape[1]])


def blur(plane: Plane, sigma_px: float) -> Plane:
    """Blur with a Gaussian; wide ones at reduced resolution."""
    step = max(1, int(sigma_px / 4))
    if step == 1:
        return np.asarray(
            cv2.GaussianBlur(plane, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
        )
    height, width = plane.shape
    size = (max(1, width // step), max(1, height // step))
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / step, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def illumination(
    rng: np.random.Generator, shape: tuple[int, int], level: Level
) -> tuple[Plane, Plane]:
    """Return the lamp's profile (1 at its brightest) and the background's gradient (mean 1)."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    cy, cx = rng.uniform(-0.2, 0.2, size=2)
    lamp = 1 - level.vignetting * np.minimum(1.0, ((y - cy) ** 2 + (x - cx) ** 2) / 2)
    theta = rng.uniform(0, 2 * np.pi)
    slope = 1 + level.gradient * (y * np.sin(theta) + x * np.cos(theta)) / np.sqrt(2)
    return lamp.astype(np.float32), slope.astype(np.float32)


def add_specks(
    rng: np.random.Generator, planes: Iterable[Plane], *, count: float,
    sigma_um: tuple[float, float], photons: float, pixel_size_um: float,
    keep_off: npt.NDArray[np.bool_] | None = None,
) -> None:  # fmt: skip
    """Add blurred specks, each at the same place in all `planes` with a ratio of its own.

    `count` is the expected number in the field, `photons` the median light of one. Specks that
    fall on `keep_off` are left out nine times in ten.
    """
    targets = list(planes)
    height, width = targets[0].shape
    for _ in range(int(rng.poisson(count))):
        y, x = rng.uniform(0, height - 1), rng.uniform(0, width - 1)
        sigma = rng.uniform(*sigma_um) / pixel_size_um
        light = photons * np.exp(rng.normal(0.0, 0.6))
        ratios = np.exp(rng.normal(0.0, 0.25, size=len(targets)))
        spared = rng.random() < 0.9
        if keep_off is not None and spared and keep_off[int(y), int(x)]:
            continue
        # A speck is a little heap of grains, so that it is not round.
        for dy, dx in rng.normal(0.0, 0.7 * sigma, size=(int(rng.integers(1, 5)), 2)):
            part = light / 3 * rng.uniform(0.5, 1.5)
            for plane, ratio in zip(targets, ratios, strict=True):
                add_spot(plane, y + dy, x + dx, sigma, part * ratio, psf="gaussian")


def expose(rng: np.random.Generator, photons: Plane, level: Level) -> npt.NDArray[np.uint16]:
    """Return what the camera records of `photons`: shot noise, gain, read noise, hot pixels."""
    counts = rng.poisson(np.maximum(photons, 0.0)).astype(np.float32)
    counts *= np.float32(level.camera_gain)
    counts += rng.standard_normal(counts.shape, dtype=np.float32) * np.float32(level.read_noise)
    counts += np.float32(level.camera_offset)
    n_hot = int(rng.poisson(level.hot_pixels * counts.size / 1e6))
    where = rng.integers(counts.size, size=n_hot)
    counts.ravel()[where] += (
        level.camera_gain * 300.0 * np.exp(rng.normal(0.0, 0.8, size=n_hot))
    ).astype(np.float32)
    return np.clip(np.rint(counts), 0, level.full_scale).astype(np.uint16)


def as_mapping(**planes: Any) -> dict[str, Plane]:
    """Return planes as float32 by name."""
    return {name: np.asarray(plane, dtype=np.float32) for name, plane in planes.items()}
