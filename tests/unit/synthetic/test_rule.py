"""The truth's own pattern rule against the worksheet and against the scorer's."""

import numpy as np
import pytest

from alkfish.model.probe import SeparationRule
from alkfish.score.pairing import PlacedSpots, pair_signals
from alkfish.synthetic.rule import Point, classify, merge_doublets

FAR = 10.0


def points(*places: tuple[float, float]) -> list[Point]:
    return [Point(y, x, 1.0) for y, x in places]


def worksheet(n_fused: int, n_five: int, n_three: int) -> tuple[list[Point], list[Point]]:
    fused = [(FAR * k, 0.0) for k in range(n_fused)]
    three = fused + [(FAR * k, 100.0) for k in range(n_three)]
    five = fused + [(FAR * k, 200.0) for k in range(n_five)]
    return points(*three), points(*five)


@pytest.mark.parametrize(
    ("n_fused", "n_five", "n_three", "pattern"),
    [
        (2, 0, 0, "FUSED"),
        (2, 1, 1, "SPLIT"),
        (2, 0, 1, "ISOLATED_3P"),
        (1, 1, 0, "ISOLATED_5P"),
        (0, 1, 2, "SPLIT"),
        (1, 0, 0, "FUSED"),
        (0, 2, 3, "SPLIT"),
    ],
)
def test_worksheet_of_the_atlas(n_fused, n_five, n_three, pattern):
    reading = classify(*worksheet(n_fused, n_five, n_three))
    assert reading.pattern == pattern
    assert (reading.n_fused, reading.n_3p, reading.n_5p) == (n_fused, n_three, n_five)


@pytest.mark.parametrize(("distance", "pattern"), [(2.99, "FUSED"), (3.0, "SPLIT")])
def test_gap_of_two_diameters_splits(distance, pattern):
    reading = classify(points((0, 0)), points((0, distance)))
    assert reading.pattern == pattern
    assert reading.max_distance == pytest.approx(distance)
    assert reading.max_gap_diam == pytest.approx(distance - 1)


def test_gap_is_measured_in_diameters_of_the_larger_spot():
    # Edges 2.0 apart: two diameters of the small spot, one of the large one.
    assert classify([Point(0, 0, 1.0)], [Point(0, 3.5, 2.0)]).pattern == "FUSED"


@pytest.mark.parametrize("missing", ["three", "five", "both"])
def test_one_end_alone_has_no_pattern(missing):
    three = [] if missing in ("three", "both") else points((0, 0), (FAR, 0))
    five = [] if missing in ("five", "both") else points((0, 0))
    reading = classify(three, five)
    assert reading.pattern == ""
    assert (reading.n_3p, reading.n_5p) == (len(three), len(five))


def test_sister_doublet_is_one_signal():
    assert merge_doublets(points((0, 0), (0, 1.9), (0, 3.8), (0, FAR))) == [0, 0, 0, 1]
    assert merge_doublets(points((0, 0), (0, 2.0))) == [0, 1]
    assert classify(points((0, 0), (0, 1.5)), points((0, 0.2))).pattern == "FUSED"


def test_second_3p_close_to_a_paired_5p_joins_it():
    # 3'-5'-3' in a row: the outer two are no doublet, but each touches the middle one.
    reading = classify(points((0, 0), (0, 2.4)), points((0, 1.2)))
    assert reading.pattern == "FUSED"
    assert len({*reading.signals_3p, *reading.signals_5p}) == 1


def test_ends_swap_with_the_colours():
    three, five = worksheet(2, 0, 1)
    assert classify(five, three).pattern == "ISOLATED_5P"


def test_agrees_with_the_scorer_on_random_nuclei():
    rng = np.random.default_rng(5)
    for _ in range(300):
        sides = []
        for _ in range(2):
            n = int(rng.integers(1, 5))
            sides.append(np.column_stack([rng.uniform(0, 7, (n, 2)), rng.uniform(0.5, 0.8, n)]))
        mine = classify(*([Point(*row) for row in side] for side in sides))
        placed = (PlacedSpots(s[:, :2], s[:, 2], np.ones(len(s), np.int32)) for s in sides)
        signals = pair_signals(*placed, rule=SeparationRule(), doublet_gap_diam=1.0).signals
        theirs = tuple(int((signals.kind == kind).sum()) for kind in range(3))
        assert theirs == (mine.n_fused, mine.n_3p, mine.n_5p)
