"""Pictures of round spots drawn on demand."""

from __future__ import annotations

import numpy as np
import pytest

FWHM = 2 * np.sqrt(2 * np.log(2))


@pytest.fixture(scope="session")
def draw():
    """Return ``draw(shape, spots, ...)``: Gaussian spots (y, x, height, sigma) on noisy ground."""

    def make(shape, spots=(), *, background=200.0, noise=5.0, seed=0, dtype=np.float32):
        picture = np.full(shape, background)
        picture += noise * np.random.default_rng(seed).standard_normal(shape)
        y, x = np.ogrid[: shape[0], : shape[1]]
        for at_y, at_x, height, sigma in spots:
            picture += height * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * sigma**2))
        if np.issubdtype(dtype, np.integer):
            picture = np.clip(np.rint(picture), 0, np.iinfo(dtype).max)
        return picture.astype(dtype)

    return make


@pytest.fixture(scope="session")
def scatter():
    """Return ``scatter(rng, shape, n, apart)``: random places at least `apart` px apart."""

    def make(rng, shape, n, apart, margin=8.0):
        places = []
        while len(places) < n:
            place = rng.uniform(margin, np.array(shape) - 1 - margin)
            if all(np.hypot(*(place - other)) >= apart for other in places):
                places.append(place)
        return np.array(places)

    return make


@pytest.fixture(scope="session")
def matched():
    """Return ``matched(table, truth, reach)``: pairs of rows (found, true), each used once."""

    def make(table, truth, reach=2.0):
        found = np.stack([table.y_px, table.x_px], axis=1)
        distance = np.linalg.norm(found[:, None] - np.asarray(truth)[None, :, :2], axis=2)
        pairs = []
        for flat in np.argsort(distance, axis=None):
            i, j = np.unravel_index(flat, distance.shape)
            if distance[i, j] > reach:
                break
            if all(i != a and j != b for a, b in pairs):
                pairs.append((int(i), int(j)))
        return pairs

    return make


@pytest.fixture(scope="session")
def snr_height():
    """Return ``snr_height(snr, sigma, noise)``: height of a spot of that matched-filter SNR."""

    def make(snr, sigma, noise=5.0):
        return snr * noise / (np.sqrt(np.pi) * sigma)

    return make


@pytest.fixture(scope="session")
def sigma_px():
    """Return ``sigma_px(diameter_um, pixel_size_um)``."""
    return lambda diameter_um, pixel_size_um: diameter_um / FWHM / pixel_size_um
