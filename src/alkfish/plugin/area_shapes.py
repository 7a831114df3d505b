"""Drawn shapes as outlined areas, and back. Plain arrays, nothing of napari or Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError
from alkfish.io.geojson import Area, Regions, find_self_crossing

Points = npt.NDArray[np.float64]

GRAIN = 16
"""Corners lie on a grid of so many steps per pixel, so that files keep them exactly."""

_ELLIPSE_CORNERS = 64
_SKIPPED = frozenset({"line", "path"})


def areas_of_shapes(
    data: Sequence[npt.ArrayLike], kinds: Iterable[Any], *, shape: tuple[int, int]
) -> tuple[Area, ...]:
    """Return drawn shapes as areas, cut to the field; lines and what lies outside are left out.

    Parameters
    ----------
    data : sequence of array-like, shape (N, 2)
        Corners as row and column in pixels; of an ellipse those of its box.
    kinds : iterable of str
        Kind of each shape: polygon, rectangle, ellipse.
    shape : tuple of int
        Height and width of the field.

    Raises
    ------
    InputError
        If an outline crosses itself.
    """
    areas = []
    for points, kind in zip(data, map(str, kinds), strict=True):
        if kind.removeprefix("ShapeType.").casefold() in _SKIPPED:
            continue
        corners = np.asarray(points, np.float64)[:, -2:]
        if "ellipse" in kind.casefold():
            corners = _ellipse(corners)
        ring = _ring(_clipped(corners, shape))
        if len(ring) >= 4:
            areas.append(Area("", (_checked(ring),)))
    return tuple(areas)


def shapes_of_regions(regions: Regions) -> tuple[list[Points], list[Points]]:
    """Return the polygons of areas to score and of areas to leave out.

    Holes become areas to leave out: a polygon on the screen has none.
    """
    inside = [area.rings[0][:-1] for area in regions.include]
    holes = [ring[:-1] for area in regions.include for ring in area.rings[1:]]
    return inside, [area.rings[0][:-1] for area in regions.exclude] + holes


def _ellipse(box: Points) -> Points:
    """Return corners on the ellipse within the box of four corners."""
    centre = box.mean(axis=0)
    one, two = (box[1] - box[0]) / 2, (box[3] - box[0]) / 2
    angle = np.linspace(0, 2 * np.pi, _ELLIPSE_CORNERS, endpoint=False)[:, None]
    return np.asarray(centre + np.cos(angle) * one + np.sin(angle) * two)


def _clipped(corners: Points, shape: tuple[int, int]) -> Points:
    """Return a polygon cut to the field, edge by edge of the field."""
    for axis in (0, 1):
        for limit, sign in ((-0.5, 1.0), (shape[axis] - 0.5, -1.0)):
            corners = _cut(corners, axis, limit, sign)
            if not len(corners):
                return corners
    return corners


def _cut(corners: Points, axis: int, limit: float, sign: float) -> Points:
    """Return the part of a polygon on one side of a line."""
    from_line = sign * (corners[:, axis] - limit)
    if (from_line >= 0).all():
        return corners
    kept: list[Points] = []
    ends = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    for (here, after), a, b in zip(ends, from_line, np.roll(from_line, -1), strict=True):
        if a >= 0:
            kept.append(here)
        if (a < 0) != (b < 0):
            kept.append(here + (after - here) * (a / (a - b)))
    return np.array(kept).reshape(-1, 2)


def _ring(corners: Points) -> Points:
    """Return a closed ring on the grid, without corners that repeat."""
    # Corners of pixels lie at halves, which the grid holds.
    on_grid = np.round(corners * GRAIN) / GRAIN
    if not len(on_grid):
        return on_grid
    closed = np.concatenate([on_grid, on_grid[:1]])
    is_new = np.append(True, (np.diff(closed, axis=0) != 0).any(axis=1))
    return np.ascontiguousarray(closed[is_new])


def _checked(ring: Points) -> Points:
    place = find_self_crossing(ring)
    if place is not None:
        raise InputError(
            "the outline of an area crosses itself",
            found=f"near row {place[0]:.0f}, column {place[1]:.0f}",
            remedy="draw it again, or move its corners until it does not",
        )
    return ring
