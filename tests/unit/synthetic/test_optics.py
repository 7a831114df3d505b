import numpy as np
import pytest

from alkfish.synthetic import optics
from alkfish.synthetic.levels import LEVELS


def half_width(plane: np.ndarray) -> float:
    """Full width at half maximum of the central row, by interpolation."""
    row = plane[plane.shape[0] // 2].astype(float)
    half, peak = row.max() / 2, int(row.argmax())
    right = peak + np.argmax(row[peak:] < half)
    left = peak - np.argmax(row[peak::-1] < half)
    x_right = right - (half - row[right]) / (row[right - 1] - row[right])
    x_left = left + (half - row[left]) / (row[left + 1] - row[left])
    return float(x_right - x_left)


@pytest.mark.parametrize("psf", ["gaussian", "airy"])
@pytest.mark.parametrize("place", [(30.0, 30.0), (30.3, 29.6)])
def test_spot_keeps_light_place_and_width(psf, place):
    plane = np.zeros((61, 61), np.float32)
    optics.add_spot(plane, *place, 2.5, 1000.0, psf=psf)
    y, x = np.mgrid[:61, :61]
    total = float(plane.sum())
    assert total == pytest.approx(1000.0, rel=0.002 if psf == "gaussian" else 0.12)
    assert (plane * y).sum() / total == pytest.approx(place[0], abs=0.02)
    assert (plane * x).sum() / total == pytest.approx(place[1], abs=0.02)
    assert half_width(plane) == pytest.approx(2.5 * 2.3548, rel=0.04)


def test_narrow_spot_is_integrated_over_pixels():
    plane = np.zeros((9, 9), np.float32)
    optics.add_spot(plane, 4.5, 4.0, 0.05, 10.0, psf="gaussian")
    assert plane[4, 4] == pytest.approx(5.0, rel=1e-3)
    assert plane[5, 4] == pytest.approx(5.0, rel=1e-3)


def test_spot_outside_the_picture_changes_nothing():
    plane = np.zeros((20, 20), np.float32)
    optics.add_spot(plane, -50.0, 5.0, 2.0, 100.0, psf="gaussian")
    assert not plane.any()


@pytest.mark.parametrize("sigma", [1.0, 4.0, 30.0])
def test_grain_has_unit_spread_whatever_its_size(sigma):
    waves = optics.grain(np.random.default_rng(1), (600, 600), sigma)
    assert waves.shape == (600, 600)
    assert waves.std() == pytest.approx(1.0, abs=0.25)


def test_wide_blur_equals_the_exact_one():
    plane = np.zeros((200, 200), np.float32)
    plane[80:120, 80:120] = 100.0
    wide = optics.blur(plane, 12.0)
    from scipy.ndimage import gaussian_filter

    np.testing.assert_allclose(wide, gaussian_filter(plane, 12.0, mode="nearest"), atol=3.0)


def test_camera_statistics():
    level = LEVELS["typical"].with_(hot_pixels=0.0, camera_gain=2.0, read_noise=3.0)
    photons = np.full((300, 300), 50.0, np.float32)
    counts = optics.expose(np.random.default_rng(0), photons, level).astype(float)
    assert counts.mean() == pytest.approx(level.camera_offset + 100.0, abs=0.5)
    assert counts.var() == pytest.approx(4 * 50.0 + 9.0, rel=0.03)


def test_camera_clips_and_hot_pixels_are_few():
    level = LEVELS["typical"].with_(full_scale=255, camera_offset=10.0, hot_pixels=100.0)
    dark = optics.expose(np.random.default_rng(0), np.zeros((500, 500), np.float32), level)
    assert 10 < (dark > 30).sum() < 45
    bright = optics.expose(np.random.default_rng(0), np.full((9, 9), 1e4, np.float32), level)
    assert (bright == 255).all()


def test_light_falls_to_the_corners():
    level = LEVELS["hard"]
    lamp, slope = optics.illumination(np.random.default_rng(0), (101, 151), level)
    assert lamp.max() == pytest.approx(1.0, abs=0.01)
    assert lamp.min() == pytest.approx(1 - level.vignetting, abs=0.05)
    assert slope.mean() == pytest.approx(1.0, abs=0.01)


def test_specks_share_their_place_between_channels():
    planes = [np.zeros((64, 64), np.float32) for _ in range(2)]
    optics.add_specks(
        np.random.default_rng(2), planes, count=6.0, sigma_um=(0.3, 0.4), photons=100.0,
        pixel_size_um=0.1,
    )  # fmt: skip
    assert np.corrcoef(planes[0].ravel(), planes[1].ravel())[0, 1] > 0.9
