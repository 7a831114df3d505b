"""Where the pictures of scored cases lie."""

import json
import shutil

import pytest

from alkfish.errors import InputError, OutputError
from alkfish.io.locations import (
    PICTURES,
    PicturePlace,
    open_pictures,
    recall_pictures,
    remember_pictures,
)
from alkfish.io.probes import load_probe


def test_a_place_is_found_again_with_how_it_was_read(tmp_path):
    place = PicturePlace(
        (tmp_path / "images" / "case_1", "https://lab.example/slide.zarr"),
        {"dapi": 0, "red": 1, "green": 2}, 0.1, 0.4, "scene 2",
    )  # fmt: skip
    (tmp_path / "out").mkdir()
    remember_pictures(tmp_path / "out", "case 1", place)
    assert recall_pictures(tmp_path / "out", "case 1") == place


def test_places_are_relative_so_that_both_folders_can_be_moved_together(tmp_path):
    (tmp_path / "a" / "out").mkdir(parents=True)
    remember_pictures(
        tmp_path / "a" / "out", "one", PicturePlace((tmp_path / "a" / "images" / "one.tif",))
    )
    assert str(tmp_path) not in (tmp_path / "a" / "out" / PICTURES).read_text("utf-8")
    shutil.move(tmp_path / "a", tmp_path / "b")
    found = recall_pictures(tmp_path / "b" / "out", "one")
    assert found.images == (tmp_path / "b" / "images" / "one.tif",)


def test_other_cases_keep_their_places_and_a_case_its_last_one(tmp_path):
    for case_id, name in (("one", "a.tif"), ("two", "b.tif"), ("one", "c.tif")):
        remember_pictures(tmp_path, case_id, PicturePlace((tmp_path / name,)))
    assert recall_pictures(tmp_path, "one").images == (tmp_path / "c.tif",)
    assert recall_pictures(tmp_path, "two").images == (tmp_path / "b.tif",)
    assert [path.name for path in tmp_path.iterdir()] == [PICTURES]


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"one": 3}', '{"one": {"images": 3}}'])
def test_what_cannot_be_understood_is_not_known(tmp_path, text):
    (tmp_path / PICTURES).write_text(text, "utf-8")
    assert recall_pictures(tmp_path, "one") == PicturePlace()


def test_what_cannot_be_understood_is_replaced(tmp_path):
    (tmp_path / PICTURES).write_text("no json", "utf-8")
    remember_pictures(tmp_path, "one", PicturePlace((tmp_path / "a.tif",)))
    assert set(json.loads((tmp_path / PICTURES).read_text("utf-8"))) == {"one"}


def test_an_unwritable_folder_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="the places of the pictures cannot be noted"):
        remember_pictures(tmp_path / "missing", "one", PicturePlace((tmp_path / "a.tif",)))


def test_without_a_place_nothing_is_opened(tmp_path):
    with pytest.raises(InputError, match="not known where the pictures"):
        open_pictures(recall_pictures(tmp_path, "one"), "one", load_probe())
