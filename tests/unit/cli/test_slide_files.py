"""Commands around the files of slides: ``simulate --slide`` and ``export --geojson``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alkfish.cli.app import app

RUN = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def told(folder: Path) -> dict:
    words = ["simulate", str(folder), "--slide", "700", "--tissue", "1", "--level", "easy"]
    done = RUN.invoke(app, [*words, "--name", "s", "--seed", "2", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_simulate_a_slide(folder, told):
    assert told["images"] == str(folder / "s" / "s.ome.tif")
    assert (folder / "s" / "s.ome.tif").is_file()
    assert told["truth"]["slide"]["shape"] == [700, 700]
    assert told["truth"]["n_nuclei"] > 0


def test_simulate_refuses_an_existing_slide(folder, told):
    done = RUN.invoke(app, ["simulate", str(folder), "--slide", "700", "--name", "s"])
    assert done.exit_code == 2
    assert "cannot be written" in done.output


def test_export_needs_a_format(folder):
    done = RUN.invoke(app, ["export", str(folder)])
    assert done.exit_code == 2
    assert "--geojson" in done.output


def test_export_geojson_of_a_scored_slide(folder, told):
    results = folder / "results"
    done = RUN.invoke(app, ["score", told["images"], "-o", str(results), "--json"])
    assert done.exit_code == 0, done.output
    done = RUN.invoke(app, ["export", str(results / "s"), "--geojson", "-o", str(folder / "q")])
    assert done.exit_code == 0, done.output
    file = folder / "q" / "s_nuclei.geojson"
    assert done.stdout.strip() == str(file)
    features = json.loads(file.read_text("utf-8"))["features"]
    record = json.loads((results / "s" / "result.json").read_text("utf-8"))
    assert len(features) == record["n_nuclei"] > 0
    assert list((folder / "q").iterdir()) == [file]
