"""Only outlines that touch are merged; what lies between them becomes part of the nucleus."""

from dataclasses import replace

import numpy as np
import pytest

from alkfish.errors import ReviewError
from alkfish.review import CaseReview, NucleiMerged, NucleusDeclumped, apply_edits
from alkfish.review.editing import check_edit
from alkfish.review.touching import MERGE_GAP_UM, bridged

PIXEL_UM = 0.1
SIDE = 90


def case_with_gap(make_result, gap_px, n=4):
    return make_result(["FUSED"] * n, pitch=SIDE + gap_px)


@pytest.mark.parametrize("gap_px", [0, 1, 2, 5])
def test_parts_of_one_nucleus_are_merged(make_result, gap_px):
    result = case_with_gap(make_result, gap_px)
    edit = NucleiMerged("field", (1, 2))
    check_edit(result, edit)
    merged = apply_edits(result, [edit])
    whole = SIDE * (2 * SIDE + gap_px) * PIXEL_UM**2
    assert merged.nuclei.area_um2[0] == pytest.approx(
        whole, rel=1e-3
    )  # corners of the gap are open
    assert merged.nuclei.solidity[0] == pytest.approx(1.0, abs=0.01)
    labels, before = np.asarray(merged.labels["field"]), result.labels["field"]
    assert np.isin(before[labels != before], (0, 2)).all(), "other nuclei keep their pixels"


@pytest.mark.parametrize("gap_px", [6, 20])
def test_nuclei_apart_are_not_merged_and_the_reader_is_told_why(make_result, local, gap_px):
    review = CaseReview(local, case_with_gap(make_result, gap_px), "Ada")
    review.start_read()
    with pytest.raises(ReviewError) as caught:
        review.edit(NucleiMerged("field", (2, 1)))
    error = caught.value
    assert error.problem == "nuclei 1 and 2 do not touch and cannot be merged"
    assert error.where == "case, field"
    assert error.found == f"a gap of {gap_px * PIXEL_UM:.1f} um between their outlines"
    assert f"at most {MERGE_GAP_UM:g} um" in error.allowed
    assert "click the part that lies beside the current nucleus" in error.remedy
    assert len(local.events("case")) == 2, "nothing was written"


def test_corners_touch_too(make_result):
    check_edit(case_with_gap(make_result, 0), NucleiMerged("field", (1, 4)))


def test_coarse_pixels_that_touch_are_no_gap(make_result):
    """At 1 um a pixel the diagonal to the next one is wider than the rule's gap."""
    coarse = replace(case_with_gap(make_result, 0), pixel_size_um={"field": 1.5})
    check_edit(coarse, NucleiMerged("field", (1, 4)))
    apart = replace(case_with_gap(make_result, 1), pixel_size_um={"field": 1.5})
    with pytest.raises(ReviewError, match=r"1\.5 um between"):
        check_edit(apart, NucleiMerged("field", (1, 2)))


def test_several_parts_hang_together_as_a_chain(make_result):
    result = make_result(["FUSED"] * 9, pitch=SIDE)
    check_edit(result, NucleiMerged("field", (1, 2, 3)))
    with pytest.raises(ReviewError, match="nuclei 1 and 2 and 9 do not touch"):
        check_edit(result, NucleiMerged("field", (1, 2, 9)))


def test_what_is_in_a_log_is_applied_as_it_was_made(make_result):
    merged = apply_edits(case_with_gap(make_result, 20), [NucleiMerged("field", (1, 2))])
    assert merged.nuclei.nucleus_id.tolist() == [1, 3, 4]
    assert merged.nuclei.area_um2[0] == pytest.approx(2 * (SIDE * PIXEL_UM) ** 2)


def test_a_nucleus_merged_over_a_gap_is_one_piece(make_result):
    """A line beside it does not part it."""
    result = case_with_gap(make_result, 2)
    merge = NucleiMerged("field", (1, 2))
    beside = NucleusDeclumped("field", 1, ((2.0, 2.0), (2.0, 150.0)))
    with pytest.raises(ReviewError, match="does not part the nucleus"):
        apply_edits(result, [merge, beside])


def test_only_the_gap_is_filled():
    """A notch elsewhere, a hole and a neighbour stay as they are; the window is not changed."""
    labels = np.zeros((40, 40), np.int32)
    labels[10:20, 5:15], labels[10:20, 17:27] = 1, 2
    labels[14:16, 5:7] = 0
    labels[21:30, 10:20] = 3
    before = labels.copy()
    found = bridged(labels, [1, 2], pixel_size_um=0.25)
    np.testing.assert_array_equal(labels, before)
    changed = found != labels
    assert changed[11:19, 15:17].all()
    assert not changed[14:16, 5:7].any()
    assert set(np.unique(found[changed])) == {1}
    assert not changed[21:].any()


def test_one_piece_stays_as_it_is():
    labels = np.zeros((20, 20), np.int32)
    labels[5:15, 5:10], labels[5:15, 10:15] = 1, 2
    assert bridged(labels, [1, 2], pixel_size_um=0.25) is labels
