"""Measurements against an independent implementation and against drawn shapes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops

from alkfish.errors import InputError
from alkfish.segment import measure_nuclei


def disc(size=120, radius=30, centre=(60, 60)):
    rows, columns = np.mgrid[:size, :size]
    inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
    return inside.astype(np.int32)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_sums_and_hulls_agree_with_scikit_image(seed):
    rng = np.random.default_rng(seed)
    blobs = cv2.GaussianBlur(rng.normal(size=(48, 56)), (0, 0), 3.0)
    mask = (blobs > 0.05).astype(np.uint8)
    labels = cv2.connectedComponents(mask, connectivity=4)[1].astype(np.int32)
    dapi = rng.integers(0, 4000, labels.shape).astype(np.uint16)
    table = measure_nuclei(labels, dapi, pixel_size_um=0.5)
    regions = list(regionprops(labels))
    assert table.nucleus_id.tolist() == [r.label for r in regions]
    np.testing.assert_allclose(table.area_um2, [r.area * 0.25 for r in regions])
    np.testing.assert_allclose(table.y_px, [r.centroid[0] for r in regions])
    np.testing.assert_allclose(table.x_px, [r.centroid[1] for r in regions])
    for solidity, region in zip(table.solidity, regions, strict=True):
        if region.area > 60:  # the oracle rounds its hull to pixels
            assert solidity == pytest.approx(region.solidity, abs=0.06)


def test_solidity_of_convex_and_lobed_shapes():
    labels = disc()
    lobed = disc(centre=(60, 30), radius=25) | disc(centre=(60, 88), radius=25)
    dapi = np.zeros(labels.shape, np.uint16)
    assert measure_nuclei(labels, dapi, pixel_size_um=1.0).solidity[0] > 0.975
    assert measure_nuclei(lobed, dapi, pixel_size_um=1.0).solidity[0] < 0.93
    square = np.zeros((20, 20), np.int32)
    square[4:12, 5:17] = 7
    assert measure_nuclei(square, dapi[:20, :20], pixel_size_um=1.0).solidity[0] == 1.0


def test_mean_is_over_the_local_background():
    labels = disc()
    dapi = (500 + 300 * labels).astype(np.uint16)
    table = measure_nuclei(labels, dapi, pixel_size_um=0.2)
    assert table.dapi_mean[0] == pytest.approx(300, abs=1)


@pytest.mark.parametrize("pixel_size_um", [0.1, 0.2])
def test_focus_falls_with_blur(pixel_size_um):
    labels = disc(size=160, centre=(80, 80), radius=40)
    scores = []
    for sigma_um in (0.1, 0.6, 1.2, 2.0):
        dapi = cv2.GaussianBlur(
            (100 + 900 * labels).astype(np.float32), (0, 0), sigma_um / pixel_size_um
        )
        scores.append(measure_nuclei(labels, dapi, pixel_size_um=pixel_size_um).focus[0])
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.85
    assert scores[-1] < 0.3


def test_saturation_is_the_share_of_clipped_pixels():
    labels = disc()
    dapi = np.full(labels.shape, 60, np.uint8)
    dapi[:60] = 255
    share = measure_nuclei(labels, dapi, pixel_size_um=0.2).saturated[0]
    assert share == pytest.approx((labels[:60] > 0).sum() / labels.sum())


def test_float_pictures_have_no_ceiling():
    labels = disc()
    dapi = np.full(labels.shape, 65535, np.float32)
    assert measure_nuclei(labels, dapi, pixel_size_um=0.2).saturated[0] == 0


def test_missing_ids_make_no_rows():
    labels = disc() * 5
    labels[:10, :10] = 2
    table = measure_nuclei(labels, np.zeros(labels.shape, np.uint8), pixel_size_um=0.2)
    assert table.nucleus_id.tolist() == [2, 5]


def test_flat_picture_gives_finite_numbers():
    labels = disc()
    table = measure_nuclei(labels, np.zeros(labels.shape, np.uint16), pixel_size_um=0.2)
    for info in table.columns():
        assert np.isfinite(getattr(table, info.name)).all()


@pytest.mark.parametrize("shape", [(0, 0), (5, 7)])
def test_no_nuclei_is_an_empty_table(shape):
    labels = np.zeros(shape, np.int32)
    assert len(measure_nuclei(labels, np.zeros(shape, np.uint16), pixel_size_um=0.2)) == 0


def test_shapes_must_agree():
    with pytest.raises(InputError, match="same shape"):
        measure_nuclei(np.zeros((4, 4), np.int32), np.zeros((4, 5), np.uint8), pixel_size_um=0.2)
