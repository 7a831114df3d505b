"""Crosstalk: a known share is measured and taken away; granules are seen in both channels."""

import numpy as np
import pytest

from alkfish.detect import detect_channel
from alkfish.detect.crosstalk import (
    MAX_CROSSTALK,
    MIN_SPOTS,
    Crosstalk,
    bleed_ratios,
    estimate_crosstalk,
    find_granules,
    noise_correlation,
    remove_crosstalk,
)
from alkfish.model.flags import SpotFlag

SIGMA = 2.5
SHAPE = (320, 320)


@pytest.fixture(scope="module")
def channels(draw, scatter, snr_height):
    """Return ``make(share, ...)``: source and target planes with spots of their own places."""

    def make(share, *, seed=0, n=20, n_shared=0, snr=150.0):
        rng = np.random.default_rng(seed)
        places = scatter(rng, SHAPE, 2 * n, 22, margin=14)
        height = snr_height(snr, SIGMA)
        source = [(*p, height * rng.uniform(0.7, 1.4), SIGMA) for p in places[:n]]
        own = [(*p, height, SIGMA) for p in (*places[n:], *places[:n_shared])]
        bled = [(y, x, share * h, s) for y, x, h, s in source]
        return (
            draw(SHAPE, source, seed=seed + 1),
            draw(SHAPE, own + bled, seed=seed + 2),
            np.array([t[:2] for t in own]),
            np.array([t[:2] for t in source]),
        )

    return make


def detect(plane):
    return detect_channel(plane, pixel_size_um=0.1)


def count_near(table, places, reach=2.0):
    found = np.stack([table.y_px, table.x_px], axis=1)
    return int((np.linalg.norm(found[:, None] - places[None], axis=2).min(axis=0) < reach).sum())


def nearest(table, others):
    """Return how far the nearest row of `table` is from each of the others, and which it is."""
    rows, columns = (np.stack([t.y_px, t.x_px], axis=1) for t in (table, others))
    distance = np.linalg.norm(columns[:, None] - rows[None], axis=2)
    return distance.min(axis=1), distance.argmin(axis=1)


@pytest.mark.parametrize("share", [0.0, 0.03, 0.06])
def test_invisible_share_is_measured(channels, share):
    ratios = []
    for seed in range(3):
        source, target, *_ = channels(share, seed=seed)
        ratios.append(bleed_ratios(detect(source), detect(target), target, pixel_size_um=0.1))
    found = estimate_crosstalk(np.concatenate(ratios))
    assert found.n_spots > 40
    assert np.median(np.concatenate(ratios)) == pytest.approx(share, abs=0.01)
    if share:
        assert found.applied
        assert found.share == pytest.approx(share, abs=0.01)


def test_ratios_leave_out_spots_with_a_neighbour_of_their_own(channels):
    source, target, *_ = channels(0.0, n_shared=8)
    ratios = bleed_ratios(detect(source), detect(target), target, pixel_size_um=0.1)
    assert len(ratios) == 12
    assert np.abs(ratios).max() < 0.1


def test_ratios_without_clear_source_spots_are_empty(draw):
    nothing = detect(draw(SHAPE))
    assert bleed_ratios(nothing, nothing, draw(SHAPE), pixel_size_um=0.1).shape == (0,)


def test_ghosts_are_removed_and_own_spots_kept(channels):
    source_plane, target_plane, own, ghosts = channels(0.25)
    source, target = detect(source_plane), detect(target_plane)
    assert count_near(target.table, ghosts) == len(ghosts)
    share = Crosstalk(0.25, 40, True, "given")
    cleaned = remove_crosstalk(target, source, share, pixel_size_um=0.1)
    assert count_near(cleaned, ghosts) == 0
    assert count_near(cleaned, own) == len(own)
    far = np.isin(target.table.y_px, cleaned.y_px)
    assert np.array_equal(cleaned.snr, target.table.snr[far])


def test_true_partners_survive_and_lose_only_the_share(channels):
    source_plane, target_plane, own, places = channels(0.1, n_shared=8)
    source, target = detect(source_plane), detect(target_plane)
    cleaned = remove_crosstalk(target, source, Crosstalk(0.1, 40, True, "given"), pixel_size_um=0.1)
    assert count_near(cleaned, places[:8]) == 8
    assert len(cleaned) == len(own)
    distance, before = nearest(target.table, cleaned)
    assert (distance < 1).all()
    ratio = cleaned.amplitude / target.table.amplitude[before]
    assert ((ratio >= 0.75) & (ratio < 1.01)).all()
    assert (cleaned.p_real <= target.table.p_real[before]).all()


@pytest.mark.parametrize("apart", [0.0, 2.0, 3.5, 5.0])
def test_bleed_of_a_neighbour_is_taken_from_place_height_and_width(
    draw, scatter, snr_height, apart
):
    rng = np.random.default_rng(4)
    height, share = snr_height(150.0, SIGMA), 0.15
    own = [(*p, height, SIGMA) for p in scatter(rng, SHAPE, 24, 30, margin=20)]
    source = [(y + apart, x, height, SIGMA) for y, x, *_ in own]
    bled = [(y, x, share * h, s) for y, x, h, s in source]
    pulled = detect(draw(SHAPE, own + bled, seed=1))
    crosstalk = Crosstalk(share, 40, True, "given")
    found = remove_crosstalk(
        pulled, detect(draw(SHAPE, source, seed=2)), crosstalk, pixel_size_um=0.1
    )
    alone = detect(draw(SHAPE, own, seed=1)).table
    distance, same = nearest(alone, found)
    assert len(found) == len(alone)
    assert distance.max() < 0.06
    assert (np.diff(found.y_px) >= 0).all()
    assert found.amplitude == pytest.approx(alone.amplitude[same], rel=0.02)
    assert found.diameter_um == pytest.approx(alone.diameter_um[same], rel=0.02)


def test_flanks_of_own_spots_do_not_change_the_measured_share(draw, scatter, snr_height):
    rng = np.random.default_rng(5)
    height, share = snr_height(150.0, SIGMA), 0.04
    source = [(*p, height, SIGMA) for p in scatter(rng, SHAPE, 24, 30, margin=20)]
    own = [(y + 2.8 * SIGMA, x, height, SIGMA) for y, x, *_ in source]
    bled = [(y, x, share * h, s) for y, x, h, s in source]
    target_plane = draw(SHAPE, own + bled, seed=1)
    source_found, target_found = detect(draw(SHAPE, source, seed=2)), detect(target_plane)
    ratios = bleed_ratios(source_found, target_found, target_plane, pixel_size_um=0.1)
    assert len(ratios) == len(source)
    assert np.median(ratios) == pytest.approx(share, abs=0.01)


def test_notable_loss_is_flagged(channels):
    source_plane, target_plane, _, places = channels(0.0, n_shared=8)
    source, target = detect(source_plane), detect(target_plane)
    for share, flagged in ((0.1, 0), (0.34, 8)):
        cleaned = remove_crosstalk(
            target, source, Crosstalk(share, 40, True, "given"), pixel_size_um=0.1
        )
        assert ((cleaned.flags & int(SpotFlag.CROSSTALK)) > 0).sum() == flagged
        assert count_near(cleaned, places[:8]) == 8


def test_refused_crosstalk_changes_nothing(channels):
    source_plane, target_plane, *_ = channels(0.15)
    source, target = detect(source_plane), detect(target_plane)
    assert remove_crosstalk(target, source, Crosstalk(), pixel_size_um=0.1) is target.table


def test_channels_without_spots_change_nothing(draw, channels):
    source, nothing = detect(channels(0.1)[0]), detect(draw(SHAPE))
    share = Crosstalk(0.1, 40, True, "given")
    assert len(remove_crosstalk(nothing, source, share, pixel_size_um=0.1)) == 0
    assert remove_crosstalk(source, nothing, share, pixel_size_um=0.1) is source.table


@pytest.mark.parametrize(
    ("ratios", "reason"),
    [
        (np.empty(0), f"only 0 lone spots; {MIN_SPOTS} are needed"),
        (np.full(MIN_SPOTS - 1, 0.1), f"only {MIN_SPOTS - 1} lone spots; {MIN_SPOTS} are needed"),
        (np.tile([-0.2, 0.21], 20), "is within its error"),
        (np.full(40, -0.05), "is within its error"),
        (np.full(40, MAX_CROSSTALK + 0.01), "more than bleed-through can be"),
    ],
)
def test_thin_or_impossible_evidence_is_refused(ratios, reason):
    found = estimate_crosstalk(ratios)
    assert not found.applied
    assert found.share == 0.0
    assert found.n_spots == len(ratios)
    assert reason in found.reason


@pytest.mark.parametrize("share", [0.02, MAX_CROSSTALK])
def test_enough_evidence_is_applied(share):
    found = estimate_crosstalk(np.full(MIN_SPOTS, share))
    assert found == Crosstalk(share, MIN_SPOTS, True, f"measured on {MIN_SPOTS} spots")


# --- granules --------------------------------------------------------------------------------


def granule_pair(draw, snr_height, *, sigma_3p, sigma_5p, apart=0.0):
    """Return the two channels of a field: spots of usual size, and one object at (40, 40)."""
    usual = [(40 + 40 * k, 120 + 40 * j, snr_height(100, SIGMA), SIGMA)
             for k in range(6) for j in range(5)]  # fmt: skip
    three = [*usual, (40, 40, 120.0, sigma_3p)]
    five = [*((y + 20, x + 20, h, s) for y, x, h, s in usual), (40, 40 + apart, 150.0, sigma_5p)]
    return detect(draw(SHAPE, three, seed=1)), detect(draw(SHAPE, five, seed=2))


GRANULES = {
    "broad in both": ((1.9, 1.9), 0.5, True, True),
    "broad in one": ((1.9, 1.0), 0.0, False, False),
    "usual in both": ((1.0, 1.0), 0.0, False, False),
    "broad but apart": ((1.9, 1.9), 6.0, False, False),
    "a little broad": ((1.3, 1.3), 0.0, False, True),
}


@pytest.mark.parametrize(("sizes", "apart", "within", "outside"), GRANULES.values(), ids=GRANULES)
def test_granules_are_broad_in_both_channels(draw, snr_height, sizes, apart, within, outside):
    three, five = granule_pair(
        draw, snr_height, sigma_3p=sizes[0] * SIGMA, sigma_5p=sizes[1] * SIGMA, apart=apart
    )
    for in_nucleus, granule in ((True, within), (False, outside)):
        inside = np.full(len(three.table), in_nucleus)
        found = find_granules(three, five, pixel_size_um=0.1, a_inside=inside)
        for channel, mask in zip((three, five), found, strict=True):
            here = (channel.table.x_px < 60) & (channel.table.y_px < 60)
            assert here.sum() == 1
            assert mask.shape == here.shape
            assert mask[here].all() == granule
            assert mask.sum() == int(granule)


def test_granules_without_spots(draw, snr_height):
    three, _ = granule_pair(draw, snr_height, sigma_3p=SIGMA, sigma_5p=SIGMA)
    nothing = detect(draw(SHAPE))
    for a, b in ((three, nothing), (nothing, three), (nothing, nothing)):
        masks = find_granules(a, b, pixel_size_um=0.1, a_inside=np.zeros(len(a.table), bool))
        assert [len(m) for m in masks] == [len(a.table), len(b.table)]
        assert not any(m.any() for m in masks)


def test_noise_of_separate_exposures_is_independent():
    rng = np.random.default_rng(0)
    light = np.full((200, 220), 100.0)
    light[60:90, 50:70] = 400
    a, b = (rng.poisson(light).astype(np.uint16) for _ in range(2))
    assert abs(noise_correlation(a, b)) < 0.05
    assert noise_correlation(a, a) == pytest.approx(1.0)
    assert noise_correlation(a, (0.8 * a + rng.normal(0, 3, a.shape)).astype(np.float32)) > 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 40)])
def test_planes_without_noise_have_no_correlation(shape):
    plane = np.full(shape, 5, np.uint16)
    assert noise_correlation(plane, plane) == 0.0


def test_one_channel_used_twice_is_told_from_probes_of_equal_brightness():
    ratios = 0.8 + 0.02 * np.sin(np.arange(60))
    assert estimate_crosstalk(ratios, same_noise=0.9).inseparable
    assert not estimate_crosstalk(ratios, same_noise=0.0).inseparable
    spread = np.exp(np.linspace(-1.5, 0.5, 60))
    assert not estimate_crosstalk(spread, same_noise=0.9).inseparable
    assert not estimate_crosstalk(ratios, same_noise=0.9).applied


@pytest.mark.parametrize("share", [0.2, 0.3])
def test_bleed_strong_enough_to_be_found_as_spots_is_measured(channels, share):
    source, target, own, ghosts = channels(share)
    found = detect(target)
    assert count_near(found.table, ghosts) >= 15
    crosstalk = estimate_crosstalk(bleed_ratios(detect(source), found, target, pixel_size_um=0.1))
    assert crosstalk.share == pytest.approx(share, abs=0.03)
    cleaned = remove_crosstalk(found, detect(source), crosstalk, pixel_size_um=0.1)
    assert count_near(cleaned, ghosts) <= 1
    assert count_near(cleaned, own) == len(own)


def test_dim_partners_at_the_same_place_are_not_bleed(draw, scatter, snr_height):
    places = scatter(np.random.default_rng(5), SHAPE, 36, 22, margin=14)
    height = snr_height(150.0, SIGMA)
    source = detect(draw(SHAPE, [(*p, height, SIGMA) for p in places[:30]], seed=1))
    plane = draw(SHAPE, [(*p, 0.3 * height, SIGMA) for p in places], seed=2)
    assert not estimate_crosstalk(
        bleed_ratios(source, detect(plane), plane, pixel_size_um=0.1)
    ).applied
