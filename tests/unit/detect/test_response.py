"""Band-pass response and local noise against numbers measured on drawn pictures."""

import numpy as np
import pytest

from alkfish.detect.response import (
    BLOCK_PX,
    band_pass,
    grid_shape,
    local_noise,
    local_spread,
    response_norm,
    response_peak,
    sample_grid,
)


def noise(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("sigma", [1.5, 2.5, 4.0])
def test_norm_is_the_spread_of_the_response_to_white_noise(sigma):
    response = band_pass(noise((512, 512)), sigma)
    inner = response[32:-32, 32:-32]
    assert inner.std() == pytest.approx(response_norm(sigma), rel=0.04)


@pytest.mark.parametrize("sigma", [1.5, 2.5, 4.0])
@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.6])
def test_peak_is_the_response_at_the_centre_of_a_spot(draw, sigma, ratio):
    spot = draw((81, 81), [(40, 40, 1.0, ratio * sigma)], background=0.0, noise=0.0)
    expected = float(response_peak(sigma, np.float64(ratio * sigma)))
    assert band_pass(spot, sigma)[40, 40] == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("sigma", [1.0, 2.5])
def test_flat_and_tilted_ground_give_no_response(sigma):
    y, x = np.mgrid[:80, :90].astype(np.float32)
    response = band_pass(300 + 2 * y - x, sigma)
    np.testing.assert_allclose(response[20:-20, 20:-20], 0.0, atol=2e-3)


@pytest.mark.parametrize("width", [1.0, 7.3])
def test_local_noise_of_white_noise(width):
    found = local_noise(width * noise((256, 256)), block_px=32)
    assert found.shape == (8, 8)
    assert np.median(found) == pytest.approx(width, rel=0.05)
    np.testing.assert_allclose(found, width, rtol=0.45)


def test_local_noise_ignores_ground_and_spots(draw):
    y, x = np.mgrid[:128, :128]
    spots = [(20 + 30 * k, 20 + 30 * j, 400.0, 2.5) for k in range(4) for j in range(4)]
    plain = draw((128, 128)).astype(np.float32)
    busy = (draw((128, 128), spots) + 3 * y - 2 * x).astype(np.float32)
    before, after = (np.median(local_noise(p, block_px=32)) for p in (plain, busy))
    assert after == pytest.approx(before, rel=0.15)


def test_local_noise_follows_the_place():
    picture = noise((128, 128))
    picture[:, 64:] *= 4
    found = local_noise(picture, block_px=32)
    assert found[:, 2:].min() > 2 * found[:, :2].max()


def test_local_spread_is_the_scaled_median():
    found = local_spread(3.0 * noise((256, 256)), block_px=64)
    np.testing.assert_allclose(found, 3.0, rtol=0.35)
    assert np.median(found) == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 7), (33, 31), (100, 250)])
def test_grids_of_any_size(shape):
    found = local_noise(noise(shape), block_px=32)
    assert found.shape == grid_shape(shape, 32)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_blocks_are_those_of_the_whole_picture_wherever_it_is_cut():
    whole = noise((700, 900))
    part = whole[BLOCK_PX : 9 * BLOCK_PX, 2 * BLOCK_PX : 7 * BLOCK_PX]
    np.testing.assert_array_equal(local_noise(part), local_noise(whole)[1:9, 2:7])
    np.testing.assert_array_equal(local_spread(part), local_spread(whole)[1:9, 2:7])


@pytest.mark.parametrize("level", [0.0, 65_535.0])
def test_constant_picture_has_no_noise(level):
    assert not local_noise(np.full((70, 70), level, np.float32), block_px=32).any()


def test_sampled_grid_is_exact_on_a_plane_and_flat_beyond_it():
    rows, cols = np.mgrid[:4, :6].astype(np.float32)
    shape = (4 * BLOCK_PX - 20, 6 * BLOCK_PX + 10)
    y, x = np.array([31.5, 95.5, 120.0, 223.5]), np.array([31.5, 159.5, 180.0, 351.5])
    expected = (2 * y + x - 94.5) / BLOCK_PX
    np.testing.assert_allclose(sample_grid(2 * rows + cols, shape, y, x), expected, atol=1e-6)
    corner = sample_grid(2 * rows + cols, shape, np.array([-5.0, 999.0]), np.array([-5.0, 999.0]))
    assert corner.tolist() == [0.0, 11.0]


def test_sampling_nowhere_is_empty():
    assert sample_grid(np.ones((2, 2), np.float32), (9, 9), np.empty(0), np.empty(0)).size == 0
