"""FieldOfView: what is accepted, what is refused, and that counts are never changed."""

import numpy as np
import pytest

from alkfish.errors import ImageError, PixelSizeError
from alkfish.model.fov import FieldOfView, checked_pixels


def make(dtype=np.uint16, shape=(4, 5), **changes):
    plane = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    planes = {"dapi": plane, "three_prime": plane, "five_prime": plane, "pixel_size_um": 0.1}
    return FieldOfView(**{**planes, **changes})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_counts_and_dtype_are_kept(dtype):
    fov = make(dtype)
    assert fov.dapi.dtype == dtype
    np.testing.assert_array_equal(fov.dapi, np.arange(20).reshape(4, 5))
    assert fov.shape == (4, 5)
    assert fov.name == "field"
    assert fov.notes == ()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.int64, np.uint16),
        (np.int16, np.uint16),
        (np.uint32, np.uint16),
        (np.float64, np.float32),
    ],
)
def test_other_dtypes_are_narrowed_without_changing_values(given, kept):
    fov = make(given)
    assert fov.dapi.dtype == kept
    np.testing.assert_array_equal(fov.dapi, np.arange(20).reshape(4, 5))


@pytest.mark.parametrize("value", [-1, 65_536])
def test_integers_that_do_not_fit_become_floats(value):
    plane = checked_pixels(np.full((2, 2), value, np.int64), where="here")
    assert plane.dtype == np.float32
    assert plane[0, 0] == value


def test_planes_are_contiguous():
    turned = np.arange(12, dtype=np.uint16).reshape(3, 4).T
    assert checked_pixels(turned, where="here").flags.c_contiguous


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (5,), (1, 3, 4), (2, 2, 3, 4), ()])
def test_planes_must_be_pictures(shape):
    with pytest.raises(ImageError, match="must be a 2-D picture with pixels"):
        checked_pixels(np.zeros(shape, np.uint16), where="here")


@pytest.mark.parametrize("dtype", [np.bool_, np.complex64, object])
def test_planes_must_hold_intensities(dtype):
    with pytest.raises(ImageError, match="must hold intensities"):
        checked_pixels(np.zeros((2, 2), dtype), where="here")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_and_counted(value):
    plane = np.zeros((3, 3), np.float32)
    plane[1, 1] = value
    with pytest.raises(ImageError, match="1 of 9 pixels"):
        make(dapi=plane, shape=(3, 3))


def test_error_names_field_and_channel():
    with pytest.raises(ImageError, match="pos_03, channel five_prime"):
        make(five_prime=np.zeros((2, 2), bool), name="pos_03")


def test_channels_must_have_one_shape():
    with pytest.raises(ImageError, match="same shape"):
        make(dapi=np.zeros((5, 4), np.uint16))


@pytest.mark.parametrize("size", [0.02, 0.1, 2.0])
def test_pixel_size_range_is_closed(size):
    assert make(pixel_size_um=size).pixel_size_um == size


@pytest.mark.parametrize("size", [0.0, -0.1, 0.0199, 2.01, float("nan"), float("inf")])
def test_impossible_pixel_size_is_refused(size):
    with pytest.raises(PixelSizeError, match="not that of a light microscope"):
        make(pixel_size_um=size)


def test_focus_stack_has_planes_and_a_step() -> None:
    stack = np.zeros((4, 6, 5), np.uint16)
    fov = FieldOfView(
        dapi=stack, three_prime=stack, five_prime=stack, pixel_size_um=0.1, z_step_um=0.4
    )
    assert (fov.shape, fov.n_planes, fov.is_stack) == ((6, 5), 4, True)


@pytest.mark.parametrize(
    ("shape", "step", "message"),
    [
        ((4, 6, 5), 0.0, "distance of the focus planes"),
        ((4, 6, 5), 40.0, "distance of the focus planes"),
        ((6, 5), 0.4, "single plane has no distance"),
    ],
)
def test_z_step_is_checked(shape: tuple[int, ...], step: float, message: str) -> None:
    plane = np.zeros(shape, np.uint16)
    with pytest.raises(PixelSizeError, match=message):
        FieldOfView(
            dapi=plane, three_prime=plane, five_prime=plane, pixel_size_um=0.1, z_step_um=step
        )
