"""Signals of focus stacks: separation and patterns in three dimensions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.config import Config
from alkfish.io.probes import load_probe
from alkfish.model.probe import SeparationRule
from alkfish.score.nuclei import EndSpots, score_nuclei
from alkfish.score.pairing import FUSED, PlacedSpots, pair_signals
from alkfish.score.shift import ChromaticShift

RULE = SeparationRule()


def placed(*positions, error=0.05, diameter=0.5):
    position = np.array(positions, float).reshape(-1, 3)
    n = len(position)
    return PlacedSpots(
        position, np.full(n, diameter), np.ones(n, np.int32), np.full(n, float(error))
    )


def kinds(three, five):
    return pair_signals(three, five, rule=RULE, doublet_gap_diam=1.0).signals.kind.tolist()


CASES = {
    # Diameter 0.5 um: a gap of two diameters is 1.5 um between centres.
    "on each other": ([(0, 0, 2)], [(0, 0, 2)], [0]),
    "apart in depth": ([(0, 0, 1)], [(0, 0, 4)], [1, 2]),
    "fused although in different planes": ([(0, 0, 1)], [(0, 0, 2.2)], [0]),
    "apart along the diagonal": ([(0, 0, 1)], [(0.9, 0.9, 2.5)], [1, 2]),
    "partner in another plane": ([(0, 0, 1), (5, 5, 3)], [(0, 0.2, 1.8), (5, 5, 3)], [0, 0]),
    "two loci over each other": ([(0, 0, 1), (0, 0, 4)], [(0, 0, 1), (0, 0, 4)], [0, 0]),
    "only one of two has a partner": ([(0, 0, 1), (0, 0, 4)], [(0, 0, 1)], [0, 1]),
}


@pytest.mark.parametrize(("three", "five", "expected"), CASES.values(), ids=CASES)
def test_named_cases(three, five, expected):
    assert kinds(placed(*three), placed(*five)) == expected


def test_noise_in_depth_splits_nothing():
    three, five = [(0, 0, 1.0)], [(0, 0, 2.7)]
    assert kinds(placed(*three), placed(*five)) != [FUSED]
    assert kinds(placed(*three, error=0.4), placed(*five, error=0.4)) == [FUSED]


@given(st.lists(st.tuples(*[st.floats(0, 8)] * 3), min_size=1, max_size=5), st.floats(-5, 5))
def test_turning_depth_over_or_moving_it_changes_nothing(points, move):
    def turned(spots):
        return [(y, x, move - z) for y, x, z in spots]

    three, five = points, [(x, y, z) for y, x, z in points]
    expected = pair_signals(placed(*three), placed(*five), rule=RULE, doublet_gap_diam=1.0)
    found = pair_signals(
        placed(*turned(three)), placed(*turned(five)), rule=RULE, doublet_gap_diam=1.0
    )
    np.testing.assert_allclose(
        np.sort(found.signals.centre_um), np.sort(expected.signals.centre_um), atol=1e-6
    )
    assert (found.signals.kind == FUSED).sum() == (expected.signals.kind == FUSED).sum()


def test_spots_of_one_level_pair_as_in_a_plane():
    rng = np.random.default_rng(7)
    three, five = rng.uniform(0, 8, (2, 12, 2))
    flat = pair_signals(
        *(PlacedSpots(p, np.full(12, 0.5), np.ones(12, np.int32)) for p in (three, five)),
        rule=RULE, doublet_gap_diam=1.0,
    )  # fmt: skip
    level = pair_signals(
        *(placed(*np.column_stack([p, np.full(12, 3.0)])) for p in (three, five)),
        rule=RULE, doublet_gap_diam=1.0,
    )  # fmt: skip
    np.testing.assert_array_equal(flat.signal_3p, level.signal_3p)
    np.testing.assert_array_equal(flat.signals.centre_um, level.signals.centre_um)


def score(make_spots, make_nuclei, z_five, shift=0.0):
    from alkfish.model.nuclei import Nuclei

    nuclei = Nuclei(np.ones((80, 80), np.int32), make_nuclei(1))
    ends = []
    for z in (1.0, z_five):
        table = make_spots([(40.0, 40.0)], z_um=z, z_error_um=0.05)
        ends.append(EndSpots(table, np.full(1, 30.0), np.full(1, 0.01), np.zeros(1)))
    return score_nuclei(
        "f", nuclei, *ends, pixel_size_um=0.1, shift=ChromaticShift(z_um=shift),
        probe=load_probe("vysis-alk"), config=Config(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("z_five", "shift", "pattern"),
    [(1.0, 0.0, "FUSED"), (4.0, 0.0, "SPLIT"), (2.8, 0.0, "SPLIT"), (2.8, 0.4, "FUSED")],
)
def test_pattern_by_distance_in_depth(make_spots, make_nuclei, z_five, shift, pattern):
    nuclei, spots = score(make_spots, make_nuclei, z_five, shift)
    assert nuclei.pattern.tolist() == [pattern]
    assert spots.z_um.tolist() == [1.0, z_five]
    assert spots.z_error_um.tolist() == [0.05, 0.05]
