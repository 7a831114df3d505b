"""What the header of one picture file says, and its planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from alkfish.errors import ImageError
from alkfish.io._files import (
    TIFF_SUFFIXES,
    guarded,
    is_picture,
    unsupported_error,
    unsupported_format,
)
from alkfish.model.table import Array

RGB_NAMES = ("red", "green", "blue")
"""Channel names of a colour capture: by convention blue shows DAPI."""

MAX_PLANE_PX = 1 << 28
"""Larger planes (above 16384 x 16384) are slides, not fields."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Header of one file; no pixels are held.

    Attributes
    ----------
    path : Path
        The file.
    kind : str
        Format for people: ``OME-TIFF``, ``ImageJ TIFF``, ``TIFF``, ``PNG``, ``JPEG``.
    axes : str
        Letters of the stored axes, slowest first: C channel, Z plane, S colour sample, Y, X.
    shape : tuple of int
        Lengths of `axes`.
    dtype : str
        Stored dtype.
    names : tuple of str
        Name of each channel, empty where the file gives none; its length is the channel count.
    rgb : bool
        Whether the channels are the red, green and blue of a colour capture.
    n_planes : int
        Focus planes, projected on reading.
    pixel_size_um : float
        Micrometres; 0 if the file gives none.
    size_source : str
        Where the pixel size comes from, or why there is none.
    square : bool
        False if the file gives different pixel widths and heights.
    notes : tuple of str
        What is done to the picture on reading, and cautions.
    """

    path: Path
    kind: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    names: tuple[str, ...]
    rgb: bool = False
    n_planes: int = 1
    pixel_size_um: float = 0.0
    size_source: str = "not in the file"
    square: bool = True
    notes: tuple[str, ...] = ()

    @property
    def n_channels(self) -> int:
        """Number of channels, without an alpha sample."""
        return len(self.names)


def read_picture(path: Path) -> Picture:
    """Read the header of a picture file.

    Raises
    ------
    ImageError
        If the file is missing, damaged, of another format, or holds what cannot be a field.
    """
    if not is_picture(path):
        raise _not_a_picture(path)
    with guarded(path) as logged:
        if path.stat().st_size == 0:
            raise ImageError(
                "the file is empty", where=path, found="0 bytes", remedy="copy or export it again"
            )
        if path.name.lower().endswith(TIFF_SUFFIXES):
            from alkfish.io._tiff import read_tiff_header

            picture = read_tiff_header(path)
            doubts = [f"doubt about the file: {line[:160]}" for line in dict.fromkeys(logged)]
            return replace(picture, notes=(*picture.notes, *doubts[:3]))
        from alkfish.io._raster import read_raster_header

        return read_raster_header(path)


def read_planes(picture: Picture, channels: Sequence[int]) -> list[Array]:
    """Read channels of a picture as 2-D planes in stored counts; stacks are projected.

    Raises
    ------
    ImageError
        If the pixels cannot be read, or a colour capture holds three equal colours.
    """
    with guarded(picture.path):
        if picture.path.name.lower().endswith(TIFF_SUFFIXES):
            from alkfish.io._tiff import read_tiff_planes

            planes = read_tiff_planes(picture, channels)
        else:
            from alkfish.io._raster import read_raster_planes

            planes = read_raster_planes(picture, channels)
    if picture.rgb and len(planes) == 3 and _all_equal(planes):
        raise ImageError(
            "the colour capture is grey: its red, green and blue are the same everywhere",
            where=picture.path,
            remedy="export the colour picture, or one file per channel",
        )
    return planes


def check_size(path: Path, height: int, width: int) -> None:
    """Refuse pictures without pixels and pictures too large to be a field.

    Raises
    ------
    ImageError
        If a side is 0, or the plane has more than 16384 x 16384 pixels.
    """
    if min(height, width) < 1:
        raise ImageError(
            "the picture has no pixels", where=path, found=f"{height} x {width} pixels",
            remedy="export it again",
        )  # fmt: skip
    if height * width > MAX_PLANE_PX:
        raise ImageError(
            "the picture is too large for a single field",
            where=path,
            found=f"{height} x {width} pixels",
            allowed=f"at most {MAX_PLANE_PX} pixels, for example 16384 x 16384",
            remedy="export single fields or crops; whole slides cannot be read yet",
        )


def _all_equal(planes: Sequence[Array]) -> bool:
    # All-black captures are let through: they are scored as not evaluable, with that reason.
    first = planes[0]
    return bool(first.any()) and all((plane == first).all() for plane in planes[1:])


def _not_a_picture(path: Path) -> ImageError:
    if unsupported_format(path):
        return unsupported_error(path)
    return ImageError(
        "this is not a picture that can be read",
        where=path,
        found=f"suffix {path.suffix!r}" if path.suffix else "no suffix",
        allowed="TIFF, OME-TIFF, ImageJ TIFF, PNG, JPEG",
        remedy="give a picture, or a folder of pictures; rename the file if only its suffix is "
        "missing",
    )
