"""Segmentation: what must not matter, what must be found, and what must not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from alkfish.config import SegmentConfig
from alkfish.errors import InputError
from alkfish.segment import segment_nuclei

PIXEL_UM = 0.25
RADIUS = 22.0
DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def draw(centres, *, size=256, radius=RADIUS, heights=None, noise=4.0, background=100.0, seed=1):
    """Return a picture of blurred discs on a noisy background, and the mask of each disc."""
    rows, columns = np.mgrid[:size, :size]
    picture = np.full((size, size), float(background))
    masks = []
    for k, (y, x) in enumerate(centres):
        masks.append((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)
        picture[masks[-1]] += 600.0 if heights is None else heights[k]
    picture = cv2.GaussianBlur(picture, (0, 0), 1.2)
    picture += np.random.default_rng(seed).normal(0, noise, picture.shape)
    return picture.astype(np.float32), masks


APART = [(60, 60), (60, 180), (180, 70), (190, 190)]


def matched(labels, masks, least=0.8):
    """Count the masks that one label covers with an IoU of at least `least`."""
    count = 0
    for mask in masks:
        ids = np.bincount(labels[mask])
        best = int(ids[1:].argmax()) + 1 if ids[1:].any() else -1
        region = labels == best
        count += (region & mask).sum() >= least * (region | mask).sum()
    return count


def agree(first, second):
    """Return whether two label images show the same nuclei, but for few pixels at outlines."""
    if first.max() != second.max():
        return False
    masks = [first == k for k in range(1, first.max() + 1)]
    return matched(second, masks, 0.9) == len(masks)


@pytest.mark.parametrize("pixel_size_um", [PIXEL_UM, None])
def test_finds_nuclei_with_their_outlines(pixel_size_um):
    picture, masks = draw(APART)
    labels = segment_nuclei(picture, pixel_size_um=pixel_size_um)
    assert labels.dtype == np.int32
    assert labels.shape == picture.shape
    assert labels.max() == 4
    assert matched(labels, masks, 0.85) == 4


def test_labels_are_consecutive():
    labels = segment_nuclei(draw(APART)[0], pixel_size_um=PIXEL_UM)
    assert np.unique(labels).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_accepts_raw_counts_of_any_depth(dtype):
    picture, masks = draw(APART, heights=[120] * 4, background=20, noise=2)
    labels = segment_nuclei(picture.clip(0, 255).astype(dtype), pixel_size_um=PIXEL_UM)
    assert matched(labels, masks) == 4


@pytest.mark.parametrize("distance", [1.7, 2.0])
def test_separates_touching_nuclei(distance):
    centres = [(128, 128 - RADIUS * distance / 2), (128, 128 + RADIUS * distance / 2)]
    picture, _ = draw(centres)
    labels = segment_nuclei(picture, pixel_size_um=PIXEL_UM)
    assert labels.max() == 2
    assert labels[128, 105] != labels[128, 151]


def test_keeps_a_dim_nucleus_beside_a_bright_one():
    picture, masks = draw([(128, 90), (128, 150)], heights=[1500, 300])
    assert matched(segment_nuclei(picture, pixel_size_um=PIXEL_UM), masks) == 2


def test_does_not_divide_a_textured_nucleus():
    picture, masks = draw([(128, 128)], radius=26.0, noise=0)
    grain = cv2.GaussianBlur(np.random.default_rng(3).normal(size=(256, 256)), (0, 0), 3.0)
    picture[masks[0]] += (100 * grain / grain.std())[masks[0]]
    picture += np.random.default_rng(4).normal(0, 4, picture.shape)
    assert segment_nuclei(picture.astype(np.float32), pixel_size_um=PIXEL_UM).max() == 1


def test_uneven_background_changes_nothing():
    picture, masks = draw(APART)
    rows, columns = np.mgrid[:256, :256]
    tilted = (picture + rows + 0.5 * columns).astype(np.float32)
    labels = segment_nuclei(tilted, pixel_size_um=PIXEL_UM)
    assert matched(labels, masks) == 4
    assert labels.max() == 4


@pytest.mark.parametrize("pixel_size_um", [PIXEL_UM, 0.1])
@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0.0), (7.0, 0.0), (1.0, 3000.0), (3.0, -50.0)])
def test_gain_and_offset_change_nothing(gain, offset, pixel_size_um):
    picture, _ = draw(APART)
    plain = segment_nuclei(picture, pixel_size_um=pixel_size_um)
    changed = segment_nuclei(
        picture * np.float32(gain) + np.float32(offset), pixel_size_um=pixel_size_um
    )
    assert agree(plain, changed)


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_turns_and_flips_change_nothing(turns, mirror):
    picture, _ = draw([*APART, (120, 128), (120, 168)])
    plain = segment_nuclei(picture, pixel_size_um=PIXEL_UM)

    def turn(array):
        return np.ascontiguousarray(np.rot90(array[::-1] if mirror else array, turns))

    assert plain.max() == 6
    assert agree(turn(plain), segment_nuclei(turn(picture), pixel_size_um=PIXEL_UM))


def test_padding_changes_nothing():
    picture, _ = draw(APART)
    plain = segment_nuclei(picture, pixel_size_um=PIXEL_UM)
    noise = np.random.default_rng(5).normal(100, 4, (340, 330)).astype(np.float32)
    noise[40:296, 30:286] = picture
    padded = segment_nuclei(noise, pixel_size_um=PIXEL_UM)
    assert agree(plain, np.ascontiguousarray(padded[40:296, 30:286]))


def empty_pictures():
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:300, :300].astype(np.float32)
    vignette = 800 * np.exp(-((rows - 150) ** 2 + (columns - 150) ** 2) / 200**2) + 50
    return {
        "black": np.zeros((300, 300), np.uint16),
        "constant": np.full((300, 300), 700, np.uint16),
        "shot noise": rng.poisson(200, (300, 300)).astype(np.uint16),
        "8-bit noise": rng.normal(20, 3, (300, 300)).clip(0, 255).astype(np.uint8),
        "single photons": rng.poisson(1, (300, 300)).astype(np.uint16),
        "correlated noise": cv2.GaussianBlur(rng.normal(300, 10, (300, 300)), (0, 0), 2).astype(
            "f4"
        ),
        "ramp": rows * 3 + columns,
        "noisy ramp": rng.poisson(200 + rows).astype(np.uint16),
        "vignette": rng.poisson(vignette).astype(np.uint16),
        "one row": np.arange(300, dtype=np.uint16)[None],
        "one pixel": np.ones((1, 1), np.uint8),
        "no pixel": np.zeros((0, 5), np.uint8),
    }


@pytest.mark.parametrize("name", empty_pictures())
def test_finds_nothing_where_nothing_is(name):
    picture = empty_pictures()[name]
    labels = segment_nuclei(picture, pixel_size_um=0.2)
    assert labels.shape == picture.shape
    assert labels.dtype == np.int32
    assert not labels.any()


@pytest.mark.parametrize("name", ["black", "constant", "shot noise", "8-bit noise", "noisy ramp"])
def test_finds_nothing_without_a_pixel_size_either(name):
    assert not segment_nuclei(empty_pictures()[name], pixel_size_um=None).any()


def test_input_is_left_alone():
    picture, _ = draw(APART)
    before = picture.copy()
    segment_nuclei(picture, pixel_size_um=PIXEL_UM)
    np.testing.assert_array_equal(picture, before)


def test_same_picture_gives_same_labels():
    picture, _ = draw(APART)
    first = segment_nuclei(picture, pixel_size_um=PIXEL_UM)
    np.testing.assert_array_equal(first, segment_nuclei(picture, pixel_size_um=PIXEL_UM))


def test_nucleus_width_is_a_setting():
    picture, masks = draw(APART, radius=20.0)
    config = SegmentConfig(nucleus_diam_um=4.0)
    labels = segment_nuclei(picture, pixel_size_um=0.1, config=config)
    assert matched(labels, masks) == 4


def test_stack_is_refused():
    with pytest.raises(InputError, match="must be 2-D"):
        segment_nuclei(np.zeros((3, 8, 8), np.uint8), pixel_size_um=0.2)


@pytest.mark.skipif(not DATA.exists(), reason="the real pictures are not here")
def test_real_fish_field_has_its_isolated_nuclei():
    import tifffile

    path = DATA / "fish" / "mycn_neuroblastoma_rgb.tif"
    blue = np.ascontiguousarray(tifffile.imread(path)[..., 2])
    labels = segment_nuclei(blue, pixel_size_um=0.13)
    widths = 2 * np.sqrt(np.bincount(labels.ravel())[1:] / np.pi)
    assert 50 <= len(widths) <= 130
    assert 50 <= np.median(widths) <= 85


def test_outline_of_a_dim_nucleus_is_not_cut_short_by_a_bright_one():
    # A reference at the same place, alone in its picture.
    alone, _ = draw([(128, 150)], heights=[400])
    beside, _ = draw([(128, 95), (128, 150)], heights=[2000, 400])
    areas = []
    for picture in (alone, beside):
        labels = segment_nuclei(picture, pixel_size_um=PIXEL_UM)
        areas.append((labels == labels[128, 150]).sum())
    assert areas[1] > 0.85 * areas[0]


def test_large_picture_without_a_pixel_size():
    picture, masks = draw([(y * 3, x * 3) for y, x in APART], size=1300, radius=60.0)
    assert matched(segment_nuclei(picture, pixel_size_um=None), masks, 0.85) == 4
