"""The report of a case that people have read: their figures, and nothing before the call."""

import shutil

import pytest

from alkfish.errors import StoreError
from alkfish.io.bundle import open_bundle, write_bundle
from alkfish.model.result import Call
from alkfish.model.signals import Pattern
from alkfish.report import ReviewState, render_html
from alkfish.report.reviewed import OTHER_RESULT, review_of_bundle, reviewed_case
from alkfish.review import CaseReview, ReadMode, open_store, verify
from alkfish.review.elsewhere import note_elsewhere

pytest.importorskip("sqlalchemy")


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def result(make_result):
    """A case that the machine holds positive: 30 of 130, and 4 not scorable."""
    return make_result(["SPLIT"] * 30 + ["FUSED"] * 100 + [""] * 4)


def read_case(store, result, reader, positive, *, mode=ReadMode.FIFTY, **options):
    review = CaseReview(store, result, reader)
    review.start_read(mode, **options)
    for number, nucleus in enumerate(review.pending() if mode is ReadMode.FIFTY else ()):
        review.set_pattern(nucleus, Pattern.SPLIT if number < positive else Pattern.FUSED)
    review.finish_read()
    return review


def test_without_a_store_nobody_has_read_the_case(tmp_path, result):
    assert review_of_bundle(tmp_path / "case_17", result) == (result, ReviewState())
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_the_case_changes_nothing(store, result):
    assert reviewed_case(store, result) == (result, ReviewState())


def test_a_named_store_must_be_there(tmp_path, result):
    with pytest.raises(StoreError, match="there is no review store"):
        review_of_bundle(tmp_path / "case_17", result, store=tmp_path / "other")


def test_until_the_call_nothing_of_a_read_is_told(store, result):
    CaseReview(store, result, "Ada").start_read()
    shown, state = reviewed_case(store, result)
    assert shown is result
    assert state.heading == "Machine proposal, not reviewed: a read is open"
    CaseReview(store, result, "Ada").abandon_read("wrong slide")
    read_case(store, result, "Ada", 10)
    shown, state = reviewed_case(store, result)
    assert (shown, state.reads, state.final_call) == (result, (), "")
    page = render_html(shown, review=state)
    assert "a second, independent reader is awaited" in page
    assert "MACHINE PROPOSAL, NOT REVIEWED" in page.upper()
    assert "Ada" not in page


def test_a_signed_case_shows_the_readers_figures(store, result):
    read_case(store, result, "Ada", 2, blinded=True).sign()
    shown, state = reviewed_case(store, result)
    assert (shown.call.call, shown.call.counts.n_positive) == (Call.NEGATIVE, 2)
    assert len(shown.nuclei) == 54
    assert int(shown.nuclei.scorable.sum()) == shown.call.counts.n_enumerated == 50
    (read,) = state.reads
    assert (read.reader, read.role, read.manner) == ("Ada", "first read", "blinded")
    assert (read.counts.n_positive, state.signed_by) == (2, "Ada")
    assert read.date.endswith(" UTC")
    assert verify(store, "case_17", expected_head=state.signature).is_intact
    page = render_html(shown, review=state)
    for part in (
        "Reviewed and signed by Ada", "The machine had proposed POSITIVE", "those of the readers",
        "2 of 50", "4.0 %", "drawn at random from 130", "Not counted: 4 of 54", state.signature,
    ):  # fmt: skip
        assert part in page, part
    assert "not reviewed" not in page.lower().replace("machine proposal, not reviewed", "", 1)


def test_an_open_version_names_what_was_signed_before(store, result):
    review = read_case(store, result, "Ada", 2)
    review.sign()
    review.open_version("second block")
    shown, state = reviewed_case(store, result)
    assert shown is result
    assert "version 2 of the review is open; version 1 was signed by Ada on " in state.heading
    assert state.heading.endswith(" as NEGATIVE")


def test_two_reads_a_control_and_a_new_version(store, result):
    for reader in ("Ada", "Bo"):
        read_case(store, result, reader, 10)
    read_case(store, result, "Cy", 10)
    shown, state = reviewed_case(store, result)
    assert [read.role for read in state.reads] == ["first read", "second read", "control"]
    assert state.heading == "Read by 2 readers, not signed"
    assert shown.call.counts.n_enumerated == 100
    CaseReview(store, result, "Ada").open_version("other block")
    read_case(store, result, "Ada", 40)
    shown, state = reviewed_case(store, result)
    assert state.remarks[0] == "Version 2 of the review: other block"
    assert shown.call.counts.n_positive == 40


def test_a_full_review_keeps_all_nuclei_and_counts_rejections(store, result):
    review = CaseReview(store, result, "Ada")
    review.start_read(ReadMode.FULL)
    review.reject(review.queue()[0], "torn")
    review.finish_read()
    shown, state = reviewed_case(store, result)
    assert len(shown.nuclei) == len(result.nuclei)
    assert shown.call.counts.n_enumerated == 129
    assert state.reads[0].n_changed == 1
    assert "Rejected by the readers as not scorable: 1." in state.remarks


def test_a_review_of_another_result_is_not_that_of_this_one(store, result, make_result):
    read_case(store, result, "Ada", 2).sign()
    other = make_result(["FUSED"] * 130)
    shown, state = reviewed_case(store, other)
    assert shown is other
    assert state.heading == f"Machine proposal, not reviewed: {OTHER_RESULT}"


def test_the_command_takes_the_review_from_the_folder_of_results(tmp_path, store, result, runner):
    bundle = write_bundle(result, tmp_path)
    read_case(store, open_bundle(bundle), "Ada", 2).sign()
    runner("report", bundle)
    assert "Reviewed and signed by Ada" in (bundle / "report.html").read_text("utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = elsewhere / "case_17"
    shutil.copytree(bundle, moved)
    runner("report", moved, "--overwrite")
    assert "not reviewed" in (moved / "report.html").read_text("utf-8")
    runner("report", moved, "--overwrite", "--store", tmp_path)
    assert "Reviewed and signed by Ada" in (moved / "report.html").read_text("utf-8")
    runner("report", moved, "--anonymous", "--store", tmp_path)
    page = (moved / "report-anonymous.html").read_text("utf-8")
    assert "Reviewed and signed by a pathologist" in page
    assert "Ada" not in page


@pytest.fixture
def runner():
    from typer.testing import CliRunner

    from alkfish.cli.app import app

    def run(*arguments):
        done = CliRunner().invoke(app, [str(item) for item in arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    return run


def test_reads_in_another_store_are_asked_for(tmp_path, result):
    note_elsewhere(tmp_path, "postgresql://lab@server/reviews")
    with pytest.raises(StoreError, match=r"another store[\s\S]*postgresql://lab[\s\S]*--store"):
        review_of_bundle(tmp_path / "case_17", result)
    (tmp_path / "other").mkdir()
    with open_store(tmp_path / "other"):
        pass
    shown, _ = review_of_bundle(tmp_path / "case_17", result, store=tmp_path / "other")
    assert shown.call == result.call
