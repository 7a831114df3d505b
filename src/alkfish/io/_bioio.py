"""Other microscope formats through bioio, if one of its plug-ins reads them."""

from __future__ import annotations

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
    """Read the headers of the scenes of a file, or of one of them."""
    image = _open_image(path)
    scenes = [str(name) for name in image.scenes]
    pictures = []
    for index in choose_scenes(scenes, scene, path):
        image.set_scene(index)
        sizes = {axis: int(n) for axis, n in zip(image.dims.order, image.shape, strict=True)}
        check_sizes(path, sizes, rgb="S" in sizes)
        voxel = image.physical_pixel_sizes
        pictures.append(
            make_header(
                path,
                kind=path.suffix[1:].upper(),
                reader="bioio",
                sizes=sizes,
                dtype=image.dtype,
                names=list(map(str, image.channel_names or ())),
                size=pixel_size(voxel.X, voxel.Y or voxel.X, "um", source="bioio")
                if voxel.X
                else PixelSize(),
                step=plane_step(voxel.Z, "um", source="bioio") if voxel.Z else PixelSize(),
                scene=scenes[index] if len(scenes) > 1 else "",
                scene_index=index,
                n_scenes=len(scenes),
            )
        )
    return pictures


def _open_image(path: Path) -> Any:
    bioio = need("bioio", path)
    unsupported = need("bioio_base.exceptions", path).UnsupportedFileFormatError
    try:
        return bioio.BioImage(path)
    except unsupported as error:
        raise ImageError(
            f"no installed bioio plug-in reads {path.suffix.lower()} files",
            where=path,
            remedy="install the plug-in for the format (see the documentation of bioio), or "
            "convert the file with bioformats2raw; see the page 'Microscope files'",
        ) from error


class BioioReader:
    """A file opened by bioio."""

    def __init__(self, picture: Picture) -> None:
        self._image = _open_image(picture.path)
        self._image.set_scene(picture.scene_index)

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window of a plane."""
        lazy = self._image.get_image_dask_data("YX", C=channel, Z=plane, T=0)
        rows = slice(window.top, window.top + window.height)
        return np.asarray(lazy[rows, window.left : window.left + window.width].compute())

    def close(self) -> None:
        """Forget the file."""
        self._image = None


def open_reader(picture: Picture) -> BioioReader:
    """Open the file of `picture`."""
    return BioioReader(picture)
