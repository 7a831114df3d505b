"""Mixture of false and true candidates: learned where it can be, refused where not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.detect.evidence import BrightnessMixture, fit_brightness

FLOOR, SOLID = 2.3, 8.0


def candidates(rng, n_true, n_false, *, level=20.0, spread=0.35, decay=5.0):
    """Return SNRs of true and of false candidates above the floor."""
    true = level * np.exp(rng.normal(0, spread, n_true))
    false = FLOOR * np.exp(rng.exponential(1 / decay, n_false))
    return true[true >= FLOOR], false


@pytest.mark.parametrize("level", [12.0, 20.0, 50.0])
@pytest.mark.parametrize("n_false", [0, 100, 800])
def test_level_of_true_signals_is_learned(level, n_false):
    for seed in range(3):
        true, false = candidates(np.random.default_rng(seed), 150, n_false, level=level)
        found = fit_brightness(np.concatenate([true, false]), floor=FLOOR, solid=SOLID)
        assert found is not None
        assert np.exp(found.mean) == pytest.approx(level, rel=0.15)
        assert found.share == pytest.approx(len(true) / (len(true) + n_false), abs=0.1)


def test_true_and_false_are_told_apart():
    true, false = candidates(np.random.default_rng(7), 150, 400)
    found = fit_brightness(np.concatenate([true, false]), floor=FLOOR, solid=SOLID)
    assert (found.p_true(true) > 0.5).mean() > 0.97
    assert (found.p_true(false) > 0.5).mean() < 0.03


@pytest.mark.parametrize("n_solid", [0, 2])
def test_too_few_solid_signals_teach_nothing(n_solid):
    false = candidates(np.random.default_rng(0), 0, 500)[1]
    snr = np.concatenate([false[false < SOLID], np.full(n_solid, 30.0)])
    assert fit_brightness(snr, floor=FLOOR, solid=SOLID) is None


@pytest.mark.parametrize("snr", [np.empty(0), np.full(50, 1.0)])
def test_nothing_above_the_floor_teaches_nothing(snr):
    assert fit_brightness(snr, floor=FLOOR, solid=SOLID) is None


@settings(deadline=None, max_examples=60)
@given(
    decay=st.floats(3, 9), mean=st.floats(1.5, 4.5), spread=st.floats(0.25, 0.9),
    share=st.floats(0.02, 0.98),
)  # fmt: skip
def test_probability_never_falls_with_brightness(decay, mean, spread, share):
    mixture = BrightnessMixture(float(np.log(FLOOR)), decay, mean, spread, share)
    p = mixture.p_true(np.geomspace(FLOOR, 1e4, 200))
    assert (np.diff(p) >= -1e-12).all()
    assert p.min() >= 0.0
    assert p.max() <= 1.0
    assert p[-1] > 0.99


def test_order_of_candidates_does_not_matter():
    rng = np.random.default_rng(3)
    snr = np.concatenate(candidates(rng, 60, 200))
    one = fit_brightness(snr, floor=FLOOR, solid=SOLID)
    other = fit_brightness(rng.permutation(snr), floor=FLOOR, solid=SOLID)
    assert (one.mean, one.spread, one.share) == pytest.approx(
        (other.mean, other.spread, other.share)
    )
