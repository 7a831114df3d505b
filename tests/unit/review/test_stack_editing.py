"""Edits of focus stacks: separation counts in depth, by the rules and the shift of scoring."""

from dataclasses import replace

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.errors import ReviewError
from alkfish.io.fingerprint import result_fingerprint
from alkfish.model.probe import ProbeEnd
from alkfish.review import NucleiMerged, NucleusDeclumped, SpotAdded, SpotDeleted, apply_edits
from alkfish.review.editing import _rules
from alkfish.review.rescore import rescore_nuclei

THREE, FIVE = ProbeEnd.THREE_PRIME, ProbeEnd.FIVE_PRIME
STEP, N_PLANES = 0.5, 11


@pytest.fixture
def deep(make_result):
    """Nuclei whose 5' signals lie 1 um deeper than the 3' ones, as the optics has it here."""
    made = make_result(["FUSED", "FUSED", "FUSED"])
    depth = np.where(made.spots.end == FIVE.value, 3.0, 2.0)
    qc = replace(
        made.fields[0], n_planes=N_PLANES, z_step_um=STEP, shift_z_um=1.0, shift_applied=True,
        corrections=("chromatic shift corrected: 0.1 um; 1.00 um in depth",),
    )  # fmt: skip
    return replace(made, spots=replace(made.spots, z_um=depth), fields=(qc, *made.fields[1:]))


def pattern(result, nucleus_id):
    return str(result.nuclei.pattern[result.nuclei.nucleus_id == nucleus_id][0])


def place(result, end=THREE, nucleus_id=1):
    spots = result.spots
    k = np.flatnonzero((spots.nucleus_id == nucleus_id) & (spots.end == end.value))[0]
    return float(spots.y_px[k]), float(spots.x_px[k]), int(spots.spot_id[k])


def test_the_shift_in_depth_of_scoring_is_taken_off(deep):
    rules = _rules(deep, "field", Config())
    nuclei, _ = rescore_nuclei(deep.nuclei, deep.spots, [1, 2, 3], rules)
    assert nuclei.pattern.tolist() == ["FUSED"] * 3
    without = replace(rules, shift_um=(0.0, 0.0, 0.0))
    nuclei, _ = rescore_nuclei(deep.nuclei, deep.spots, [1, 2, 3], without)
    assert nuclei.max_separation_um.min() >= 1.0, "or this test shows nothing"


@pytest.mark.parametrize(("z_um", "expected"), [(2.0, "FUSED"), (5.0, "SPLIT")])
def test_a_signal_is_added_at_its_depth(deep, z_um, expected):
    y, x, spot = place(deep)
    alone = apply_edits(deep, [SpotDeleted("field", spot)])
    gone = len(deep.spots) - len(alone.spots)
    assert gone == 1
    added = apply_edits(alone, [SpotAdded("field", 1, THREE, y, x, z_um=z_um)])
    assert added.spots.z_um[-1] == z_um
    assert added.spots.z_error_um[-1] == STEP
    assert pattern(added, 1) == expected
    assert pattern(added, 2) == pattern(deep, 2)


@pytest.mark.parametrize("z_um", [-1.0, 5.01, float("nan")])
def test_an_added_signal_needs_a_depth_within_the_stack(deep, z_um):
    y, x, _ = place(deep)
    with pytest.raises(ReviewError, match=r"needs its depth(.|\n)*0 to 5 um"):
        apply_edits(deep, [SpotAdded("field", 1, THREE, y, x, z_um=z_um)])


def test_depths_without_planes_are_not_guessed(deep):
    y, x, _ = place(deep)
    unknown = replace(deep, fields=(replace(deep.fields[0], n_planes=1, z_step_um=0.0),))
    for z_um in (-1.0, 2.0):
        with pytest.raises(
            ReviewError, match=r"did not keep its planes(.|\n)*score the case again"
        ):
            apply_edits(unknown, [SpotAdded("field", 1, THREE, y, x, z_um=z_um)])


def test_stacks_scored_before_the_shift_was_kept_are_refused(deep):
    older = replace(deep, fields=(replace(deep.fields[0], shift_z_um=0.0),))
    with pytest.raises(ReviewError, match=r"older version(.|\n)*score the case again"):
        apply_edits(older, [SpotDeleted("field", place(older)[2])])


def test_outlines_of_stacks_are_merged_and_parted(deep):
    merged = apply_edits(deep, [NucleiMerged("field", (1, 2))])
    assert len(merged.nuclei) == 2
    row = deep.nuclei.nucleus_id == 3
    y, x = float(deep.nuclei.y_px[row][0]), float(deep.nuclei.x_px[row][0])
    parted = apply_edits(deep, [NucleusDeclumped("field", 3, ((y - 60, x), (y + 60, x)))])
    assert len(parted.nuclei) == 4
    assert set(parted.spots.z_um) == {2.0, 3.0}


def test_a_simulated_stack_is_paired_again_as_it_was():
    from alkfish import score_case
    from alkfish.synthetic.stack import simulate_stack

    field = simulate_stack("easy", seed=3, n_planes=8, shape=(400, 400), positive_fraction=0.5).fov
    result = score_case([field], case_id="stack")
    assert result.spots.z_um.any()
    rules = _rules(result, field.name, Config())
    ids = result.nuclei.nucleus_id
    assert len(ids) > 3
    nuclei, spots = rescore_nuclei(result.nuclei, result.spots, ids, rules)
    for name in ("pattern", "n_fused", "n_3p", "n_5p", "max_separation_um", "scorable"):
        np.testing.assert_array_equal(getattr(nuclei, name), getattr(result.nuclei, name))
    same = result.spots.signal_id[:, None] == result.spots.signal_id
    inside = result.spots.nucleus_id > 0
    now = spots.signal_id[:, None] == spots.signal_id
    np.testing.assert_array_equal(now[inside][:, inside], same[inside][:, inside])


def test_the_shift_in_depth_is_kept_in_the_bundle_and_older_fingerprints_stay(deep, tmp_path):
    from alkfish.io._result_json import to_json
    from alkfish.io.bundle import open_bundle, write_bundle

    assert open_bundle(write_bundle(deep, tmp_path)).fields[0].shift_z_um == 1.0
    flat = replace(deep, fields=(replace(deep.fields[0], shift_z_um=0.0),))
    assert "shift_z_um" not in to_json(flat), "a result without it says the same as before"
    assert result_fingerprint(flat) != result_fingerprint(deep)
