"""Interval and probability of a rate against tabulated figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.score.statistics import cohen_kappa, probability_at_least, wilson_interval

# clinical-rules 3.2, in per cent.
TABLE = {
    (4, 50): (3.2, 18.8),
    (5, 50): (4.3, 21.4),
    (8, 50): (8.3, 28.5),
    (14, 100): (8.5, 22.1),
    (15, 100): (9.3, 23.3),
    (25, 50): (36.6, 63.4),
    (30, 200): (10.7, 20.6),
    (75, 500): (12.1, 18.4),
}
SAMPLE = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("sample", "interval"), TABLE.items(), ids=str)
def test_wilson_as_tabulated(sample, interval):
    low, high = wilson_interval(*sample)
    assert (round(100 * low, 1), round(100 * high, 1)) == interval


@pytest.mark.parametrize(
    ("positive", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 50, 0.0, 0.0713), (50, 50, 0.9287, 1.0), (0, 1, 0.0, 0.7935)],
)
def test_wilson_at_the_ends(positive, total, low, high):
    assert wilson_interval(positive, total) == pytest.approx((low, high), abs=5e-5)


@given(sample=SAMPLE)
def test_wilson_holds_the_rate_and_mirrors(sample):
    positive, total = sample
    low, high = wilson_interval(positive, total)
    assert 0.0 <= low <= positive / total <= high <= 1.0
    mirrored = wilson_interval(total - positive, total)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(sample=SAMPLE, factor=st.integers(2, 10))
def test_wilson_narrows_with_more_nuclei(sample, factor):
    few = wilson_interval(*sample)
    many = wilson_interval(sample[0] * factor, sample[1] * factor)
    assert many[1] - many[0] < few[1] - few[0]


@pytest.mark.parametrize(("positive", "total"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(positive, total):
    with pytest.raises(ValueError, match="0 <= positive <= total"):
        wilson_interval(positive, total)
    with pytest.raises(ValueError, match="0 <= positive <= total"):
        probability_at_least(positive, total, cutoff=0.15)


@given(sample=SAMPLE, cutoff=st.floats(0.01, 0.99))
def test_probability_rises_with_positive_nuclei(sample, cutoff):
    positive, total = sample
    p = probability_at_least(positive, total, cutoff=cutoff)
    assert 0.0 <= p <= 1.0
    if positive < total:
        assert probability_at_least(positive + 1, total, cutoff=cutoff) >= p


@given(sample=SAMPLE, cutoffs=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_probability_falls_with_the_cutoff(sample, cutoffs):
    low, high = sorted(cutoffs)
    p_low, p_high = (probability_at_least(*sample, cutoff=c) for c in (low, high))
    assert p_high <= p_low + 1e-12


def test_probability_of_a_half_is_a_half_by_symmetry():
    assert probability_at_least(25, 50, cutoff=0.5) == pytest.approx(0.5)
    assert probability_at_least(0, 0, cutoff=0.5) == pytest.approx(0.5)


def test_probability_far_from_the_cutoff_is_certain():
    assert probability_at_least(58, 100, cutoff=0.15) > 0.999999
    assert probability_at_least(2, 100, cutoff=0.15) < 1e-4
    assert 0.4 < probability_at_least(15, 100, cutoff=0.15) < 0.6


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[20, 5], [10, 15]], 0.4),
        ([[50, 0], [0, 50]], 1.0),
        ([[0, 50], [50, 0]], -1.0),
        ([[25, 25], [25, 25]], 0.0),
        ([[44, 5, 1], [7, 20, 3], [9, 5, 6]], 0.491525),
    ],
)
def test_kappa_of_known_tables(table, kappa):
    found, (low, high) = cohen_kappa(table)
    assert found == pytest.approx(kappa, abs=1e-6)
    assert -1 <= low <= found <= high <= 1


@pytest.mark.parametrize("table", [[[7, 0], [0, 0]], [[0, 0], [0, 0]]])
def test_kappa_that_cannot_be_told_is_0_with_the_widest_interval(table):
    assert cohen_kappa(table) == (0.0, (-1.0, 1.0))


@pytest.mark.parametrize("table", [[[1, 2]], [1, 2], [[1, -1], [0, 1]]])
def test_kappa_needs_a_square_table_of_counts(table):
    with pytest.raises(ValueError, match="need a square table of counts"):
        cohen_kappa(table)


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3))
def test_kappa_is_the_same_for_both_raters_and_any_order_of_categories(table):
    kappa, interval = cohen_kappa(table)
    array = np.array(table)
    for other in (array.T, array[::-1, ::-1]):
        found, bounds = cohen_kappa(other)
        assert found == pytest.approx(kappa)
        assert bounds == pytest.approx(interval)


def test_the_interval_of_kappa_is_that_of_repeated_samples():
    """The standard error agrees with the spread over 4000 tables drawn from a lopsided one."""
    share = np.array([[0.35, 0.10, 0.02], [0.04, 0.25, 0.03], [0.06, 0.01, 0.14]])
    tables = np.random.default_rng(3).multinomial(400, share.ravel(), size=4000)
    spread = np.std([cohen_kappa(table.reshape(3, 3))[0] for table in tables])
    _, (low, high) = cohen_kappa(share * 400)
    assert (high - low) / 2 == pytest.approx(1.96 * spread, rel=0.05)
