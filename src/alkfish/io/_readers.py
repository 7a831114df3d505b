"""Opened picture files: a few are kept open per process, and pixels are read window by window.

Nothing here is part of a picture's description: descriptions (`alkfish.io._picture.Picture`) travel
to other processes, open files never do. After a fork a child begins with no open files.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from alkfish.model.table import Array
from alkfish.model.window import Window

MAX_OPEN_FILES = 6
"""Files kept open per process."""

CACHE_BYTES = 160 << 20
"""Decoded tiles kept per process: neighbouring windows overlap by their halos."""


class Reader(Protocol):
    """An opened file (one scene of it). Reading is safe from several threads."""

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window as a 2-D array of stored counts; `keep` caches decoded tiles."""

    def close(self) -> None:
        """Close the file."""


class TileCache:
    """Decoded tiles, the least recently used leave first. Safe from several threads."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit = limit_bytes
        self._tiles: OrderedDict[Hashable, Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, decode: Callable[[], Array]) -> Array:
        """Return the tile of `key`, decoded by `decode` unless it is kept; never write to it."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                return tile
        tile = decode()
        with self._lock:
            if key not in self._tiles and tile.nbytes <= self._limit // 4:
                self._tiles[key] = tile
                self._bytes += tile.nbytes
            while self._bytes > self._limit:
                self._bytes -= self._tiles.popitem(last=False)[1].nbytes
        return tile

    def forget(self, owner: object) -> None:
        """Drop the tiles of one file; keys are tuples that begin with their file."""
        with self._lock:
            for key in [k for k in self._tiles if isinstance(k, tuple) and k[0] == owner]:
                self._bytes -= self._tiles.pop(key).nbytes

    @property
    def n_bytes(self) -> int:
        """Bytes kept at present."""
        return self._bytes


def assemble(
    window: Window, block: tuple[int, int], dtype: np.dtype[np.generic],
    read_block: Callable[[int, int], Array],
) -> Array:  # fmt: skip
    """Put a window together from the blocks of a regular grid.

    Parameters
    ----------
    window : Window
        What is wanted; it lies inside the level.
    block : tuple of int
        Height and width of a block; blocks at the edge may be smaller or padded.
    dtype : numpy dtype
        Of the result.
    read_block : callable
        Returns the block of a grid row and column as a 2-D array.
    """
    height, width = block
    result = np.empty((window.height, window.width), dtype)
    bottom, right = window.top + window.height, window.left + window.width
    for row in range(window.top // height, -(-bottom // height)):
        y0, y1 = max(window.top, row * height), min(bottom, (row + 1) * height)
        for column in range(window.left // width, -(-right // width)):
            x0, x1 = max(window.left, column * width), min(right, (column + 1) * width)
            pixels = read_block(row, column)
            result[y0 - window.top : y1 - window.top, x0 - window.left : x1 - window.left] = pixels[
                y0 - row * height : y1 - row * height, x0 - column * width : x1 - column * width
            ]
    return result


@dataclass
class _Open:
    reader: Reader
    users: int = 0
    leaving: bool = False


@dataclass
class _OpenFiles:
    """The files that this process keeps open."""

    files: OrderedDict[Hashable, _Open] = field(default_factory=OrderedDict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    tiles: TileCache = field(default_factory=TileCache)

    def borrow(self, key: Hashable, open_reader: Callable[[], Reader]) -> _Open:
        with self.lock:
            entry = self.files.get(key)
            if entry is None:
                entry = self.files[key] = _Open(open_reader())
            self.files.move_to_end(key)
            entry.users += 1
            for old in list(self.files)[: max(0, len(self.files) - MAX_OPEN_FILES)]:
                self._leave(self.files.pop(old))
            return entry

    def give_back(self, entry: _Open) -> None:
        with self.lock:
            entry.users -= 1
            if entry.leaving and not entry.users:
                entry.reader.close()

    def close(self) -> None:
        with self.lock:
            while self.files:
                self._leave(self.files.popitem()[1])
            self.tiles = TileCache()

    def _leave(self, entry: _Open) -> None:
        entry.leaving = True
        self.tiles.forget(id(entry.reader))
        if not entry.users:
            entry.reader.close()


_OPEN = _OpenFiles()


@contextmanager
def opened(key: Hashable, open_reader: Callable[[], Reader], *, keep: bool) -> Iterator[Reader]:
    """Lend an opened file; with `keep` it stays open for the next window, else it is closed."""
    if not keep:
        reader = open_reader()
        try:
            yield reader
        finally:
            reader.close()
        return
    files = _OPEN
    entry = files.borrow(key, open_reader)
    try:
        yield entry.reader
    finally:
        files.give_back(entry)


def kept_tile(reader: object, place: Hashable, decode: Callable[[], Array], *, keep: bool) -> Array:
    """Return a decoded tile of `reader`, from the cache of the process if it is there."""
    return _OPEN.tiles.get((id(reader), place), decode) if keep else decode()


def close_files() -> None:
    """Close all files that this process keeps open, and forget decoded tiles."""
    _OPEN.close()


def _start_afresh() -> None:
    # The parent's files share their position with a forked child, and its locks may be held.
    global _OPEN
    _OPEN = _OpenFiles()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
atexit.register(close_files)
