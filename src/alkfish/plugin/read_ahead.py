"""Reads what the next nuclei need while the reader looks at this one: a step waits for nothing.

Nothing is kept here: pixels and labels are kept where they are read. No Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from alkfish.errors import AlkfishError

Place = tuple[float, float]


class ReadAhead:
    """One thread that reads windows of large pictures; a new wish takes the place of the last."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="alkfish-ahead")
        self._waiting: Future[None] | None = None
        self._closed = False

    def ask(self, images: Sequence[Any], places: Sequence[Place], reach: tuple[int, int]) -> None:
        """Read windows soon.

        Parameters
        ----------
        images : sequence of array-like
            Two-dimensional; they keep what they have read.
        places : sequence of (y, x)
            Centres of the windows in pixels.
        reach : tuple of int
            Rows and columns that are read on either side of a centre.
        """
        if self._closed:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self._pool.submit(_read, tuple(images), tuple(places), reach)

    def close(self) -> None:
        """Read nothing more."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)


def _read(images: tuple[Any, ...], places: tuple[Place, ...], reach: tuple[int, int]) -> None:
    for y, x in places:
        for image in images:
            top, left = max(0, int(y) - reach[0]), max(0, int(x) - reach[1])
            bottom, right = int(y) + reach[0], int(x) + reach[1]
            with suppress(AlkfishError, OSError):  # said when the place itself is shown
                image[top : min(bottom, image.shape[0]), left : min(right, image.shape[1])]
