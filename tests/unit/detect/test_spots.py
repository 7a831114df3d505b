"""Detection on drawn pictures: nothing from nothing, bounds over SNR and separation, symmetry."""

import cv2
import numpy as np
import pytest

from alkfish.config import DetectConfig
from alkfish.detect import (
    ChannelSpots,
    detect_channel,
    detect_spots,
    saturation_level,
    search,
)
from alkfish.model.flags import SpotFlag

SIGMA = 2.5
FWHM = 2 * np.sqrt(2 * np.log(2))
SIZE_UM = 0.1
SEEDS = range(4)


def find(image, **options):
    return detect_spots(image, pixel_size_um=options.pop("pixel_size_um", SIZE_UM), **options)


def bright_field(draw, scatter, snr_height, *, seed=0, snr=30.0, n=30, apart=16.0, **options):
    """Return a picture of well separated clear spots, and the truth (y, x, height, sigma)."""
    rng = np.random.default_rng(seed)
    places = scatter(rng, (220, 260), n, apart, margin=14.0)
    heights = snr_height(snr, SIGMA) * np.exp(rng.normal(0, 0.2, n))
    truth = [(*place, height, SIGMA) for place, height in zip(places, heights, strict=True)]
    return draw((220, 260), truth, seed=seed + 50, **options), truth


def far_from(table, truth):
    """Return the distance of each true spot to the nearest found one."""
    found = np.stack([table.y_px, table.x_px], axis=1)
    return np.linalg.norm(np.array(truth)[:, None, :2] - found[None], axis=2).min(axis=1)


# --- nothing to find -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("level", [0, 37, 255])
def test_constant_channel_has_no_spots(dtype, level):
    assert len(find(np.full((120, 130), level, dtype))) == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("dtype", "noise"), [(np.uint16, 6), (np.float32, 6), (np.uint8, 1.5)])
def test_pure_noise_has_no_spots(draw, seed, dtype, noise):
    image = draw((400, 400), background=60.0, noise=noise, seed=seed, dtype=dtype)
    assert len(find(image)) == 0


def test_large_channel_of_noise_and_haze_has_no_spots():
    rng = np.random.default_rng(1)
    waves = [cv2.resize(rng.standard_normal((n, n)), (2048, 2048), interpolation=cv2.INTER_CUBIC)
             for n in (20, 60)]  # fmt: skip
    light = 400.0 + 60.0 * waves[0] + 12.0 * waves[1]
    image = np.rint(light + np.sqrt(light) * rng.standard_normal(light.shape)).astype(np.uint16)
    assert len(find(image)) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_tilted_ground_has_no_spots(draw, seed):
    y, x = np.mgrid[:300, :300]
    assert len(find((draw((300, 300), seed=seed) + 2.0 * y + 3.0 * x).astype(np.uint16))) == 0


@pytest.mark.parametrize("size_um", [0.065, 0.1, 0.2])
@pytest.mark.parametrize("seed", SEEDS)
def test_hot_pixels_are_no_spots(draw, seed, size_um):
    image = draw((256, 256), seed=seed)
    rng = np.random.default_rng(seed)
    image[rng.integers(0, 256, 60), rng.integers(0, 256, 60)] += rng.uniform(60, 4000, 60)
    assert len(find(np.rint(image).astype(np.uint16), pixel_size_um=size_um)) == 0


def test_broad_debris_is_no_spot(draw):
    debris = [(50, 50, 300, 10), (180, 60, 500, 15), (120, 190, 200, 8)]
    assert len(find(draw((256, 256), debris))) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_two_specks_that_look_like_spots_at_their_tops_are_none(draw, snr_height, seed):
    specks = [(60, 60, snr_height(25.0, SIGMA), 5.0), (140, 150, snr_height(25.0, SIGMA), 6.0)]
    assert len(find(draw((220, 220), specks, seed=seed))) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_two_dim_spots_without_others_to_learn_from_are_found(draw, snr_height, seed):
    dim = [(60, 60, snr_height(15.0, SIGMA), SIGMA), (140, 150, snr_height(15.0, SIGMA), 2.9)]
    assert len(find(draw((220, 220), dim, seed=seed))) == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 2), (5, 7), (16, 16), (31, 33)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiny_pictures_do_not_crash(draw, shape, dtype):
    found = detect_channel(draw(shape, noise=2.0, dtype=dtype), pixel_size_um=SIZE_UM)
    assert len(found.table) == 0
    assert found.shape == shape


def test_channel_without_spots_says_what_it_could_show(draw):
    found = detect_channel(draw((128, 128)), pixel_size_um=SIZE_UM)
    at = np.array([5.0, 60.0]), np.array([5.0, 60.0])
    assert found.usual_amplitude == 0.0
    assert found.usual_snr(*at).tolist() == [0.0, 0.0]
    assert found.p_missed(*at).tolist() == [1.0, 1.0]
    assert found.noise == pytest.approx(5.0, rel=0.1)
    assert {info.name: getattr(found.table, info.name).dtype for info in found.table.columns()} == {
        info.name: info.dtype for info in found.table.columns()
    }


# --- recall, precision, error ----------------------------------------------------------------


def recall_precision(draw, scatter, matched, snr_height, snr, seed):
    image, truth = bright_field(draw, scatter, snr_height, seed=seed, snr=snr)
    table = find(image)
    pairs = matched(table, truth)
    return len(pairs) / len(truth), len(pairs) / max(len(table), 1), table, truth, pairs


@pytest.mark.parametrize(
    ("snr", "recall", "precision"), [(15, 0.9, 0.95), (20, 0.97, 0.97), (50, 1.0, 0.98)]
)
def test_recall_and_precision_over_snr(draw, scatter, matched, snr_height, snr, recall, precision):
    found = [recall_precision(draw, scatter, matched, snr_height, snr, seed)[:2] for seed in SEEDS]
    assert np.mean([r for r, _ in found]) >= recall
    assert np.mean([p for _, p in found]) >= precision


@pytest.mark.parametrize("snr", [4, 6, 8])
def test_dim_spots_cost_no_false_ones(draw, scatter, matched, snr_height, snr):
    for seed in SEEDS:
        _, _, table, _, pairs = recall_precision(draw, scatter, matched, snr_height, snr, seed)
        assert len(table) - len(pairs) <= 2


@pytest.mark.parametrize("snr", [20, 50])
def test_position_error_is_near_the_possible(draw, scatter, matched, snr_height, snr):
    squares = []
    for seed in SEEDS:
        *_, table, truth, pairs = recall_precision(draw, scatter, matched, snr_height, snr, seed)
        squares += [
            (table.y_px[i] - truth[j][0]) ** 2 + (table.x_px[i] - truth[j][1]) ** 2
            for i, j in pairs
        ]
    # Cramer-Rao for a known width in white noise: sqrt(2) sigma / SNR per axis.
    possible = 2.0 * SIGMA / snr
    assert np.sqrt(np.mean(squares)) <= 2.0 * possible


@pytest.mark.parametrize("diameter_um", [0.4, 0.55, 0.7, 0.9])
@pytest.mark.parametrize("size_um", [0.065, 0.1, 0.16])
def test_diameter_is_estimated_within_a_tenth(
    draw, scatter, snr_height, sigma_px, diameter_um, size_um
):
    sigma = sigma_px(diameter_um, size_um)
    rng = np.random.default_rng(2)
    shape = (int(26 / size_um),) * 2
    places = scatter(rng, shape, 25, 8 * sigma, margin=4 * sigma)
    height = snr_height(40, sigma)
    table = find(draw(shape, [(*p, height, sigma) for p in places]), pixel_size_um=size_um)
    assert len(table) >= 24
    assert np.median(table.diameter_um) == pytest.approx(diameter_um, rel=0.1)
    assert np.median(table.amplitude) == pytest.approx(height, rel=0.1)


@pytest.mark.parametrize(
    ("apart_diam", "snr", "recall"),
    [(0.72, 45, 0.9), (0.8, 30, 0.85), (1.0, 30, 0.9), (1.5, 20, 0.95), (1.5, 30, 0.98)],
)
def test_touching_spots_are_separated(draw, scatter, matched, snr_height, apart_diam, snr, recall):
    found, total, rows = 0, 0, 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        centres = scatter(rng, (340, 340), 30, 36, margin=16)
        turn = rng.uniform(0, 2 * np.pi, 10)
        arm = np.stack([np.sin(turn), np.cos(turn)], axis=1) * apart_diam * SIGMA * FWHM / 2
        # Ten pairs among twenty lone spots, which tell what a single one looks like.
        places = np.concatenate([centres[:10] + arm, centres[:10] - arm, centres[10:]])
        truth = [(*place, snr_height(snr, SIGMA), SIGMA) for place in places]
        table = find(draw((340, 340), truth, seed=seed + 9))
        pairs = matched(table, truth)
        found, total = found + sum(j < 20 for _, j in pairs), total + 20
        rows += len(table) - len(pairs)
    assert found / total >= recall
    assert rows <= 0.05 * (total + 80)


def test_spots_of_a_skew_lens_are_not_taken_apart(draw, scatter, snr_height):
    rng = np.random.default_rng(3)
    places = scatter(rng, (300, 300), 30, 30, margin=16)
    height = snr_height(60, SIGMA) / 2
    # Two halves 1.2 widths apart make a spot a fifth longer than wide: all are, so none is a pair.
    truth = [(y + k * 0.6 * SIGMA, x, height, SIGMA) for y, x in places for k in (-1, 1)]
    assert len(find(draw((300, 300), truth))) == 30


def test_broad_spots_are_placed_with_all_of_their_light(
    draw, scatter, matched, snr_height, monkeypatch
):
    rng = np.random.default_rng(4)
    broad = 1.5 * SIGMA
    places = scatter(rng, (500, 500), 70, 36, margin=20)
    truth = [(*p, snr_height(40, SIGMA), SIGMA) for p in places[:30]]
    truth += [(*p, snr_height(20, broad), broad) for p in places[30:]]
    image = draw((500, 500), truth)

    def error():
        table = find(image)
        pairs = [(i, j) for i, j in matched(table, truth) if j >= 30]
        off = [(table.y_px[i] - truth[j][0], table.x_px[i] - truth[j][1]) for i, j in pairs]
        assert len(off) >= 38
        return np.median(np.hypot(*np.transpose(off)))

    found = error()
    monkeypatch.setattr(search, "WINDOW_WIDTHS", 0.0)
    # The median of the length of a vector whose two parts err by sqrt(2) sigma / SNR each.
    assert found < 1.3 * 1.18 * np.sqrt(2) * broad / 20
    assert found < error()


def test_touching_spots_are_flagged(draw, snr_height):
    height = snr_height(60, SIGMA)
    lone = [(30 + 40 * k, 30 + 40 * j, height, SIGMA) for k in range(4) for j in range(4)]
    pair = [(*t[:2], *t[2:]) for t in lone] + [(30, 30 + 1.8 * SIGMA, height, SIGMA)]
    table = find(draw((200, 200), pair))
    assert len(table) == len(pair)
    touching = (table.flags & int(SpotFlag.TOUCHING)) > 0
    assert touching.sum() == 2
    assert (table.y_px[touching] < 34).all()


@pytest.mark.parametrize("hot", [100, 1000, 4000])
@pytest.mark.parametrize("offset", [(0, 0), (0, 1), (2, 0), (-1, 2)])
def test_spots_with_a_hot_pixel_in_them_are_still_found(draw, scatter, snr_height, hot, offset):
    image, truth = bright_field(draw, scatter, snr_height)
    for y, x, *_ in truth:
        image[round(y) + offset[0], round(x) + offset[1]] += hot
    table = find(image)
    assert len(table) == len(truth)
    assert np.median(far_from(table, truth)) < 0.4


def test_saturated_spots_are_found_and_flagged(draw, scatter, snr_height):
    image, truth = bright_field(draw, scatter, snr_height, snr=400, dtype=np.uint16)
    full = np.minimum(image, 511) // 2
    table = find(full.astype(np.uint8))
    assert far_from(table, truth).max() < 1.0
    assert ((table.flags & int(SpotFlag.SATURATED)) > 0).mean() > 0.5
    assert np.median(table.diameter_um) == pytest.approx(SIGMA * FWHM * SIZE_UM, rel=0.1)


def test_raising_min_snr_only_loses_spots(draw, scatter, snr_height):
    image, _ = bright_field(draw, scatter, snr_height, snr=18)
    kept = [len(find(image, config=DetectConfig(min_snr=limit))) for limit in (4, 10, 14, 30)]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[-1]
    assert (find(image, config=DetectConfig(min_snr=10.0)).snr >= 10.0).all()


def test_width_limits_are_kept(draw, scatter, snr_height):
    image, truth = bright_field(draw, scatter, snr_height, snr=40)
    assert len(find(image)) == len(truth)
    narrow = DetectConfig(max_diam_um=0.45, usual_diam_um=0.4)
    assert len(find(image, config=narrow)) == 0
    wide = DetectConfig(min_diam_um=0.75, usual_diam_um=0.8)
    assert len(find(image, config=wide)) == 0


def test_rows_are_ordered_by_place(draw, scatter, snr_height):
    table = find(bright_field(draw, scatter, snr_height)[0])
    assert np.array_equal(np.lexsort((table.x_px, table.y_px)), np.arange(len(table)))


def test_columns_are_within_their_ranges(draw, scatter, snr_height):
    table = find(bright_field(draw, scatter, snr_height, snr=15)[0])
    for name in ("quality", "p_real"):
        assert ((getattr(table, name) >= 0) & (getattr(table, name) <= 1)).all()
    assert (table.p_real >= 0.5).all()
    np.testing.assert_allclose(table.background, 200.0, atol=15.0)
    np.testing.assert_allclose(table.noise, 5.0, rtol=0.5)


def test_pixel_size_may_be_unknown(draw, scatter, snr_height):
    image, truth = bright_field(draw, scatter, snr_height)
    table = find(image, pixel_size_um=None)
    assert len(table) == len(truth)
    assert np.median(table.diameter_um) == pytest.approx(SIGMA * FWHM, rel=0.1)


# --- what must not matter --------------------------------------------------------------------


@pytest.fixture(scope="module")
def field(draw, scatter, snr_height):
    image, _ = bright_field(draw, scatter, snr_height)
    return image, find(image)


@pytest.mark.parametrize("gain", [1 / 65_535, 1e-3, 0.37, 8.0, 1000.0])
def test_gain_does_not_matter(field, gain):
    image, usual = field
    found = find((image * np.float32(gain)).astype(np.float32))
    assert len(found) == len(usual)
    np.testing.assert_allclose(found.y_px, usual.y_px, atol=1e-3)
    np.testing.assert_allclose(found.x_px, usual.x_px, atol=1e-3)
    np.testing.assert_allclose(found.snr, usual.snr, rtol=1e-3)
    np.testing.assert_allclose(found.amplitude, gain * usual.amplitude, rtol=1e-3)


@pytest.mark.parametrize("offset", [-150.0, 100.0, 5000.0, 40_000.0])
def test_offset_does_not_matter(field, offset):
    image, usual = field
    found = find(image + np.float32(offset))
    assert len(found) == len(usual)
    np.testing.assert_allclose(found.y_px, usual.y_px, atol=2e-3)
    np.testing.assert_allclose(found.amplitude, usual.amplitude, rtol=5e-3)
    np.testing.assert_allclose(found.background, usual.background + offset, rtol=1e-3)


MOVES = {
    "upside down": (lambda p: p[::-1], lambda y, x: (219 - y, x)),
    "mirrored": (lambda p: p[:, ::-1], lambda y, x: (y, 259 - x)),
    "transposed": (lambda p: p.T, lambda y, x: (x, y)),
    "turned by 90 degrees": (np.rot90, lambda y, x: (x, 259 - y)),
    "turned by 180 degrees": (lambda p: np.rot90(p, 2), lambda y, x: (219 - y, 259 - x)),
    "padded": (lambda p: np.pad(p, 40, constant_values=200), lambda y, x: (y - 40, x - 40)),
    "cut": (lambda p: p[5:-5, 3:-4], lambda y, x: (y + 5, x + 3)),
}


@pytest.mark.parametrize(("move", "back"), MOVES.values(), ids=MOVES)
def test_moving_the_picture_moves_the_spots(field, move, back):
    image, usual = field
    found = find(np.ascontiguousarray(move(image)))
    assert len(found) == len(usual)
    y, x = back(found.y_px, found.x_px)
    apart = far_from(usual, np.stack([y, x], axis=1))
    # A fitting window centred one pixel aside sees other noise: a few spots move a little.
    assert np.median(apart) < 0.02
    assert apart.max() < 0.4


@pytest.mark.parametrize("dtype", [np.uint16, np.uint8])
def test_number_of_bits_does_not_matter(field, dtype):
    image, usual = field
    found = find(np.clip(np.rint(image), 0, np.iinfo(dtype).max).astype(dtype))
    assert len(found) == len(usual)
    apart = far_from(usual, np.stack([found.y_px, found.x_px], axis=1))
    assert np.median(apart) < 0.05


def test_strides_and_repeats_do_not_matter(field):
    image, usual = field
    doubled = np.repeat(image, 2, axis=1)
    for found in (find(doubled[:, ::2]), find(image), find(image.astype(np.float64))):
        for info in usual.columns():
            assert np.array_equal(getattr(found, info.name), getattr(usual, info.name))


def test_picture_is_left_untouched(draw, scatter, snr_height):
    image, _ = bright_field(draw, scatter, snr_height)
    before = image.copy()
    find(image)
    assert np.array_equal(image, before)


# --- what the channel can show ---------------------------------------------------------------


def test_usual_snr_follows_the_noise(draw, scatter, snr_height):
    image, _ = bright_field(draw, scatter, snr_height, snr=60)
    rng = np.random.default_rng(1)
    image[:, 130:] += 15 * rng.standard_normal((220, 130)).astype(np.float32)
    channel = detect_channel(image, pixel_size_um=SIZE_UM)
    assert isinstance(channel, ChannelSpots)
    y = np.array([110.0, 110.0])
    quiet, loud = channel.usual_snr(y, np.array([40.0, 220.0]))
    assert quiet > 2 * loud > 0
    missed = channel.p_missed(y, np.array([40.0, 220.0]))
    assert 0 <= missed[0] <= missed[1] <= 1


@pytest.mark.parametrize(
    ("dtype", "top", "count", "level"),
    [
        (np.uint8, 255, 4, 255.0), (np.uint8, 255, 3, np.inf), (np.uint8, 254, 50, np.inf),
        (np.uint16, 65_535, 4, 65_535.0), (np.uint16, 4095, 4, 4095.0),
        (np.uint16, 1023, 9, 1023.0), (np.uint16, 16_383, 4, 16_383.0),
        (np.uint16, 4094, 99, np.inf), (np.float32, 65_535, 99, np.inf),
    ],
)  # fmt: skip
def test_saturation_level(dtype, top, count, level):
    image = np.full(200, 20, dtype)
    image[:count] = top
    assert saturation_level(image.reshape(10, 20)) == level


@pytest.mark.parametrize("gap_px", [5.5, 6.5, 7.0, 7.5, 9.0])
def test_equal_spots_beside_each_other_are_not_lost_as_one_blob(draw, scatter, gap_px):
    """One fit over both becomes as broad as debris; it must be taken apart, not thrown away."""
    rng, sigma = np.random.default_rng(3), 2.7
    middles = scatter(rng, (640, 640), 30, 55.0, margin=25.0)
    angle = rng.uniform(0, np.pi, 12)
    half = gap_px / 2 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    doublets = np.concatenate([middles[:12] + half, middles[:12] - half])
    spots = [(y, x, 130.0, sigma) for y, x in np.concatenate([doublets, middles[12:]])]
    table = detect_channel(draw((640, 640), spots), pixel_size_um=0.1).table
    found = np.stack([table.y_px, table.x_px], axis=1)
    near = np.linalg.norm(found[:, None] - doublets[None], axis=2).min(axis=0)
    assert (near < 1.5).mean() >= 0.9


@pytest.mark.parametrize("sigma_px", [5.0, 6.0, 8.0])
def test_oblong_debris_is_not_taken_for_two_spots(scatter, sigma_px):
    rng = np.random.default_rng(4)
    middles = scatter(rng, (640, 640), 30, 55.0, margin=25.0)
    y, x = np.ogrid[:640, :640]
    picture = 200.0 + 5.0 * rng.standard_normal((640, 640))
    for number, (at_y, at_x) in enumerate(middles):
        wide = (sigma_px, 1.3 * sigma_px) if number < 10 else (2.7, 2.7)
        power = ((y - at_y) / wide[0]) ** 2 + ((x - at_x) / wide[1]) ** 2
        picture += 180.0 * np.exp(-power / 2)
    table = detect_channel(picture.astype(np.float32), pixel_size_um=0.1).table
    found = np.stack([table.y_px, table.x_px], axis=1)
    near = np.linalg.norm(found[:, None] - middles[None, :10], axis=2)
    assert not (near < 8.0).any()
