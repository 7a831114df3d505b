"""Channel names and pixel sizes in metadata."""

from __future__ import annotations

import pytest

from alkfish.io._metadata import imagej_names, imagej_size, pixel_size, resolution_size


@pytest.mark.parametrize(
    "info",
    [
        "Channel 1: DAPI\nChannel 2: TRITC\nChannel 3: FITC",
        "BitsPerPixel = 16\n Channel 0 Name = DAPI\n Channel 1 Name = TRITC\nChannel 2 Name = FITC",
        "Name #1 = DAPI\nName #2 = TRITC\nName #3 = FITC\nExposure #1 = 500",
        "Information|Image|Channel|Name #1 = DAPI\nInformation|Image|Channel|Name #2 = TRITC\n"
        "Information|Image|Channel|Name #3 = FITC",
    ],
)
def test_names_in_info_text(info: str) -> None:
    assert imagej_names({"Info": info}, 3) == ("DAPI", "TRITC", "FITC")


@pytest.mark.parametrize(
    "info",
    [
        "", "Channel 1: DAPI\nChannel 2: TRITC", "Channel 1: DAPI\nChannel 3: a\nChannel 4: b",
        "Channel 1: DAPI\nChannel 1: FITC\nChannel 2: a\nChannel 3: b", "Channels = 3",
        "Channel 1 exposure = 500\nChannel 2 exposure = 500\nChannel 3 exposure = 500",
    ],
)  # fmt: skip
def test_no_names_in_info_text(info: str) -> None:
    assert imagej_names({"Info": info}, 3) == ("", "", "")


def test_slice_labels_win_if_each_channel_has_its_own() -> None:
    assert imagej_names({"Labels": ["c:1/2 - DAPI", "c:2/2 - FITC"]}, 2) == ("DAPI", "FITC")
    assert imagej_names({"Labels": ["a.tif", "a.tif"]}, 2) == ("", "")
    assert imagej_names({"Labels": ["a", ""]}, 2) == ("", "")
    assert imagej_names({"Labels": "DAPI"}, 1) == ("",)


def test_display_colours_are_no_names() -> None:
    assert imagej_names({"LUTs": ["red", "green", "blue"]}, 3) == ("", "", "")


@pytest.mark.parametrize(
    ("width", "unit", "reason"),
    [(0.0, "µm", "no size"), (-1.0, "µm", "no size"), (float("nan"), "µm", "no size"),
     (float("inf"), "µm", "no size"), (1.0, "pixel", "no length"), (1.0, "", "no length")],
)  # fmt: skip
def test_sizes_that_are_none(width: float, unit: str, reason: str) -> None:
    size = pixel_size(width, width, unit, source="X")
    assert size.um == 0.0
    assert reason in size.source


def test_imagej_without_resolution() -> None:
    assert imagej_size({"unit": "um"}, 0.0, 0.0).um == 0.0
    assert imagej_size({}, 10.0, 10.0).um == 0.0


def test_imagej_units_of_both_sides() -> None:
    size = imagej_size({"unit": "um", "yunit": "nm"}, 10.0, 0.01)
    assert size.um == pytest.approx(0.1)
    assert size.square


@pytest.mark.parametrize(
    ("x", "um"), [(1e5, 0.1), (5e5, 0.02), (28.3, 0.0), (0.0, 0.0), (1e9, 0.0)]
)
def test_resolution(x: float, um: float) -> None:
    assert resolution_size(x, x).um == pytest.approx(um)
