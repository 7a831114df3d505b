"""The summary: one row per case, escaped on the page, no formulas in the table."""

import csv
import html
import re
from dataclasses import replace

import pytest

from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.outcomes import Failed, Waiting
from alkfish.batch.reviews import ReviewNote
from alkfish.batch.summary import COLUMNS, strangers, summary_csv, write_summary
from alkfish.errors import ImageError
from alkfish.io.fingerprint import probe_fingerprint
from alkfish.model.result import Caution

pytest.importorskip("jinja2")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def table(out, outcomes, reviews=None):
    text = summary_csv(out, outcomes, reviews or {})
    assert text.startswith("\ufeff")
    rows = csv.DictReader(text[1:].splitlines(keepends=True))
    return {row["case_id"]: row for row in rows}


def page(out, outcomes, reviews=None, **options):
    write_summary(out, outcomes, reviews or {}, **options)
    return (out / "summary.html").read_text("utf-8")


def test_columns_are_frozen():
    assert COLUMNS == (
        "case_id", "status", "call", "rate_percent", "interval_low_percent",
        "interval_high_percent", "n_positive", "n_counted", "n_nuclei", "n_fields", "cautions",
        "caution_codes", "control", "control_passed", "probe", "lot", "block", "notes", "review",
        "reason", "report", "bundle", "version", "config_fingerprint", "result_fingerprint",
        "scored", "probe_version", "probe_fingerprint",
    )  # fmt: skip


def test_rows_in_the_order_of_the_sheet(done, tmp_path):
    outcomes = [
        done("b", 58, 131, cautions=("look again",)),
        Failed.of(BatchCase("a", ()), ImageError("damaged", where="x.tif")),
        Waiting(BatchCase("c", ())),
        done("d", 0, 10),
    ]
    rows = table(tmp_path, outcomes)
    assert list(rows) == ["b", "a", "c", "d"]
    assert (rows["b"]["call"], rows["b"]["rate_percent"]) == ("POSITIVE", "44.3")
    assert (rows["b"]["cautions"], rows["b"]["caution_codes"]) == ("look again", "code_0")
    assert (rows["a"]["status"], rows["a"]["reason"]) == ("failed", "x.tif: damaged")
    assert rows["c"]["status"] == "not reached"
    assert (rows["d"]["call"], rows["d"]["rate_percent"]) == ("NOT_EVALUABLE", "")


def test_a_rate_stays_on_its_side_of_the_cutoff(done, tmp_path):
    rows = table(tmp_path, [done("x", 1499, 10000)])
    assert (rows["x"]["call"], rows["x"]["rate_percent"]) == ("NEGATIVE", "14.99")


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@x", "\tx"])
def test_cells_are_no_formulas(done, tmp_path, text):
    rows = table(tmp_path, [done("x", 1, 100, notes=text)])
    assert rows["x"]["notes"] == f"'{text}"


def test_hostile_texts_cannot_run(done, tmp_path):
    failed = Failed.of(BatchCase(HOSTILE, (), notes=HOSTILE), ImageError(HOSTILE, where=HOSTILE))
    outcome = done(HOSTILE, 50, 100, lot=HOSTILE, block=HOSTILE, cautions=(HOSTILE,))
    reported = replace(outcome, report=tmp_path.absolute() / "x" / f"{HOSTILE[:4]}.html")
    text = page(tmp_path, [failed, reported], {HOSTILE: ReviewNote(HOSTILE)}, lab_name=HOSTILE)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert text.count("<script>") == 1
    assert re.search(r'href="[^"]*[<>]', text) is None
    assert "script-src 'sha256-" in html.unescape(text)
    assert "default-src 'none'" in html.unescape(text)


def test_calls_are_told_by_words_and_marks(done, tmp_path):
    text = page(tmp_path, [done("p", 50, 100), done("n", 0, 100), done("e", 0, 3)])
    for words, mark in (("POSITIVE", "+"), ("NEGATIVE", "−"), ("NOT EVALUABLE", "∅")):
        assert f'aria-hidden="true">{mark}</span> {words}' in text
    assert "Machine proposals, not reviewed" in text
    assert "No control slide is marked" in text


def test_review_and_what_people_called_otherwise(done, tmp_path):
    note = ReviewNote("signed by A. Reader", "NEGATIVE", "f" * 64)
    other = ReviewNote("being read", "", "0" * 64)
    outcomes = [done("x", 50, 100), done("y", 0, 100)]
    rows = table(tmp_path, outcomes, {"x": note, "y": other})
    assert rows["x"]["review"] == "signed by A. Reader, called NEGATIVE"
    assert rows["x"]["call"] == "POSITIVE"
    assert rows["y"]["review"] == "being read, made on another result than this one"
    text = page(tmp_path, outcomes, {"x": note, "y": other})
    assert "readers: NEGATIVE" in text
    assert "Machine proposals" not in text


def test_failed_controls_come_first_and_good_ones_are_told(done, tmp_path):
    bad = page(tmp_path, [done("p", 50, 100), done("N", 30, 100, control="negative")])
    assert bad.index("Control slides failed") < bad.index("Cases by call")
    assert "negative control FAILED" in bad
    assert "a control slide of this batch failed (N)" in bad
    good = page(tmp_path, [done("p", 50, 100), done("N", 0, 100, control="negative")])
    assert "The control slide shows what it must." in good
    assert "1 case, 1 control slide" in good


def test_an_older_result_is_pointed_out(tmp_path):
    failed = Failed.of(BatchCase("a", ()), ImageError("damaged"), has_older=True)
    assert "still holds an older result" in page(tmp_path, [failed])
    assert table(tmp_path, [failed])["a"]["reason"].endswith("an older result of this case.")


def test_results_of_other_cases_in_the_folder_are_pointed_out(done, tmp_path):
    for name in ("A", "gone", "no result", ".a.older"):
        (tmp_path / name).mkdir()
        if name != "no result":
            (tmp_path / name / "result.json").write_text("{}")
    assert strangers(tmp_path, [BatchCase("a", ()), BatchCase("x/y", ())]) == ("gone",)
    assert "results of no case of this batch: gone." in page(tmp_path, [done("a", 0, 100)])


def test_codes_of_the_batch_come_first(done, tmp_path):
    outcomes = [done("p", 50, 100, cautions=("x",)), done("N", 30, 100, control="negative")]
    rows = table(tmp_path, outcomes)
    assert rows["p"]["caution_codes"] == "control_failed no_control code_0"


def test_paths_stay_paths_and_are_no_formulas(done, tmp_path):
    outcome = done("=x", 0, 100, out=tmp_path)
    reported = replace(outcome, report=tmp_path.absolute() / "=x" / "report.html")
    row = table(tmp_path, [reported])["'=x"]
    assert (row["report"], row["bundle"]) == ("./=x/report.html", "./=x")


def test_a_printed_page_says_when_and_what_it_is_of(done, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    text = page(tmp_path, [done("p", 50, 100)], source="monday.csv")
    assert "Cases of monday.csv" in text
    assert f"results in {tmp_path.name}" in text
    assert "made 2023-11-14 22:13 UTC" in text


def test_controls_are_counted_and_do_not_cover_other_lots(done, tmp_path):
    good = [done("N", 0, 100, control="negative", lot="1"),
            done("P", 90, 100, control="positive", lot="1")]  # fmt: skip
    text = page(tmp_path, [*good, done("a", 0, 100, lot="1"), done("b", 0, 100, lot="2")])
    assert "2 of 2 control slides show what they must." in text
    assert "1 of 2 cases lacks a positive or a negative control slide" in text
    covered = page(tmp_path, [*good, done("a", 0, 100, lot="1")])
    assert "lacks a positive" not in covered
    waiting = Waiting(BatchCase("Q", (), Control.POSITIVE))
    assert "2 of 3 control slides show what they must so far" in page(tmp_path, [*good, waiting])


def test_shared_pictures_come_before_the_calls(done, tmp_path):
    pair = [done(name, 0, 100) for name in "ab"]
    pair = [replace(d, figures=replace(d.figures, inputs=frozenset("x"))) for d in pair]
    text = page(tmp_path, pair)
    assert text.index("b: same picture as case a") < text.index("Cases by call")
    assert table(tmp_path, pair)["a"]["caution_codes"] == "same_picture"


def test_the_probe_profile_of_each_case_is_told_by_version_and_fingerprint(done, tmp_path):
    """Two versions of one profile are two profiles; a case without a result names neither."""
    first = done("a", 0, 100)
    probe = replace(first.figures.probe, version=7)
    second = replace(done("b", 0, 100), figures=replace(first.figures, probe=probe))
    failed = Failed.of(BatchCase("c", ()), ImageError("damaged"))
    rows = table(tmp_path, [first, second, failed])
    assert [rows[name]["probe_version"] for name in "abc"] == ["1", "7", ""]
    assert rows["a"]["probe_fingerprint"] == probe_fingerprint(first.figures.probe)
    assert rows["b"]["probe_fingerprint"] == probe_fingerprint(probe)
    assert rows["a"]["probe_fingerprint"] != rows["b"]["probe_fingerprint"]
    assert rows["c"]["probe_fingerprint"] == ""
    text = page(tmp_path, [first, second])
    assert f"version 7, {probe_fingerprint(probe)[:12]}" in text


def test_grave_doubts_stand_beside_the_call(done, tmp_path):
    """Codes as `score.case` and the batch give them; other cautions stay among the cautions."""
    plain = done("a", 15, 138, cautions=("other",))
    call = replace(plain.figures.call, cautions=(Caution("borderline", "near the cut-off"),))
    near = replace(plain, figures=replace(plain.figures, call=call))
    assert 'doubt">borderline<' in page(tmp_path, [near])
    assert "doubt" not in page(tmp_path, [plain]).partition("<main")[2]
    failed = page(tmp_path, [near, done("N", 30, 100, control="negative")])
    assert failed.index('doubt">control slide failed<') < failed.index('doubt">borderline<')
