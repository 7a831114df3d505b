"""Room for pictures that live as long as one search: kept for the next one.

Large arrays come from the system page by page, which takes longer than most steps of a search.
"""

from __future__ import annotations

import math
import threading
import weakref

import numpy as np

from alkfish.detect.response import Image

KEPT_PIXELS = 8 * 2**20
"""Pixels kept per thread, 32 MB: a field of 2048 x 2048 needs 7 million, larger ones get less."""


class Workspace(threading.local):
    """Arrays that were lent to an owner and come back when the owner is gone."""

    def __init__(self) -> None:
        self._free: list[Image] = []

    def lend(self, owner: object, shape: tuple[int, ...]) -> Image:
        """Return an array for as long as `owner` lives; what it holds is undefined.

        Parameters
        ----------
        owner : object
            Whoever uses the array; nothing that outlives it may refer to the array.
        shape : tuple of int
            Its shape.
        """
        size = math.prod(shape)
        fitting = [k for k, room in enumerate(self._free) if size <= room.size <= 2 * size]
        room = self._free.pop(fitting[0]) if fitting else np.empty(size, np.float32)
        weakref.finalize(owner, self._take_back, room).atexit = False
        return np.asarray(room[:size].reshape(shape))

    def _take_back(self, room: Image) -> None:
        """Keep an array if there is space for it, in the place of older ones that nobody wants."""
        self._free.append(room)
        while sum(kept.size for kept in self._free) > KEPT_PIXELS:
            self._free.pop(0)


workspace = Workspace()
"""The one of this process; each thread has its own arrays."""
