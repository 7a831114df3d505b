"""A rectangle of whole pixels of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of whole pixels: rows ``top`` to ``bottom - 1``, columns likewise."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """Row after the last."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """Column after the last."""
        return self.left + self.width

    @property
    def n_pixels(self) -> int:
        """Area in pixels."""
        return self.height * self.width

    def grown(self, margin_px: int, shape: tuple[int, int]) -> Window:
        """Return the window with a margin on all sides, cut at the edges of the picture."""
        top, left = max(0, self.top - margin_px), max(0, self.left - margin_px)
        bottom = min(shape[0], self.bottom + margin_px)
        right = min(shape[1], self.right + margin_px)
        return Window(top, left, bottom - top, right - left)

    def common(self, other: Window) -> Window:
        """Return the overlap with another window; without area if they do not overlap."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        height = max(0, min(self.bottom, other.bottom) - top)
        return Window(top, left, height, max(0, min(self.right, other.right) - left))

    def inside(self, outer: Window) -> tuple[slice, slice]:
        """Return the slices of this window in an array that holds `outer`."""
        top, left = self.top - outer.top, self.left - outer.left
        return slice(top, top + self.height), slice(left, left + self.width)

    def contains(
        self, y_px: npt.NDArray[Any], x_px: npt.NDArray[Any], *, margin_px: float = 0.0
    ) -> npt.NDArray[np.bool_]:
        """Return which points lie in the window; pixel centres are at integers.

        Windows that tile a plane hold each of its points exactly once.
        """
        y, x = np.asarray(y_px) + 0.5, np.asarray(x_px) + 0.5
        rows = (y >= self.top - margin_px) & (y < self.bottom + margin_px)
        found: npt.NDArray[np.bool_]
        found = rows & (x >= self.left - margin_px) & (x < self.right + margin_px)
        return found
