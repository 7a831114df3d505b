"""What is learned once for a slide makes its pieces independent of how it is cut."""

import pickle

import numpy as np
import pytest

from alkfish.detect import ALIGN_PX, detect_channel, halo_px, learn_spots
from alkfish.detect.fitting import AMPLITUDE, N_PARAMETERS, WIDTH, X, Y, add_spots
from alkfish.model.spots import SpotTable

COLUMNS = [info.name for info in SpotTable.columns()]


@pytest.fixture(scope="module", params=[0.16, 0.1, 0.065])
def slide(request, draw):
    """Return a busy picture with touching spots, bright and quiet parts, and its pixel size."""
    size_um, shape = request.param, (900, 1030)
    rng = np.random.default_rng(5)
    sigma = 0.25 / size_um
    y, x = rng.uniform(0, shape[0], 250), rng.uniform(0, shape[1], 250)
    y[:80], x[:80] = y[80:160] + rng.normal(0, 2 * sigma, 80), x[80:160] + 2.5 * sigma
    height = 90 * np.exp(rng.normal(0, 0.5, 250))
    picture, spots = draw(shape, noise=6.0), np.zeros((250, N_PARAMETERS))
    spots[:, [AMPLITUDE, Y, X]], spots[:, WIDTH] = np.stack([height, y, x], axis=1), sigma
    add_spots(picture, spots, 20)
    picture[300:] += 20 * rng.standard_normal((600, shape[1])).astype(np.float32)
    picture[rng.integers(0, 900, 40), rng.integers(0, 1030, 40)] += 900
    picture[700:760, 500:600] = 0
    return np.clip(np.rint(picture), 0, 65_535).astype(np.uint16), size_um


def rows(table, window, origin=(0, 0)):
    """Return a table's rows in a window (top, left, bottom, right), in the slide's pixels."""
    columns = {name: getattr(table, name).copy() for name in COLUMNS}
    columns["y_px"] += origin[0]
    columns["x_px"] += origin[1]
    y, x = columns["y_px"], columns["x_px"]
    inside = (y >= window[0]) & (x >= window[1]) & (y < window[2]) & (x < window[3])
    return {name: column[inside] for name, column in columns.items()}


@pytest.mark.parametrize(("side", "offset"), [(320, 0), (320, 64), (576, 128)])
def test_spots_do_not_depend_on_how_the_slide_is_cut(slide, side, offset):
    picture, size_um = slide
    model = learn_spots([picture[:512, :512], picture[320:832, 256:]], pixel_size_um=size_um)
    whole = detect_channel(picture, pixel_size_um=size_um, model=model)
    assert len(whole.table) > 100
    halo, compared = halo_px(size_um), 0
    for top in range(offset, 900, side):
        for left in range(offset, 1030, side):
            y0, x0 = max(0, top - halo), max(0, left - halo)
            cut = picture[y0 : top + side + halo, x0 : left + side + halo]
            part = detect_channel(cut, pixel_size_um=size_um, model=model)
            window = (top, left, min(top + side, 900), min(left + side, 1030))
            found, expected = rows(part.table, window, (y0, x0)), rows(whole.table, window)
            for name in COLUMNS:
                np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
            y, x = (np.linspace(window[k], window[k + 2] - 1, 9) for k in (0, 1))
            np.testing.assert_array_equal(part.usual_snr(y - y0, x - x0), whole.usual_snr(y, x))
            np.testing.assert_array_equal(part.p_missed(y - y0, x - x0), whole.p_missed(y, x))
            compared += len(expected["y_px"])
    assert compared > 60


def test_learning_from_the_picture_itself_changes_nothing(slide):
    picture, size_um = slide
    model = learn_spots([picture], pixel_size_um=size_um)
    with_model = detect_channel(picture, pixel_size_um=size_um, model=model)
    without = detect_channel(picture, pixel_size_um=size_um)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(with_model.table, name), getattr(without.table, name))
    assert with_model.model == without.model
    assert with_model.usual_amplitude == without.usual_amplitude
    assert with_model.limit_snr == pytest.approx(without.limit_snr)
    assert with_model.noise == without.noise


def test_order_of_the_samples_does_not_matter(slide):
    picture, size_um = slide
    samples = [picture[:512, :512], picture[320:832, 256:]]
    forth, back = (learn_spots(order, pixel_size_um=size_um) for order in (samples, samples[::-1]))
    assert forth.levels == back.levels
    assert forth.spots.width_px == pytest.approx(back.spots.width_px)
    assert forth.limit_snr == pytest.approx(back.limit_snr)


def test_model_can_be_sent_to_other_processes(slide):
    picture, size_um = slide
    model = learn_spots([picture[:512, :512]], pixel_size_um=size_um)
    assert pickle.loads(pickle.dumps(model)) == model  # noqa: S301 - our own bytes


def test_an_empty_piece_of_a_slide_with_spots_says_what_it_would_show(slide):
    picture, size_um = slide
    model = learn_spots([picture], pixel_size_um=size_um)
    noise = np.random.default_rng(0).normal(200, 6, (256, 256)).round().astype(np.uint16)
    empty = detect_channel(noise, pixel_size_um=size_um, model=model)
    at = np.array([100.0]), np.array([100.0])
    assert len(empty.table) == 0
    assert empty.usual_snr(*at) > 5
    assert empty.p_missed(*at) < 0.5


def test_samples_without_spots_give_a_model_without_signals():
    noise = np.random.default_rng(0).normal(200, 6, (256, 256)).round().astype(np.uint16)
    model = learn_spots([noise, noise + 3], pixel_size_um=0.1)
    found = detect_channel(noise, pixel_size_um=0.1, model=model)
    assert len(found.table) == 0
    assert model.usual_amplitude == 0.0
    assert found.p_missed(np.array([9.0]), np.array([9.0])).tolist() == [1.0]


def test_saturation_seen_in_one_sample_holds_for_the_slide(draw):
    dark = draw((128, 128), dtype=np.uint16)
    full = dark.copy()
    full[60:64, 60:64] = 4095
    assert learn_spots([dark, full], pixel_size_um=0.1).levels.saturation == 4095
    assert learn_spots([dark], pixel_size_um=0.1).levels.saturation == 65_535
    assert learn_spots([dark.astype(np.float32)], pixel_size_um=0.1).levels.saturation == np.inf


@pytest.mark.parametrize("size_um", [0.065, 0.1, 0.16, 0.25, None])
def test_halo_is_a_whole_number_of_blocks(size_um):
    assert halo_px(size_um) % ALIGN_PX == 0
    assert halo_px(size_um) >= 2 * ALIGN_PX
