"""Paths of the command line as cases: what is refused before anything is opened."""

from pathlib import Path

import pytest

from alkfish.batch.manifest import Defaults
from alkfish.batch.outlines import OutlineOptions
from alkfish.batch.paths import cases_of_paths
from alkfish.errors import InputError, OutputError


def test_no_path_no_case():
    assert cases_of_paths([]) == ()


def test_cases_keep_the_order_of_the_paths_and_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.tif", "a.tif"):
        Path(name).write_text("no picture")
    cases = cases_of_paths([Path("b.tif"), Path("a.tif")], defaults=Defaults("kit.toml"))
    assert [case.case_id for case in cases] == ["b", "a"]
    assert cases[0].images == (tmp_path / "b.tif",)
    assert {case.probe for case in cases} == {"kit.toml"}


def test_addresses_stay_texts():
    (case,) = cases_of_paths([Path("https://lab.org/slides/x.ome.zarr")])
    assert case.images == ("https://lab.org/slides/x.ome.zarr",)


def test_missing_paths_are_all_named(tmp_path):
    missing = [tmp_path / "one.tif", tmp_path / "two.tif"]
    with pytest.raises(InputError, match=r"one\.tif.*two\.tif"):
        cases_of_paths(missing)


@pytest.mark.parametrize("names", [("x.tif", "x.png"), ("x.tif", "X.png"), ("a?.tif", "a_.tif")])
def test_cases_that_would_share_a_folder_are_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("no picture")
    with pytest.raises(InputError, match="same case id"):
        cases_of_paths([tmp_path / name for name in names])


def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path):
    bad = tmp_path / "a\nb"
    bad.mkdir()
    with pytest.raises(OutputError, match="cannot name a folder"):
        cases_of_paths([bad])


@pytest.mark.parametrize(
    ("outlines", "message"),
    [
        (OutlineOptions(Path("a.geojson")), "cannot belong to several pictures"),
        (OutlineOptions(None, ("Tumor",)), "no outlines are given"),
    ],
)
def test_outlines_that_cannot_be_meant_are_refused(tmp_path, outlines, message):
    for name in ("x.tif", "y.tif"):
        (tmp_path / name).write_text("no picture")
    with pytest.raises(InputError, match=message):
        cases_of_paths([tmp_path / "x.tif", tmp_path / "y.tif"], outlines=outlines)


def test_a_folder_of_outlines_belongs_to_every_case(tmp_path):
    (tmp_path / "x.tif").write_text("no picture")
    (case,) = cases_of_paths([tmp_path / "x.tif"], outlines=OutlineOptions(tmp_path))
    assert case.roi == tmp_path
