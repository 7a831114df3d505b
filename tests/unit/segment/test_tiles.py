"""Parts of a slide: what is found in one does not depend on where its edges lie."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from alkfish.segment import find_nuclei, halo_px, measure_dapi
from alkfish.segment.working import grid_px

PIXEL_UM = 0.4
SIDE = 1024


def scatter(seed=3):
    """Return a picture of crowded nuclei of many sizes on uneven ground."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((SIDE, SIDE), np.float32)
    for y, x in np.argwhere(np.ones((29, 29))) * 35 + 20:
        place = (int(x + rng.integers(-9, 10)), int(y + rng.integers(-9, 10)))
        axes = tuple(int(side) for side in rng.integers(10, 15, 2))
        tilt, height = float(rng.uniform(0, 180)), float(rng.uniform(300, 900))
        if rng.random() < 0.75:
            cv2.ellipse(picture, place, axes, tilt, 0, 360, height, cv2.FILLED)
    ground = 300 + 100 * np.sin(np.arange(SIDE) / 90)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.0) + ground
    return rng.poisson(picture).astype(np.uint16)


@pytest.fixture(scope="module")
def slide():
    return scatter()


@pytest.fixture(scope="module")
def levels(slide):
    samples = [slide[:512, :512], slide[512:, 512:]]
    return measure_dapi(samples, pixel_size_um=PIXEL_UM)


def rows_of(nuclei, origin=(0, 0)):
    """Return place and measurements of each nucleus in the slide, in order of the places."""
    table = nuclei.table
    rows = np.stack(
        [
            table.y_px + origin[0], table.x_px + origin[1], table.area_um2, table.solidity,
            table.dapi_mean, table.focus, table.saturated, table.flags,
        ],
        axis=1,
    )  # fmt: skip
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def owned(rows, top, left, side):
    y, x = rows[:, 0], rows[:, 1]
    inside = (y >= top) & (y < top + side) & (x >= left) & (x < left + side)
    return rows[inside]


def same(first, second):
    """Count the rows of `first` that `second` has too, to a ten-thousandth."""
    if len(second) == 0:
        return 0
    apart = np.abs(first[:, None, :2] - second[None, :, :2]).max(axis=2)
    near = second[apart.argmin(axis=1)]
    return int(np.isclose(first, near, rtol=1e-4, atol=1e-4).all(axis=1).sum())


def test_levels_find_what_the_picture_alone_finds(slide, levels):
    alone = find_nuclei(slide, pixel_size_um=PIXEL_UM)
    shared = find_nuclei(slide, pixel_size_um=PIXEL_UM, levels=levels)
    assert len(alone.table) > 500
    assert abs(len(alone.table) - len(shared.table)) <= 0.02 * len(alone.table)


@pytest.mark.parametrize("origin", [(0, 0), (64, 128), (7, 13), (101, 0)])
def test_what_is_found_does_not_depend_on_where_the_part_begins(slide, levels, origin):
    halo = halo_px(PIXEL_UM, levels=levels)
    whole = rows_of(find_nuclei(slide, pixel_size_um=PIXEL_UM, levels=levels))
    part = find_nuclei(
        slide[origin[0] :, origin[1] :], pixel_size_um=PIXEL_UM, levels=levels, origin_px=origin
    )
    top, left = (start + halo for start in origin)
    expected = owned(whole, top, left, SIDE)
    found = owned(rows_of(part, origin), top, left, SIDE)
    assert len(expected) > 100
    assert same(expected, found) >= 0.99 * len(expected)
    assert abs(len(found) - len(expected)) <= 1


@pytest.mark.parametrize("core", [256, 512])
def test_nothing_is_lost_or_doubled_with_a_modest_halo(slide, levels, core):
    halo = 128
    whole = rows_of(find_nuclei(slide, pixel_size_um=PIXEL_UM, levels=levels))
    found = []
    for top in range(0, SIDE, core):
        for left in range(0, SIDE, core):
            y, x = max(0, top - halo), max(0, left - halo)
            window = slide[y : top + core + halo, x : left + core + halo]
            part = find_nuclei(window, pixel_size_um=PIXEL_UM, levels=levels, origin_px=(y, x))
            found.append(owned(rows_of(part, (y, x)), top, left, core))
    places = np.concatenate(found)[:, :2]
    apart = np.linalg.norm(whole[:, None, :2] - places[None], axis=2)
    assert (apart.min(axis=1) > 3).sum() <= 0.01 * len(whole)
    assert (apart.min(axis=0) > 3).sum() <= 0.01 * len(whole)


def test_samples_without_nuclei_find_none():
    noise = np.random.default_rng(1).poisson(200, (300, 300)).astype(np.uint16)
    levels = measure_dapi([noise, np.zeros((50, 50), np.uint16)], pixel_size_um=PIXEL_UM)
    assert levels.cut == math.inf
    assert len(find_nuclei(scatter(), pixel_size_um=PIXEL_UM, levels=levels).table) == 0


def test_no_samples_at_all_find_none():
    assert measure_dapi([], pixel_size_um=PIXEL_UM).cut == math.inf


def test_empty_samples_do_not_change_the_levels(slide, levels):
    samples = [slide[:512, :512], np.zeros((80, 80), np.uint16), slide[512:, 512:]]
    assert measure_dapi(samples, pixel_size_um=PIXEL_UM) == levels


@pytest.mark.parametrize("shape", [(300, 300), (1, 40), (3, 3)])
def test_an_empty_part_of_a_slide_has_no_nuclei(levels, shape):
    empty = np.full(shape, 300, np.uint16)
    nuclei = find_nuclei(empty, pixel_size_um=PIXEL_UM, levels=levels, origin_px=(5, 9))
    assert nuclei.labels.shape == shape
    assert len(nuclei.table) == 0


@pytest.mark.parametrize("diam_px", [15.0, 27.0, 68.0, 110.0, 170.0])
def test_grids_are_of_whole_pixels(diam_px):
    assert 1 <= grid_px(diam_px) <= 64


def test_the_halo_grows_with_the_resolution():
    assert halo_px(0.1) > halo_px(0.2) > halo_px(0.4) > 0
