"""The shipped golden cases: complete, small, callable, and consistent with their truth."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from alkfish.io.labels import read_labels
from alkfish.io.probes import load_probe
from alkfish.io.tables import read_table
from alkfish.model.probe import Colour
from alkfish.model.result import PatternCounts
from alkfish.model.signals import NucleusRecords, SpotRecords

GOLDEN = Path(__file__).parents[3] / "test_images"
CALLS = {
    "positive": "POSITIVE",
    "negative": "NEGATIVE",
    "borderline": "NEGATIVE",
    "failed_five_prime": "NOT_EVALUABLE",
    "colour_swapped": "POSITIVE",
}


def told(name):
    return json.loads((GOLDEN / "truth" / name / "truth.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "call"), CALLS.items())
def test_true_call(name, call):
    assert told(name)["true_call"] == call
    assert told(name)["simulated"] is True
    assert told(name)["n_scorable"] >= 60 or call == "NOT_EVALUABLE"


def test_borderline_is_borderline():
    assert 0.10 <= told("borderline")["true_rate"] <= 0.20


@pytest.mark.parametrize("name", CALLS)
def test_pictures_tables_and_labels_belong_together(name):
    folder, truth = GOLDEN / name, GOLDEN / "truth" / name
    fields = [path.name.removesuffix(".ome.tif") for path in sorted(folder.glob("*.ome.tif"))]
    assert fields == told(name)["fields"]
    nuclei = read_table(NucleusRecords, truth / "nuclei.parquet")
    spots = read_table(SpotRecords, truth / "spots.parquet")
    assert PatternCounts.from_patterns(nuclei.pattern).by_pattern() == told(name)["counts"]
    assert set(spots.fov) <= set(fields)
    labels = read_labels(truth / "labels.zarr")
    for field in fields:
        planes = tifffile.imread(folder / f"{field}.ome.tif")
        assert planes.dtype == np.uint16
        assert planes.shape == (3, *labels[field].shape)
        assert labels[field].max() == nuclei.nucleus_id[nuclei.fov == field].max()


def test_probe_of_the_swapped_case_fits_it():
    profile = load_probe(GOLDEN / "probes" / "ros1-like.toml")
    assert profile.confirmed
    assert profile.three_prime_colour == Colour.GREEN
    assert told("colour_swapped")["three_prime_colour"] == "green"


def test_golden_cases_stay_small():
    size = sum(path.stat().st_size for path in GOLDEN.rglob("*") if path.is_file())
    assert size < 8_000_000
