"""Edits of spots and outlines: touched nuclei follow the rules of scoring, nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from alkfish.errors import ReviewError
from alkfish.model.probe import ProbeEnd
from alkfish.review import (
    NucleiMerged,
    NucleusDeclumped,
    SpotAdded,
    SpotDeleted,
    SpotMoved,
    apply_edits,
    nucleus_at,
)
from alkfish.review.editing import touched_nuclei
from alkfish.review.edits import edit_from_payload, edit_to_payload
from alkfish.review.outlines import Patch, PatchedImage, cut_mask, window_of
from alkfish.review.rescore import FieldRules, rescore_nuclei

THREE, FIVE = ProbeEnd.THREE_PRIME, ProbeEnd.FIVE_PRIME
PATTERNS = ["FUSED", "SPLIT", "ISOLATED_3P", "ISOLATED_5P", "", "FUSED"]
EDITS = [
    SpotAdded("field", 1, THREE, 20.5, 30.0, 0.4),
    SpotMoved("field", 3, 1.0, 2.5, 0),
    SpotDeleted("field", 2),
    NucleiMerged("field", (1, 2)),
    NucleusDeclumped("field", 1, ((0.0, 50.0), (120.0, 52.5))),
]


@pytest.fixture
def result(make_result):
    return make_result(PATTERNS)


def row(result, nucleus_id):
    return int(np.flatnonzero(result.nuclei.nucleus_id == nucleus_id)[0])


def centre(result, nucleus_id):
    i = row(result, nucleus_id)
    return float(result.nuclei.y_px[i]), float(result.nuclei.x_px[i])


def spots_of(result, nucleus_id, end):
    spots = result.spots
    return spots.spot_id[(spots.nucleus_id == nucleus_id) & (spots.end == end.value)].tolist()


def pattern(result, nucleus_id):
    return str(result.nuclei.pattern[row(result, nucleus_id)])


def same_rows(table, other, but=()):
    for info in type(table).columns():
        if info.name not in but:
            np.testing.assert_array_equal(getattr(table, info.name), getattr(other, info.name))


def test_rescoring_without_an_edit_changes_nothing_but_numbers_of_signals(result):
    """The second pass through the rules must agree with the first one in every column."""
    from alkfish.config import Config

    rules = FieldRules("field", 0.1, (0.0, 0.0, 0.0), result.probe, Config())
    nuclei, spots = rescore_nuclei(result.nuclei, result.spots, range(1, 7), rules)
    same_rows(nuclei, result.nuclei)
    same_rows(spots, result.spots, but=("signal_id",))
    for table in (spots, result.spots):
        pairs = table.signal_id[:, None] == table.signal_id
        np.testing.assert_array_equal(
            pairs, result.spots.signal_id[:, None] == result.spots.signal_id
        )


def test_no_edits_give_the_result_itself(result):
    assert apply_edits(result, []) is result


@pytest.mark.parametrize(
    ("nucleus_id", "end", "offset", "expected"),
    [
        (1, THREE, (30, 30), "ISOLATED_3P"), (1, FIVE, (30, 30), "ISOLATED_5P"),
        (3, FIVE, (-30, -30), "SPLIT"), (3, FIVE, (30, 32), "FUSED"), (1, THREE, (1, 1), "FUSED"),
    ],
)  # fmt: skip
def test_an_added_spot_changes_the_pattern(result, nucleus_id, end, offset, expected):
    y, x = centre(result, nucleus_id)
    edited = apply_edits(
        result, [SpotAdded("field", nucleus_id, end, y + offset[0], x + offset[1])]
    )
    assert pattern(edited, nucleus_id) == expected
    assert len(edited.spots) == len(result.spots) + 1
    assert edited.spots.spot_id[-1] == result.spots.spot_id.max() + 1
    assert edited.spots.diameter_um[-1] == 0.5
    others = result.nuclei.nucleus_id != nucleus_id
    same_rows(edited.nuclei.take(others), result.nuclei.take(others))


def test_a_nucleus_without_signals_becomes_scorable(result):
    y, x = centre(result, 5)
    edits = [SpotAdded("field", 5, THREE, y, x), SpotAdded("field", 5, FIVE, y, x + 2)]
    one, both = apply_edits(result, edits[:1]), apply_edits(result, edits)
    assert (one.nuclei.flags[row(one, 5)], pattern(one, 5)) == ("only_3p", "")
    assert (both.nuclei.flags[row(both, 5)], pattern(both, 5)) == ("", "FUSED")
    assert both.excluded["no_signal"] == 0
    assert both.call.counts.n_enumerated == result.call.counts.n_enumerated + 1


def test_a_deleted_spot_changes_the_pattern(result):
    extra = spots_of(result, 3, THREE)[1]
    edited = apply_edits(result, [SpotDeleted("field", extra)])
    assert pattern(edited, 3) == "FUSED"
    assert extra not in edited.spots.spot_id
    assert edited.call.counts.n_positive == result.call.counts.n_positive - 1
    gone = apply_edits(result, [SpotDeleted("field", spots_of(result, 2, FIVE)[0])])
    assert (gone.nuclei.flags[row(gone, 2)], pattern(gone, 2)) == ("only_3p", "")


def test_a_moved_spot_changes_both_nuclei(result):
    spot = spots_of(result, 3, THREE)[1]
    y, x = centre(result, 6)
    move = SpotMoved("field", spot, y - 30, x - 30, 6)
    assert touched_nuclei(result, move) == (3, 6)
    edited = apply_edits(result, [move])
    assert (pattern(edited, 3), pattern(edited, 6)) == ("FUSED", "ISOLATED_3P")
    away = apply_edits(result, [SpotMoved("field", spot, 1.0, 1.0, 0)])
    kept = away.spots.spot_id == spot
    assert pattern(away, 3) == "FUSED"
    assert away.spots.flags[kept].tolist() == ["unassigned"]
    back = apply_edits(away, [SpotMoved("field", spot, y, x + 30, 6)])
    assert back.spots.flags[kept].tolist() == [""]


def test_a_chromatic_shift_is_taken_off_before_pairing(result):
    """With the 5' channel 2 um off, the fused pair of nucleus 1 is 22 px apart, not 2."""
    shifted = replace(
        result, fields=(replace(result.fields[0], shift_um=(0.0, 2.2), shift_applied=True),)
    )
    edits = [SpotAdded("field", 1, THREE, *centre(result, 1))]
    assert pattern(apply_edits(result, edits), 1) == "FUSED"
    assert pattern(apply_edits(shifted, edits), 1) == "SPLIT"
    refused = replace(shifted, fields=(replace(shifted.fields[0], shift_applied=False),))
    assert pattern(apply_edits(refused, edits), 1) == "FUSED"


def test_merged_nuclei_become_one(result):
    edited = apply_edits(result, [NucleiMerged("field", (2, 1))])
    assert edited.nuclei.nucleus_id.tolist() == [1, 3, 4, 5, 6]
    i = row(edited, 1)
    assert pattern(edited, 1) == "SPLIT"
    assert edited.nuclei.area_um2[i] == pytest.approx(162.0)
    one, two = centre(result, 1), centre(result, 2)
    assert (edited.nuclei.y_px[i], edited.nuclei.x_px[i]) == pytest.approx(
        ((one[0] + two[0]) / 2, (one[1] + two[1]) / 2)
    )
    assert set(spots_of(edited, 1, THREE)) == {
        *spots_of(result, 1, THREE), *spots_of(result, 2, THREE)
    }  # fmt: skip
    labels = np.asarray(edited.labels["field"])
    expected = np.where(result.labels["field"] == 2, 1, result.labels["field"])
    np.testing.assert_array_equal(labels, expected)
    assert (result.labels["field"] == 2).any()


def test_a_declumped_nucleus_becomes_two(result):
    """A cut between the two spots of a split nucleus leaves two nuclei of one end each."""
    y, x = centre(result, 2)
    edited = apply_edits(result, [NucleusDeclumped("field", 2, ((y - 5, x - 80), (y - 5, x + 80)))])
    assert edited.nuclei.nucleus_id.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert edited.nuclei.flags[[row(edited, 2), row(edited, 7)]].tolist() == ["only_5p", "only_3p"]
    labels = np.asarray(edited.labels["field"])
    np.testing.assert_array_equal(np.isin(labels, (2, 7)), result.labels["field"] == 2)
    areas = edited.nuclei.area_um2[[row(edited, 2), row(edited, 7)]]
    assert areas.sum() == pytest.approx(81.0)
    assert areas[0] > areas[1]
    assert edited.nuclei.y_px[row(edited, 7)] < y - 5


def test_declump_and_merge_is_where_it_began(result):
    y, x = centre(result, 2)
    cut = NucleusDeclumped("field", 2, ((y, x - 80), (y, x + 80)))
    edited = apply_edits(result, [cut, NucleiMerged("field", (2, 7))])
    same_rows(edited.nuclei, result.nuclei)
    np.testing.assert_array_equal(np.asarray(edited.labels["field"]), result.labels["field"])


def test_doubts_about_an_outline_end_when_a_person_draws_it(result):
    flags = result.nuclei.flags.copy()
    flags[row(result, 1)] = "border;clump;too_small"
    flagged = replace(result, nuclei=replace(result.nuclei, flags=flags))
    edited = apply_edits(flagged, [NucleiMerged("field", (1, 2))])
    assert edited.nuclei.flags[row(edited, 1)] == "border"


def test_edits_one_by_one_are_edits_at_once(result):
    y, x = centre(result, 1)
    edits = [
        SpotAdded("field", 1, THREE, y + 30, x), NucleiMerged("field", (1, 2)),
        SpotDeleted("field", spots_of(result, 3, THREE)[1]),
        NucleusDeclumped("field", 1, ((0.0, 110.0), (200.0, 110.0))),
    ]  # fmt: skip
    stepwise = result
    for edit in edits:
        stepwise = apply_edits(stepwise, [edit])
    at_once = apply_edits(result, edits)
    same_rows(stepwise.nuclei, at_once.nuclei)
    same_rows(stepwise.spots, at_once.spots)
    assert stepwise.call == at_once.call


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (SpotAdded("none", 1, THREE, 1.0, 1.0), "no such field"),
        (SpotAdded("field", 99, THREE, 1.0, 1.0), "no such nucleus"),
        (SpotAdded("field", 1, THREE, float("nan"), 1.0), "needs a place"),
        (SpotMoved("field", 1, -1.0, 1.0, 0), "needs a place"),
        (SpotMoved("field", 1, 1.0, 1.0, 99), "no such nucleus"),
        (SpotDeleted("field", 999), "no such signal"),
        (NucleiMerged("field", (1, 1)), "at least two nuclei"),
        (NucleiMerged("field", (1, 99)), "no such nucleus"),
        (NucleusDeclumped("field", 1, ((0.0, 0.0), (1.0, 1.0))), "does not part the nucleus"),
        (NucleusDeclumped("field", 1, ()), "does not part the nucleus"),
    ],
)
def test_impossible_edits_are_refused(result, edit, message):
    with pytest.raises(ReviewError, match=message):
        apply_edits(result, [edit])


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: type(edit).__name__)
def test_edits_come_back_from_the_log(edit):
    import json

    assert edit_from_payload(json.loads(json.dumps(edit_to_payload(edit)))) == edit


@pytest.mark.parametrize(
    "payload",
    [{}, {"edit": "spot_eaten"}, {"edit": "spot_deleted"},
     {"edit": "spot_added", "end": "4p", "fov": "f", "nucleus_id": 1, "y_px": 1, "x_px": 1}],
)  # fmt: skip
def test_unknown_edits_in_the_log_are_told(payload):
    with pytest.raises(ReviewError, match="does not know"):
        edit_from_payload(payload)


def test_beside_the_picture_lies_no_nucleus(result):
    at_the_edge = replace(result, labels={"field": result.labels["field"][20:, 20:]})
    assert (
        nucleus_at(at_the_edge, "field", 30.0, 0.0) == nucleus_at(at_the_edge, "field", 0, 30) == 1
    )
    for away in (30.0, 120.0, 250.0):
        assert nucleus_at(at_the_edge, "field", 30.0, -away) == 0
        assert nucleus_at(at_the_edge, "field", -away, 30.0) == 0


def test_the_nucleus_at_a_point(result):
    y, x = centre(result, 2)
    assert nucleus_at(result, "field", y, x) == 2
    assert nucleus_at(result, "field", y - 48.4, x) == 2  # within 0.4 um of the outline
    assert nucleus_at(result, "field", y - 52.0, x) == 0
    assert nucleus_at(result, "field", 5000.0, 5000.0) == 0
    with pytest.raises(ReviewError, match="no such field"):
        nucleus_at(result, "none", 1.0, 1.0)


def test_patched_images_give_the_same_in_every_window():
    rng = np.random.default_rng(1)
    base = rng.integers(0, 9, (40, 50)).astype(np.int32)
    image, expected = PatchedImage(base, ()), base.copy()
    for top, left, shape in ((3, 4, (10, 12)), (8, 10, (20, 5)), (0, 45, (40, 5))):
        patch = rng.integers(10, 19, shape).astype(np.int32)
        image = image.with_patch(Patch(top, left, patch))
        expected[top : top + shape[0], left : left + shape[1]] = patch
    assert (image.shape, image.dtype, image.ndim, len(image)) == ((40, 50), np.int32, 2, 40)
    for window in (np.s_[:, :], np.s_[5:9], np.s_[9:30, 11:12], np.s_[30:99, 40:99], np.s_[7, 8],
                   np.s_[::2, 1:40:3], np.s_[4:4, :]):  # fmt: skip
        np.testing.assert_array_equal(image[window], expected[window])
    assert not np.shares_memory(image[:, :], base)


def test_the_window_of_long_nuclei_holds_them_whole():
    labels = np.zeros((60, 900), np.int32)
    labels[20:30, 5:880] = 3
    patch = window_of(labels, [3], [(24.5, 442.0)])
    assert (patch.labels == 3).sum() == 8750
    with pytest.raises(ReviewError, match="no outline of these nuclei"):
        window_of(labels, [4], [(24.5, 442.0)])


def test_a_cut_gives_every_pixel_to_a_part_largest_first():
    mask = np.zeros((30, 40), bool)
    mask[5:25, 5:35] = True
    parts = cut_mask(mask, [(0, 12), (15, 12), (29, 12)])
    assert sorted(np.unique(parts[mask])) == [1, 2]
    assert (parts > 0).sum() == mask.sum()
    assert (parts == 1).sum() > (parts == 2).sum()
    assert parts[10, 30] == 1
    assert parts[10, 6] == 2
