import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from alkfish.errors import InputError
from alkfish.evaluate.matching import f1_score, match_labels, match_points


def squares(*corners, side=10, shape=(40, 60)):
    labels = np.zeros(shape, np.int32)
    for number, (y, x) in enumerate(corners, start=1):
        labels[y : y + side, x : x + side] = number
    return labels


def test_identical_labels_match_fully():
    labels = squares((0, 0), (20, 20), (5, 40))
    match = match_labels(labels, labels)
    assert (match.tp, match.fp, match.fn, match.f1, match.mean_iou) == (3, 0, 0, 1.0, 1.0)
    assert match.pairs.tolist() == [[1, 1], [2, 2], [3, 3]]


def test_ids_need_not_be_consecutive_nor_equal():
    truth, found = squares((0, 0), (20, 20)), squares((20, 20), (0, 0))
    match = match_labels(truth * 7, found * 1000)
    assert match.pairs.tolist() == [[7, 2000], [14, 1000]]


def test_missed_and_invented_nuclei_are_counted():
    match = match_labels(squares((0, 0), (20, 20)), squares((0, 0), (0, 40), (25, 45)))
    assert (match.tp, match.fp, match.fn) == (1, 2, 1)
    assert match.f1 == pytest.approx(0.4)


@pytest.mark.parametrize(("shift", "matches"), [(3, 1), (4, 0)])
def test_overlap_decides(shift, matches):
    # 10 x 10 squares shifted by s overlap by (10 - s) / (10 + s): 0.54 and 0.43.
    match = match_labels(squares((0, 0)), squares((0, shift)))
    assert match.tp == matches
    assert match.mean_iou == pytest.approx(7 / 13 if matches else 0.0)


def test_merged_pair_of_equal_halves_matches_one_of_them_at_most():
    truth = squares((0, 0), (0, 10))
    merged = (truth > 0).astype(np.int32)
    match = match_labels(truth, merged)
    assert (match.tp, match.fp, match.fn) == (1, 0, 1)
    assert match.mean_iou == 0.5


def test_nothing_to_find_and_nothing_found_is_perfect():
    empty = np.zeros((5, 5), np.int32)
    match = match_labels(empty, empty)
    assert (match.tp, match.fp, match.fn, match.f1, match.mean_iou) == (0, 0, 0, 1.0, 0.0)
    assert match.pairs.shape == (0, 2)
    assert match_labels(empty, squares((0, 0), shape=(5, 5), side=3)).f1 == 0.0


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        (np.zeros((4, 4), int), np.zeros((4, 5), int), "one shape"),
        (np.zeros((4, 4)), np.zeros((4, 4)), "labels must be integers"),
        (np.full((4, 4), -1), np.zeros((4, 4), int), "labels must be integers"),
    ],
)
def test_impossible_labels_are_refused(truth, found, message):
    with pytest.raises(InputError, match=message):
        match_labels(truth, found)


def test_low_overlap_limit_is_refused():
    with pytest.raises(InputError, match="overlap of a match is out of range"):
        match_labels(np.zeros((2, 2), int), np.zeros((2, 2), int), min_iou=0.3)


def test_points_match_within_the_distance_included():
    match = match_points([[0, 0], [10, 10]], [[0, 3.0], [10, 13.1]])
    assert (match.tp, match.fp, match.fn) == (1, 1, 1)
    assert match.rmse_px == pytest.approx(3.0)
    assert match.precision == match.recall == match.f1 == 0.5


def test_points_match_one_to_one():
    match = match_points([[0, 0]], [[0, 1], [0, 0.5], [1, 0]])
    assert (match.tp, match.fp, match.fn) == (1, 2, 0)
    assert match.pairs.tolist() == [[0, 1]]


def test_more_matches_win_over_shorter_ones():
    # Greedily, the truth at 0 would take the point at 1 and leave the other truth alone.
    match = match_points([[0, 0], [0, 3.5]], [[0, 1], [0, -2.5]])
    assert match.tp == 2
    assert match.pairs.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("side", ["truth", "found", "both"])
def test_no_points_on_a_side(side):
    some = [[1.0, 2.0]]
    truth = [] if side in ("truth", "both") else some
    found = np.empty((0, 2)) if side in ("found", "both") else some
    match = match_points(truth, found)
    assert (match.tp, match.fp, match.fn) == (0, len(found), len(truth))
    assert match.precision == (1.0 if not len(found) else 0.0)
    assert match.recall == (1.0 if not len(truth) else 0.0)
    assert match.rmse_px == 0.0


@pytest.mark.parametrize(
    ("truth", "distance", "message"),
    [([[1, 2, 3]], 3.0, "shape"), ([[np.nan, 1]], 3.0, "finite"), ([[1, 1]], 0.0, "positive")],
)
def test_impossible_points_are_refused(truth, distance, message):
    with pytest.raises(InputError, match=message):
        match_points(truth, [[0, 0]], max_distance_px=distance)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 25), st.integers(0, 25))
def test_points_agree_with_a_dense_assignment(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, 18, (n, 2)), rng.uniform(0, 18, (m, 2))
    match = match_points(a, b, max_distance_px=3.0)
    if not (n and m):
        assert match.tp == 0
        return
    distance = cdist(a, b)
    cost = np.where(distance <= 3.0, distance, 1e4)
    rows, columns = linear_sum_assignment(cost)
    kept = cost[rows, columns] < 1e4
    assert match.tp == kept.sum()
    mine = distance[match.pairs[:, 0], match.pairs[:, 1]].sum()
    assert mine == pytest.approx(cost[rows, columns][kept].sum())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_labels_swap_sides(seed):
    rng = np.random.default_rng(seed)
    a, b = (squares(*rng.integers(0, 50, (6, 2)).tolist(), shape=(60, 60)) for _ in range(2))
    one, other = match_labels(a, b), match_labels(b, a)
    assert (one.tp, one.fp, one.fn) == (other.tp, other.fn, other.fp)
    assert one.iou_sum == pytest.approx(other.iou_sum)


@pytest.mark.parametrize(("counts", "f1"), [((0, 0, 0), 1.0), ((2, 1, 1), 2 / 3), ((0, 1, 0), 0.0)])
def test_f1(counts, f1):
    assert f1_score(*counts) == pytest.approx(f1)


def test_large_images_are_matched_window_by_window():
    truth = np.zeros((40, 9000), np.int32)
    truth[5:25, 4080:4120] = 3
    truth[5:25, 100:150] = 70_000
    found = np.roll(truth, 5, axis=1)
    found[found == 3] = 8

    class Windows:
        shape, dtype, ndim = found.shape, found.dtype, 2

        def __getitem__(self, key):
            assert found[key].size <= 4096 * 4096
            return found[key]

    match = match_labels(truth, Windows())
    assert (match.tp, match.fp, match.fn) == (2, 0, 0)
    assert sorted(match.pairs.tolist()) == [[3, 8], [70_000, 70_000]]
    assert match.iou_sum == pytest.approx(35 / 45 + 45 / 55)
