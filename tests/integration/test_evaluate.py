"""``alkfish evaluate``: reliability and operating curves of several cases."""

import csv

import pytest

FIGURES = ("sensitivity", "specificity", "case_sensitivity", "case_specificity")


@pytest.fixture(scope="module")
def folders(tmp_path_factory, alkfish):
    """Results and truth of a positive and a negative case, and of one that was not scored."""
    folder = tmp_path_factory.mktemp("evaluate")
    fractions = {"pos": 0.9, "neg": 0.0, "extra": 0.5}
    for seed, (name, fraction) in enumerate(fractions.items()):
        shape = ("--fields", 4, "--size", 640) if name != "extra" else ("--size", 64)
        chosen = ("--name", name, "--positive-fraction", fraction, "--seed", 20 + seed, *shape)
        alkfish("simulate", folder, "--level", "easy", "--pixel-size-um", 0.2, *chosen)
    alkfish("score", folder / "pos", folder / "neg", "-o", folder / "results")
    return folder / "results", folder / "truth"


def test_both_reliability_tables_are_printed(alkfish, folders):
    shown = alkfish("evaluate", *folders).stdout
    assert "Probability of being positive" in shown
    assert "Probability of the called pattern" in shown
    assert shown.count("expected calibration error") == 2
    assert shown.count("(target: at most 0.05)") == 2
    assert "truths without a result: extra" in shown
    assert "operating curve" not in shown


def test_document_holds_both_reliability_tables(alkfish, folders):
    document = alkfish.json("evaluate", *folders)
    assert [case["case"] for case in document["cases"]] == ["neg", "pos"]
    for key in ("reliability", "reliability_called"):
        table = document[key]
        assert 0 <= table["ece"] <= 1
        assert len(table["edges"]) == len(table["count"]) + 1
        assert sum(table["count"]) == document["patterns"]["n_scorable_both"]
    assert "operating_curves" not in document


def test_curve_is_drawn_and_told(alkfish, folders, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curve.png"
    shown = alkfish("evaluate", *folders, "--curve", path).stdout
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "At the separation rule used: gap, edge to edge, at least 2 signal diameters" in shown
    assert str(path) in shown.replace("\n", "")


def test_curve_as_table_and_document_agree(alkfish, folders, tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text("an older file")
    document = alkfish.json("evaluate", *folders, "--curve", path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    points = [
        (curve["measure"], point) for curve in document["operating_curves"]
        for point in curve["points"]
    ]  # fmt: skip
    assert document["curve"] == str(path)
    assert len(rows) == len(points)
    for row, (measure, point) in zip(rows, points, strict=True):
        assert (row["measure"], float(row["limit"])) == (measure, point["limit"])
        for name in FIGURES:
            assert float(row[name]) == pytest.approx(point[name]["value"])
            assert int(row[f"{name}_total"]) == point[name]["total"]
    used = [row for row in rows if row["used"] == "true"]
    assert [(row["measure"], row["limit"]) for row in used] == [("gap_diameters", "2.0")]
    assert used[0]["case_sensitivity_total"] == "1"
    assert used[0]["case_specificity_total"] == "1"
    assert float(used[0]["sensitivity"]) > 0.5
    assert float(used[0]["specificity"]) > 0.8


def test_curve_of_one_bundle_under_another_name(alkfish, folders, tmp_path):
    results, truth = folders
    moved = tmp_path / "case_17"
    (results / "pos").rename(moved)
    try:
        document = alkfish.json("evaluate", moved, truth / "pos", "--curve", tmp_path / "c.csv")
    finally:
        moved.rename(results / "pos")
    point = document["operating_curves"][0]["points"][0]
    assert point["case_specificity"]["total"] == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("curve.jpg", "FILE.csv"), ("curve", "no suffix"), ("nowhere/curve.csv", "no folder")],
)
def test_impossible_curve_file_is_a_usage_error(alkfish, folders, tmp_path, name, words):
    done = alkfish("evaluate", *folders, "--curve", tmp_path / name, code=2)
    assert words in done.stderr.replace("\n", "")
    document = alkfish.json("evaluate", *folders, "--curve", tmp_path / name, code=2)
    assert document["error"]["problem"]
    assert not list(tmp_path.iterdir())


def test_help_names_the_option_and_the_exit_codes(alkfish):
    shown = alkfish("evaluate", "--help").stdout
    assert "--curve" in shown
    assert "Exit codes" in shown
