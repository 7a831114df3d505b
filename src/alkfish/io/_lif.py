"""Leica LIF through the package liffile: images are scenes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.errors import ImageError
from alkfish.io._metadata import PixelSize, pixel_size, plane_step
from alkfish.io._picture import Picture, choose_scenes
from alkfish.io._vendor import check_sizes, make_header, need
from alkfish.model.table import Array
from alkfish.model.window import Window


def read_headers(path: Path, scene: str | None) -> list[Picture]:
    """Read the headers of the images of a LIF file, or of one of them."""
    liffile = need("liffile", path)
    with liffile.LifFile(path) as file:
        images = list(file.images)
        if not images:
            raise ImageError("the file holds no picture", where=path)
        scenes = [str(image.path) for image in images]
        return [
            _header(path, images[index], scenes, index)
            for index in choose_scenes(scenes, scene, path)
        ]


def _header(path: Path, image: Any, scenes: list[str], index: int) -> Picture:
    sizes = {str(axis): int(length) for axis, length in image.sizes.items()}
    check_sizes(path, sizes, rgb="S" in sizes)
    y, x, z = (_spacing(image, axis) for axis in "YXZ")
    unknown = PixelSize()
    return make_header(
        path,
        kind="LIF",
        reader="lif",
        sizes=sizes,
        dtype=image.dtype,
        names=[str(name) for name in image.coords.get("C", ())],
        size=pixel_size(x, y, "m", source="LIF") if x else unknown,
        step=plane_step(z, "m", source="LIF") if z else unknown,
        scene=scenes[index] if len(scenes) > 1 else "",
        scene_index=index,
        n_scenes=len(scenes),
    )


def _spacing(image: Any, axis: str) -> float:
    """Return the distance of neighbours along an axis in metres; 0 if unknown."""
    values = image.coords.get(axis, ())
    return abs(float(values[-1] - values[0])) / (len(values) - 1) if len(values) > 1 else 0.0


class LifReader:
    """An opened LIF file; an image is decoded at its first window and kept while it is open."""

    def __init__(self, picture: Picture) -> None:
        self._file = need("liffile", picture.path).LifFile(picture.path)
        self._picture = picture
        self._lock = threading.Lock()
        self._pixels: Array | None = None

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window of a plane."""
        with self._lock:
            if self._pixels is None:
                image = self._file.images[self._picture.scene_index]
                self._pixels = np.asarray(image.asarray()).reshape(self._picture.shape)
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        where: dict[str, Any] = {"C": channel, "Z": plane, "Y": rows, "X": columns}
        return np.array(self._pixels[tuple(where[axis] for axis in self._picture.axes)])

    def close(self) -> None:
        """Close the file."""
        self._pixels = None
        self._file.close()


def open_reader(picture: Picture) -> LifReader:
    """Open the file of `picture`."""
    return LifReader(picture)
