"""Nikon ND2 through the package nd2: positions are scenes, frames are mapped into memory."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.io._metadata import PixelSize, pixel_size, plane_step
from alkfish.io._picture import Picture, choose_scenes
from alkfish.io._vendor import check_sizes, make_header, need
from alkfish.model.table import Array
from alkfish.model.window import Window


def read_headers(path: Path, scene: str | None) -> list[Picture]:
    """Read the headers of the positions of an ND2 file, or of one of them."""
    nd2 = need("nd2", path)
    with nd2.ND2File(path) as file:
        sizes = {axis: int(length) for axis, length in file.sizes.items()}
        count = sizes.pop("P", 1)
        check_sizes(path, sizes, rgb=file.is_rgb)
        size, step = _calibration(file)
        channels = getattr(file.metadata, "channels", None) or ()
        scenes = [f"position {index}" for index in range(count)] if count > 1 else [""]
        return [
            make_header(
                path,
                kind="ND2",
                reader="nd2",
                sizes=sizes,
                dtype=file.dtype,
                names=[str(item.channel.name) for item in channels],
                size=size,
                step=step,
                scene=scenes[index],
                scene_index=index,
                n_scenes=count,
            )
            for index in choose_scenes(scenes, scene, path)
        ]


def _calibration(file: Any) -> tuple[PixelSize, PixelSize]:
    """Return pixel size and plane step; the package gives 1 where the file has none."""
    channels = getattr(file.metadata, "channels", None) or ()
    known = channels[0].volume.axesCalibrated if channels else (False, False, False)
    voxel = file.voxel_size()
    unknown = PixelSize(source="ND2 without calibration")
    size = pixel_size(voxel.x, voxel.y, "um", source="ND2") if known[0] else unknown
    return size, plane_step(voxel.z, "um", source="ND2") if known[2] else unknown


class Nd2Reader:
    """An opened ND2 file."""

    def __init__(self, picture: Picture) -> None:
        self._file = need("nd2", picture.path).ND2File(picture.path)
        self._picture = picture
        self._lock = threading.Lock()
        self._frames = {
            (place.get("P", 0), place.get("Z", 0)): number
            for number, place in enumerate(self._file.loop_indices or ({},))
        }

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window of a frame."""
        with self._lock:
            frame = self._file.read_frame(self._frames[self._picture.scene_index, plane])
            image = frame[channel] if frame.ndim > 2 else frame
            rows = slice(window.top, window.top + window.height)
            return np.array(image[rows, window.left : window.left + window.width])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_reader(picture: Picture) -> Nd2Reader:
    """Open the file of `picture`."""
    return Nd2Reader(picture)
