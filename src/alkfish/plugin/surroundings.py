"""Which part of a large field carries marks: what the window shows, and what lies around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

View = tuple[float, float, float, float]
"""Top, left, bottom and right in pixels of a field."""

ALL: View = (-np.inf, -np.inf, np.inf, np.inf)

FEW_MARKS = 3_000
"""So many marks are drawn all together: choosing among them gains nothing."""

REACH = 1.0
"""How far around a view marks are drawn, in heights and widths of it."""


def view_of(centre: tuple[float, float], canvas: tuple[int, int], zoom: float, size: float) -> View:
    """Return what a window shows of a field.

    Parameters
    ----------
    centre : (y, x)
        In micrometres.
    canvas : (height, width)
        In pixels of the screen.
    zoom : float
        Pixels of the screen per micrometre.
    size : float
        Pixel size of the field in micrometres.
    """
    (y, x), (height, width) = centre, (side / zoom / 2 for side in canvas)
    return (y - height) / size, (x - width) / size, (y + height) / size, (x + width) / size


def inside(view: View, part: View) -> bool:
    """Whether a view lies within a part."""
    return part[0] <= view[0] and part[1] <= view[1] and view[2] <= part[2] and view[3] <= part[3]


def part_of(view: View, n_marks: int) -> View:
    """Return the part of the field whose marks are drawn for a view."""
    if n_marks <= FEW_MARKS:
        return ALL
    height, width = REACH * (view[2] - view[0]), REACH * (view[3] - view[1])
    return view[0] - height, view[1] - width, view[2] + height, view[3] + width


def within(places: npt.NDArray[np.float64], part: View) -> npt.NDArray[np.bool_]:
    """Return which places (row and column, shape (N, 2)) lie in a part."""
    y, x = places[:, 0], places[:, 1]
    chosen: npt.NDArray[np.bool_] = (
        (y >= part[0]) & (x >= part[1]) & (y <= part[2]) & (x <= part[3])
    )
    return chosen
