"""The files of a label image: documents and chunks of zarr 3, written without the zarr library.

A chunk is an int32 square of a level, compressed with zstd; chunks of background are left out. The
same labels always give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from imagecodecs import zstd_decode, zstd_encode

Labels = npt.NDArray[np.int32]

CHUNK_PX = 1024
"""Side of the chunks."""

DOCUMENT = "zarr.json"

_LEVEL = 1
_LAYOUT = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs")
_LITTLE_ENDIAN = np.dtype("<i4")


def read_document(folder: Path) -> dict[str, Any]:
    """Return the document of a group or an array; empty if there is none.

    Raises
    ------
    OSError
        If it cannot be read or is no JSON object.
    """
    try:
        found = json.loads((folder / DOCUMENT).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise OSError(f"{folder / DOCUMENT} is damaged") from error
    if not isinstance(found, dict):
        raise OSError(f"{folder / DOCUMENT} is damaged")
    return found


def write_group(folder: Path, attributes: Mapping[str, Any]) -> None:
    """Write the document of a group, whole or not at all."""
    _write(folder, {"attributes": attributes, "zarr_format": 3, "node_type": "group"})


def find_level(folder: Path, shape: tuple[int, int]) -> LevelFiles | None:
    """Return a level that is there and was written by `LevelFiles`; None if by anything else.

    Raises
    ------
    OSError
        If its document cannot be read.
    """
    found = read_document(folder)
    known = _array_document(shape, _chunk_shape(shape))
    if any(found.get(key) != known[key] for key in _LAYOUT):
        return None
    return LevelFiles(folder, shape)


class LevelFiles:
    """One level of a label image: an array of zarr 3.

    Writing different chunks from several threads or processes is safe.

    Parameters
    ----------
    folder : Path
        Of the array; its document is written if there is none.
    shape : tuple of int
        Height and width.

    Raises
    ------
    ValueError
        If there is an array of another shape, chunks or compression; its argument is that shape.
    OSError
        If the document cannot be read or written.
    """

    def __init__(self, folder: Path, shape: tuple[int, int]) -> None:
        self.shape, self._folder = shape, folder
        self._chunk = _chunk_shape(shape)
        document = _array_document(shape, self._chunk)
        found = read_document(folder)
        if not found:
            _write(folder, document)
        elif any(found.get(key) != document[key] for key in ("shape", "chunk_grid", "codecs")):
            raise ValueError(tuple(found.get("shape", ())))

    def write(self, top: int, left: int, window: Labels) -> None:
        """Write a window that begins at a corner of a chunk and ends at edges of chunks."""
        rows, columns = self._chunk
        for y, x in product(range(0, window.shape[0], rows), range(0, window.shape[1], columns)):
            part = window[y : y + rows, x : x + columns]
            self._write_chunk((top + y) // rows, (left + x) // columns, part)

    def read(self, rows: slice, columns: slice) -> Labels:
        """Return a window; what lies outside of the image is left out, as by slices of an array.

        Raises
        ------
        OSError, RuntimeError, ValueError
            If a chunk cannot be read or is damaged.
        """
        (top, bottom, _), (left, right, _) = (
            part.indices(length) for part, length in zip((rows, columns), self.shape, strict=True)
        )
        out = np.zeros((max(0, bottom - top), max(0, right - left)), np.int32)
        if out.size == 0:
            return out
        high, wide = self._chunk
        for row in range(top // high, (bottom - 1) // high + 1):
            for column in range(left // wide, (right - 1) // wide + 1):
                found = self._read_chunk(row, column)
                if found.size:
                    y, x = row * high, column * wide
                    part = found[max(0, top - y) : bottom - y, max(0, left - x) : right - x]
                    first_y, first_x = max(0, y - top), max(0, x - left)
                    out[first_y : first_y + len(part), first_x : first_x + part.shape[1]] = part
        return out

    def reduce(self, above: LevelFiles) -> None:
        """Fill the level with every second pixel of the one above."""
        grid = (-(-length // side) for length, side in zip(self.shape, self._chunk, strict=True))
        for row, column in product(*(range(count) for count in grid)):
            self._write_chunk(row, column, self._reduced(above, row, column))

    def _reduced(self, above: LevelFiles, row: int, column: int) -> Labels:
        """Return a chunk made of up to four chunks of the level above."""
        whole = np.zeros(self._chunk, np.int32)
        for y, x in product((0, 1), (0, 1)):
            found = above._read_chunk(2 * row + y, 2 * column + x)
            if found.size:
                small = found[::2, ::2]
                top, left = y * CHUNK_PX // 2, x * CHUNK_PX // 2
                place = whole[top : top + small.shape[0], left : left + small.shape[1]]
                place[...] = small[: place.shape[0], : place.shape[1]]
        return whole

    def _read_chunk(self, row: int, column: int) -> Labels:
        """Return a chunk; empty if it is not there."""
        try:
            data = self._path(row, column).read_bytes()
        except FileNotFoundError:
            return np.empty((0, 0), np.int32)
        size = self._chunk[0] * self._chunk[1] * _LITTLE_ENDIAN.itemsize
        return np.frombuffer(zstd_decode(data, out=size), _LITTLE_ENDIAN).reshape(self._chunk)

    def _write_chunk(self, row: int, column: int, part: Labels) -> None:
        """Write a chunk, filled up with background at the edges of the image."""
        path = self._path(row, column)
        if not part.any():
            path.unlink(missing_ok=True)
            return
        if part.shape != self._chunk:
            whole = np.zeros(self._chunk, np.int32)
            whole[: part.shape[0], : part.shape[1]] = part
            part = whole
        pixels = np.ascontiguousarray(part, _LITTLE_ENDIAN)
        data = zstd_encode(pixels, level=_LEVEL)  # type: ignore[arg-type]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _path(self, row: int, column: int) -> Path:
        return self._folder / "c" / str(row) / str(column)


def _chunk_shape(shape: tuple[int, int]) -> tuple[int, int]:
    return min(CHUNK_PX, max(shape[0], 1)), min(CHUNK_PX, max(shape[1], 1))


def _array_document(shape: tuple[int, int], chunk: tuple[int, int]) -> dict[str, Any]:
    return {
        "shape": list(shape),
        "data_type": "int32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "zstd", "configuration": {"level": _LEVEL, "checksum": False}},
        ],
        "attributes": {},
        "dimension_names": ["y", "x"],
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }


def _write(folder: Path, document: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{DOCUMENT}.partial"
    partial.write_text(json.dumps(document, indent=2), encoding="utf-8", newline="\n")
    partial.replace(folder / DOCUMENT)
