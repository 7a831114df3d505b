import numpy as np
import pytest

from alkfish.evaluate.patterns import PatternComparison, Share, compare_patterns
from alkfish.model.signals import NucleusRecords


def nuclei(*patterns, ids=None):
    """Nuclei with these patterns; an empty text is a nucleus that is not scorable."""
    n = len(patterns)
    columns = {
        info.name: np.full(n, "", object) if info.dtype == object else np.zeros(n, info.dtype)
        for info in NucleusRecords.columns()
    }
    columns["nucleus_id"] = np.arange(1, n + 1) if ids is None else np.array(ids)
    columns["pattern"] = np.array(patterns, dtype=object)
    columns["scorable"] = columns["pattern"] != ""
    return NucleusRecords(**columns)


def same(n):
    return np.repeat(np.arange(1, n + 1), 2).reshape(-1, 2)


def test_confusion_and_shares():
    truth = nuclei("FUSED", "FUSED", "SPLIT", "ISOLATED_3P", "ISOLATED_5P")
    found = nuclei("FUSED", "ISOLATED_3P", "ISOLATED_3P", "ISOLATED_3P", "FUSED")
    result = compare_patterns(truth, found, same(5))
    assert result.confusion.tolist() == [[1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
    assert (result.agreement.hits, result.agreement.total) == (2, 5)
    # Split read as isolated 3' is still positive, isolated 5' read as fused still negative.
    assert (result.sensitivity.hits, result.sensitivity.total) == (2, 2)
    assert (result.specificity.hits, result.specificity.total) == (2, 3)
    assert result.true_rate.value == pytest.approx(2 / 5)
    assert result.found_rate.value == pytest.approx(3 / 5)


def test_nuclei_scorable_in_one_only_are_told_and_enter_their_rate():
    truth = nuclei("SPLIT", "", "SPLIT", "FUSED")
    found = nuclei("", "ISOLATED_3P", "SPLIT", "FUSED", ids=[1, 2, 30, 40])
    result = compare_patterns(truth, found, np.array([[1, 1], [2, 2]]))
    told = result.to_dict()
    assert told["n_scorable_both"] == 0
    assert (result.n_true_only, result.n_unmatched_true) == (1, 2)
    assert (result.n_found_only, result.n_unmatched_found) == (1, 2)
    assert told["n_scorable_true_only"] == 3
    assert told["n_scorable_found_only"] == 3
    assert (result.true_rate.hits, result.true_rate.total) == (2, 3)
    assert (result.found_rate.hits, result.found_rate.total) == (2, 3)


def test_sums_add_every_count():
    one = compare_patterns(nuclei("SPLIT", "FUSED"), nuclei("SPLIT", ""), same(2))
    two = one + one + PatternComparison()
    assert two.n_both == 2
    assert two.n_true_only == 2
    assert two.true_rate.total == 2 * one.true_rate.total
    assert np.array_equal(two.confusion, 2 * one.confusion)


def test_nothing_to_compare():
    none = compare_patterns(nuclei(), nuclei(), np.empty((0, 2), np.int64))
    assert none.agreement.total == 0
    assert none.agreement.value == 0.0
    assert none.agreement.interval == (0.0, 1.0)


def test_share_carries_wilson_interval():
    # 5 of 50: 4.3 to 21.4 % (clinical-rules 3.2).
    low, high = Share(5, 50).interval
    assert low == pytest.approx(0.043, abs=5e-4)
    assert high == pytest.approx(0.214, abs=5e-4)
