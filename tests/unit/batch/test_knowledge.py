"""What a batch knows of its cases: failed and missing controls, pictures that two cases share."""

from dataclasses import replace
from pathlib import Path

import pytest

from alkfish.batch.cases import BatchCase, Reading
from alkfish.batch.knowledge import BatchKnowledge
from alkfish.batch.outcomes import Waiting
from alkfish.batch.work import ReportPlan, details_of, report_key
from alkfish.report import CaseDetails


def codes(case, *outcomes):
    return [item.code for item in BatchKnowledge.of(outcomes).note(case).cautions]


def with_pictures(done, *checksums):
    return replace(done, figures=replace(done.figures, inputs=frozenset(checksums)))


@pytest.mark.parametrize("lot", ["AB-12", "ab-12", " Ab-12 ", "ab- 12"])
def test_capitals_and_blanks_of_a_lot_do_not_matter(done, lot):
    bad = done("P", 0, 100, control="positive", lot="ab-12")
    good = done("N", 0, 100, control="negative", lot="AB-12")
    assert codes(BatchCase("a", (), lot=lot), bad, good) == ["control_failed"]


@pytest.mark.parametrize(
    ("lots", "missing"),
    [
        (("L1", "L1", "L1"), ""),
        (("L1", "L1", "L2"), "no positive and no negative control"),
        (("L1", "L2", "L1"), "no negative control"),
        (("L2", "L1", "L1"), "no positive control"),
        (("", "", "L1"), "no positive and no negative control"),
        (("", "", ""), ""),
    ],
)
def test_a_case_without_controls_of_its_lot_is_told(done, lots, missing):
    positive, negative, own = lots
    case = done("a", 0, 100, lot=own)
    outcomes = [
        done("P", 100, 100, control="positive", lot=positive),
        done("N", 0, 100, control="negative", lot=negative),
        case,
    ]
    told = BatchKnowledge.of(outcomes).missing_controls(case.case)
    assert told.partition(" of this probe")[0] == missing
    assert (not own) or (own in told) is bool(missing)


def test_a_batch_without_controls_and_lots_says_nothing_and_one_with_lots_does(done):
    case = done("a", 0, 100)
    assert codes(case.case, case) == []
    assert codes(case.case, case, done("b", 0, 100, lot="L")) == ["no_control"]


def test_a_control_that_was_not_reached_covers_nothing(done):
    waiting = Waiting(done("P", 1, 100, control="positive").case)
    negative = done("N", 0, 100, control="negative")
    told = BatchKnowledge.of([waiting, negative]).missing_controls(BatchCase("a", ()))
    assert told.startswith("no positive control")


def test_the_same_picture_under_several_ids(done):
    first, second = (with_pictures(done(name, 0, 100), "x", name) for name in "ab")
    other = with_pictures(done("c", 0, 100), "y")
    known = BatchKnowledge.of([first, second, other])
    (caution,) = known.note(first.case).cautions
    assert caution.text == "same picture as case b: sample mix-up?"
    assert known.twins(second.case) == ["a"]
    assert known.note(other.case).cautions == ()


@pytest.mark.parametrize(
    ("scenes", "same"),
    [(("1", "2"), 0), (("1", "1"), 1), (("", "2"), 1), (("1", "left"), 1), (("up", "left"), 0)],
)
def test_two_scenes_of_a_file_are_not_the_same_picture(done, scenes, same):
    pair = [
        with_pictures(done(name, 0, 100, reading=Reading(scene=scene)), "x")
        for name, scene in zip("ab", scenes, strict=True)
    ]
    assert len(BatchKnowledge.of(pair).twins(pair[0].case)) == same


def test_the_report_is_told_of_the_controls_and_renewed_when_they_change(done, tmp_path):
    case = BatchCase("a", ())
    negative = done("N", 0, 100, control="negative")
    good = BatchKnowledge.of([done("P", 100, 100, control="positive"), negative]).note(case)
    bad = BatchKnowledge.of([done("P", 0, 100, control="positive"), negative]).note(case)
    assert details_of(case).with_note(good).get("assay.controls") == (
        "positive control P passed; negative control N passed"
    )
    assert "positive control P FAILED" in details_of(case).with_note(bad).get("assay.controls")
    plan, nothing = ReportPlan(), CaseDetails()
    assert report_key(plan, nothing, good) != report_key(plan, nothing, bad)
    own = Path(tmp_path / "own.toml")
    own.write_text('[assay]\ncontrols = "passed"\n', encoding="utf-8")
    told = details_of(replace(case, details=own)).with_note(bad).get("assay.controls")
    assert told.startswith("passed; in this batch: positive control P FAILED")
