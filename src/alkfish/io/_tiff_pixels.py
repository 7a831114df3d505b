"""Pixels of TIFF files: whole planes, and windows of any level decoded tile by tile."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from alkfish.errors import ImageError
from alkfish.io._picture import Picture
from alkfish.io._readers import assemble, kept_tile
from alkfish.model.table import Array
from alkfish.model.window import Window

if TYPE_CHECKING:
    from tifffile import TiffFile

_EXACT_INT_LIMIT = 1 << 24


class TiffReader:
    """An opened TIFF file. Windows decode only the tiles or strips they touch."""

    def __init__(self, picture: Picture) -> None:
        from tifffile import TiffFile

        self._picture = picture
        self._tif: TiffFile = TiffFile(picture.path)
        self._lock = threading.Lock()
        try:
            self._levels = level_series(self._tif, picture)
        except BaseException:
            self._tif.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._tif.close()

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window of a level as a 2-D array of stored counts."""
        series = self._levels[level]
        page = self._page(series, channel, plane)
        whole = window == Window(0, 0, *self._picture.levels[level].shape)
        if page is None or (whole and not keep):
            with self._lock:
                image = _plane(series, self._picture, channel, plane)
            rows = slice(window.top, window.top + window.height)
            image = image[rows, window.left : window.left + window.width]
        else:
            image = self._tiles(page, channel, window, keep=keep)
        return exact(image, self._picture.path)

    def _page(self, series: Any, channel: int, plane: int) -> Any:
        """Return the page of a plane; None if its pixels are not kept as pages of tiles."""
        lengths, position = _outer(series, self._picture, channel, plane)
        if series.dataoffset is not None or len(series.pages) != math.prod(lengths):
            return None
        index = int(np.ravel_multi_index(position, lengths)) if lengths else 0
        with self._lock:
            return series.pages[index]

    def _tiles(self, page: Any, channel: int, window: Window, *, keep: bool) -> Array:
        frame = page.keyframe
        length, width = (frame.tilelength, frame.tilewidth) if frame.is_tiled else (
            min(frame.rowsperstrip, frame.imagelength), frame.imagewidth
        )  # fmt: skip
        across = -(-frame.imagewidth // width)
        samples_apart = frame.planarconfig == 2 and frame.samplesperpixel > 1
        first = channel * across * -(-frame.imagelength // length) if samples_apart else 0
        sample = 0 if samples_apart or frame.samplesperpixel == 1 else channel

        def read_tile(row: int, column: int) -> Array:
            index = first + row * across + column
            place = (page.offset, index)
            tile = kept_tile(self, place, lambda: self._decode(page, index), keep=keep)
            return tile[..., sample]

        return assemble(window, (length, width), np.dtype(frame.dtype), read_tile)

    def _decode(self, page: Any, index: int) -> Array:
        """Return one decoded tile or strip, shape (rows, columns, samples)."""
        handle = self._tif.filehandle
        with self._lock:
            handle.seek(page.dataoffsets[index])
            data = handle.read(page.databytecounts[index])
        decoded = page.keyframe.decode(data, index, jpegtables=page.jpegtables)[0]
        if decoded is None:
            raise ImageError(
                "a tile of the picture is empty",
                where=self._picture.path,
                found=f"tile {index}",
                remedy="copy or export it again",
            )
        tile: Array = decoded[0]
        return tile


def level_series(tif: TiffFile, picture: Picture) -> list[Any]:
    """Return the pages of each level of the scene that `picture` describes."""
    if picture.pyramid_of_series:
        return [tif.series[index] for index in range(len(picture.levels))]
    series = tif.series[picture.scene_index]
    return [series, *series.levels[1:]][: len(picture.levels)]


def _outer(series: Any, picture: Picture, channel: int, z: int) -> tuple[list[int], list[int]]:
    """Return the lengths of the axes that lie across pages, and the position on them."""
    axes, shape = picture.axes, picture.shape
    in_page = "YX" + ("S" if not _samples_as_pages(series, picture) else "")
    outer = [a for a in axes if a not in in_page and axes != "YXC"]
    where = {"C": channel, "S": channel, "Z": z}
    return [shape[axes.index(a)] for a in outer], [where[a] for a in outer]


def _samples_as_pages(series: Any, picture: Picture) -> bool:
    return "S" in picture.axes and series.keyframe.samplesperpixel == 1


def _plane(series: Any, picture: Picture, channel: int, z: int) -> Array:
    """Return one 2-D plane, reading no more of the file than the page that holds it."""
    axes = picture.axes
    lengths, position = _outer(series, picture, channel, z)
    where = {"C": channel, "S": channel, "Z": z}
    in_page = "".join(a for a in axes if a in "YX" or axes == "YXC" or a == "S")
    if _samples_as_pages(series, picture):
        in_page = in_page.replace("S", "")
    if series.dataoffset is None and len(series.pages) == math.prod(lengths):
        index = int(np.ravel_multi_index(position, lengths)) if lengths else 0
        image, left = series.pages[index].asarray(), in_page
        image = image.reshape([series.shape[axes.index(a)] for a in left])
    else:
        image, left = _whole(series), axes
    key = tuple(slice(None) if a in "YX" else where[a] for a in left)
    plane: Array = image[key]
    return plane


def _whole(series: Any) -> Array:
    """Return all pixels; contiguous ones are mapped, so that only the planes used are read."""
    if series.dataoffset is None:
        image: Array = series.asarray()
        return image
    handle = series.parent.filehandle
    dtype = np.dtype(series.dtype).newbyteorder(series.parent.byteorder)
    count = math.prod(series.shape)
    data = handle.memmap_array(dtype, (count,), series.dataoffset)
    mapped: Array = data.reshape(series.shape)
    return mapped


def exact(plane: Array, path: object) -> Array:
    """Return contiguous native byte order; refuse integers that single precision cannot hold.

    Raises
    ------
    ImageError
        If an integer is beyond 16 777 216.
    """
    if plane.dtype.kind in "ui" and plane.dtype.itemsize > 2:
        low, high = int(plane.min()), int(plane.max())
        if max(-low, high) > _EXACT_INT_LIMIT:
            raise ImageError(
                "the picture holds numbers too large for intensities",
                where=path,
                found=f"{low} to {high}",
                allowed=f"at most {_EXACT_INT_LIMIT}",
                remedy="export it with 8 or 16 bit, or as 32-bit floating point",
            )
    mapped = isinstance(plane, np.memmap) or isinstance(plane.base, np.memmap)
    return np.ascontiguousarray(
        plane.astype(plane.dtype.newbyteorder("="), copy=mapped or not plane.flags.owndata)
    )


def open_reader(picture: Picture) -> TiffReader:
    """Open the file of `picture`."""
    return TiffReader(picture)
