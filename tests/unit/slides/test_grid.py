import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.model.window import Window
from alkfish.slides.grid import (
    ALIGN_PX,
    TILE_PX,
    core_px,
    halo_px,
    is_slide,
    make_grid,
    make_tiles,
)

shapes = st.tuples(st.integers(1, 60_000), st.integers(1, 60_000))


@given(shapes, st.sampled_from([64, 256]), st.integers(1, 40))
def test_cores_tile_the_slide_and_windows_hold_their_halo(shape, halo, n_planes):
    fields = [f for row in make_grid(shape, halo=halo, n_planes=n_planes) for f in row]
    assert sum(field.core.n_pixels for field in fields) == shape[0] * shape[1]
    assert [field.number for field in fields] == list(range(len(fields)))
    for field in fields:
        core, window = field.core, field.window
        assert core.top % ALIGN_PX == core.left % ALIGN_PX == 0
        assert window.top == max(0, core.top - halo)
        assert window.right == min(shape[1], core.right + halo)


@given(shapes)
def test_every_point_has_one_owner(shape):
    fields = [f for row in make_grid(shape, halo=64) for f in row]
    edges = sorted({f.core.top for f in fields} | {f.core.bottom for f in fields})
    y = np.array([edge + offset for edge in edges for offset in (-0.51, -0.5, -0.49)])
    y = y[(y >= -0.5) & (y < shape[0] - 0.5)]
    x = np.zeros(len(y))
    owners = sum(field.core.contains(y, x).astype(int) for field in fields)
    assert (owners == 1).all()


@pytest.mark.parametrize(
    ("shape", "slide"),
    [
        ((2048, 2048), False),
        ((6143, 6143), False),
        ((6145, 4000), True),
        ((100, 30_000), True),
        ((32_768, 32_768), True),
    ],
)
def test_what_is_a_slide(shape, slide):
    assert is_slide(shape) is slide


def test_cores_are_of_about_the_same_size():
    sides = [field.core.height for (field, *_) in make_grid((6145, 100), halo=64)]
    assert sides == [3136, 3009]


@given(shapes, st.sampled_from([64, 256]))
def test_windows_begin_at_tiles(shape, halo):
    for row in make_grid(shape, halo=halo):
        for field in row:
            assert field.window.top % TILE_PX == field.window.left % TILE_PX == 0
            assert field.core.height <= 6143
            assert field.core.height >= min(shape[0], 2048)


def test_cores_of_deep_stacks_shrink():
    assert core_px() == 4096
    assert core_px(16) == 1024
    assert core_px(1000) == 1024


def test_halo_is_wider_than_the_largest_nucleus():
    assert halo_px(0.1, 24.0) == 256
    assert halo_px(0.25, 24.0) == 128
    assert halo_px(1.0, 24.0) == 64


@given(shapes, st.integers(1, 20))
def test_tiles_hold_every_field_once(shape, side):
    fields = [f for row in make_grid(shape, halo=64) for f in row]
    tiles = make_tiles(fields, side)
    assert sorted(f.number for tile in tiles for f in tile) == [f.number for f in fields]
    assert max(len(tile) for tile in tiles) <= side**2


def test_slices_of_a_window_in_another():
    outer = Window(10, 20, 50, 60)
    assert Window(15, 20, 5, 6).inside(outer) == (slice(5, 10), slice(0, 6))
