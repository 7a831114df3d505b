"""Write a pyramidal, tiled OME-TIFF block by block, never holding the picture.

Blocks may come in any order and from several threads. Their tiles are compressed at once and kept,
with the levels of the pyramid, in a folder beside the target; at the end they are copied into the
file in the order that the format wants, and the folder is removed. The same pixels always give the
same file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError, OutputError, output_errors

_writing = partial(
    output_errors,
    "the picture cannot be written",
    remedy="choose a folder that you may write to, with space left",
)

Planes = npt.NDArray[np.uint16]

TILE_PX = 512
"""Side of the tiles of all levels."""

BLOCK_PX = 2048
"""Blocks given to `SlideWriter.write` begin and end at multiples of it, or at the edge."""

COARSEST_PX = 1024
"""Levels are added to the pyramid until the longer side is at most this."""

_DEFLATE_LEVEL = 1
_BIG_BYTES = 1 << 31
_SOFTWARE = "alkfish simulate"


class SlideWriter:
    """Writes one picture of several channels as pyramidal OME-TIFF.

    Tiles of 512 px are compressed by deflate; lower levels are averages of 2 x 2 pixels and lie in
    the SubIFDs of the full one. The file appears under its name when it is complete: leave the
    ``with`` block without an error. After an error nothing is left behind.

    Parameters
    ----------
    path : path-like
        File to create; it must not exist yet.
    shape : tuple of int
        Channels, height and width.
    channel_names : sequence of str
        One per channel.
    pixel_size_um : float
        Width of a pixel.
    name : str
        Name of the image in the metadata.
    description : str
        Free text of the metadata.
    pyramid : bool
        Whether lower levels are written.

    Raises
    ------
    InputError
        If the shape is empty or the names do not fit.
    OutputError
        If the file exists or cannot be written.
    """

    def __init__(
        self, path: str | Path, shape: tuple[int, int, int], *, channel_names: Sequence[str],
        pixel_size_um: float, name: str, description: str = "", pyramid: bool = True,
    ) -> None:  # fmt: skip
        self._path = Path(path)
        _check(self._path, shape, channel_names)
        self._metadata = _ome_metadata(channel_names, pixel_size_um, name, description)
        self._resolution = 1e4 / pixel_size_um
        self.shapes = _level_shapes(shape, pyramid=pyramid)
        self._spill = self._path.with_name(f".{self._path.name}.{os.getpid()}.partial")
        with _writing(self._path):
            self._spill.mkdir(parents=True)
            self._tiles = _TileStore(self._spill / "tiles", self.shapes)
            self._raw = {
                level: _RawLevel(self._spill / f"level{level}", size)
                for level, size in enumerate(self.shapes)
                if BLOCK_PX >> level < TILE_PX
            }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                with _writing(self._path):
                    self._finish()
        finally:
            self._tiles.close()
            for raw in self._raw.values():
                raw.close()
            shutil.rmtree(self._spill, ignore_errors=True)

    def write(self, top: int, left: int, planes: Planes) -> None:
        """Write one block of all channels and its share of the lower levels.

        Parameters
        ----------
        top, left : int
            Position of its first pixel, multiples of `BLOCK_PX`.
        planes : ndarray of uint16, shape (C, h, w)
            Sides of `BLOCK_PX`, less only at the lower and right edge of the picture.

        Raises
        ------
        InputError
            If the block is not aligned, or of another shape or dtype.
        OutputError
            If there is no space left.
        """
        self._check_block(top, left, planes)
        part = planes
        with _writing(self._path):
            for level in range(len(self.shapes)):
                if level in self._raw:
                    self._raw[level].write(top >> level, left >> level, part)
                    break
                self._put_tiles(level, top >> level, left >> level, part)
                part = halve(part)

    def _check_block(self, top: int, left: int, planes: Planes) -> None:
        channels, height, width = self.shapes[0]
        expected = (channels, min(BLOCK_PX, height - top), min(BLOCK_PX, width - left))
        aligned = top % BLOCK_PX == 0 and left % BLOCK_PX == 0 and top >= 0 and left >= 0
        if not aligned or planes.shape != expected or planes.dtype != np.uint16:
            raise InputError(
                "the block does not fit the picture",
                where=f"{self._path}, row {top}, column {left}",
                found=f"{planes.dtype}, shape {planes.shape}",
                allowed=f"uint16, shape {expected}, at multiples of {BLOCK_PX}",
            )

    def _put_tiles(self, level: int, top: int, left: int, planes: Planes) -> None:
        for channel, plane in enumerate(planes):
            for y in range(0, plane.shape[0], TILE_PX):
                for x in range(0, plane.shape[1], TILE_PX):
                    tile = plane[y : y + TILE_PX, x : x + TILE_PX]
                    place = (channel, (top + y) // TILE_PX, (left + x) // TILE_PX)
                    self._tiles.put(level, place, _compress(tile))

    def _finish(self) -> None:
        for level, raw in self._raw.items():
            for top in range(0, self.shapes[level][1], TILE_PX):
                band = raw.read_rows(top, TILE_PX)
                self._put_tiles(level, top, 0, band)
                if level + 1 in self._raw:
                    self._raw[level + 1].write(top // 2, 0, halve(band))
        missing = self._tiles.n_missing
        if missing:
            raise OutputError(
                "the picture is not complete",
                where=self._path,
                found=f"{missing} tiles were never written",
                remedy="write every block before closing",
            )
        partial = self._spill / "picture.ome.tif"
        self._write_file(partial)
        partial.replace(self._path)

    def _write_file(self, path: Path) -> None:
        import tifffile

        big = self._tiles.n_bytes > _BIG_BYTES
        metadata = {**self._metadata, "UUID": f"urn:uuid:{self._tiles.identifier()}"}
        per_cm = (self._resolution, self._resolution)
        common: dict[str, Any] = {
            "dtype": np.uint16, "photometric": "minisblack", "tile": (TILE_PX, TILE_PX),
            "compression": "zlib", "resolutionunit": "CENTIMETER",
        }  # fmt: skip
        with tifffile.TiffWriter(path, ome=True, bigtiff=big) as tiff:
            tiff.write(
                self._tiles.read(0), shape=self.shapes[0], subifds=len(self.shapes) - 1,
                metadata=metadata, resolution=per_cm, software=_SOFTWARE, **common,
            )  # fmt: skip
            for level in range(1, len(self.shapes)):
                coarse = (per_cm[0] / 2**level, per_cm[1] / 2**level)
                tiff.write(
                    self._tiles.read(level), shape=self.shapes[level], subfiletype=1,
                    metadata=None, resolution=coarse, **common,
                )  # fmt: skip


def halve(planes: Planes) -> Planes:
    """Return the planes at half the resolution: means of 2 x 2 pixels, odd edges repeated.

    Parameters
    ----------
    planes : ndarray of uint16, shape (C, H, W)

    Returns
    -------
    ndarray of uint16, shape (C, ceil(H / 2), ceil(W / 2))
    """
    import cv2

    _, height, width = planes.shape
    even = np.pad(planes, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    size = (even.shape[2] // 2, even.shape[1] // 2)
    return np.stack([cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in even])


class _TileStore:
    """Compressed tiles of all levels in one file, in the order in which they came."""

    def __init__(self, path: Path, shapes: Sequence[tuple[int, int, int]]) -> None:
        self._file = path.open("w+b")
        self._lock = threading.Lock()
        grids = [(c, -(-h // TILE_PX), -(-w // TILE_PX)) for c, h, w in shapes]
        self._offset = [np.zeros(grid, np.int64) for grid in grids]
        self._length = [np.zeros(grid, np.int64) for grid in grids]
        self._digest = [np.zeros((*grid, 16), np.uint8) for grid in grids]
        self.n_bytes = 0

    @property
    def n_missing(self) -> int:
        return sum(int((length == 0).sum()) for length in self._length)

    def put(self, level: int, place: tuple[int, int, int], data: bytes) -> None:
        digest = hashlib.blake2b(data, digest_size=16).digest()
        with self._lock:
            self._offset[level][place] = self.n_bytes
            self._length[level][place] = len(data)
            self._digest[level][place] = np.frombuffer(digest, np.uint8)
            self._file.write(data)
            self.n_bytes += len(data)

    def read(self, level: int) -> Iterator[bytes]:
        ranges = zip(self._offset[level].ravel(), self._length[level].ravel(), strict=True)
        for offset, length in ranges:
            self._file.seek(int(offset))
            yield self._file.read(int(length))

    def identifier(self) -> uuid.UUID:
        """Return an identifier that depends on the content alone: the same pixels, the same."""
        return uuid.UUID(bytes=hashlib.sha256(self._digest[0].tobytes()).digest()[:16], version=5)

    def close(self) -> None:
        self._file.close()


class _RawLevel:
    """Uncompressed planes of a level whose tiles gather several blocks."""

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self._file = path.open("w+b")
        self._lock = threading.Lock()
        self._shape = shape

    def write(self, top: int, left: int, planes: Planes) -> None:
        channels, height, width = self._shape
        with self._lock:
            for channel in range(channels):
                for row, values in enumerate(planes[channel], start=top):
                    self._file.seek(((channel * height + row) * width + left) * 2)
                    self._file.write(values.tobytes())

    def read_rows(self, top: int, count: int) -> Planes:
        channels, height, width = self._shape
        rows = min(count, height - top)
        size = rows * width * 2
        band = np.zeros((channels, rows, width), np.uint16)
        for channel in range(channels):
            self._file.seek((channel * height + top) * width * 2)
            # Shorter where blocks were never written: the tiles of other levels are missing then.
            data = np.frombuffer(self._file.read(size), np.uint16)
            band[channel].ravel()[: len(data)] = data
        return band

    def close(self) -> None:
        self._file.close()


def _compress(tile: npt.NDArray[np.uint16]) -> bytes:
    import imagecodecs

    height, width = tile.shape
    full = np.pad(tile, ((0, TILE_PX - height), (0, TILE_PX - width)))
    data = full.astype("<u2", copy=False).tobytes()
    return bytes(imagecodecs.deflate_encode(data, level=_DEFLATE_LEVEL, raw=False))


def _level_shapes(shape: tuple[int, int, int], *, pyramid: bool) -> list[tuple[int, int, int]]:
    shapes = [shape]
    while pyramid and max(shapes[-1][1:]) > COARSEST_PX:
        channels, height, width = shapes[-1]
        shapes.append((channels, -(-height // 2), -(-width // 2)))
    return shapes


def _ome_metadata(
    channel_names: Sequence[str], pixel_size_um: float, name: str, description: str
) -> dict[str, Any]:
    return {
        "axes": "CYX",
        "Name": name,
        "Description": description,
        "Channel": {"Name": list(channel_names)},
        "PhysicalSizeX": pixel_size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": pixel_size_um,
        "PhysicalSizeYUnit": "µm",
    }


def _check(path: Path, shape: tuple[int, int, int], channel_names: Sequence[str]) -> None:
    if min(shape) < 1 or len(channel_names) != shape[0]:
        raise InputError(
            "the shape of the picture and its channel names do not fit",
            where=path,
            found=f"shape {shape}, names {list(channel_names)}",
            allowed="channels, height and width of at least 1, and one name per channel",
        )
    if path.exists():
        raise OutputError(
            "the picture exists already",
            where=path,
            remedy="choose another name, or remove the old picture first",
        )
