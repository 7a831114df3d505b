"""Leica LIF through the package liffile: images are scenes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

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
        names=_channel_names(image.xml_element),
        size=pixel_size(x, y, "m", source="LIF") if x else unknown,
        step=plane_step(z, "m", source="LIF") if z else unknown,
        scene=scenes[index] if len(scenes) > 1 else "",
        scene_index=index,
        n_scenes=len(scenes),
    )


def _channel_names(image: Element) -> list[str]:
    """Return the dye, or the filter of the camera, of each channel in stored order.

    Empty where there is none, or where the filters are not one for each channel. The colour in
    which a channel is shown (``LUTName``) can be anything and is not used.
    """
    channels = image.findall("./Data/Image/ImageDescription/Channels/ChannelDescription")
    channels.sort(key=lambda channel: int(channel.get("BytesInc", "0")))
    dyes = [_dye(channel) for channel in channels]
    if any(dyes):
        return dyes
    filters = _filters(image)
    return filters if len(filters) == len(channels) else [""] * len(channels)


def _dye(channel: Element) -> str:
    """Return the dye of a channel without the maker's prefix; empty if none, or several."""
    found = {
        item.findtext("Value", "").rpartition("/")[2].strip()
        for item in channel.findall("ChannelProperty")
        if item.findtext("Key", "") == "DyeName"
    }
    return found.pop() if len(found) == 1 else ""


def _filters(image: Element) -> list[str]:
    """Return the names of the camera's filters: those of the steps taken in turn, if there are."""
    within = "./Data/Image//"
    steps = image.findall(f"{within}LDM_Block_Widefield_Sequential/LDM_Block_Sequential_List/*")
    if steps:
        infos = [step.find(".//WideFieldChannelInfo") for step in steps]
    else:
        infos = list(image.findall(f"{within}WideFieldChannelInfo"))
    told = [info for info in infos if info is not None and info.get("Active", "1") != "0"]
    return [info.get("UserDefName", "").strip() or info.get("FluoCubeName", "") for info in told]


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
