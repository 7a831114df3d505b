"""Outlined areas of a slide from GeoJSON, as QuPath exports annotations.

QuPath counts from the corner of the first pixel; here pixel centres lie at integers, so that every
coordinate is read less one half. A point is inside by the even-odd rule, computed for each point by
itself: no answer depends on how a slide is cut.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError

Ring = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

EXCLUDED_CLASSES = ("Ignore", "Exclude", "Excluded", "Necrosis", "Artefact", "Artifact")
"""Classes of areas that are left out; case and QuPath's final asterisk do not matter."""

_OBJECTS = frozenset({"detection", "cell", "tile", "tma_core"})
_TOLERANCE_PX = 1.0
_BLOCK = 512
_REMEDY = "export the annotations from QuPath as GeoJSON (File > Export objects as GeoJSON)"


@dataclass(frozen=True, eq=False)
class Area:
    """One outlined area.

    Attributes
    ----------
    class_name : str
        Class as written in the file; empty without one.
    rings : tuple of ndarray of float64, shape (N, 2)
        Outline and holes as y, x in pixels of the full resolution, pixel centres at integers; the
        last point is the first. Even-odd: what lies in a hole is outside.
    """

    class_name: str
    rings: tuple[Ring, ...]

    def contains(self, y_px: Ring, x_px: Ring) -> BoolArray:
        """Return which points, shape (N,), lie inside."""
        inside = np.zeros(len(y_px), np.bool_)
        if not len(y_px):
            return inside
        order = np.argsort(y_px, kind="stable")
        point, _, x = _crossings(self.rings, y_px[order])
        hits = order[point]
        passed = np.bincount(hits[x <= x_px[hits]], minlength=len(y_px))
        return np.asarray(passed % 2 == 1)

    def mask(self, y_px: Ring, x_px: Ring) -> BoolArray:
        """Return which points of a grid of rows `y_px` and columns `x_px` lie inside."""
        row, _, x = _crossings(self.rings, y_px)
        column = np.searchsorted(x_px, x, side="left")
        flips = np.zeros((len(y_px), len(x_px) + 1), np.int32)
        np.add.at(flips, (row, column), 1)
        return np.asarray(np.cumsum(flips, axis=1)[:, :-1] % 2 == 1)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Smallest and largest y, then smallest and largest x."""
        points = self.rings[0]
        (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0)
        return float(top), float(bottom), float(left), float(right)


@dataclass(frozen=True, eq=False)
class Regions:
    """Areas that are scored, and areas within them that are not.

    Attributes
    ----------
    include : tuple of Area
        Only what lies in one of them counts; without any, the whole slide.
    exclude : tuple of Area
        What lies in one of them never counts.
    name : str
        Name of the file they come from, for the result.
    """

    include: tuple[Area, ...]
    exclude: tuple[Area, ...] = ()
    name: str = ""

    def in_words(self) -> str:
        """Return what is counted, for the notes of a result; names file, classes and checksum."""
        word = "area" if len(self.include) == 1 else "areas"
        areas = f"{len(self.include)} {word}{_names(self.include)}"
        out = f", without {len(self.exclude)}{_names(self.exclude)}" if self.exclude else ""
        return (
            f"only nuclei within the outlines of {self.name or 'the areas'} count: {areas}{out}; "
            f"SHA-256 of the areas {self.fingerprint()}"
        )

    def contains(self, y_px: npt.ArrayLike, x_px: npt.ArrayLike) -> BoolArray:
        """Return which points count.

        Parameters
        ----------
        y_px, x_px : array-like of float, shape (N,)
            Positions in pixels of the full resolution, pixel centres at integers.

        Returns
        -------
        ndarray of bool, shape (N,)
        """
        y, x = np.asarray(y_px, np.float64), np.asarray(x_px, np.float64)
        return self._union(self.include, y, x, empty=True) & ~self._union(
            self.exclude, y, x, empty=False
        )

    def mask(
        self, top: float, left: float, height: int, width: int, scale: float = 1.0
    ) -> BoolArray:
        """Return which pixels of a window count, judged by their centres.

        Parameters
        ----------
        top, left : float
            First row and column of the window in pixels of the full resolution.
        height, width : int
            Size of the mask in its own pixels.
        scale : float
            Pixels of the full resolution per pixel of the mask: 16 for a level 16 times smaller.

        Returns
        -------
        ndarray of bool, shape (height, width)
        """
        y: Ring = np.asarray(top + (np.arange(height) + 0.5) * scale - 0.5, np.float64)
        x: Ring = np.asarray(left + (np.arange(width) + 0.5) * scale - 0.5, np.float64)
        counted = _paint(self.include, y, x) if self.include else np.ones((height, width), np.bool_)
        return np.asarray(counted & ~_paint(self.exclude, y, x))

    def fingerprint(self) -> str:
        """Return a checksum of the areas: the same areas, the same text."""
        digest = hashlib.sha256()
        for kind, areas in ((b"include", self.include), (b"exclude", self.exclude)):
            for area in areas:
                digest.update(kind)
                for ring in area.rings:
                    digest.update(len(ring).to_bytes(8, "little"))
                    digest.update(np.ascontiguousarray(ring, "<f8").tobytes())
        return digest.hexdigest()

    def check_inside(self, shape: tuple[int, int], *, where: object) -> None:
        """Refuse areas that reach beyond the slide: they belong to another picture or scale.

        Parameters
        ----------
        shape : tuple of int
            Height and width of the slide.
        where : object
            File of the areas, for the message.

        Raises
        ------
        InputError
            If a point lies more than one pixel outside.
        """
        for area in (*self.include, *self.exclude):
            top, bottom, left, right = area.box
            low, high = -0.5 - _TOLERANCE_PX, _TOLERANCE_PX - 0.5
            if min(top, left) < low or bottom > shape[0] + high or right > shape[1] + high:
                name = area.class_name or "without a class"
                raise InputError(
                    f"an outlined area ({name}) lies outside the slide",
                    where=where,
                    found=f"rows {top + 0.5:.0f} to {bottom + 0.5:.0f}, "
                    f"columns {left + 0.5:.0f} to {right + 0.5:.0f} px",
                    allowed=f"rows 0 to {shape[0]}, columns 0 to {shape[1]} px",
                    remedy="give the outlines of this slide, in pixels of its full resolution",
                )

    def _union(self, areas: Sequence[Area], y: Ring, x: Ring, *, empty: bool) -> BoolArray:
        inside = np.full(len(y), empty and not areas, np.bool_)
        for area in areas:
            top, bottom, left, right = area.box
            near = ~inside & (y >= top) & (y <= bottom) & (x >= left) & (x <= right)
            rows = np.flatnonzero(near)
            inside[rows] = area.contains(y[rows], x[rows])
        return inside


def _paint(areas: Sequence[Area], y: Ring, x: Ring) -> BoolArray:
    """Return which points of a grid lie in any of the areas."""
    painted = np.zeros((len(y), len(x)), np.bool_)
    for area in areas:
        top, bottom, left, right = area.box
        rows = slice(int(np.searchsorted(y, top)), int(np.searchsorted(y, bottom, "right")))
        columns = slice(int(np.searchsorted(x, left)), int(np.searchsorted(x, right, "right")))
        if rows.stop > rows.start and columns.stop > columns.start:
            painted[rows, columns] |= area.mask(y[rows], x[columns])
    return painted


def _crossings(
    rings: Sequence[Ring], y_px: Ring
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Ring]:
    """Return where the edges of rings cross horizontal lines.

    Parameters
    ----------
    rings : sequence of ndarray of float64, shape (N, 2)
        Closed rings.
    y_px : ndarray of float64, shape (M,)
        Heights of the lines, ascending.

    Returns
    -------
    tuple of ndarray
        Line, edge and x of each crossing. An edge has its upper end but not its lower one.
    """
    start = np.concatenate([ring[:-1] for ring in rings])
    stop = np.concatenate([ring[1:] for ring in rings])
    is_falling = (stop[:, 0] < start[:, 0])[:, None]
    upper, lower = np.where(is_falling, stop, start), np.where(is_falling, start, stop)
    first = np.searchsorted(y_px, upper[:, 0], side="left")
    count = np.searchsorted(y_px, lower[:, 0], side="left") - first
    edge = np.repeat(np.arange(len(start)), count)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count - first, count)
    a, b = upper[edge], lower[edge]
    share = (y_px[line] - a[:, 0]) / (b[:, 0] - a[:, 0])
    return line, edge, a[:, 1] + share * (b[:, 1] - a[:, 1])


def read_regions(
    path: str | Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    shape: tuple[int, int] | None = None,
) -> Regions:
    """Read outlined areas from a GeoJSON file, plain or gzipped.

    Read are polygons, with holes or not, of a FeatureCollection, a list of features, one feature or
    a bare geometry; rectangles and ellipses are polygons in QuPath's export. Points, lines,
    detections and cells are passed over.

    Parameters
    ----------
    path : path-like
        The file.
    include : sequence of str
        Classes to score; without any, all areas of no excluded class. Areas of other classes are
        passed over.
    exclude : sequence of str
        Classes to leave out besides `EXCLUDED_CLASSES`. A class named in `include` is never left
        out. In derived classes (``Tumor: Necrosis``) each part counts.
    shape : tuple of int, optional
        Height and width of the slide, to refuse areas outside; see `Regions.check_inside`.

    Raises
    ------
    InputError
        If the file cannot be read, is no GeoJSON, holds no area, a ring is broken or crosses
        itself, a named class does not occur, or an area lies outside the slide.
    """
    areas = list(_areas(_load(Path(path)), where=path))
    if not areas:
        raise InputError(
            "there is no outlined area in the file",
            where=path,
            allowed="at least one polygon, rectangle, ellipse or brush annotation",
            remedy=_REMEDY,
        )
    _check_classes(areas, [*include, *exclude], where=path)
    wanted, unwanted = _keys(include), _keys((*EXCLUDED_CLASSES, *exclude)) - _keys(include)
    left_out = [area for area in areas if _is_of(area, unwanted)]
    kept = [
        area
        for area in areas
        if not _is_of(area, unwanted) and (not wanted or _is_of(area, wanted))
    ]
    regions = Regions(tuple(kept), tuple(left_out), Path(path).name)
    if shape is not None:
        regions.check_inside(shape, where=path)
    return regions


def _names(areas: Sequence[Area]) -> str:
    """Return the classes of areas in brackets, each once; empty if none has any."""
    names = sorted({area.class_name for area in areas if area.class_name})
    return f" ({', '.join(names)})" if names else ""


def _keys(names: Iterable[str]) -> set[str]:
    return {name.strip().rstrip("*").strip().casefold() for name in names}


def _is_of(area: Area, keys: set[str]) -> bool:
    return bool(_keys([area.class_name, *area.class_name.split(":")]) & keys)


def _check_classes(areas: Sequence[Area], named: Iterable[str], *, where: object) -> None:
    for name in named:
        if not any(_is_of(area, _keys([name])) for area in areas):
            known = sorted({area.class_name or "(no class)" for area in areas})
            raise InputError(
                "no outlined area is of this class",
                where=where,
                found=name,
                allowed=", ".join(known),
                remedy="name a class of the file",
            )


def _load(path: Path) -> Any:
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        return json.loads(text.decode("utf-8-sig"))
    except (OSError, EOFError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(
            "the outlined areas cannot be read", where=path, found=reason, remedy=_REMEDY
        ) from error


def _areas(data: Any, *, where: object) -> Iterator[Area]:
    """Yield the areas of any GeoJSON object, or of a list of features."""
    kind = "list" if isinstance(data, list) else data.get("type") if isinstance(data, dict) else ""
    if kind == "list":
        for item in data:
            yield from _areas(item, where=where)
    elif kind == "FeatureCollection":
        yield from _areas(_member(data, "features", list, where), where=where)
    elif kind == "Feature":
        yield from _feature_areas(data, where=where)
    elif kind in ("Polygon", "MultiPolygon", "GeometryCollection"):
        yield from _geometry_areas(data, "", where=where)
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise InputError(
            "the file is not GeoJSON",
            where=where,
            found=f"type {kind!r}" if isinstance(data, dict) else type(data).__name__,
            allowed="FeatureCollection, Feature, Polygon, MultiPolygon",
            remedy=_REMEDY,
        )


def _feature_areas(feature: dict[str, Any], *, where: object) -> Iterator[Area]:
    properties = feature.get("properties") or {}
    geometry = feature.get("geometry")
    if not isinstance(properties, dict) or properties.get("objectType") in _OBJECTS:
        return
    if isinstance(geometry, dict):
        yield from _geometry_areas(geometry, _class_name(properties), where=where)


def _class_name(properties: dict[str, Any]) -> str:
    """Return the class of a QuPath object; empty without one."""
    told = properties.get("classification")
    if isinstance(told, dict):
        names = told.get("names")
        told = told.get("name") or (": ".join(map(str, names)) if isinstance(names, list) else "")
    return told if isinstance(told, str) else ""


def _geometry_areas(geometry: dict[str, Any], name: str, *, where: object) -> Iterator[Area]:
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        for part in _member(geometry, "geometries", list, where):
            yield from _geometry_areas(part, name, where=where)
    elif kind in ("Polygon", "MultiPolygon"):
        coordinates = _member(geometry, "coordinates", list, where)
        for polygon in [coordinates] if kind == "Polygon" else coordinates:
            if not isinstance(polygon, list):
                raise _broken(name, where, found=type(polygon).__name__)
            if polygon:
                yield Area(name, tuple(_ring(ring, name, where=where) for ring in polygon))


def _member(data: dict[str, Any], key: str, kind: type, where: object) -> Any:
    value = data.get(key)
    if not isinstance(value, kind):
        raise InputError(
            f"the file is not GeoJSON: {data.get('type')} without {key}",
            where=where,
            found=type(value).__name__,
            remedy=_REMEDY,
        )
    return value


def _ring(points: Any, name: str, *, where: object) -> Ring:
    """Return a checked, closed ring as y, x from GeoJSON's x, y."""
    try:
        xy = np.array([point[:2] for point in points], np.float64)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise _broken(name, where, found=str(error)) from error
    if xy.ndim != 2 or xy.shape[1:] != (2,) or not np.isfinite(xy).all():
        raise _broken(name, where, found=f"coordinates of shape {xy.shape} or not finite")
    if not np.array_equal(xy[0], xy[-1]):
        xy = np.concatenate([xy, xy[:1]])
    is_new = np.append(True, (np.diff(xy, axis=0) != 0).any(axis=1))
    ring = np.ascontiguousarray(xy[is_new][:, ::-1] - 0.5)
    if len(ring) < 4:
        raise _broken(name, where, found=f"{max(len(ring) - 1, 0)} different points in a row")
    place = find_self_crossing(ring)
    if place is not None:
        raise InputError(
            "an outlined area crosses itself",
            where=where,
            found=f"{name or 'no class'}, near x {place[1] + 0.5:.1f}, y {place[0] + 0.5:.1f} px",
            allowed="outlines that do not cross themselves",
            remedy="mend the outline in QuPath (Objects > Annotations > Simplify or redraw it)",
        )
    return ring


def _broken(name: str, where: object, *, found: str) -> InputError:
    return InputError(
        "an outlined area is broken",
        where=where,
        found=f"{name or 'no class'}: {found}",
        allowed="rings of at least three points, each two finite numbers",
        remedy=_REMEDY,
    )


def find_self_crossing(ring: Ring) -> tuple[float, float] | None:
    """Return y, x of an edge where a closed ring crosses itself; None if it does not.

    Edges that only touch do not cross.

    Parameters
    ----------
    ring : ndarray of float64, shape (N, 2)
        The last point is the first.
    """
    # Small numbers keep the signs below exact.
    near = ring - np.round(ring.mean(axis=0))
    order = np.argsort(np.minimum(ring[:-1, 1], ring[1:, 1]), kind="stable")
    a, b = near[:-1][order], near[1:][order]
    low = np.minimum(a[:, 1], b[:, 1])
    high = np.maximum(a[:, 1], b[:, 1])
    for first in range(0, len(a), _BLOCK):
        block = slice(first, first + _BLOCK)
        last = int(np.searchsorted(low, high[block].max(), side="right"))
        others = slice(first, last)
        hits = _cross(a[block], b[block], a[others], b[others])
        if hits.any():
            y, x = ring[order[first + int(np.flatnonzero(hits.any(axis=1))[0])]]
            return float(y), float(x)
    return None


def _cross(a: Ring, b: Ring, c: Ring, d: Ring) -> BoolArray:
    """Return whether segments ``a b`` properly cross segments ``c d``, shape (N, M)."""
    one = _side(a, b, c) * _side(a, b, d)
    two = (_side(c, d, a) * _side(c, d, b)).T
    return np.asarray((one < 0) & (two < 0))


def _side(a: Ring, b: Ring, c: Ring) -> Ring:
    """Return on which side of the lines ``a b`` the points ``c`` lie by sign, shape (N, M)."""
    dy, dx = (b - a).T
    height = dy * a[:, 1] - dx * a[:, 0]
    return np.asarray(dy[:, None] * c[:, 1] - dx[:, None] * c[:, 0] - height[:, None])
