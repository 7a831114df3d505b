"""What the header of one picture file says, and its planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from alkfish.errors import ImageError
from alkfish.io._files import guarded
from alkfish.io._readers import Reader, opened
from alkfish.model.table import Array
from alkfish.model.window import Window

RGB_NAMES = ("red", "green", "blue")
"""Channel names of a colour capture: by convention blue shows DAPI."""

MAX_PLANE_PX = 1 << 28
"""Pixels of a plane (16384 x 16384) that may have to be decoded at once."""

_READER_MODULES = {
    "tiff": "_tiff_pixels",
    "raster": "_raster",
    "zarr": "_zarr",
    "czi": "_czi",
    "nd2": "_nd2",
    "lif": "_lif",
    "bioio": "_bioio",
}


@dataclass(frozen=True)
class Level:
    """One level of a pyramid.

    Attributes
    ----------
    shape : tuple of int
        Height and width in pixels.
    downsample : float
        Width of a pixel in pixels of level 0.
    tile : tuple of int
        Height and width of what is decoded at once.
    """

    shape: tuple[int, int]
    downsample: float
    tile: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Header of one file, or of one scene of it; no pixels are held.

    Attributes
    ----------
    path : Path
        The file or folder; of a URL only its name is meaningful.
    url : str
        Address of a picture that is no local file; else empty.
    kind : str
        Format for people: ``OME-TIFF``, ``ImageJ TIFF``, ``PNG``, ``OME-Zarr 0.5``, ``CZI``.
    reader : str
        Which module reads it: tiff, raster, zarr, czi, nd2, lif, bioio.
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
        Focus planes.
    pixel_size_um : float
        Micrometres; 0 if the file gives none.
    size_source : str
        Where the pixel size comes from, or why there is none.
    square : bool
        False if the file gives different pixel widths and heights.
    z_step_um : float
        Distance of the focus planes; 0 if the file gives none.
    step_source : str
        Where it comes from, or why there is none.
    levels : tuple of Level
        The full resolution first; never empty.
    scene : str
        Name of the scene (series) of a file with several; else empty.
    scene_index, n_scenes : int
        Number of the scene, from 0, and how many the file holds.
    pyramid_of_series : bool
        Whether the levels of a TIFF file are its series.
    notes : tuple of str
        What is done to the picture on reading, and cautions.
    """

    path: Path
    kind: str
    reader: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    names: tuple[str, ...]
    levels: tuple[Level, ...]
    url: str = ""
    rgb: bool = False
    n_planes: int = 1
    pixel_size_um: float = 0.0
    size_source: str = "not in the file"
    square: bool = True
    z_step_um: float = 0.0
    step_source: str = "not in the file"
    scene: str = ""
    scene_index: int = 0
    n_scenes: int = 1
    pyramid_of_series: bool = False
    notes: tuple[str, ...] = ()

    @property
    def n_channels(self) -> int:
        """Number of channels, without an alpha sample."""
        return len(self.names)

    @property
    def where(self) -> Path | str:
        """The file, or the URL, for messages and checksums."""
        return self.url or self.path


def read_window(
    picture: Picture,
    channels: Sequence[int],
    *,
    level: int = 0,
    window: Window | None = None,
    stack: bool = False,
) -> list[Array]:
    """Read channels of a picture in stored counts.

    Parameters
    ----------
    picture : Picture
        The header.
    channels : sequence of int
        Which channels.
    level : int
        Level of the pyramid.
    window : Window, optional
        Part of the level; by default all of it. Files and tiles are then kept for the next window.
    stack : bool
        Whether focus planes are kept as stacks (Z, H, W), instead of their maximum (H, W).

    Raises
    ------
    ImageError
        If the pixels cannot be read, or a colour capture holds three equal colours.
    """
    keep = window is not None
    part = window or Window(0, 0, *picture.levels[level].shape)
    with guarded(picture.where), opened(_key(picture), lambda: _open(picture), keep=keep) as reader:
        planes = [
            _planes(reader, picture, channel, level, part, keep=keep, stack=stack)
            for channel in channels
        ]
    if picture.rgb and not keep and len(planes) == 3 and _all_equal(planes):
        raise ImageError(
            "the colour capture is grey: its red, green and blue are the same everywhere",
            where=picture.path,
            remedy="export the colour picture, or one file per channel",
        )
    return planes


def _planes(
    reader: Reader, picture: Picture, channel: int, level: int, window: Window,
    *, keep: bool, stack: bool,
) -> Array:  # fmt: skip
    """Return one channel: its only plane, the stack, or the maximum over focus planes."""
    result = reader.read(channel, 0, level, window, keep=keep)
    if picture.n_planes == 1:
        return result
    if stack:
        whole = np.empty((picture.n_planes, *result.shape), result.dtype)
        whole[0] = result
        for z in range(1, picture.n_planes):
            whole[z] = reader.read(channel, z, level, window, keep=keep)
        return whole
    for z in range(1, picture.n_planes):
        result = np.maximum(result, reader.read(channel, z, level, window, keep=keep))
    return result


def _key(picture: Picture) -> tuple[object, ...]:
    """Return what tells opened files apart: a file that was replaced is opened anew."""
    if picture.url:
        return picture.url, picture.scene_index
    state = picture.path.stat()
    return picture.path.absolute(), picture.scene_index, state.st_mtime_ns, state.st_size


def _open(picture: Picture) -> Reader:
    module = import_module(f"alkfish.io.{_READER_MODULES[picture.reader]}")
    reader: Reader = module.open_reader(picture)
    return reader


def downsample(full: int, small: int) -> float:
    """Return the factor between two levels; sizes are rounded, so that it is a whole number."""
    factor = full / small
    whole = round(factor)
    return float(whole) if abs(full - whole * small) <= whole else factor


def choose_scenes(names: Sequence[str], scene: str | None, where: object) -> list[int]:
    """Return the numbers of the scenes to read: the one that is asked for, or all.

    Parameters
    ----------
    names : sequence of str
        Names of the scenes of a file, in order.
    scene : str, optional
        A name, or else a number from 0.

    Raises
    ------
    ImageError
        If there is no such scene, or several have its name.
    """
    if scene is None:
        return list(range(len(names)))
    named = [index for index, name in enumerate(names) if name == scene]
    if len(named) == 1:
        return named
    if not named and scene.isascii() and scene.isdigit() and int(scene) < len(names):
        return [int(scene)]
    listed = ", ".join(f"{i} {name!r}" for i, name in enumerate(names[:20]))
    raise ImageError(
        "several scenes have that name" if named else "there is no such scene in the file",
        where=where,
        found=f"--scene {scene}; the file has {listed}",
        allowed="the name of a scene, or its number from 0",
        remedy="choose another with --scene (scene=)",
    )


def check_size(path: object, height: int, width: int, *, block: int = 0) -> None:
    """Refuse pictures without pixels, and large ones that cannot be read in parts.

    Parameters
    ----------
    path : object
        For the message.
    height, width : int
        Of the picture.
    block : int, optional
        Pixels that are decoded at once; by default all.

    Raises
    ------
    ImageError
        If a side is 0, or more than 16384 x 16384 pixels have to be decoded at once.
    """
    if min(height, width) < 1:
        raise ImageError(
            "the picture has no pixels", where=path, found=f"{height} x {width} pixels",
            remedy="export it again",
        )  # fmt: skip
    if (block or height * width) > MAX_PLANE_PX:
        raise ImageError(
            "the picture is too large for a file that can only be read as a whole",
            where=path,
            found=f"{height} x {width} pixels, not tiled",
            allowed=f"at most {MAX_PLANE_PX} pixels, for example 16384 x 16384, if it has no tiles",
            remedy="export the slide as tiled, pyramidal OME-TIFF or as OME-Zarr",
        )


def _all_equal(planes: Sequence[Array]) -> bool:
    # All-black captures are let through: they are scored as not evaluable, with that reason.
    first = planes[0]
    return bool(first.any()) and all((plane == first).all() for plane in planes[1:])
