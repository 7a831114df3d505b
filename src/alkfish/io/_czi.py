"""Zeiss CZI through Zeiss's own library: scenes, mosaics and their pyramids, window by window."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.io._metadata import PixelSize, pixel_size, plane_step
from alkfish.io._picture import Level, Picture, choose_scenes
from alkfish.io._vendor import check_sizes, make_header, need
from alkfish.io.channels import role_of
from alkfish.model.table import Array
from alkfish.model.window import Window

_TILE = (1024, 1024)
_COARSEST_PX = 1024
_DTYPES = {"Gray8": "uint8", "Gray16": "uint16", "Gray32Float": "float32"}


def read_headers(path: Path, scene: str | None) -> list[Picture]:
    """Read the headers of the scenes of a CZI file, or of one of them."""
    czi = need("pylibCZIrw.czi", path)
    with czi.open_czi(str(path)) as file:
        areas = _areas(file)
        names = [f"scene {number}" if number >= 0 else "" for number in areas]
        return [
            _header(path, file, list(areas.values())[index], names, index)
            for index in choose_scenes(names, scene, path)
        ]


def _areas(file: Any) -> dict[int, Any]:
    """Return the rectangle of each scene; that of a file without scenes has the number -1."""
    return dict(sorted(file.scenes_bounding_rectangle_no_pyramid.items())) or {
        -1: file.total_bounding_rectangle_no_pyramid
    }


def _header(path: Path, file: Any, area: Any, names: list[str], index: int) -> Picture:
    box = {axis: int(end - start) for axis, (start, end) in file.total_bounding_box.items()}
    kinds = set(file.pixel_types.values())
    sizes = {a: n for a, n in box.items() if a not in "YXS"} | {"Y": area.h, "X": area.w}
    strange = not kinds <= set(_DTYPES) or len(kinds) > 1
    check_sizes(path, sizes, rgb=strange)
    information = _dig(file.metadata, "ImageDocument", "Metadata")
    x, y, z = (_distance(information, axis) for axis in "XYZ")
    return make_header(
        path,
        kind="CZI",
        reader="czi",
        sizes={a: sizes[a] for a in "CZYX" if a in sizes},
        dtype=_DTYPES[next(iter(kinds))],
        names=_names(information, sizes.get("C", 1)),
        size=pixel_size(x, y, "m", source="CZI") if x else PixelSize(),
        step=plane_step(z, "m", source="CZI") if z else PixelSize(),
        levels=_levels(area.h, area.w),
        scene=names[index] if len(names) > 1 else "",
        scene_index=index,
        n_scenes=len(names),
    )


def _levels(height: int, width: int) -> list[Level]:
    levels, factor = [Level((height, width), 1.0, _TILE)], 2
    while max(height, width) * 2 > _COARSEST_PX * factor:
        shape = height // factor, width // factor
        if min(shape) < 1:
            break
        levels.append(Level(shape, float(factor), _TILE))
        factor *= 2
    return levels


def _dig(tree: Any, *keys: str) -> Any:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _listed(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, Mapping)]


def _distance(information: Any, axis: str) -> float:
    """Return the distance of pixels along an axis in metres; 0 if unknown."""
    for item in _listed(_dig(information, "Scaling", "Items", "Distance")):
        if item.get("@Id") == axis:
            return float(item.get("Value") or 0.0)
    return 0.0


def _names(information: Any, count: int) -> list[str]:
    """Return the channel names, with the dye where the name alone does not tell the role."""
    found = _dig(information, "Information", "Image", "Dimensions", "Channels", "Channel")
    names = []
    for item in _listed(found)[:count]:
        name, dye = str(item.get("@Name") or ""), str(item.get("Fluor") or "")
        names.append(name if role_of(name) or not role_of(dye) else f"{name} ({dye})".strip())
    return names


class CziReader:
    """An opened CZI file. The library composes windows of mosaics from the tiles they touch."""

    def __init__(self, picture: Picture) -> None:
        czi = need("pylibCZIrw.czi", picture.path)
        self._picture = picture
        self._lock = threading.Lock()
        self._context = czi.open_czi(str(picture.path))
        self._file = self._context.__enter__()
        box = self._file.total_bounding_box
        number, area = list(_areas(self._file).items())[picture.scene_index]
        self._first = {axis: box[axis][0] for axis in ("C", "Z", "T") if axis in box}
        self._area, self._scene = area, number if number >= 0 else None

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window of a level."""
        factor = round(self._picture.levels[level].downsample)
        place = {"C": channel, "Z": plane, "T": 0}
        at = {axis: first + place[axis] for axis, first in self._first.items()}
        roi = (
            self._area.x + window.left * factor, self._area.y + window.top * factor,
            window.width * factor, window.height * factor,
        )  # fmt: skip
        with self._lock:
            pixels = self._file.read(roi=roi, plane=at, scene=self._scene, zoom=1 / factor)
        return np.ascontiguousarray(pixels[: window.height, : window.width, 0])

    def close(self) -> None:
        """Close the file."""
        self._context.__exit__(None, None, None)


def open_reader(picture: Picture) -> CziReader:
    """Open the file of `picture`."""
    return CziReader(picture)
