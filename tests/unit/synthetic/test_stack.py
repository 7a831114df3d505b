"""Simulated focus stacks and their truth."""

import numpy as np
import pytest
import tifffile

from alkfish.errors import InputError
from alkfish.synthetic.case import simulate_case, write_case
from alkfish.synthetic.levels import LEVELS
from alkfish.synthetic.rule import Point, classify
from alkfish.synthetic.stack import DEFOCUS_SLOPE, simulate_stack

SHAPE = (320, 320)


@pytest.fixture(scope="module")
def field():
    level = LEVELS["easy"].with_(debris=0.0, granules=0.0)
    return simulate_stack(level, seed=4, shape=SHAPE, positive_fraction=0.5)


def test_shapes_and_scale(field):
    assert field.fov.dapi.shape == field.fov.five_prime.shape == (16, *SHAPE)
    assert field.fov.z_step_um == 0.4
    assert field.labels.shape == SHAPE
    assert len(field.spots) > 4


def test_same_seed_same_bytes():
    first, again, other = (
        simulate_stack("typical", seed=s, shape=(96, 96), n_planes=3) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.fov.three_prime, again.fov.three_prime)
    np.testing.assert_array_equal(first.spots.z_um, again.spots.z_um)
    assert (first.fov.three_prime != other.fov.three_prime).any()


def test_spots_are_brightest_in_their_plane(field):
    depth = field.spots.z_um / field.fov.z_step_um
    assert (depth > 0).all()
    assert (depth < 15).all()
    for end, stack in (("3p", field.fov.three_prime), ("5p", field.fov.five_prime)):
        rows = (field.spots.end == end) & (depth > 1) & (depth < 14)
        y, x = (np.rint(v[rows]).astype(int) for v in (field.spots.y_px, field.spots.x_px))
        assert rows.sum() >= 2
        brightest = stack[:, y, x].argmax(axis=0)
        assert np.median(np.abs(brightest - depth[rows])) <= 1.0


def test_light_is_spread_not_lost():
    level = LEVELS["empty"].with_(coverage=0.25, gain_share=0.0, nuclear_haze=0.0, camera_offset=0,
                                  dapi_into_green=0.0, vignetting=0.0, hot_pixels=0.0)  # fmt: skip
    stack = simulate_stack(level, seed=9, shape=(400, 400)).fov.three_prime
    totals = stack.astype(float).sum(axis=(1, 2))
    assert np.ptp(totals) < 0.02 * totals.mean()
    assert stack[8].std() != pytest.approx(stack[0].std(), rel=1e-3)


def test_a_spot_is_longer_than_wide_as_in_a_wide_field_microscope():
    sigma = LEVELS["typical"].spot_sigma_um[0]
    lateral, axial = 2.355 * sigma, 2 * sigma / DEFOCUS_SLOPE
    assert 1.5 < axial / lateral < 4


def test_rule_measures_in_space():
    three = [Point(0.0, 0.0, 0.5, 1.0)]
    assert classify(three, [Point(0.0, 0.0, 0.5, 1.4)]).pattern == "FUSED"
    found = classify(three, [Point(0.0, 0.0, 0.5, 4.0)])
    assert (found.pattern, found.max_distance) == ("SPLIT", 3.0)


def test_some_splits_lie_over_each_other():
    """Seen from above some truly split pairs are nearer than the rule's limit."""
    hidden = 0
    for seed in range(3):
        field = simulate_stack("easy", seed=seed, shape=(640, 640), n_planes=2, z_step_um=3.0,
                               positive_fraction=1.0)  # fmt: skip
        for number in field.nuclei.nucleus_id[field.nuclei.pattern == "SPLIT"]:
            of = field.spots.take(field.spots.nucleus_id == number)
            three, five = (
                [Point(y, x, d / 0.1) for y, x, d in zip(part.y_px, part.x_px, part.diameter_um,
                                                         strict=True)]
                for part in (of.take(of.end == "3p"), of.take(of.end == "5p"))
            )  # fmt: skip
            hidden += classify(three, five).pattern == "FUSED"
    assert hidden >= 1


def test_a_single_plane_is_no_stack():
    with pytest.raises(InputError, match="a stack needs planes"):
        simulate_stack("easy", seed=1, n_planes=1)


def test_written_stack_carries_planes_and_step(tmp_path):
    case = simulate_case("easy", seed=3, n_fields=1, shape=(96, 128), n_planes=4, z_step_um=0.5)
    images = write_case(case, tmp_path)
    with tifffile.TiffFile(next(images.glob("*.ome.tif"))) as tiff:
        series, text = tiff.series[0], tiff.ome_metadata
        assert (series.axes, series.shape) == ("ZCYX", (4, 3, 96, 128))
        np.testing.assert_array_equal(series.asarray()[:, 0], case.fields[0].fov.dapi)
    assert 'PhysicalSizeZ="0.5"' in text
