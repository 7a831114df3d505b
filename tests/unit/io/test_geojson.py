"""Outlined areas from GeoJSON."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.errors import InputError
from alkfish.io.geojson import Area, Regions, find_self_crossing, read_regions

SQUARE = [[2, 3], [12, 3], [12, 8], [2, 8], [2, 3]]
HOLE = [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]


def feature(rings: list, name: str = "", kind: str = "Polygon", **properties: Any) -> dict:
    if name:
        properties["classification"] = {"name": name, "color": [255, 0, 0]}
    return {
        "type": "Feature",
        "id": "1",
        "geometry": {"type": kind, "coordinates": rings},
        "properties": {"objectType": "annotation", **properties},
    }


def collection(*features: dict) -> dict:
    return {"type": "FeatureCollection", "features": list(features)}


def saved(folder: Path, data: Any) -> Path:
    path = folder / "roi.geojson"
    path.write_text(json.dumps(data), "utf-8")
    return path


def test_qupath_counts_from_the_corner_of_the_first_pixel(tmp_path):
    regions = read_regions(saved(tmp_path, collection(feature([SQUARE]))))
    mask = regions.mask(0, 0, 10, 15)
    expected = np.zeros((10, 15), bool)
    expected[3:8, 2:12] = True
    np.testing.assert_array_equal(mask, expected)
    assert regions.contains([3, 7, 2, 8, 5], [2, 11, 2, 2, 12]).tolist() == [1, 1, 0, 0, 0]


def test_holes_are_outside(tmp_path):
    regions = read_regions(saved(tmp_path, collection(feature([SQUARE, HOLE]))))
    assert regions.mask(0, 0, 10, 15).sum() == 50 - 4
    assert regions.contains([5.0, 5.0], [5.0, 7.0]).tolist() == [False, True]


def test_all_shapes_of_files(tmp_path):
    one, many = feature([SQUARE]), feature([[SQUARE, HOLE]], kind="MultiPolygon")
    for data in (
        collection(one), [one], one, one["geometry"], many,
        {"type": "GeometryCollection", "geometries": [one["geometry"]]},
        collection(feature([2, 3], kind="Point"), one, feature([SQUARE], objectType="cell")),
    ):  # fmt: skip
        regions = read_regions(saved(tmp_path, data))
        assert len(regions.include) == 1
        assert regions.exclude == ()
        assert regions.contains([3.0], [3.0]).all()


def test_gzipped_and_with_a_byte_order_mark(tmp_path):
    text = json.dumps(collection(feature([SQUARE])))
    (tmp_path / "a.geojson.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "b.geojson").write_text(text, "utf-8-sig")
    for path in tmp_path.iterdir():
        assert len(read_regions(path).include) == 1


INNER = [[4, 4], [9, 4], [9, 7], [4, 7], [4, 4]]


@pytest.mark.parametrize("name", ["Ignore*", "ignore", "Necrosis", "Tumor: Necrosis", "EXCLUDE"])
def test_excluded_classes(tmp_path, name):
    path = saved(tmp_path, collection(feature([SQUARE], "Tumor"), feature([INNER], name)))
    regions = read_regions(path)
    assert [area.class_name for area in regions.include] == ["Tumor"]
    assert [area.class_name for area in regions.exclude] == [name]
    assert regions.mask(0, 0, 20, 20).sum() == 50 - 15
    assert regions.contains([5.0], [5.0]).tolist() == [False]


def test_only_excluded_areas_leave_the_rest_of_the_slide(tmp_path):
    regions = read_regions(saved(tmp_path, collection(feature([INNER], "Ignore*"))))
    assert regions.include == ()
    assert regions.mask(0, 0, 20, 20).sum() == 400 - 15
    assert regions.contains([0.0, 5.0], [0.0, 5.0]).tolist() == [True, False]


def test_named_classes(tmp_path):
    path = saved(
        tmp_path,
        collection(feature([SQUARE], "Tumor"), feature([INNER], "Stroma"), feature([HOLE])),
    )
    assert len(read_regions(path).include) == 3
    assert len(read_regions(path, include=["tumor"]).include) == 1
    both = read_regions(path, include=["Tumor"], exclude=["Stroma"])
    assert (len(both.include), len(both.exclude)) == (1, 1)
    with pytest.raises(InputError, match=r"(?s)of this class.*Tumour.*\(no class\), Stroma, Tumor"):
        read_regions(path, include=["Tumour"])


def test_a_class_can_be_taken_back_in(tmp_path):
    path = saved(tmp_path, collection(feature([INNER], "Necrosis")))
    assert len(read_regions(path, include=["Necrosis"]).include) == 1


def test_newer_qupath_writes_parts_of_classes(tmp_path):
    one = feature([SQUARE], classification={"names": ["Tumor", "Necrosis"]})
    regions = read_regions(saved(tmp_path, collection(one)))
    assert [area.class_name for area in regions.exclude] == ["Tumor: Necrosis"]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (collection(), "no outlined area"),
        (collection(feature([1, 2], kind="Point")), "no outlined area"),
        ({"type": "Topology"}, "not GeoJSON"),
        ([3], "not GeoJSON"),
        ("text", "not GeoJSON"),
        ({"type": "FeatureCollection"}, "without features"),
        (feature([[[1, 1], [2, 2]]]), "broken"),
        (feature([[[1, "a"], [2, 2], [3, 3]]]), "broken"),
        (feature([[[1, None], [2, 2], [3, 3]]]), "broken"),
        (feature([5]), "broken"),
        (feature([[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]]), "crosses itself"),
    ],
)
def test_broken_files(tmp_path, data, match):
    with pytest.raises(InputError, match=match):
        read_regions(saved(tmp_path, data))


def test_not_json_and_missing(tmp_path):
    (tmp_path / "a").write_text("<xml/>")
    (tmp_path / "b").write_bytes(gzip.compress(b"{}")[:9])
    for name in ("a", "b", "c"):
        with pytest.raises(InputError, match="cannot be read"):
            read_regions(tmp_path / name)


def test_areas_outside_the_slide(tmp_path):
    path = saved(tmp_path, collection(feature([SQUARE], "Tumor")))
    assert read_regions(path, shape=(8, 12)).include
    with pytest.raises(InputError, match=r"(?s)Tumor.*outside the slide.*columns 2 to 12.*0 to 6"):
        read_regions(path, shape=(8, 6))


def test_no_points_and_empty_masks():
    regions = Regions((Area("", (np.array([[0, 0], [0, 9], [9, 9], [0, 0]], float),)),))
    assert regions.contains([], []).shape == (0,)
    assert regions.mask(5000, 5000, 3, 4).tolist() == [[False] * 4] * 3


def test_regions_travel_and_have_a_checksum(tmp_path):
    regions = read_regions(saved(tmp_path, collection(feature([SQUARE, HOLE]))))
    other = pickle.loads(pickle.dumps(regions))  # noqa: S301 - our own bytes
    assert other.fingerprint() == regions.fingerprint()
    swapped = Regions(regions.exclude, regions.include)
    assert swapped.fingerprint() != regions.fingerprint()


def star(seed: int) -> Regions:
    """Return an irregular area with a hole, and an excluded one, none crossing itself."""
    rng = np.random.default_rng(seed)

    def ring(centre: float, low: float, high: float) -> np.ndarray:
        angle = np.sort(rng.uniform(0, 2 * np.pi, 30))
        radius = rng.uniform(low, high, 30)
        points = centre + np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
        return np.concatenate([points, points[:1]])

    inner = ring(50, 4, 9)
    return Regions((Area("", (ring(50, 20, 45), inner)),), (Area("", (ring(70, 3, 15),)),))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(0, 60))
def test_masks_points_and_windows_agree(seed, top, left):
    regions = star(seed)
    whole = regions.mask(0, 0, 100, 110)
    np.testing.assert_array_equal(
        regions.mask(top, left, 31, 40), whole[top : top + 31, left : left + 40]
    )
    y, x = (grid.ravel() for grid in np.indices(whole.shape))
    np.testing.assert_array_equal(regions.contains(y, x), whole.ravel())


def test_reduced_masks_judge_the_centres_of_their_pixels():
    regions = star(3)
    mask = regions.mask(16, 8, 10, 12, scale=8.0)
    y, x = 16 + (np.arange(10) + 0.5) * 8 - 0.5, 8 + (np.arange(12) + 0.5) * 8 - 0.5
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    np.testing.assert_array_equal(mask.ravel(), regions.contains(grid_y.ravel(), grid_x.ravel()))


def test_long_outlines_are_checked_and_touching_is_allowed():
    angle = np.linspace(0, 2 * np.pi, 3001)
    circle = 1e5 + 900 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    assert find_self_crossing(circle) is None
    twisted = circle.copy()
    twisted[[1000, 1003]] = twisted[[1003, 1000]]
    place = find_self_crossing(twisted)
    assert place is not None
    assert np.hypot(*(np.array(place) - circle[1001])) < 20
    eight = np.array([[0, 0], [2, 2], [4, 0], [4, 4], [2, 2], [0, 4], [0, 0]], float)
    assert find_self_crossing(eight) is None


@pytest.mark.parametrize(
    ("classes", "out", "words"),
    [
        (("Tumor",), (), "1 area (Tumor);"),
        (("Tumor", "Tumor"), ("Fold",), "2 areas (Tumor), without 1 (Fold);"),
        (("",), ("",), "1 area, without 1;"),
    ],
)
def test_regions_in_words(classes, out, words):
    square = np.array([[0, 0], [0, 9], [9, 9], [0, 0]], float)
    include, exclude = (tuple(Area(name, (square,)) for name in names) for names in (classes, out))
    assert f"count: {words}" in Regions(include, exclude).in_words()
