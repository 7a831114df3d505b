"""Headers of picture files of every format: the one place that knows which module reads which."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from alkfish.errors import ImageError
from alkfish.io._files import (
    FORMATS_READ,
    PLUGIN_SUFFIXES,
    TIFF_SUFFIXES,
    VENDOR_SUFFIXES,
    guarded,
    is_picture,
    is_zarr,
    unsupported_error,
    unsupported_format,
)
from alkfish.io._picture import Picture, choose_scenes


def read_headers(path: Path | str, scene: str | None = None) -> list[Picture]:
    """Read the headers of the scenes of a picture file, or of the scene that is asked for.

    Parameters
    ----------
    path : Path or str
        A file, an OME-Zarr folder, or (a text) the URL of an OME-Zarr.
    scene : str, optional
        Name or number of a scene.

    Raises
    ------
    ImageError
        If the file is missing, damaged, of another format, or holds what cannot be a field.
    """
    if isinstance(path, str) or is_zarr(path):
        from alkfish.io._zarr import read_zarr_headers

        with guarded(path):
            return read_zarr_headers(path, scene)
    if not is_picture(path):
        raise _not_a_picture(path)
    with guarded(path) as logged:
        if path.stat().st_size == 0:
            raise ImageError(
                "the file is empty", where=path, found="0 bytes", remedy="copy or export it again"
            )
        pictures = _read_file(path, scene)
        doubts = [f"doubt about the file: {line[:160]}" for line in dict.fromkeys(logged)]
    return [replace(picture, notes=(*picture.notes, *doubts[:3])) for picture in pictures]


def _read_file(path: Path, scene: str | None) -> list[Picture]:
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        from alkfish.io._tiff import read_tiff_headers

        return read_tiff_headers(path, scene)
    if suffix in VENDOR_SUFFIXES or suffix in PLUGIN_SUFFIXES:
        name = suffix[1:] if suffix in VENDOR_SUFFIXES else "bioio"
        pictures: list[Picture] = import_module(f"alkfish.io._{name}").read_headers(path, scene)
        return pictures
    from alkfish.io._raster import read_raster_header

    choose_scenes([path.stem], scene, path)
    return [read_raster_header(path)]


def _not_a_picture(path: Path) -> ImageError:
    if unsupported_format(path):
        return unsupported_error(path)
    return ImageError(
        "this is not a picture that can be read",
        where=path,
        found=f"suffix {path.suffix!r}" if path.suffix else "no suffix",
        allowed=FORMATS_READ,
        remedy="give a picture, or a folder of pictures; rename the file if only its suffix is "
        "missing",
    )
