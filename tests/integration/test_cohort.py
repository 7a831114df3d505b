"""The simulated cohort: pictures, batch, reports, validation and cut-off, end to end."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from alkfish.cli import cohort as command
from alkfish.synthetic import cohort

pytest.importorskip("jinja2")

SMALL = ("control_positive", "lung_01", "lung_08", "lung_12", "normal_02", "normal_03")


@pytest.fixture(scope="module")
def root(tmp_path_factory, alkfish):
    """Six cases of the cohort with one field each, run twice here, and what was printed."""
    out = tmp_path_factory.mktemp("demo")
    few = tuple(replace(case, n_fields=1) for case in cohort.COHORT if case.case_id in SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cohort, "COHORT", few)
        patch.setattr(command, "WORKERS", 1)
        done = alkfish("demo", "--cohort", "-o", out)
        again = alkfish.json("demo", "--cohort", "-o", out)
    return out / "cohort", done.stdout, again


def test_every_part_is_there_and_printed(root):
    folder, printed, _ = root
    for name in ("results/summary.html", "validation.html", "cutoff.html", "manual.csv"):
        assert (folder / name).is_file()
        assert str(folder / name) in "".join(printed.split("\n"))
    assert (folder / "results" / "lung_08" / "report.html").is_file()
    assert "as known: 4 of 4 calls" in printed
    assert "These cases are simulated" in printed


def test_the_known_calls_are_found(root):
    rows = {row["case"]: row for row in root[2]["cases"]}
    assert list(rows) == [name for name in SMALL if "normal" not in name]
    assert all(row["known"] == row["machine"] for row in rows.values())
    assert rows["lung_12"]["machine"] == "NOT_EVALUABLE"
    assert rows["control_positive"]["readers"] == "-"


def test_the_validation_speaks_of_the_patients_cases(root):
    document = root[2]["validation"]
    assert {case["case_id"] for case in document["cases"]} == {"lung_01", "lung_08", "lung_12"}
    assert document["calls"]["n_opposite"] == 0
    assert {"case_id": "control_positive", "reason": "no manual read"} in document["left_out"]
    assert root[2]["background"]["n_specimens"] == 2
    assert "lung_08/report.html" in (root[0] / "validation.html").read_text("utf-8")


def test_a_second_run_keeps_what_is_done(root):
    log = (root[0] / "results" / "batch.log").read_text("utf-8")
    assert "4 cases: 4 scored, 0 done before" in log
    assert "4 cases: 0 scored, 4 done before" in log


def test_pictures_of_somebody_else_stay(alkfish, tmp_path):
    theirs = tmp_path / "cohort" / "images"
    theirs.mkdir(parents=True)
    (theirs / "slide.tif").write_text("x")
    told = alkfish("demo", "--cohort", "-o", tmp_path, code=2).stderr
    assert "the place of the cohort's pictures is taken" in told
    assert (theirs / "slide.tif").is_file()


def test_ids_seeds_and_controls_of_the_cohort():
    ids = [case.case_id for case in cohort.COHORT]
    assert len(ids) == len(set(ids)) == 22
    assert len({case.seed for case in cohort.COHORT}) == 22
    assert [c.control for c in cohort.COHORT if c.control != "none"] == ["negative", "positive"]
    assert sum(case.is_normal for case in cohort.COHORT) == 8


def test_readers_follow_the_two_reader_rule():
    rows = cohort.read_by_hand("a", ["SPLIT"] * 60 + ["FUSED"] * 40)
    assert [(row["call"], row["n_counted"]) for row in rows] == [("POSITIVE", "50")]
    rows = cohort.read_by_hand("a", ["SPLIT"] * 20 + ["FUSED"] * 80)
    assert [row["reader"] for row in rows] == list(cohort.READERS)
    total = sum(int(row["n_positive"]) for row in rows)
    assert (total, {row["call"] for row in rows}) == (20, {"POSITIVE"})
    (row,) = cohort.read_by_hand("a", ["FUSED"] * 49)
    assert (row["call"], row["n_counted"]) == ("NOT_EVALUABLE", "")
    assert cohort.read_by_hand("a", []) == [row]
    assert cohort.read_by_hand("b", ["FUSED"] * 90)[0]["n_positive"] == "0"


def test_sheets_are_those_that_the_commands_read(tmp_path):
    from alkfish.batch import read_cases
    from alkfish.evaluate.manual_sheet import read_manual

    few = cohort.COHORT[:3]
    for case in few:
        (tmp_path / "images" / case.case_id).mkdir(parents=True)
    sheet = cohort.write_batch_sheet(few, tmp_path / "images", tmp_path / "m.csv")
    assert [case.control.value for case in read_cases(sheet)] == ["negative", "positive", "none"]
    rng = np.random.default_rng(1)
    patterns = rng.choice(["SPLIT", "FUSED"], 120, p=[0.2, 0.8]).tolist()
    rows = cohort.read_by_hand("lung_01", patterns)
    reads = read_manual(cohort.write_manual_sheet(rows, tmp_path / "r.csv")).cases
    assert [read.n_counted for read in reads] == [50, 50]
    with (tmp_path / "r.csv").open(encoding="utf-8") as stream:
        assert next(csv.reader(stream)) == ["case_id", "call", "n_positive", "n_counted", "reader"]
    assert json.dumps(rows)
