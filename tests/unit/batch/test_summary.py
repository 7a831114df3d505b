"""The summary: one row per case, escaped on the page, no formulas in the table."""

import csv
import html
import re
from dataclasses import replace

import pytest

from alkfish.batch.cases import BatchCase
from alkfish.batch.controls import check_controls
from alkfish.batch.outcomes import Failed, Waiting
from alkfish.batch.reviews import ReviewNote
from alkfish.batch.summary import COLUMNS, summary_csv, write_summary
from alkfish.errors import ImageError

pytest.importorskip("jinja2")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def table(out, outcomes, reviews=None):
    checks = check_controls(outcomes)
    text = summary_csv(out, outcomes, checks, reviews or {})
    assert text.startswith("\ufeff")
    rows = csv.DictReader(text[1:].splitlines(keepends=True))
    return {row["case_id"]: row for row in rows}


def page(out, outcomes, reviews=None, **options):
    write_summary(out, outcomes, check_controls(outcomes), reviews or {}, **options)
    return (out / "summary.html").read_text("utf-8")


def test_columns_are_frozen():
    assert COLUMNS == (
        "case_id", "status", "call", "rate_percent", "interval_low_percent",
        "interval_high_percent", "n_positive", "n_counted", "n_nuclei", "n_fields", "cautions",
        "caution_codes", "control", "control_passed", "probe", "lot", "block", "notes", "review",
        "reason", "report", "bundle", "version", "config_fingerprint", "result_fingerprint",
        "scored",
    )  # fmt: skip


def test_rows_in_the_order_of_the_sheet(done, tmp_path):
    outcomes = [
        done("b", 58, 131, cautions=("look again",)),
        Failed.of(BatchCase("a", (), lot="L"), ImageError("damaged", where="x.tif")),
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
