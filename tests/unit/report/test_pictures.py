"""Windows, display scales and coded pictures."""

import base64
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.io.probes import load_probe
from alkfish.model.fov import FieldOfView
from alkfish.report.pictures import (
    FieldReader,
    Planes,
    Stretch,
    Window,
    composite,
    data_uri,
    field_stretch,
    probe_view,
    window_around,
)


def fov(shape=(60, 80), **extra):
    random = np.random.default_rng(1)
    planes = [random.integers(90, 110, shape).astype(np.uint16) for _ in range(3)]
    return FieldOfView(
        dapi=planes[0], three_prime=planes[1], five_prime=planes[2], pixel_size_um=0.1, **extra
    )


class Small:
    name, shape = "f", (60, 80)

    def __init__(self, picture):
        self.picture, self.loads = picture, 0

    def load(self):
        self.loads += 1
        return self.picture


class Slide:
    name, shape = "s", (100_000, 100_000)
    levels = tuple(SimpleNamespace(shape=(s, s)) for s in (100_000, 10_000, 100))

    def load_dapi(self, *, level):
        return np.zeros(self.levels[level].shape, np.uint16)

    def load(self):
        raise AssertionError("a slide must not be read whole")

    def load_region(self, top, left, height, width):
        assert (top, left) == (50_000, 70_000)
        return fov((height, width))


@given(
    st.floats(-5, 400), st.floats(-5, 400), st.integers(5, 400), st.integers(5, 400),
    st.sampled_from([0.05, 0.1, 0.5]),
)  # fmt: skip
def test_windows_lie_inside_the_field(y, x, height, width, size):
    window = window_around(y, x, pixel_size_um=size, shape=(height, width))
    assert 0 <= window.top <= window.top + window.height <= height
    assert 0 <= window.left <= window.left + window.width <= width
    assert window.height > 0 < window.width


def test_a_small_field_is_read_once():
    source = Small(fov())
    reader = FieldReader(source)
    for _ in range(3):
        assert reader.cut(Window(10, 20, 30, 40)).dapi.shape == (30, 40)
    assert reader.overview().shape == (60, 80)
    assert source.loads == 1


def test_of_a_slide_only_windows_are_read():
    reader = FieldReader(Slide())
    assert reader.cut(Window(50_000, 70_000, 30, 40)).five_prime.shape == (30, 40)
    assert reader.overview().shape == (100, 100)


def test_a_slide_without_coarse_levels_has_no_overview():
    source = Slide()
    source.levels = source.levels[:1]
    assert FieldReader(source).overview().size == 0


def test_focus_stacks_are_projected():
    stack = fov((4, 60, 80), z_step_um=0.5)
    cut = FieldReader(Small(stack)).cut(Window(0, 0, 60, 80))
    assert np.array_equal(cut.three_prime, stack.three_prime.max(axis=0))


def test_one_scale_per_field_keeps_dim_signals_dim():
    bright, dim = np.full((9, 9), 100.0), np.full((9, 9), 100.0)
    bright[4, 4], dim[4, 4] = 1100.0, 300.0
    top = field_stretch({"3p": np.array([900.0, 1000.0, 1100.0]), "5p": np.empty(0)})
    assert top == Stretch(1000.0, 0.0)
    assert probe_view(bright, top.three_prime)[4, 4] > 2 * probe_view(dim, top.three_prime)[4, 4]


def test_a_flat_channel_is_black():
    assert probe_view(np.full((5, 5), 100, np.uint16), 0.0).max() == 0.0


def test_probe_ends_are_drawn_in_their_colours():
    blank = np.zeros((9, 9), np.uint16)
    three = blank.copy()
    three[4, 4] = 1000
    rgb = composite(Planes(blank, three, blank), Stretch(1000.0, 1000.0), load_probe())
    red, green, _ = rgb[4, 4].tolist()
    assert red > 200
    assert green < 20


@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 3), (600, 300, 3), (1, 900)])
def test_pictures_are_coded_and_large_ones_averaged(shape):
    uri = data_uri(np.full(shape, 100, np.uint8))
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(body), np.uint8), cv2.IMREAD_UNCHANGED)
    assert max(decoded.shape[:2]) == min(max(shape[:2]), 256)
    assert abs(int(decoded.mean()) - 100) <= 2
