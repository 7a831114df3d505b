"""Bias, limits of agreement and correlations against published examples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.evaluate.method_comparison import MIN_PAIRS, compare_measurements

# Peak expiratory flow of 17 subjects, Bland and Altman, Lancet 1986;i:307, table 1, first readings.
LARGE = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

finite = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
series = st.lists(st.tuples(finite, finite), min_size=MIN_PAIRS, max_size=30)


def test_the_example_of_bland_and_altman():
    found = compare_measurements(MINI, LARGE)
    assert found.n == 17
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    assert found.bias.interval == pytest.approx((-22.0, 17.8), abs=0.1)
    assert found.lower.value == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.1)
    assert found.upper.value == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.1)
    assert found.pearson.value == pytest.approx(0.94, abs=0.005)


def test_the_error_of_a_limit_is_that_of_the_paper_of_1999():
    # SE^2 = s^2 (1/n + 1.96^2 / (2 (n - 1))); with 17 pairs and t(16) = 2.1199.
    found = compare_measurements(MINI, LARGE)
    se = found.sd * math.sqrt(1 / 17 + 1.96**2 / 32)
    low, high = found.lower.interval
    assert (high - low) / 2 == pytest.approx(2.1199 * se, rel=1e-4)
    assert found.upper.interval[1] - found.upper.value == pytest.approx((high - low) / 2)


def test_concordance_of_an_offset_has_a_closed_form():
    x = np.arange(10.0)
    found = compare_measurements(x, x + 3.0)
    assert found.concordance.value == pytest.approx(2 * x.var() / (2 * x.var() + 9.0))
    assert found.pearson.value == pytest.approx(1.0)
    assert found.spearman.value == pytest.approx(1.0)
    assert found.bias.value == 3.0
    assert found.lower.value == found.upper.value == 3.0


def test_the_interval_of_concordance_by_hand():
    # Lin 1989, formula of the variance with the correction of 2000, worked out step by step.
    found = compare_measurements(MINI, LARGE).concordance
    x, y = np.array(MINI, float), np.array(LARGE, float)
    r, c = np.corrcoef(x, y)[0, 1], found.value
    u2 = (x.mean() - y.mean()) ** 2 / (x.std() * y.std())
    inner = (1 - r**2) * c**2 * (1 - c**2) / r**2 + 2 * c**3 * (1 - c) * u2 / r
    inner -= c**4 * u2**2 / (2 * r**2)
    half = 1.959964 * math.sqrt(inner / 15) / (1 - c**2)
    z = math.atanh(c)
    assert found.interval == pytest.approx((math.tanh(z - half), math.tanh(z + half)), abs=1e-6)
    assert c == pytest.approx(0.943, abs=0.001)


def test_ranks_see_what_a_line_does_not():
    x = np.arange(1.0, 9.0)
    found = compare_measurements(x, np.exp(x))
    assert found.spearman.value == pytest.approx(1.0)
    assert found.pearson.value < 0.8


@pytest.mark.parametrize("n", range(MIN_PAIRS))
def test_too_few_pairs_tell_nothing(n):
    found = compare_measurements(np.arange(n), np.arange(n))
    assert (found.n, found.is_known) == (n, False)
    assert found.bias.interval == (0.0, 0.0)
    assert found.pearson.interval == (-1.0, 1.0)


def test_a_series_that_does_not_vary_has_no_correlation():
    found = compare_measurements([5.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert found.bias.value == pytest.approx(-1.5)
    assert (found.pearson.value, found.pearson.interval) == (0.0, (-1.0, 1.0))
    assert found.concordance.interval == (-1.0, 1.0)


def test_wrong_series_are_refused():
    with pytest.raises(ValueError, match="same length"):
        compare_measurements([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        compare_measurements([1.0, math.nan, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0])


@given(series)
def test_swapping_both_turns_the_bias_and_keeps_the_rest(pairs):
    x, y = zip(*pairs, strict=True)
    there, back = compare_measurements(x, y), compare_measurements(y, x)
    assert back.bias.value == pytest.approx(-there.bias.value, abs=1e-9)
    assert back.lower.value == pytest.approx(-there.upper.value, abs=1e-6)
    assert back.concordance.value == pytest.approx(there.concordance.value, abs=1e-9)
    assert back.mean_absolute == there.mean_absolute


@given(series)
def test_all_figures_are_finite_and_intervals_hold_their_values(pairs):
    found = compare_measurements(*zip(*pairs, strict=True))
    for estimate in (found.bias, found.lower, found.upper, found.pearson, found.concordance):
        low, high = estimate.interval
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert low - 1e-9 <= estimate.value <= high + 1e-9
    assert abs(found.concordance.value) <= abs(found.pearson.value) + 1e-6
