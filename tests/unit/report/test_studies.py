"""Pages of validations and backgrounds: what they say, links, hostile names, files beside them."""

import csv
import io
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from alkfish.errors import OutputError
from alkfish.evaluate.background import measure_background
from alkfish.evaluate.call_agreement import CallAgreement
from alkfish.evaluate.manual_sheet import ManualNucleus, ManualRead, ManualReads
from alkfish.evaluate.method_comparison import compare_measurements
from alkfish.evaluate.validation import validate_results
from alkfish.io.bundle import write_bundle
from alkfish.report.background import TABLES as BACKGROUND_TABLES
from alkfish.report.background import write_background
from alkfish.report.scatter import Frame, Point, difference_plot, identity_plot
from alkfish.report.study_files import csv_text, free_study_paths, relative_link
from alkfish.report.validation import (
    TABLES,
    cautions_of,
    render_validation,
    targets_of,
    write_validation,
)

pytest.importorskip("jinja2")
HOSTILE = """=x<img src=q onerror="document.title='run'">&"'"""
FOV = "a b<script>é%2F"


def read(case_id, call="", positive=0, counted=0, reader="R"):
    rate = positive / counted if counted else 0.0
    return ManualRead(case_id, reader, call, counted > 0, rate, positive, counted)


@pytest.fixture
def folder(make_result, tmp_path):
    """Results of five cases, one of them with a hostile name and a report."""
    out = tmp_path / "results"
    for number, split in enumerate((0, 5, 20, 40)):
        patterns = ["SPLIT"] * split + ["FUSED"] * (60 - split)
        write_bundle(make_result(patterns, case_id=f"c{number}"), out)
    hostile = make_result(["SPLIT"] * 30 + ["FUSED"] * 30, case_id=HOSTILE, fov=FOV)
    bundle = write_bundle(replace(hostile, labels=hostile.labels), out)
    anchor = "nucleus-a%20b%3Cscript%3E%C3%A9%252F-1"
    (bundle / "report.html").write_text(f'<article id="{anchor}"></article>', "utf-8")
    return out


@pytest.fixture
def validation(folder):
    calls = ("NEGATIVE", "NEGATIVE", "POSITIVE", "POSITIVE")
    cases = [read(f"c{k}", call, 4 + 12 * k, 60) for k, call in enumerate(calls)]
    hostile = read(HOSTILE, "NEGATIVE", 1, 50, reader="<b>R</b>")
    nuclei = (ManualNucleus(HOSTILE, FOV, "FUSED", 1, reader="<i>R</i>"),)
    return validate_results(folder, ManualReads((*cases, hostile), nuclei))


def test_hostile_names_are_only_text(validation, tmp_path):
    page = render_validation(validation, tmp_path / "v.html", subject=HOSTILE)
    assert "<img src=q" not in page
    assert "<b>R</b>" not in page
    assert "<script>" not in page.replace("<script></script>", "")
    assert "&lt;img src=q" in page
    assert "default-src &#39;none&#39;" in page


def test_disagreements_come_first_and_link_to_report_and_nucleus(validation, tmp_path):
    page = render_validation(validation, tmp_path / "v.html", subject="x")
    assert page.index('id="h-diff"') < page.index('id="h-calls"') < page.index('id="h-all"')
    first = page[page.index('class="difference OPPOSITE"') :]
    links = re.findall(r'href="([^"]+)"', first)
    assert links[0].startswith("./results/")
    assert links[0].endswith("/report.html")
    assert links[1] == links[0] + "#nucleus-a%20b%3Cscript%3E%C3%A9%252F-1"
    assert not any(link.startswith(("javascript", "http")) for link in links)


def test_links_lead_to_files_that_exist(validation, folder, tmp_path):
    from urllib.parse import unquote

    page = tmp_path / "deep" / "er" / "v.html"
    link = relative_link(validation.cases[0].machine.bundle / "report.html", page)
    assert (page.parent / unquote(link)).resolve().is_file()
    assert relative_link(Path("/a:b/c?d#e"), Path("/x.html")) == "./a%3Ab/c%3Fd%23e"


def test_files_beside_the_page(validation, tmp_path):
    manual = tmp_path / "manual.csv"
    manual.write_text("x")
    files = write_validation(validation, tmp_path / "o" / "v.html", subject="x", inputs=[manual])
    assert [file.name for file in files] == ["v.html", "v.json", "v_cases.csv", "v_nuclei.csv"]
    record = json.loads(files[1].read_text("utf-8"))
    assert record["inputs"] == {"manual.csv": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02"
                                "258717921a4881"}  # fmt: skip
    assert record["calls"]["n_opposite"] == 1
    rows = list(csv.DictReader(io.StringIO(files[2].read_text("utf-8"))))
    assert len(rows) == 5
    assert rows[0]["case_id"] == f"'{HOSTILE}"
    (nucleus,) = csv.DictReader(io.StringIO(files[3].read_text("utf-8")))
    assert nucleus["differs"] == "true"
    with pytest.raises(OutputError, match="there is a file already"):
        free_study_paths(tmp_path / "o" / "v.html", TABLES, pdf=False, overwrite=False)
    free_study_paths(tmp_path / "o" / "v.html", TABLES, pdf=True, overwrite=True)
    with pytest.raises(OutputError, match=r"ends in \.html"):
        free_study_paths(tmp_path / "v.txt", TABLES, pdf=False, overwrite=False)


def test_what_is_told_first(validation):
    told = "\n".join(cautions_of(validation))
    assert "2 positive and 3 negative cases by manual call are few" in told
    assert "before any review" in told
    mixed = replace(validation, methods=validation.methods * 2, remarks=("a remark",))
    assert "not all made in the same way" in "\n".join(cautions_of(mixed))
    assert "a remark" in cautions_of(mixed)


def test_targets(validation):
    found = {target.name: target for target in targets_of(validation)}
    assert found["Agreement of calls"].met is False
    assert found["Opposite calls outside of 10 to 20 %"].found == "1"
    empty = replace(validation, calls=CallAgreement(), rates=compare_measurements([], []), cases=())
    assert targets_of(empty) == []


def test_kappa_of_one_class_is_neither_met_nor_missed(folder, tmp_path):
    reads = ManualReads((read("c2", "POSITIVE"), read("c3", "POSITIVE")))
    found = validate_results(folder, reads)
    (kappa,) = (target for target in targets_of(found) if target.name == "Kappa")
    assert (kappa.found, kappa.known) == ("cannot be told", False)
    page = render_validation(found, tmp_path / "v.html", subject="x")
    assert "kappa <strong>cannot be told</strong>" in page
    assert "kappa <strong>0.00" not in page


def test_a_row_with_a_rate_only_has_no_counts_in_the_table(folder, tmp_path):
    manual = ManualRead("c3", "R", "POSITIVE", True, 2 / 3)
    found = validate_results(folder, ManualReads((manual, read("c0", "NEGATIVE"))))
    table = write_validation(found, tmp_path / "v.html", subject="x")[2].read_text("utf-8")
    rows = {row["case_id"]: row for row in csv.DictReader(io.StringIO(table))}
    assert rows["c3"]["manual_n_positive"] == rows["c3"]["manual_n_counted"] == ""
    assert rows["c0"]["difference_points"] == ""
    assert "-0.0" not in table
    assert csv_text([{"a": -0.0}]) == "a\n0.0\n"


def test_labels_beside_a_chart_keep_their_distance_and_stay_inside():
    frame = Frame((0.0, 9.0), (0.0, 20.0), right=140)
    frame.label_lines([(6.0, "a"), (6.1, "b"), (15.0, "c"), (0.0, "d"), (0.1, "e")])
    places = [float(y) for y in re.findall(r'<text x="[\d.]+" y="([\d.]+)"', "".join(frame.parts))]
    assert len(places) == 5
    assert all(b - a >= 12.9 for a, b in itertools.pairwise(places))
    assert max(places) < 400 - 40


def test_a_page_without_rates_and_without_disagreements(folder, tmp_path):
    reads = ManualReads((read("c0", "NEGATIVE"), read("c3", "POSITIVE")))
    page = render_validation(validate_results(folder, reads), tmp_path / "v.html", subject="x")
    assert "at least 4 are needed" in page
    assert "None: all calls are the same" in page
    assert "cannot be told where all agree" in page


def test_plots_say_in_words_what_they_show_and_stay_in_their_frame():
    x, y = [1.0, 5.0, 50.0, 80.0], [2.0, 9.0, 45.0, 99.0]
    points = [Point(a, b, "agree", f"<{a}>", "#case-1") for a, b in zip(x, y, strict=True)]
    plot = identity_plot(points, cutoff_percent=15, what="a & b")
    assert 'aria-label="a &amp; b"' in plot
    assert "&lt;1.0&gt;" in plot
    assert plot.count('<a href="#case-1"') == 4
    rates = compare_measurements(x, y)
    places = [Point((a + b) / 2, b - a, "opposite", "t") for a, b in zip(x, y, strict=True)]
    plot = difference_plot(places, rates, what="d")
    moved = re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", plot)
    assert len(moved) == 4
    assert all(0 < float(left) < 520 and 0 < float(top) < 400 for left, top in moved)
    assert "<a " not in plot


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_text_is_a_formula(text):
    rows = list(csv.reader(io.StringIO(csv_text([{"a": text, "b": -1.5, "c": True}]))))
    assert rows == [["a", "b", "c"], [f"'{text}", "-1.5", "true"]]
    assert csv_text([]) == ""


def test_background_page(make_result, tmp_path):
    out = tmp_path / "normals"
    for number in range(4):
        patterns = ["ISOLATED_3P"] * number + ["FUSED"] * (60 - number)
        inputs = {"field.tif": f"{number:064d}"}
        write_bundle(make_result(patterns, case_id=f"n{number}<b>", inputs=inputs), out)
    study = measure_background([out])
    files = write_background(study, tmp_path / "c.html", written="lab, version 2")
    assert [file.name for file in files] == ["c.html", "c.json", "c_specimens.csv"]
    page = files[0].read_text("utf-8")
    assert "n3&lt;b&gt;" in page
    assert "n3<b>" not in page
    assert "lab, version 2" in page
    assert f"{study.positive.beta_inverse:.1f} %" in page
    assert page.count('class="glyph fused"') == 4
    rows = list(csv.DictReader(io.StringIO(files[2].read_text("utf-8"))))
    assert [row["n_isolated_3p"] for row in rows] == ["0", "1", "2", "3"]
    assert json.loads(files[1].read_text("utf-8"))["n_specimens"] == 4
    with pytest.raises(OutputError, match="there is a file already"):
        free_study_paths(tmp_path / "c.html", BACKGROUND_TABLES, pdf=False, overwrite=False)
