"""Nuclei of a result as GeoJSON that QuPath opens, written one by one.

Outlines run along the edges of pixels, simplified by less than one pixel, in QuPath's
coordinates: pixels of the full resolution from the corner of the first pixel.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import BundleError, OutputError
from alkfish.io.bundle import folder_name, open_bundle
from alkfish.io.geojson import find_self_crossing
from alkfish.model.result import LabelImage
from alkfish.model.signals import NucleusRecords, Pattern

SUFFIX = "_nuclei.geojson"
"""End of the names of the files."""

NOT_SCORABLE = "Not scorable"
"""Class of nuclei that are not enumerated; the reasons are in their metadata."""

CLASS_COLOURS = {
    Pattern.FUSED.value: (90, 160, 255),
    Pattern.SPLIT.value: (255, 70, 70),
    Pattern.ISOLATED_3P.value: (255, 160, 0),
    Pattern.ISOLATED_5P.value: (60, 200, 90),
    NOT_SCORABLE: (150, 150, 150),
}
"""Red, green and blue, 0 to 255, per class."""

_NAMESPACE = uuid.UUID("6f0f3c1e-7a39-5c0f-9a51-2d1f1b0f8d5e")
_MIN_HOLE_PX = 4
_SIMPLIFY = 1.4
_BLOCK_PX = 4096
_MARGIN_PX = 256
_NO_LABELS = np.empty((0, 0), np.int32)
_PLAIN = frozenset({"fov", "nucleus_id", "scorable", "flags", "pattern"})

Mask = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]
Points = npt.NDArray[np.float64]


def export_geojson(bundle_path: str | Path, out_dir: str | Path) -> tuple[Path, ...]:
    """Write the nuclei of a bundle, one FeatureCollection per field.

    Each nucleus is a QuPath detection: its outline, its pattern as classification with a colour
    (`NOT_SCORABLE` if it is not enumerated), the numeric columns of the table as measurements, its
    flags, and an id that is the same each time. Memory does not grow with the outlines.

    Parameters
    ----------
    bundle_path : path-like
        Folder of one case.
    out_dir : path-like
        Folder of the files; older ones of the same names are replaced.

    Returns
    -------
    tuple of Path
        ``<case>_<field>_nuclei.geojson`` per field, in order of the fields;
        ``<case>_nuclei.geojson`` if field and case have one name.

    Raises
    ------
    BundleError
        If the bundle cannot be read, or its labels lack a nucleus of its table.
    OutputError
        If the files cannot be written.
    """
    result, out, files = open_bundle(bundle_path), Path(out_dir), []
    for fov, labels in ((name, result.labels[name]) for name in result.labels):
        rows = result.nuclei.take(result.nuclei.fov == fov)
        size = result.pixel_size_um[fov]
        names = [result.case_id] if fov == result.case_id else [result.case_id, fov]
        file = out / f"{'_'.join(folder_name(name) for name in names)}{SUFFIX}"
        features = nucleus_features(result.case_id, rows, labels, size)
        _write(features, file)
        files.append(file)
    return tuple(files)


def nucleus_features(
    case_id: str, nuclei: NucleusRecords, labels: LabelImage, pixel_size_um: float
) -> Iterator[dict[str, Any]]:
    """Yield the nuclei of one field as GeoJSON features, in an order that follows the picture.

    Parameters
    ----------
    case_id : str
        Case, for the ids.
    nuclei : NucleusRecords
        Rows of one field.
    labels : array-like of int32, shape (H, W)
        Its label image; read window by window.
    pixel_size_um : float
        Pixel size of the field.

    Raises
    ------
    BundleError
        If a nucleus has no pixel in the labels, or a value is not finite: JSON has no word for it.
    """
    crops = _Crops(labels)
    radius = np.sqrt(nuclei.area_um2 / np.pi) / pixel_size_um
    block_y, block_x = nuclei.y_px // _BLOCK_PX, nuclei.x_px // _BLOCK_PX
    measured = _measurements(nuclei)
    for row in np.lexsort((nuclei.nucleus_id, block_x, block_y)).tolist():
        number = int(nuclei.nucleus_id[row])
        centre = float(nuclei.y_px[row]), float(nuclei.x_px[row])
        geometry = crops.outline(number, centre, float(radius[row]))
        if not geometry:
            raise BundleError(
                "the labels lack a nucleus of the table",
                where=f"case {case_id}, field {nuclei.fov[row]}, nucleus {number}",
                found=f"none of its pixels around row {centre[0]:.0f}, column {centre[1]:.0f}",
                remedy="score the case again",
            )
        yield {
            "type": "Feature",
            "id": str(uuid.uuid5(_NAMESPACE, f"{case_id}/{nuclei.fov[row]}/{number}")),
            "geometry": geometry,
            "properties": _properties(nuclei, row)
            | {"measurements": {title: values[row] for title, values in measured.items()}},
        }


def _measurements(nuclei: NucleusRecords) -> dict[str, list[float] | list[int]]:
    """Return the values of the columns that become measurements, by title with unit."""
    found = {}
    for info in NucleusRecords.columns():
        if info.name not in _PLAIN:
            told = not info.unit or info.name.endswith(f"_{info.unit}")
            values = getattr(nuclei, info.name)
            if not np.isfinite(values).all():
                raise BundleError(
                    "a measurement is not finite, which GeoJSON cannot hold",
                    where=f"column {info.name}",
                    found=f"{int((~np.isfinite(values)).sum())} NaN or infinite",
                    allowed="finite numbers",
                    remedy="score the case again",
                )
            whole = np.issubdtype(values.dtype, np.integer)
            short = values.tolist() if whole else [float(f"{v:.7g}") for v in values.tolist()]
            found[info.name if told else f"{info.name} ({info.unit})"] = short
    return found


def _properties(nuclei: NucleusRecords, row: int) -> dict[str, Any]:
    name = str(nuclei.pattern[row]) or NOT_SCORABLE
    number = int(nuclei.nucleus_id[row])
    return {
        "objectType": "detection",
        "name": f"nucleus {number}",
        "classification": {"name": name, "color": list(CLASS_COLOURS[name])},
        "metadata": {
            "fov": str(nuclei.fov[row]),
            "nucleus_id": str(number),
            "scorable": "true" if nuclei.scorable[row] else "false",
            "flags": str(nuclei.flags[row]),
        },
    }


class _Crops:
    """Cuts nuclei out of a label image, reading each part of it about once."""

    def __init__(self, labels: LabelImage) -> None:
        self._labels = labels
        self._whole = isinstance(labels, np.ndarray)
        self._window: Labels = self._read(0, 0, *labels.shape) if self._whole else _NO_LABELS
        self._top = self._left = 0
        self._block = (-1, -1)

    def outline(self, number: int, centre: tuple[float, float], radius: float) -> dict[str, Any]:
        """Return the outline of a nucleus as a GeoJSON geometry; empty if it is not there."""
        height, width = self._labels.shape
        reach = 1.4 * radius + 3
        while True:
            top, left = (max(0, int(place - reach)) for place in centre)
            bottom = min(height, int(centre[0] + reach) + 2)
            right = min(width, int(centre[1] + reach) + 2)
            image, y, x = self._image(top, left, bottom, right)
            ring = _plain_ring(image, number, (top - y, left - x, bottom - y, right - x))
            if len(ring):
                return {"type": "Polygon", "coordinates": [(ring + (x, y)).tolist()]}
            mask = (image[top - y : bottom - y, left - x : right - x] == number).astype(np.uint8)
            cut = (
                (top > 0 and mask[0].any())
                or (left > 0 and mask[:, 0].any())
                or (bottom < height and mask[-1].any())
                or (right < width and mask[:, -1].any())
            )
            if not cut:
                return outline_geometry(mask, top, left) if mask.any() else {}
            reach *= 2

    def _image(self, top: int, left: int, bottom: int, right: int) -> tuple[Labels, int, int]:
        """Return labels that hold a window, and their first row and column."""
        block = (top + bottom) // 2 // _BLOCK_PX, (left + right) // 2 // _BLOCK_PX
        if block != self._block and not self._whole:
            self._block = block
            self._top, self._left = (max(0, part * _BLOCK_PX - _MARGIN_PX) for part in block)
            last = [(part + 1) * _BLOCK_PX + _MARGIN_PX for part in block]
            self._window = self._read(self._top, self._left, last[0], last[1])
        rows, columns = self._window.shape
        inside = top >= self._top and left >= self._left
        if not (inside and bottom <= self._top + rows and right <= self._left + columns):
            return self._read(top, left, bottom, right), top, left
        return self._window, self._top, self._left

    def _read(self, top: int, left: int, bottom: int, right: int) -> Labels:
        return np.ascontiguousarray(self._labels[top:bottom, left:right], np.int32)


def _plain_ring(labels: Labels, number: int, box: tuple[int, int, int, int]) -> Points:
    """Return the closed outline, as x and y, of a nucleus of one part without holes; else empty."""
    import cv2

    from alkfish.io._tracing import is_simple, trace_outline

    exact = trace_outline(labels, number, *box)
    if len(exact):
        short = cv2.approxPolyDP(exact, _SIMPLIFY / 2, closed=True).reshape(-1, 2)
        for points in (np.asarray(short, np.int32), exact):
            if is_simple(points):
                return np.concatenate([points, points[:1]]).astype(np.float64)
    return np.empty((0, 2))


def outline_geometry(mask: Mask, top: int, left: int) -> dict[str, Any]:
    """Return the outline of one nucleus as a GeoJSON geometry.

    Parameters
    ----------
    mask : ndarray of uint8, shape (h, w)
        1 in the nucleus; at least one pixel.
    top, left : int
        Position of its first pixel in the picture.

    Returns
    -------
    dict
        A Polygon, or a MultiPolygon if the nucleus consists of several parts that share no edge.
        Outer rings run counter-clockwise seen with y upwards, as GeoJSON asks, holes the other
        way; holes of fewer than 4 pixels are filled.
    """
    import cv2

    ring = _plain_ring(np.ascontiguousarray(mask, np.int32), 1, (0, 0, *mask.shape))
    if len(ring):
        return {"type": "Polygon", "coordinates": [(ring + (left, top)).tolist()]}
    count, parts = cv2.connectedComponents(mask, connectivity=4)
    polygons = []
    for part in range(1, count):
        rings = _rings(mask if count == 2 else (parts == part).astype(np.uint8))
        polygons.append([_coordinates(ring, top, left) for ring in rings])
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _rings(part: Mask) -> list[Points]:
    """Return the outer ring and the holes of an edge-connected part as x, y in half pixels."""
    import cv2

    contours, _ = cv2.findContours(np.pad(part, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros((part.shape[0] + 2, part.shape[1] + 2), np.uint8)
    cv2.drawContours(filled, contours, -1, 1, thickness=cv2.FILLED)
    solid = filled[1:-1, 1:-1]
    rings = [_oriented(_trace(solid), clockwise=False)]
    holes = solid - part
    if holes.any():
        count, parts = cv2.connectedComponents(holes, connectivity=4)
        for number in range(1, count):
            hole = (parts == number).astype(np.uint8)
            if int(hole.sum()) >= _MIN_HOLE_PX:
                rings.append(_oriented(_trace(hole), clockwise=True))
    return rings


def _trace(solid: Mask) -> Points:
    """Return the closed outline of a part without holes, shape (N, 2), as x, y in half pixels.

    The part is drawn on a grid with a node at each corner and middle of a pixel's edge, so that the
    contour of the grid is the outline along the edges.
    """
    import cv2

    height, width = solid.shape
    large = np.repeat(np.repeat(solid, 2, axis=0), 2, axis=1)
    grid = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    for dy in (0, 1):
        for dx in (0, 1):
            grid[dy : dy + 2 * height, dx : dx + 2 * width] |= large
    contours, _ = cv2.findContours(grid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    exact = max(contours, key=len).reshape(-1, 2)
    simple = cv2.approxPolyDP(exact, _SIMPLIFY, closed=True).reshape(-1, 2)
    for points in (simple, exact):
        ring = np.concatenate([points, points[:1]]).astype(np.float64)
        if len(ring) >= 4 and _is_simple(ring):
            return ring
    return _box(solid)


def _is_simple(ring: Points) -> bool:
    distinct = len(np.unique(ring[:-1], axis=0)) == len(ring) - 1
    return distinct and find_self_crossing(ring) is None


def _box(solid: Mask) -> Points:
    """Return the rectangle around a part: the last resort for outlines that touch themselves."""
    y, x = np.nonzero(solid)
    low_y, low_x, high_y, high_x = y.min(), x.min(), y.max() + 1, x.max() + 1
    corners = [(low_x, low_y), (high_x, low_y), (high_x, high_y), (low_x, high_y), (low_x, low_y)]
    return 2.0 * np.array(corners, np.float64)


def _oriented(ring: Points, *, clockwise: bool) -> Points:
    x, y = ring[:, 0], ring[:, 1]
    # Twice the area, positive for counter-clockwise with y upwards as the numbers stand.
    area = float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())
    return ring[::-1] if (area < 0) != clockwise else ring


def _coordinates(ring: Points, top: int, left: int) -> list[list[float]]:
    points = ring / 2 + (left, top)
    return np.asarray(points).tolist()  # type: ignore[no-any-return]


def _write(features: Iterator[dict[str, Any]], file: Path) -> None:
    from pydantic_core import to_json  # four times as fast as the standard library's; takes NaN

    partial = file.with_name(f".{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(b'{"type":"FeatureCollection","features":[\n')
            for number, feature in enumerate(features):
                stream.write((b",\n" if number else b"") + to_json(feature))
            stream.write(b"\n]}\n")
        partial.replace(file)
    except OSError as error:
        raise OutputError(
            "the file cannot be written",
            where=file,
            found=error.strerror or error,
            remedy="choose a folder that you may write to, with space left, with -o",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
