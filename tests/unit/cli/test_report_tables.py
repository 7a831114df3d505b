"""What is shown of outcomes: every figure, caution and failure."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from alkfish.batch.cases import BatchCase
from alkfish.batch.outcomes import Done, Failed, Figures, Waiting
from alkfish.cli.report_tables import (
    RATE_IS_NO_RESULT,
    call_as_json,
    outcome_as_json,
    print_outcomes,
)
from alkfish.errors import ImageError
from alkfish.io.batch_note import BatchNote, write_note
from alkfish.io.probes import load_probe
from alkfish.model.result import Call, CaseCall, CaseResult, Caution, PatternCounts, Provenance
from alkfish.model.signals import NucleusRecords, SpotRecords

CALL = CaseCall(
    Call.POSITIVE,
    PatternCounts(fused=40, split=20, isolated_3p=5, isolated_5p=5),
    25 / 70,
    (0.25, 0.47),
    0.999,
    reasons=("25 of 70 is at or above 15 %",),
    cautions=(Caution("borderline", "rate [10 to 20 %]: ask for another method"),),
)


@pytest.fixture
def scored():
    result = CaseResult(
        "case_1",
        CALL,
        NucleusRecords.empty(),
        SpotRecords.empty(),
        (),
        {"border": 12, "clump": 0, "too_small": 30},
        load_probe(),
        Provenance("0", {}, "f" * 64),
    )
    case = BatchCase("case_1", (Path("in"),))
    return Done(case, Figures.of(result), Path("out/case_1"), is_new=True)


@pytest.fixture
def failed():
    return Failed.of(BatchCase("bad", ()), ImageError("broken", where="bad.tif"))


def shown(outcomes, width=120):
    stream = io.StringIO()
    print_outcomes(Console(file=stream, width=width), outcomes)
    return stream.getvalue()


def test_everything_a_reader_needs_is_shown(scored):
    text = shown([scored])
    for part in (
        "POSITIVE",
        "35.7 %",
        "25 / 70",
        "25.0 to 47.0 %",
        "25 of 70 is at or above 15 %",
        "caution borderline: rate [10 to 20 %]: ask for another method",
        "30 too_small, 12 border",
        "40 FUSED, 20 SPLIT",
        "out",
        "Research use only",
    ):
        assert part in text
    assert "clump" not in text


def test_failed_case_has_a_row_too(scored, failed):
    text = shown([scored, failed])
    assert "FAILED" in text
    assert "not scored" in text


def test_json_of_a_call_has_plain_values():
    plain = call_as_json(CALL)
    assert plain["call"] == "POSITIVE"
    assert plain["counts"] == {"FUSED": 40, "SPLIT": 20, "ISOLATED_3P": 5, "ISOLATED_5P": 5}
    assert plain["cautions"][0]["code"] == "borderline"
    assert plain["interval"] == [0.25, 0.47]


def test_json_of_a_case_that_is_not_evaluable_says_that_its_rate_is_no_result():
    """A rate of 0 beside it must not be taken for a negative case."""
    plain = call_as_json(replace(CALL, call=Call.NOT_EVALUABLE, rate=0.0))
    assert plain["call"] == "NOT_EVALUABLE"
    assert plain["reasons"] == [*CALL.reasons, RATE_IS_NO_RESULT]
    assert "are no result" in RATE_IS_NO_RESULT
    assert call_as_json(CALL)["reasons"] == list(CALL.reasons)


def test_json_of_outcomes(scored, failed):
    assert outcome_as_json(scored, Path("in"))["status"] == "scored"
    assert outcome_as_json(scored, Path("in"))["excluded"]["border"] == 12
    told = outcome_as_json(failed, Path("bad.tif"))
    assert told["status"] == "failed"
    assert told["error"]["where"] == "bad.tif"
    assert "call" not in told


def test_what_was_kept_or_not_reached_says_so(scored):
    kept = replace(scored, is_new=False)
    assert outcome_as_json(kept, Path("in"))["status"] == "kept"
    assert "done before and intact" in shown([kept])
    waiting = Waiting(BatchCase("late", ()))
    assert outcome_as_json(waiting, Path("late"))["status"] == "not reached"


def test_what_a_batch_noted_stands_before_the_cautions_of_the_result(scored, tmp_path):
    write_note(tmp_path, BatchNote(twins=("b",)))
    noted = replace(scored, bundle=tmp_path)
    codes = [item["code"] for item in outcome_as_json(noted, Path("in"))["cautions"]]
    assert codes == ["same_picture", "borderline"]
    text = shown([noted], width=200)
    assert text.index("caution same_picture") < text.index("caution borderline")
