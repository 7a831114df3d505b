"""What lies in a watched folder."""

import os

import pytest

from alkfish.batch.inbox import is_passed_over, look_into
from alkfish.batch.watch_state import Seen, read_state, write_state
from alkfish.errors import InputError


@pytest.mark.parametrize(
    "name", [".x.tif", "~$a.tif", "a.tif.tmp", "a.PART", "a.tif.crdownload", "Thumbs.db"]
)
def test_temporary_names_are_passed_over(tmp_path, name):
    assert is_passed_over(name)
    (tmp_path / name).write_text("x")
    assert look_into(tmp_path) == []


def test_pictures_and_folders_of_pictures_are_entries(tmp_path):
    (tmp_path / "a.tif").write_text("x")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "deep").mkdir()
    (tmp_path / "b" / "deep" / "p.tif").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("x")
    (tmp_path / "notes.txt").write_text("x")
    assert [entry.name for entry in look_into(tmp_path)] == ["a.tif", "b"]


@pytest.mark.parametrize("change", ["grow", "touch", "add", "temporary", "remove"])
def test_every_change_shows_in_the_signature(tmp_path, change):
    folder = tmp_path / "case"
    folder.mkdir()
    for name in ("1.tif", "2.tif"):
        (folder / name).write_text("x")
    (before,) = look_into(tmp_path)
    assert look_into(tmp_path) == [before]
    if change == "grow":
        (folder / "1.tif").write_text("xy")
    elif change == "touch":
        os.utime(folder / "1.tif", (5, 5))
    elif change == "remove":
        (folder / "2.tif").unlink()
    else:
        (folder / ("3.tif" if change == "add" else "3.tif.tmp")).write_text("x")
    (after,) = look_into(tmp_path)
    assert after.signature != before.signature


def test_a_link_to_nothing_is_no_entry(tmp_path):
    (tmp_path / "a.tif").symlink_to(tmp_path / "gone.tif")
    assert look_into(tmp_path) == []


def test_markers_beside_and_inside(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.tif").write_text("x")
    unmarked = {entry.name: entry for entry in look_into(tmp_path, marker=".done")}
    (tmp_path / "a.done").touch()
    (tmp_path / "b" / ".done").touch()
    marked = {entry.name: entry for entry in look_into(tmp_path, marker=".done")}
    assert {name: entry.is_marked for name, entry in marked.items()} == {
        "a": True,
        "b": True,
        "c": False,
    }
    assert all(marked[name].signature == unmarked[name].signature for name in marked)


def test_a_missing_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="watched folder cannot be read"):
        look_into(tmp_path / "none")


def test_the_state_survives_and_other_settings_begin_anew(tmp_path):
    seen = {"a": Seen("s", 12.5, "s", "a", {"problem": "x"}), "b": Seen("t", 1.0)}
    write_state(tmp_path, "run", seen)
    assert read_state(tmp_path, "run") == seen
    other = read_state(tmp_path, "other")
    assert not other["a"].is_handled
    assert other["a"].since == 12.5


@pytest.mark.parametrize("text", ["", "[]", '{"entries": {"a": {}}}', '{"entries": 3}'])
def test_a_damaged_state_is_no_state(tmp_path, text):
    (tmp_path / "watch.json").write_text(text)
    assert read_state(tmp_path, "run") == {}
