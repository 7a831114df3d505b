"""Results against manual reads: calls, rates, nuclei, and what is left out."""

import json
import shutil
from dataclasses import replace

import pytest

from alkfish.errors import InputError
from alkfish.evaluate.manual_sheet import ManualNucleus, ManualRead, ManualReads
from alkfish.evaluate.validation import Outcome, validate_results


def read(case_id, call="", positive=0, counted=0, reader="R"):
    rate = positive / counted if counted else 0.0
    return ManualRead(case_id, reader, call, counted > 0, rate, positive, counted)


@pytest.fixture
def study(results):
    """Six cases: agreed both ways, opposite, not evaluable by machine, and without a call."""
    results("pos", fused=40, split=20)
    results("neg", fused=60, isolated_5p=3)
    results("missed", fused=55, split=5)
    results("few", fused=10)
    results("silent", fused=30, split=30)
    folder = results("unread", fused=60)
    reads = ManualReads(
        (
            read("pos", "POSITIVE", 20, 50),
            read("neg", "NEGATIVE", 1, 50),
            read("missed", "POSITIVE", 12, 50),
            read("few", "NEGATIVE", 2, 50),
            read("silent", "", 25, 50),
            read("gone", "NEGATIVE", 0, 50),
        )
    )
    return folder, reads


def test_every_case_has_its_place(study):
    found = validate_results(*study)
    assert [case.case_id for case in found.cases] == ["missed", "few", "silent", "pos", "neg"]
    assert [case.outcome for case in found.cases] == [
        Outcome.OPPOSITE, Outcome.UNDECIDED, Outcome.NO_REFERENCE, Outcome.AGREE, Outcome.AGREE,
    ]  # fmt: skip
    assert [case.case_id for case in found.disagreements] == ["missed", "few"]
    calls = found.calls
    assert (calls.sensitivity.hits, calls.sensitivity.total) == (1, 2)
    assert (calls.specificity.hits, calls.specificity.total) == (1, 1)
    assert (calls.undecided.hits, calls.undecided.total) == (1, 4)


def test_nobody_is_dropped_in_silence(study):
    told = {(item.case_id, item.reason) for item in validate_results(*study).left_out}
    assert told == {
        ("gone", "no result"),
        ("unread", "no manual read"),
        ("silent", "no manual call: not in the calls"),
        ("few", "not evaluable by machine: not in the rates"),
    }


def test_rates_in_percentage_points(study):
    found = validate_results(*study)
    assert found.rates.n == 4
    assert {c.case_id: round(c.difference, 1) for c in found.cases if c.has_rates} == {
        "missed": -15.7, "silent": 0.0, "pos": -6.7, "neg": -2.0,
    }  # fmt: skip
    assert found.rates.bias.value == pytest.approx((-15.6667 - 6.6667 - 2.0) / 4, abs=0.01)
    assert 3 < found.counting_sd < 12


def test_rates_far_apart_are_a_disagreement_too(results):
    reads = []
    for number in range(30):
        folder = results(f"c{number:02d}", fused=90, split=10 + number)
        manual = 10 + number if number else 60
        reads.append(read(f"c{number:02d}", "", manual, 100 + number))
    found = validate_results(folder, ManualReads(tuple(reads)))
    assert [case.case_id for case in found.disagreements] == ["c00"]
    assert found.is_outlier(found.disagreements[0])


def test_nuclei_to_see_are_those_that_tipped_the_call(results, new_result):
    likely = [0.95, 0.6, 0.99] + [0.1] * 55 + [0.4, 0.3]
    patterns = ["SPLIT"] * 3 + ["FUSED"] * 57
    results("low", result=new_result("low", patterns, p_positive=likely))
    likely = [0.95] * 10 + [0.55, 0.6] + [0.1] * 48
    patterns = ["SPLIT"] * 12 + ["FUSED"] * 48
    folder = results("high", result=new_result("high", patterns, p_positive=likely))
    reads = (read("low", "POSITIVE", 20, 50), read("high", "NEGATIVE", 1, 50))
    low, high = sorted(
        validate_results(folder, ManualReads(reads)).cases, key=lambda c: c.case_id != "low"
    )
    assert [n.nucleus_id for n in low.nuclei][:2] == [59, 60]
    assert {n.machine for n in low.nuclei} == {"FUSED"}
    assert [n.nucleus_id for n in high.nuclei][:2] == [11, 12]
    assert {n.machine for n in high.nuclei} == {"SPLIT"}
    assert len(high.nuclei) == 8


def nucleus(number=0, pattern="FUSED", *, fov="field_01", y=0.0, x=0.0, reader="R", row=2):
    return ManualNucleus("pos", fov, pattern, number, y, x, reader, row)


def test_single_nuclei_by_number_and_by_place(results):
    folder = results("pos", fused=40, split=20, excluded=2)
    nuclei = (
        nucleus(1, "SPLIT"),
        nucleus(2, "FUSED"),
        nucleus(y=5.0, x=12 * 20 + 5.0, pattern="FUSED"),
        nucleus(61, "NOT_SCORABLE"),
        nucleus(62, "FUSED"),
        nucleus(999, row=7),
        nucleus(1, fov="field_9", row=8),
        nucleus(y=900.0, x=5.0, row=9),
        nucleus(y=5.0, x=5.0, row=10),
    )
    found = validate_results(folder, ManualReads((read("pos", "POSITIVE"),), nuclei))
    (agreement,) = found.nuclei
    assert (agreement.first, agreement.second) == ("R", "machine")
    assert (agreement.n_nuclei, agreement.n_agreed) == (5, 3)
    assert [(j.nucleus_id, j.manual, j.machine) for j in found.judged if j.is_disagreement] == [
        (2, "FUSED", "SPLIT"), (62, "FUSED", "NOT_SCORABLE"),
    ]  # fmt: skip
    assert [text.split(",")[0] for text in found.nuclei_not_found] == [
        "row 7", "row 8", "row 9", "row 10",
    ]  # fmt: skip
    assert "no nucleus 999" in found.nuclei_not_found[0]
    assert "no field 'field_9'" in found.nuclei_not_found[1]
    assert "earlier row" in found.nuclei_not_found[3]
    assert [n.nucleus_id for n in found.cases[0].nuclei] == [2, 62]


def test_nuclei_of_several_cases_and_readers_are_summed(results):
    results("pos", fused=40, split=20)
    folder = results("neg", fused=60)
    nuclei = tuple(
        ManualNucleus(case, "field_01", "SPLIT", number, reader=who)
        for case in ("pos", "neg") for number in (1, 2, 3) for who in ("A", "B")
    )  # fmt: skip
    found = validate_results(folder, ManualReads((), nuclei))
    assert [(a.first, a.second, a.n_nuclei, a.n_agreed) for a in found.nuclei] == [
        ("A", "machine", 6, 3), ("B", "machine", 6, 3), ("A", "B", 6, 6),
    ]  # fmt: skip
    assert found.cases == ()


def test_nuclei_of_another_result_are_not_compared(results):
    folder = results("pos", fused=40, split=20)
    stale = replace(nucleus(1, "SPLIT", row=0), result="0" * 64)
    found = validate_results(folder, ManualReads((read("pos", "POSITIVE"),), (stale,)))
    assert found.nuclei == ()
    assert "review, case pos: the nucleus was judged on another result" in found.nuclei_not_found[0]


def test_one_damaged_bundle_does_not_stop_the_others(study):
    folder, reads = study
    (folder / "neg" / "nuclei.parquet").write_bytes(b"no table")
    (folder / "pos" / "result.json").write_text("{")
    found = validate_results(folder, reads)
    reasons = {item.case_id: item.reason for item in found.left_out}
    assert reasons["neg"] == "the result cannot be read: the table cannot be read"
    assert reasons["pos"].startswith(("no result", "the result cannot be read"))
    assert {case.case_id for case in found.cases} == {"missed", "few", "silent"}


def test_no_case_in_common_and_two_results_of_one_case(study):
    folder, reads = study
    with pytest.raises(InputError, match="no case of the manual reads has a result"):
        validate_results(folder, ManualReads((read("other", "POSITIVE"),)))
    shutil.copytree(folder / "pos", folder / "copy")
    with pytest.raises(InputError, match="two results have the same case id"):
        validate_results(folder, reads)


def test_mixed_methods_are_seen(results, new_result):
    other = new_result("b", ["FUSED"] * 60)
    other = replace(other, provenance=replace(other.provenance, version="9.9"))
    results("a", fused=60)
    folder = results("b", result=other)
    reads = ManualReads((read("a", "NEGATIVE"), read("b", "NEGATIVE")))
    assert [m.version for m in validate_results(folder, reads).methods] == ["0.1.0", "9.9"]


def test_everything_goes_into_json(study):
    text = json.dumps(validate_results(*study).to_dict(), allow_nan=False)
    assert json.loads(text)["cases"][0]["outcome"] == "OPPOSITE"


@pytest.mark.parametrize(
    ("call", "positive", "counted", "told"),
    [("NEGATIVE", 26, 50, "R: NEGATIVE contradicts 26 of 50 positive nuclei, 52.0 %"),
     ("POSITIVE", 4, 50, "R: POSITIVE contradicts 4 of 50 positive nuclei, 8.0 %"),
     ("NEGATIVE", 20, 100, "the manual call NEGATIVE contradicts 20 of 100 positive nuclei"),
     ("POSITIVE", 14, 100, "the manual call POSITIVE contradicts 14 of 100 positive nuclei"),
     ("POSITIVE", 15, 100, ""), ("NEGATIVE", 14, 100, ""), ("EQUIVOCAL", 20, 50, ""),
     ("POSITIVE", 0, 0, "")],
)  # fmt: skip
def test_a_call_that_contradicts_its_counts_is_told(results, call, positive, counted, told):
    folder = results("a", fused=60)
    found = validate_results(folder, ManualReads((read("a", call, positive, counted),)))
    assert len(found.remarks) == bool(told)
    assert told in "".join(found.remarks)


def test_an_older_result_of_a_failed_batch_is_told(results):
    folder = results("a", fused=60)
    (folder / "summary.csv").write_text("case_id,status,reason\na,failed,why\n", "utf-8")
    found = validate_results(folder, ManualReads((read("a", "NEGATIVE", 1, 50),)))
    assert "case a: the last batch did not make this result" in found.remarks[0]
