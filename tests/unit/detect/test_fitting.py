"""Compiled fits: exact without noise, honest about errors, undisturbed by odd pixels."""

import numpy as np
import pytest

from alkfish.detect.fitting import (
    AMPLITUDE,
    BACKGROUND,
    N_FIGURES,
    N_PARAMETERS,
    N_SATURATED,
    QUALITY,
    ROUNDNESS,
    SE_AMPLITUDE,
    SE_WIDTH,
    TILT_X,
    TILT_Y,
    WIDTH,
    X,
    Y,
    fit_spots,
    forced_amplitudes,
    subtract_spots,
)

SIGMA = 2.5
RADIUS = 8
LIMITS = (0.4, 8.0, 4.0)
PRIOR = (SIGMA, 10.0)


def fit(image, places, *, noise=1.0, saturation=np.inf, prior=PRIOR):
    spots = np.zeros((len(places), N_PARAMETERS))
    spots[:, [Y, X]] = places
    figures = np.zeros((len(places), N_FIGURES))
    fit_spots(
        image, image, spots, figures, np.full(len(places), noise), RADIUS, 0.0, LIMITS, prior,
        saturation, True,
    )  # fmt: skip
    return spots, figures


def fit_together(image, truth, rounds):
    """Fit spots beside each other from a rough start, as the search does."""
    spots = np.zeros((len(truth), N_PARAMETERS))
    spots[:, [Y, X, AMPLITUDE, WIDTH]] = truth
    spots[:, AMPLITUDE] *= 0.7
    spots[:, [Y, X]] += [[0.6, -0.5], [-0.4, 0.6]]
    figures = np.zeros((len(truth), N_FIGURES))
    residual = image.copy()
    subtract_spots(residual, spots, RADIUS + 2)
    for _ in range(rounds):
        fit_spots(
            image, residual, spots, figures, np.ones(len(spots)), RADIUS, 0.0, LIMITS, PRIOR,
            np.inf, False,
        )  # fmt: skip
    return spots, residual


@pytest.mark.parametrize("place", [(20.0, 20.0), (20.3, 19.6), (19.55, 20.45), (20.5, 20.5)])
@pytest.mark.parametrize("sigma", [1.2, 2.5, 3.5])
def test_noiseless_spot_is_recovered(draw, place, sigma):
    image = draw((41, 41), [(*place, 300.0, sigma)], noise=0.0)
    spots, figures = fit(image, [np.rint(place)], noise=0.01, prior=(sigma * 1.2, 10.0))
    np.testing.assert_allclose(spots[0, [Y, X]], place, atol=2e-3)
    assert spots[0, AMPLITUDE] == pytest.approx(300.0, rel=2e-3)
    assert spots[0, WIDTH] == pytest.approx(sigma, rel=2e-3)
    assert spots[0, BACKGROUND] == pytest.approx(200.0, abs=0.5)
    assert figures[0, QUALITY] > 0.999
    assert figures[0, ROUNDNESS] > 0.95


def test_tilted_ground_does_not_move_the_spot(draw):
    y, x = np.mgrid[:41, :41]
    image = (draw((41, 41), [(20.3, 19.8, 300.0, SIGMA)], noise=0.0) + 3 * y - 2 * x).astype("f4")
    spots, _ = fit(image, [(20, 20)], noise=0.01)
    np.testing.assert_allclose(spots[0, [Y, X]], (20.3, 19.8), atol=3e-3)
    np.testing.assert_allclose(spots[0, [TILT_Y, TILT_X]], (3.0, -2.0), atol=0.02)


def test_spot_at_the_picture_edge_is_recovered(draw):
    image = draw((30, 30), [(0.4, 15.2, 300.0, SIGMA)], noise=0.0)
    spots, _ = fit(image, [(0, 15)], noise=0.01)
    np.testing.assert_allclose(spots[0, [Y, X]], (0.4, 15.2), atol=0.02)


@pytest.mark.parametrize("snr", [15, 40])
def test_errors_are_what_repeated_fits_show(draw, snr_height, snr):
    height = snr_height(snr, SIGMA, 5.0)
    found = []
    for seed in range(120):
        image = draw((31, 31), [(15.2, 14.9, height, SIGMA)], noise=5.0, seed=seed)
        spots, figures = fit(image, [(15, 15)], noise=5.0)
        found.append([spots[0, AMPLITUDE], spots[0, WIDTH], *figures[0, [SE_AMPLITUDE, SE_WIDTH]]])
    amplitude, width, se_amplitude, se_width = np.array(found).T
    # The spread of 120 values is known to 6.5 %; four times that is allowed.
    assert amplitude.std() == pytest.approx(5.0 * np.median(se_amplitude), rel=0.3)
    assert width.std() == pytest.approx(5.0 * np.median(se_width), rel=0.3)
    assert amplitude.mean() == pytest.approx(height, rel=0.06)


@pytest.mark.parametrize("separation", [1.6, 2.0, 3.0])
def test_touching_pair_is_separated(draw, separation):
    apart = separation * SIGMA
    truth = [(20.0, 20.0, 300.0, SIGMA), (20.0, 20.0 + apart, 200.0, SIGMA)]
    image = draw((41, 50), truth, noise=0.0)
    spots, residual = fit_together(image, truth, rounds=60)
    for spot, (y, x, height, sigma) in zip(spots, truth, strict=True):
        np.testing.assert_allclose(spot[[Y, X]], (y, x), atol=0.25)
        assert spot[AMPLITUDE] == pytest.approx(height, rel=0.15)
        assert spot[WIDTH] == pytest.approx(sigma, rel=0.1)
    assert np.abs(residual - 200).max() < 20


def test_saturated_top_is_left_out_and_counted(draw):
    image = np.minimum(draw((41, 41), [(20.2, 20.1, 1000.0, SIGMA)], noise=0.0), 900).astype("f4")
    spots, figures = fit(image, [(20, 20)], noise=0.1, saturation=900.0)
    clipped = fit(image, [(20, 20)], noise=0.1)[0]
    assert figures[0, N_SATURATED] == (image >= 900).sum() > 0
    assert spots[0, AMPLITUDE] == pytest.approx(1000.0, rel=0.02)
    assert spots[0, WIDTH] == pytest.approx(SIGMA, rel=0.02)
    assert clipped[0, WIDTH] > 1.05 * SIGMA


def test_quality_tells_a_spot_from_an_edge(draw):
    image = draw((41, 41), [(20, 20, 300.0, SIGMA)], noise=5.0)
    step = draw((41, 41), noise=5.0)
    step[:, 20:] += 300
    good, bad = (fit(p, [(20, 20)], noise=5.0)[1][0, QUALITY] for p in (image, step))
    assert good > 0.95
    assert bad < 0.9
    assert good > bad


def test_roundness_falls_with_elongation(draw):
    y, x = np.ogrid[:41, :41]
    found = []
    for stretch in (1.0, 1.3, 1.6, 2.0):
        image = 200 + 300 * np.exp(-(((y - 20) / stretch) ** 2 + (x - 20) ** 2) / 8.0)
        found.append(fit(image.astype("f4"), [(20, 20)], noise=0.1)[1][0, ROUNDNESS])
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.95
    assert found[-1] < 0.7


@pytest.mark.parametrize("place", [(-3.0, 20.0), (43.5, 20.0), (20.0, -3.0), (44.0, 44.0)])
def test_places_outside_the_picture_are_fitted_on_what_is_inside(draw, place):
    spots, figures = fit(draw((41, 41), noise=2.0), [place], noise=2.0)
    assert np.isfinite(spots).all()
    assert np.isfinite(figures).all()


def test_a_large_offset_changes_nothing(draw):
    image = draw((41, 41), [(20.3, 19.6, 300.0, SIGMA)], noise=3.0).astype("f4")
    plain, high = (fit(image + offset, [(20, 20)], noise=3.0)[0][0] for offset in (0, 50_000))
    np.testing.assert_allclose(high[[Y, X, AMPLITUDE]], plain[[Y, X, AMPLITUDE]], rtol=2e-3)
    assert high[BACKGROUND] == pytest.approx(plain[BACKGROUND] + 50_000, rel=1e-5)


def test_subtracting_the_model_leaves_the_ground(draw):
    image = draw((41, 41), [(20.3, 20.2, 300.0, SIGMA)], noise=0.0)
    spots, _ = fit(image, [(20, 20)], noise=0.01)
    subtract_spots(image, spots, 14)
    np.testing.assert_allclose(image, 200.0, atol=0.5)


def test_no_spots_is_no_work(draw):
    image = draw((10, 10))
    fit(image, np.empty((0, 2)))
    assert forced_amplitudes(image, np.empty((0, 2)), SIGMA, RADIUS).shape == (0,)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 7)])
def test_tiny_pictures_do_not_crash(draw, shape):
    spots, _ = fit(draw(shape), [(0, 0)])
    assert np.isfinite(spots).all()
    assert np.isfinite(forced_amplitudes(draw(shape), np.zeros((1, 2)), SIGMA, RADIUS)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.uint8])
def test_forced_amplitudes(draw, dtype):
    truth = [(20.3, 20.2, 40.0, SIGMA), (20.0, 60.0, 30.0, SIGMA)]
    image = draw((41, 81), truth, background=100.0, noise=0.0, dtype=dtype)
    places = np.array([t[:2] for t in truth] + [(20.0, 40.0)])
    found = forced_amplitudes(image, places, SIGMA, RADIUS)
    np.testing.assert_allclose(found, [40.0, 30.0, 0.0], atol=0.6)


def test_forced_amplitudes_ignore_tilted_ground(draw):
    y, x = np.mgrid[:41, :41]
    image = (draw((41, 41), [(20.3, 20.2, 40.0, SIGMA)], noise=0.0) + 5 * y - 4 * x).astype("f4")
    found = forced_amplitudes(image, np.array([(20.3, 20.2)]), SIGMA, RADIUS)
    assert found[0] == pytest.approx(40.0, abs=0.1)


def test_forced_amplitudes_of_noise_average_to_nothing(draw):
    image = draw((200, 200), noise=5.0, seed=3)
    places = np.random.default_rng(0).uniform(10, 189, (400, 2))
    found = forced_amplitudes(image, places, SIGMA, RADIUS)
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(400)
