"""Spots of focus stacks: found, placed in depth, and told apart along the axis."""

import numpy as np
import pytest

from alkfish.detect import detect_spots, detect_stack

PIXEL_UM, STEP_UM = 0.1, 0.4
SIGMA_UM, SLOPE = 0.26, 0.45


def make_stack(spots, *, n_planes=16, shape=(128, 128), noise=8.0, seed=0, dtype=np.uint16):
    """Return a wide-field stack: spots (y px, x px, z um, height, sigma um) that keep their light.

    The sigma may be left out.
    """
    rng = np.random.default_rng(seed)
    stack = 200.0 + noise * rng.standard_normal((n_planes, *shape))
    y, x = np.ogrid[: shape[0], : shape[1]]
    for at_y, at_x, at_z, height, *rest in spots:
        own = rest[0] if rest else SIGMA_UM
        for k in range(n_planes):
            sigma = np.hypot(own, SLOPE * (k * STEP_UM - at_z)) / PIXEL_UM
            light = height * (own / PIXEL_UM / sigma) ** 2
            stack[k] += light * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * sigma**2))
    return np.clip(np.rint(stack), 0, 65535).astype(dtype)


def spots_of(stack, step=STEP_UM):
    return detect_stack(stack, pixel_size_um=PIXEL_UM, z_step_um=step).channel.table


@pytest.fixture(scope="module")
def scattered():
    """Twenty spots on a grid at random depths, and their stack."""
    rng = np.random.default_rng(3)
    places = [(12 + 25 * i, 12 + 25 * j) for i in range(5) for j in range(5)][:20]
    spots = [
        (y + rng.uniform(-1, 1), x + rng.uniform(-1, 1), rng.uniform(0.8, 5.2), 300.0)
        for y, x in places
    ]
    return spots, make_stack(spots)


def test_every_spot_is_found_and_placed(scattered):
    spots, stack = scattered
    table = spots_of(stack)
    assert len(table) == len(spots)
    for y, x, z, _ in spots:
        row = np.hypot(table.y_px - y, table.x_px - x).argmin()
        assert np.hypot(table.y_px[row] - y, table.x_px[row] - x) < 0.3
        assert abs(table.z_um[row] - z) < 0.12
        assert table.diameter_um[row] == pytest.approx(SIGMA_UM * 2.355, rel=0.15)


def test_error_of_depth_covers_the_scatter(scattered):
    spots, stack = scattered
    table = spots_of(stack)
    nearest = [np.hypot(table.y_px - y, table.x_px - x).argmin() for y, x, *_ in spots]
    off = table.z_um[nearest] - [z for _, _, z, _ in spots]
    assert (np.abs(off) < 3 * table.z_error_um[nearest]).all()
    assert (table.z_error_um < 0.3).all()


def test_flipping_depth_changes_depths_only(scattered):
    _, stack = scattered
    table, flipped = spots_of(stack), spots_of(stack[::-1].copy())
    np.testing.assert_allclose(flipped.y_px, table.y_px, atol=1e-3)
    np.testing.assert_allclose(flipped.z_um, 15 * STEP_UM - table.z_um, atol=1e-6)
    np.testing.assert_allclose(flipped.diameter_um, table.diameter_um, rtol=1e-3)


def test_gain_changes_nothing_but_counts(scattered):
    _, stack = scattered
    table, brighter = spots_of(stack), spots_of(stack * np.uint16(4))
    assert len(brighter) == len(table)
    np.testing.assert_allclose(brighter.z_um, table.z_um, atol=0.02)
    np.testing.assert_allclose(brighter.amplitude, 4 * table.amplitude, rtol=0.02)


def test_empty_planes_move_depths_only(scattered):
    _, stack = scattered
    empty = np.zeros((3, *stack.shape[1:]), stack.dtype)
    table, padded = spots_of(stack), spots_of(np.concatenate([empty, stack, empty]))
    np.testing.assert_array_equal(padded.y_px, table.y_px)
    np.testing.assert_allclose(padded.z_um, table.z_um + 3 * STEP_UM, atol=1e-9)


def test_planes_out_of_focus_do_not_hurt():
    rng = np.random.default_rng(8)
    spots = [(20 + 22 * i, 20 + 22 * j, rng.uniform(3.0, 6.0), 250.0)
             for i in range(5) for j in range(5)]  # fmt: skip
    long, short = make_stack(spots, n_planes=24), make_stack(spots, n_planes=24)[5:18]
    table, less = spots_of(long), spots_of(short)
    assert len(table) == len(less) == len(spots)
    for y, x, z, _ in spots:
        row, same = (np.hypot(t.y_px - y, t.x_px - x).argmin() for t in (table, less))
        assert table.z_um[row] == pytest.approx(less.z_um[same] + 5 * STEP_UM, abs=0.1)
        assert table.z_um[row] == pytest.approx(z, abs=0.15)


@pytest.mark.parametrize("apart", [2.0, 3.0])
def test_two_spots_at_one_place_in_different_planes_are_two(apart):
    others = [(20, 20 + 22 * j, 2.5, 300.0) for j in range(5)]
    others += [(108, 20 + 22 * j, 3.5, 300.0) for j in range(5)]
    pair = [(64.0, 64.0, 3 - apart / 2, 300.0), (64.0, 64.0, 3 + apart / 2, 300.0)]
    table = spots_of(make_stack([*others, *pair]))
    here = np.hypot(table.y_px - 64, table.x_px - 64) < 3
    assert here.sum() == 2
    assert np.ptp(table.z_um[here]) == pytest.approx(apart, abs=0.3)


def test_one_spot_is_never_two(scattered):
    spots, _ = scattered
    for seed in range(3):
        assert len(spots_of(make_stack(spots, seed=seed, noise=25.0))) <= len(spots)


def test_texture_that_all_planes_share_is_no_spot():
    spots = [(20 + 22 * i, 20 + 22 * j, 3.0, 300.0) for i in range(5) for j in range(4)]
    y, x = np.ogrid[:128, :128]
    texture = sum(
        120 * np.exp(-((y - at_y) ** 2 + (x - 112.0) ** 2) / (2 * 2.6**2))
        for at_y in (31, 53, 75, 97)
    )
    stack = (make_stack(spots) + texture).astype(np.float32)
    assert len(detect_spots(stack.max(axis=0), pixel_size_um=PIXEL_UM)) == 24
    table = spots_of(stack)
    assert len(table) == 20
    assert (table.x_px < 105).all()


def test_grains_wider_and_longer_than_spots_are_debris():
    spots = [(20 + 22 * i, 20 + 22 * j, 3.0, 300.0) for i in range(5) for j in range(4)]
    grains = [(y, 112.0, 3.0, 200.0, 0.42) for y in (31, 64, 97)]
    stack = make_stack([*spots, *grains])
    assert len(detect_spots(stack.max(axis=0), pixel_size_um=PIXEL_UM)) == 23
    table = spots_of(stack)
    assert len(table) == 20
    assert (table.x_px < 105).all()


def test_a_doublet_is_wide_but_not_long_and_stays():
    spots = [(20 + 22 * i, 20 + 22 * j, 3.0, 300.0) for i in range(5) for j in range(4)]
    doublet = [(64.0, 112.0 + dx, 3.0, 300.0) for dx in (-2.6, 2.6)]
    table = spots_of(make_stack([*spots, *doublet]))
    assert ((table.x_px > 105) & (np.abs(table.y_px - 64) < 3)).any()


def test_noise_and_constants_hold_nothing():
    assert len(spots_of(make_stack([]))) == 0
    assert len(spots_of(np.full((4, 64, 64), 100, np.uint16))) == 0


def test_two_planes_are_enough_to_run(scattered):
    spots, stack = scattered
    table = spots_of(stack[[4, 10]], step=2.4)
    assert 0 < len(table) <= len(spots)
    assert np.isfinite(table.z_um).all()
    assert (table.z_error_um > 0).all()


def test_the_stack_is_left_alone(scattered):
    _, stack = scattered
    before = stack.copy()
    spots_of(stack)
    np.testing.assert_array_equal(stack, before)
