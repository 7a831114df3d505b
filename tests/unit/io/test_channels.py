"""Roles of channels."""

from __future__ import annotations

import pytest

from alkfish.errors import ChannelError
from alkfish.io.channels import (
    assign_roles,
    find_roles,
    parse_channels,
    role_of,
    split_channel_name,
    split_channel_number,
)

NAMES = {
    "dapi": [
        "DAPI", "dapi", "Dapi (405)", "DAPI-1160B", "Hoechst", "Hoechst 33342", "HOECHST33258",
        "SYTO 13", "SYTOX Green", "DRAQ5", "Blue", "c:1/3 - DAPI", "DAPI/Hoechst",
    ],
    "red": [
        "SpectrumOrange", "Spectrum Orange", "SPECTRUMORANGE", "spectrum-orange", "Spectrum_Red",
        "TRITC", "tritc 500ms", "Cy3", "CY-3", "cy 3", "Cy3.5", "Texas Red", "TexasRed", "TxRed",
        "TEXAS-RED", "Rhodamine", "AF546", "Alexa Fluor 555", "AlexaFluor568", "Alexa 594",
        "AF-594",         "Orange", "red", "5-TAMRA", "ZyOrange", "mCherry", "RFP", "Atto 550",
    ],
    "green": [
        "SpectrumGreen", "Spectrum Green", "SPECTRUM GREEN", "FITC", "FITC-3540C", "AF488",
        "Alexa Fluor® 488", "alexa488", "GFP", "EGFP", "Green", "ZyGreen", "Cy2",
    ],
    "": [
        "", "Cy5", "far red", "FarRed", "Infrared", "near-infrared", "redshift", "Greenwich",
        "Spectrum Aqua", "SpectrumGold", "AF647", "Alexa Fluor 405", "channel 1", "488", "561 nm",
        "brightfield", "C0", "covered", "redox", "bluetooth", "FITC/TRITC", "Red Green", "Cy55",
        "DAPI FITC", "µ", "Cyto3",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for role, names in NAMES.items() for name in names]
)
def test_vocabulary(name: str, role: str) -> None:
    assert role_of(name) == role


def test_assign_by_name() -> None:
    assert assign_roles(["FITC", "Cy5", "TRITC", "DAPI"]) == {"dapi": 3, "red": 2, "green": 0}


def test_find_roles_keeps_doubtful_ones() -> None:
    assert find_roles(["Cy3", "Texas Red", "x"]) == {"dapi": [], "red": [0, 1], "green": []}
    assert find_roles([]) == {"dapi": [], "red": [], "green": []}


def test_override_wins_and_may_be_partial() -> None:
    names = ["DAPI", "Cy3", "TexasRed", "FITC"]
    assert assign_roles(names, override={"red": 2}) == {"dapi": 0, "red": 2, "green": 3}
    swapped = {"dapi": 0, "red": 3, "green": 1}
    assert assign_roles(names, override=swapped) == swapped
    assert assign_roles(["", "", ""], override={"dapi": 2, "red": 0, "green": 1})["dapi"] == 2


def test_two_reds_are_not_guessed() -> None:
    with pytest.raises(ChannelError, match="several channels could be red: 1 'Cy3' and 2 'Texas"):
        assign_roles(["DAPI", "Cy3", "TexasRed", "FITC"])


def test_message_lists_what_was_found_and_how_to_say_it() -> None:
    with pytest.raises(ChannelError, match=r"slide\.tif: no channel is known to be dapi") as caught:
        assign_roles(["", "488", "TRITC"], where="slide.tif")
    text = str(caught.value)
    assert "no channel is known to be green" in text
    assert "3 channels: 0 (no name), 1 '488', 2 'TRITC'" in text
    assert "--channels dapi=0,red=1,green=2" in text


@pytest.mark.parametrize("names", [[], ["DAPI"], ["DAPI", "FITC"]])
def test_too_few_channels(names: list[str]) -> None:
    with pytest.raises(ChannelError, match="one file per channel"):
        assign_roles(names)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"dapi": 3, "red": 1, "green": 2}, "channel 3 for dapi does not exist"),
        ({"dapi": -1, "red": 1, "green": 2}, "channel -1 for dapi does not exist"),
        ({"dapi": 1, "red": 1, "green": 2}, "same channel is given for two roles"),
        ({"blue": 0, "red": 1, "green": 2}, "unknown role 'blue'"),
    ],
)
def test_impossible_override(override: dict[str, int], message: str) -> None:
    with pytest.raises(ChannelError, match=message):
        assign_roles(["a", "b", "c"], override=override)


@pytest.mark.parametrize("text", ["dapi=0,red=1,green=2", " green = 2 , DAPI=0,Red=01"])
def test_parse(text: str) -> None:
    assert parse_channels(text) == {"dapi": 0, "red": 1, "green": 2}


def test_parse_reports_all_problems() -> None:
    with pytest.raises(ChannelError, match="--channels: ") as caught:
        parse_channels("dapi=0,orange=1,green=x,dapi=2,red=0,-1")
    text = str(caught.value)
    for part in (
        "unknown role 'orange'", "'green=x' is not role=index", "dapi is given twice",
        "channel 0 is given twice", "'-1' is not role=index",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize("text", ["", "dapi", "dapi=", "dapi=-1", "dapi=²", "0,1,2"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ChannelError, match="is not role=index"):
        parse_channels(text)


@pytest.mark.parametrize(
    ("stem", "base", "role"),
    [
        ("case1_DAPI", "case1", "dapi"),
        ("case 1 - Spectrum Orange", "case 1", "red"),
        ("case1_SpectrumGreen", "case1", "green"),
        ("case1_Cy3", "case1", "red"),
        ("case.v2.red", "case.v2", "red"),
        ("DAPI", "", "dapi"),
        ("A red house", "A red house", ""),
        ("case1 (green)", "case1", "green"),
        ("case1_far red", "case1", "other"),
        ("case1_merge", "case1", "merged"),
        ("infrared", "", "other"),
        ("case1", "case1", ""),
        ("", "", ""),
    ],
)
def test_channel_words_at_the_end_of_names(stem: str, base: str, role: str) -> None:
    assert split_channel_name(stem) == (base, role)


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("case1_C0", ("case1", 0)),
        ("case1_ch02", ("case1", 2)),
        ("c1", ("", 1)),
        ("case-w3", ("case", 3)),
        ("basic1", ("basic1", -1)),
        ("case1", ("case1", -1)),
        ("case_1", ("case_1", -1)),
    ],
)
def test_channel_numbers_at_the_end_of_names(stem: str, expected: tuple[str, int]) -> None:
    assert split_channel_number(stem) == expected
