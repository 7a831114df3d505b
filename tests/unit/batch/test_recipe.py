"""Whether a result still holds, or why not."""

from dataclasses import replace

import pytest

from alkfish.batch.recipe import PARTS, Recipe, reasons_to_score, report_of, write_record

RECIPE = Recipe("0.1.0", "c", "p", "o", "r", {"a.tif": "1", "b.tif": "2"})


@pytest.fixture
def bundle(tmp_path):
    for name in PARTS[:3]:
        (tmp_path / name).write_text(name)
    (tmp_path / PARTS[3]).mkdir()
    (tmp_path / PARTS[3] / "zarr.json").write_text("{}")
    write_record(tmp_path, RECIPE, report="key")
    return tmp_path


def test_an_intact_result_holds(bundle):
    assert reasons_to_score(bundle, RECIPE) == ()
    assert report_of(bundle) == "key"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "0.2.0"}, "alkfish 0.1.0 was used, this is 0.2.0"),
        ({"config": "x"}, "the settings changed"),
        ({"probe": "x"}, "the probe profile changed"),
        ({"outlines": "x"}, "the outlined areas changed"),
        ({"reading": "x"}, "how the pictures are read changed"),
        ({"inputs": {"a.tif": "9", "b.tif": "2"}}, "a.tif changed"),
        ({"inputs": {"a.tif": "1"}}, "b.tif is gone"),
        ({"inputs": {"a.tif": "1", "b.tif": "2", "c.tif": "3"}}, "c.tif is new"),
    ],
)
def test_every_change_is_told(bundle, change, reason):
    assert reasons_to_score(bundle, replace(RECIPE, **change)) == (reason,)


@pytest.mark.parametrize("name", PARTS)
def test_every_damaged_or_missing_part_is_told(bundle, name):
    part = bundle / name if name != PARTS[3] else bundle / name / "zarr.json"
    part.write_text("other")
    assert reasons_to_score(bundle, RECIPE) == (f"{name} of the result is damaged",)
    part.unlink()
    (reason,) = reasons_to_score(bundle, RECIPE)
    assert reason.startswith(name)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"parts": {}, "recipe": {"x": 1}}'])
def test_without_a_record_nothing_is_known(bundle, text):
    (bundle / "batch.json").write_text(text)
    assert reasons_to_score(bundle, RECIPE) == (
        "there is no record of what the result was made from",
    )
    assert report_of(bundle) == ""
