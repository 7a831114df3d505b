"""Which nuclei are shown."""

import numpy as np
import pytest

from alkfish.report.gallery import choose_nuclei, describe, pattern_certainty


def with_certainty(result, pattern, values):
    rows = np.flatnonzero(result.nuclei.pattern == pattern)
    getattr(result.nuclei, f"p_{pattern.lower()}")[rows] = values
    return result


def test_both_ends_take_turns(make_result):
    values = [0.99, 0.5, 0.7, 0.95, 0.6]
    result = with_certainty(make_result(["SPLIT"] * 5), "SPLIT", values)
    shown = choose_nuclei(result, 4)
    assert [item.certainty for item in shown] == [0.99, 0.5, 0.95, 0.6]
    assert [item.why for item in shown] == ["convincing", "doubtful", "convincing", "doubtful"]
    assert [item.rank for item in shown] == [0, 1, 2, 3]


def test_a_sure_nucleus_is_not_called_doubtful_for_being_last(make_result):
    result = with_certainty(make_result(["FUSED"] * 2), "FUSED", [0.99, 0.98])
    assert [item.why for item in choose_nuclei(result, 9)] == ["convincing", "least certain"]


def test_flagged_nuclei_are_doubtful(make_result):
    result = make_result(["SPLIT"])
    result.nuclei.flags[0] = "gain;doubtful"
    assert choose_nuclei(result, 9)[0].why == "doubtful"


@pytest.mark.parametrize("limit", [0, 1, 7, 500])
def test_nobody_is_shown_twice(positive, limit):
    rows = [item.row for item in choose_nuclei(positive, limit)]
    assert len(set(rows)) == len(rows)
    assert len(rows) <= 4 * limit + limit // 2


def test_positive_patterns_come_first(positive):
    patterns = [item.pattern for item in choose_nuclei(positive, 16)]
    assert list(dict.fromkeys(patterns)) == ["SPLIT", "ISOLATED_3P", "ISOLATED_5P", "FUSED", ""]


def test_uncounted_nuclei_tell_their_reason(positive):
    last = choose_nuclei(positive, 16)[-1]
    assert last.why.startswith("3' signals only")
    assert last.certainty == 0.0
    text = describe(positive, last)
    assert "Not counted; 1 single 3'" in text


def test_border_nuclei_are_not_shown(make_result):
    result = make_result(["FUSED", ""])
    result.nuclei.flags[1] = "border;only_3p"
    assert [item.row for item in choose_nuclei(result, 16)] == [0]


def test_an_empty_case_shows_nothing(make_result):
    assert choose_nuclei(make_result([]), 16) == []
    assert len(pattern_certainty(make_result([]).nuclei)) == 0
