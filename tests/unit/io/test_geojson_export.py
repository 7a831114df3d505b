"""Nuclei as GeoJSON for QuPath."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alkfish.errors import BundleError
from alkfish.io.geojson import find_self_crossing, read_regions
from alkfish.io.geojson_export import (
    CLASS_COLOURS,
    NOT_SCORABLE,
    nucleus_features,
    outline_geometry,
)
from alkfish.model.signals import NucleusRecords


def signed_area(ring: list) -> float:
    x, y = np.array(ring).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def polygons(geometry: dict) -> list:
    many = geometry["type"] == "MultiPolygon"
    return geometry["coordinates"] if many else [geometry["coordinates"]]


def area(geometry: dict) -> float:
    return sum(signed_area(ring) for rings in polygons(geometry) for ring in rings)


def blob(shape: tuple[int, int], y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return ((rows - y) ** 2 + (columns - x) ** 2 <= radius**2).astype(np.uint8)


def test_a_square_is_outlined_along_its_edges():
    mask = np.zeros((9, 9), np.uint8)
    mask[2:6, 3:8] = 1
    geometry = outline_geometry(mask, 100, 200)
    assert geometry["type"] == "Polygon"
    (ring,) = geometry["coordinates"]
    assert ring[0] == ring[-1]
    assert {tuple(point) for point in ring} == {(203, 102), (208, 102), (208, 106), (203, 106)}
    assert signed_area(ring) == 20


def test_one_pixel():
    assert area(outline_geometry(np.ones((1, 1), np.uint8), 0, 0)) == 1


def test_round_nuclei_keep_their_area():
    mask = blob((200, 200), 100.3, 98.7, 60)
    geometry = outline_geometry(mask, 0, 0)
    assert area(geometry) == pytest.approx(mask.sum(), rel=0.02)
    assert len(geometry["coordinates"][0]) < 150


def test_holes_and_parts():
    mask = blob((120, 120), 60, 60, 50) - blob((120, 120), 60, 50, 12)
    mask[2:5, 2:9] = 1
    geometry = outline_geometry(mask, 0, 0)
    assert geometry["type"] == "MultiPolygon"
    assert sorted(len(rings) for rings in geometry["coordinates"]) == [1, 2]
    assert area(geometry) == pytest.approx(mask.sum(), rel=0.02)
    with_hole = max(geometry["coordinates"], key=len)
    assert signed_area(with_hole[0]) > 0 > signed_area(with_hole[1])


@settings(max_examples=150, deadline=None)
@given(hnp.arrays(np.uint8, (9, 8), elements=st.integers(0, 1)))
def test_outlines_are_valid_whatever_the_shape(mask):
    mask[4, 4] = 1
    for rings in polygons(outline_geometry(mask, 7, 5)):
        assert signed_area(rings[0]) > 0
        assert all(signed_area(hole) < 0 for hole in rings[1:])
        for ring in rings:
            assert ring[0] == ring[-1]
            assert len({tuple(point) for point in ring}) == len(ring) - 1 >= 3
            assert find_self_crossing(np.array(ring)) is None


def records(labels: np.ndarray, patterns: dict[int, str], size: float) -> NucleusRecords:
    ids = np.unique(labels[labels > 0])
    where = [np.nonzero(labels == number) for number in ids]
    known = {
        "fov": np.full(len(ids), "f", object),
        "nucleus_id": ids,
        "y_px": [y.mean() for y, _ in where],
        "x_px": [x.mean() for _, x in where],
        "area_um2": [len(y) * size**2 for y, _ in where],
        "scorable": [number in patterns for number in ids],
        "pattern": np.array([patterns.get(int(number), "") for number in ids], object),
        "flags": np.array(
            ["" if number in patterns else "border;clump" for number in ids], object
        ),
    }  # fmt: skip
    blank = {
        info.name: np.full(len(ids), "", object) if info.dtype == object else np.zeros(len(ids))
        for info in NucleusRecords.columns()
    }
    return NucleusRecords(**{**blank, **known})


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    image = np.zeros((600, 2500), np.int32)
    for number, (y, x, radius) in enumerate(
        [(80, 80, 40), (300, 2047, 50), (10, 2495, 30), (400, 700, 25)], start=1
    ):
        image[blob(image.shape, y, x, radius) > 0] = number
    image[500:504, 100:1600] = 9
    return image


def test_features_hold_what_qupath_reads(labels):
    nuclei = records(labels, {1: "SPLIT", 2: "FUSED"}, 0.1)
    features = {f["properties"]["metadata"]["nucleus_id"]: f
                for f in nucleus_features("case", nuclei, labels, 0.1)}  # fmt: skip
    assert sorted(features) == ["1", "2", "3", "4", "9"]
    first = features["1"]["properties"]
    assert first["objectType"] == "detection"
    assert first["classification"] == {"name": "SPLIT", "color": list(CLASS_COLOURS["SPLIT"])}
    assert first["measurements"]["area_um2"] == pytest.approx((labels == 1).sum() * 0.01)
    assert first["measurements"]["dapi_mean (counts)"] == 0
    assert features["3"]["properties"]["classification"]["name"] == NOT_SCORABLE
    assert features["3"]["properties"]["metadata"]["flags"] == "border;clump"
    for number, one in features.items():
        assert area(one["geometry"]) == pytest.approx((labels == int(number)).sum(), rel=0.05)


def test_ids_are_stable_and_depend_on_the_case(labels):
    nuclei = records(labels, {}, 0.1)
    ids = [[f["id"] for f in nucleus_features(case, nuclei, labels, 0.1)] for case in "aab"]
    assert ids[0] == ids[1]
    assert len(set(ids[0] + ids[2])) == 2 * len(nuclei)


def test_outlines_read_back_as_regions(labels, tmp_path):
    nuclei = records(labels, {}, 0.1)
    features = list(nucleus_features("c", nuclei, labels, 0.1))
    for feature in features:
        feature["properties"]["objectType"] = "annotation"
    path = tmp_path / "n.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    mask = read_regions(path, shape=labels.shape).mask(0, 0, *labels.shape)
    assert (mask != (labels > 0)).sum() < 0.02 * (labels > 0).sum()
    assert read_regions(path).contains(nuclei.y_px, nuclei.x_px).all()


def test_a_nucleus_without_pixels_is_an_error(labels):
    nuclei = records(labels, {}, 0.1)
    with pytest.raises(BundleError, match="nucleus 1"):
        list(nucleus_features("c", nuclei, np.zeros_like(labels), 0.1))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_json_lacks_are_refused(labels, value):
    nuclei = records(labels, {}, 0.1)
    solidity = nuclei.solidity.copy()
    solidity[1] = value
    with pytest.raises(BundleError, match="column solidity: a measurement is not finite"):
        list(nucleus_features("c", replace(nuclei, solidity=solidity), labels, 0.1))


def test_no_nuclei(labels):
    assert list(nucleus_features("c", NucleusRecords.empty(), labels, 0.1)) == []
