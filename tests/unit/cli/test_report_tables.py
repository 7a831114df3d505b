"""What is shown of outcomes: every figure, caution and failure."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from alkfish.cli.batch import Failed, Scored
from alkfish.cli.report_tables import call_as_json, outcome_as_json, print_outcomes
from alkfish.errors import ImageError
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
    return Scored(Path("in"), "case_1", result, Path("out/case_1"))


@pytest.fixture
def failed():
    return Failed(Path("bad.tif"), "bad", ImageError("broken", where="bad.tif"))


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


def test_json_of_outcomes(scored, failed):
    assert outcome_as_json(scored)["status"] == "scored"
    assert outcome_as_json(scored)["excluded"]["border"] == 12
    told = outcome_as_json(failed)
    assert told["status"] == "failed"
    assert told["error"]["where"] == "bad.tif"
    assert "call" not in told
