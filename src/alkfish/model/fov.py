"""One image position: three planes, or three focus stacks, in raw counts and their scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import ImageError, PixelSizeError

PIXEL_SIZE_RANGE_UM = (0.02, 2.0)
"""Pixel sizes outside this range cannot come from a microscope that resolves nuclei."""

Z_STEP_RANGE_UM = (0.02, 20.0)
"""Distances of focus planes that a stack of a tissue section can have."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FieldOfView:
    """DAPI and both probe channels of one image position.

    Parameters
    ----------
    dapi, three_prime, five_prime : ndarray of shape (H, W) or (Z, H, W), uint8, uint16 or float32
        Planes, or focus stacks of at least two planes, in raw counts, never rescaled. Other integer
        and float dtypes are converted without changing values where they fit.
    pixel_size_um : float
        Width of a square pixel in micrometres.
    z_step_um : float
        Distance of the planes of a stack in micrometres; 0 for a single plane.
    name : str
        Identifier within the case, written to the ``fov`` column of the tables.
    notes : tuple of str
        What was done to the picture on reading (a projected stack, for example); cautions of the
        result.

    Raises
    ------
    ImageError
        If the planes are not 2-D or 3-D, differ in shape, are empty, or hold NaN or infinities.
    PixelSizeError
        If the pixel size is not between 0.02 and 2 um, or the z step of a stack not between 0.02
        and 20 um.

    Examples
    --------
    >>> import numpy as np
    >>> plane = np.zeros((512, 512), np.uint16)
    >>> fov = FieldOfView(dapi=plane, three_prime=plane, five_prime=plane, pixel_size_um=0.1)
    >>> fov.dapi.shape
    (512, 512)
    """

    dapi: npt.NDArray[Any]
    three_prime: npt.NDArray[Any]
    five_prime: npt.NDArray[Any]
    pixel_size_um: float
    z_step_um: float = 0.0
    name: str = "field"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for channel in ("dapi", "three_prime", "five_prime"):
            pixels = checked_pixels(getattr(self, channel), where=f"{self.name}, channel {channel}")
            object.__setattr__(self, channel, pixels)
        shapes = {self.dapi.shape, self.three_prime.shape, self.five_prime.shape}
        if len(shapes) > 1:
            raise ImageError(
                "the channels of a field must have the same shape",
                where=self.name,
                found=sorted(shapes),
                remedy="export all channels of a field with the same crop and binning",
            )
        self._check_scale()

    def _check_scale(self) -> None:
        low, high = PIXEL_SIZE_RANGE_UM
        if not low <= self.pixel_size_um <= high:
            raise PixelSizeError(
                "the pixel size is not that of a light microscope",
                where=self.name,
                found=f"{self.pixel_size_um} um",
                allowed=f"{low} to {high} um",
                remedy="give the true size with --pixel-size-um (pixel_size_um=)",
            )
        low, high = Z_STEP_RANGE_UM if self.is_stack else (0.0, 0.0)
        if not low <= self.z_step_um <= high:
            raise PixelSizeError(
                "the distance of the focus planes is not that of a microscope"
                if self.is_stack
                else "a single plane has no distance of focus planes",
                where=self.name,
                found=f"{self.z_step_um} um",
                allowed=f"{low} to {high} um",
                remedy="give the true distance with --z-step-um (z_step_um=)",
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.dapi.shape[-2:]
        return int(height), int(width)

    @property
    def n_planes(self) -> int:
        """Number of focus planes; 1 for a single plane."""
        return int(self.dapi.shape[0]) if self.is_stack else 1

    @property
    def is_stack(self) -> bool:
        """Whether the channels are focus stacks, of shape (Z, H, W)."""
        return self.dapi.ndim == 3


def checked_pixels(pixels: npt.ArrayLike, *, where: str) -> npt.NDArray[Any]:
    """Return a plane or a focus stack as C-contiguous uint8, uint16 or float32 raw counts.

    Raises
    ------
    ImageError
        If it is neither 2-D nor a stack of at least two planes, has no pixels, is boolean, or holds
        NaN or infinities.
    """
    array = np.asarray(pixels)
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and len(array) < 2):
        raise ImageError(
            "a channel must be a 2-D picture with pixels, or a stack of at least two",
            where=where,
            found=f"shape {array.shape}",
            allowed="(height, width) or (planes, height, width)",
            remedy="pass each channel as an array of its own",
        )
    if array.dtype == np.bool_ or array.dtype.kind not in "uif":
        raise ImageError(
            "a channel must hold intensities",
            where=where,
            found=f"dtype {array.dtype}",
            allowed="8- or 16-bit integers, or floating point",
            remedy="export the raw picture, not a mask or a 1-bit copy",
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ImageError(
            "the picture holds NaN or infinite values",
            where=where,
            found=f"{int((~np.isfinite(array)).sum())} of {array.size} pixels",
            remedy="export the raw counts again",
        )
    return np.ascontiguousarray(_narrowed(array))


def _narrowed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.dtype in (np.uint8, np.uint16, np.float32):
        return array
    if array.dtype.kind in "ui" and array.min() >= 0 and array.max() <= np.iinfo(np.uint16).max:
        return array.astype(np.uint16)
    return array.astype(np.float32)
