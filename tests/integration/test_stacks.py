"""Focus stacks from arrays to patterns, against their maximum projections."""

from dataclasses import replace

import numpy as np
import pytest

import alkfish
from alkfish.synthetic.levels import LEVELS
from alkfish.synthetic.stack import simulate_stack


@pytest.fixture(scope="module")
def field():
    return simulate_stack(LEVELS["easy"], seed=21, shape=(512, 512), positive_fraction=0.6)


@pytest.fixture(scope="module")
def result(field):
    return alkfish.score_fov(field.fov)


def test_stack_is_scored_with_depths(field, result):
    assert result.qc.n_planes == 16
    assert result.qc.z_step_um == 0.4
    assert result.labels.shape == (512, 512)
    assert (result.spots.z_um > 0).all()
    assert (result.spots.z_error_um > 0).all()


def test_flipping_the_stack_keeps_the_patterns(field, result):
    names = ("dapi", "three_prime", "five_prime")
    stacks = {name: getattr(field.fov, name)[::-1].copy() for name in names}
    flipped = alkfish.score_fov(replace(field.fov, **stacks))
    np.testing.assert_array_equal(flipped.nuclei.pattern, result.nuclei.pattern)


def test_padding_with_empty_planes_keeps_the_patterns(field, result):
    empty = np.zeros((2, 512, 512), np.uint16)
    names = ("three_prime", "five_prime", "dapi")
    stacks = {name: np.concatenate([empty, getattr(field.fov, name), empty]) for name in names}
    padded = alkfish.score_fov(replace(field.fov, **stacks))
    np.testing.assert_array_equal(padded.nuclei.pattern, result.nuclei.pattern)


def test_single_plane_has_no_depth(field):
    planes = {n: getattr(field.fov, n)[8] for n in ("dapi", "three_prime", "five_prime")}
    result = alkfish.score_fov(replace(field.fov, **planes, z_step_um=0.0))
    assert (result.spots.z_um == 0).all()
    assert (result.spots.z_error_um == 0).all()


def test_cautions_of_a_case(field):
    def codes(**changes):
        call = alkfish.score_case([replace(field.fov, **changes)]).call
        return {caution.code for caution in call.cautions}

    names = ("dapi", "three_prime", "five_prime")
    assert "single_plane" not in codes()
    assert "shallow_stack" in codes(**{n: getattr(field.fov, n)[4:10] for n in names})
