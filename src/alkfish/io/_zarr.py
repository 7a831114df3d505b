"""OME-Zarr 0.4 (zarr 2) and 0.5 (zarr 3): folders, zip files and URLs, read lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.errors import ImageError
from alkfish.io._metadata import PixelSize, pixel_size, plane_step
from alkfish.io._picture import Level, Picture, check_size, choose_scenes, downsample
from alkfish.io._readers import assemble, kept_tile
from alkfish.io._tiff_pixels import exact
from alkfish.model.table import Array
from alkfish.model.window import Window

_MIN_BLOCK_PX = 512
_OLD_AXES = "tczyx"
_NO_IMAGE = "an OME-Zarr 0.4 or 0.5 image: a group with 'multiscales'"


def read_zarr_headers(place: Path | str, scene: str | None = None) -> list[Picture]:
    """Read the headers of the images of an OME-Zarr, or of one of them.

    A store that bioformats2raw wrote holds its scenes as groups 0, 1, ...

    Raises
    ------
    ImageError
        If it is no OME-Zarr image, is a plate, or has axes that a field cannot have.
    """
    root = _open_group(place)
    try:
        paths = _image_paths(_metadata(root), root, place)
        pictures = []
        for index in choose_scenes(paths, scene, place):
            group = root[paths[index]] if paths[index] else root
            pictures.append(_header(group, _metadata(group), place, paths, index))
        return pictures
    finally:
        root.store.close()


def open_reader(picture: Picture) -> ZarrReader:
    """Open the store of `picture`."""
    return ZarrReader(picture)


class ZarrReader:
    """The levels of an opened OME-Zarr image; windows are read in blocks of whole chunks."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._root = _open_group(picture.where)
        group = self._root[picture.scene] if picture.scene else self._root
        datasets = _multiscale(_metadata(group), picture.where)["datasets"]
        self._arrays = [group[item["path"]] for item in datasets[: len(picture.levels)]]

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window of a level as a 2-D array of stored counts."""
        array, picture = self._arrays[level], self._picture
        where = {"C": channel, "Z": plane, "T": 0}
        height, width = picture.levels[level].tile

        def block(row: int, column: int) -> Array:
            cut = {
                "Y": slice(row * height, (row + 1) * height),
                "X": slice(column * width, (column + 1) * width),
            }
            key = tuple(cut.get(a, where.get(a, 0)) for a in picture.axes)
            place = (level, channel, plane, row, column)
            return kept_tile(self, place, lambda: np.asarray(array[key]), keep=keep)

        if not keep:
            height, width = picture.levels[level].shape
        pixels = assemble(window, (height, width), np.dtype(array.dtype), block)
        return exact(pixels, picture.where)

    def close(self) -> None:
        """Close the store."""
        self._root.store.close()


def _open_group(place: Path | str) -> Any:
    import zarr

    try:
        return zarr.open_group(_store(place), mode="r")
    except (zarr.errors.GroupNotFoundError, FileNotFoundError, KeyError) as error:
        raise _not_an_image(place, "no zarr group in it") from error


def _store(place: Path | str) -> Any:
    from zarr.storage import FsspecStore, LocalStore, ZipStore

    if isinstance(place, Path):
        if not place.exists():
            raise FileNotFoundError(place)
        return LocalStore(place, read_only=True) if place.is_dir() else ZipStore(place, mode="r")
    if find_spec("fsspec") is None:
        raise ImageError(
            "reading from a URL needs a package that is not installed",
            where=place,
            found="fsspec is missing",
            remedy="python -m pip install 'alkfish[remote]'",
        )
    try:
        return FsspecStore.from_url(place, read_only=True)
    except ImportError as error:
        raise ImageError(
            "reading from this kind of URL needs a package that is not installed",
            where=place,
            found=error,
            remedy="python -m pip install 'alkfish[remote]'; for s3:// also s3fs, for gs:// gcsfs",
        ) from error


def _metadata(group: Any) -> Mapping[str, Any]:
    """Return the OME metadata of a group, wherever its version keeps it."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, Mapping) else attributes


def _image_paths(meta: Mapping[str, Any], root: Any, place: Path | str) -> list[str]:
    """Return the path of each image within the store; the root itself is the empty path."""
    if "multiscales" in meta:
        return [""]
    if "plate" in meta or "well" in meta:
        raise ImageError(
            "the OME-Zarr is a plate or well, not an image",
            where=place,
            allowed=_NO_IMAGE,
            remedy="give one of its images, for example .../A/1/0",
        )
    series = [name for name in sorted(root.group_keys(), key=_by_number) if name.isdigit()]
    paths = [name for name in series if "multiscales" in _metadata(root[name])]
    if not paths:
        raise _not_an_image(place, "a zarr group without 'multiscales'")
    return paths


def _by_number(name: str) -> tuple[int, str]:
    return (int(name) if name.isdigit() else -1, name)


def _multiscale(meta: Mapping[str, Any], place: object) -> Mapping[str, Any]:
    found = meta.get("multiscales")
    if isinstance(found, Sequence) and found and isinstance(found[0], Mapping):
        datasets = found[0].get("datasets")
        if isinstance(datasets, Sequence) and datasets:
            return found[0]
    raise _not_an_image(place, "'multiscales' without datasets")


def _header(
    group: Any, meta: Mapping[str, Any], place: Path | str, paths: Sequence[str], index: int
) -> Picture:
    image = _multiscale(meta, place)
    arrays = [_array(group, str(item["path"]), place) for item in image["datasets"]]
    first = arrays[0]
    axes, units = _axes(image, first.ndim)
    lengths = dict(zip(axes, map(int, first.shape), strict=True))
    _check_axes(axes, lengths, first, place)
    levels = _levels(arrays, axes)
    check_size(place, *levels[0].shape, block=levels[0].tile[0] * levels[0].tile[1])
    scale = _scale(image, len(axes))
    size, step = _sizes(dict(zip(axes, scale, strict=False)), units)
    version = str(meta.get("version") or image.get("version") or "")
    return Picture(
        path=place if isinstance(place, Path) else Path(place),
        url=place if isinstance(place, str) else "",
        kind=f"OME-Zarr {version}".strip(),
        reader="zarr",
        axes=axes,
        shape=tuple(lengths.values()),
        dtype=str(first.dtype),
        names=_names(meta, lengths.get("C", 1)),
        n_planes=lengths.get("Z", 1),
        pixel_size_um=size.um,
        size_source=size.source,
        square=size.square,
        z_step_um=step.um,
        step_source=step.source,
        levels=levels,
        scene=paths[index],
        scene_index=index,
        n_scenes=len(paths),
    )


def _array(group: Any, path: str, place: object) -> Any:
    import zarr

    found = group.get(path)
    if not isinstance(found, zarr.Array):
        raise ImageError(
            "a level of the OME-Zarr is missing",
            where=place,
            found=f"no array {path!r}",
            remedy="copy or convert it again",
        )
    return found


def _axes(image: Mapping[str, Any], ndim: int) -> tuple[str, dict[str, str]]:
    """Return the letters of the axes and their units; versions before 0.4 have none."""
    listed = image.get("axes") or list(_OLD_AXES[-ndim:])
    plain = [item if isinstance(item, Mapping) else {"name": str(item)} for item in listed]
    names = "".join(str(item.get("name", "?")).upper()[:1] for item in plain)
    return names, {name: str(item.get("unit", "")) for name, item in zip(names, plain, strict=True)}


def _check_axes(axes: str, lengths: Mapping[str, int], array: Any, place: object) -> None:
    strange = [a for a in axes if a not in "CZYX" and lengths[a] > 1]
    missing = not {"Y", "X"} <= set(axes) or len(set(axes)) < len(axes)
    if strange or missing or array.dtype.kind not in "uif":
        listed = ", ".join(f"{a.lower()}: {n}" for a, n in lengths.items())
        raise ImageError(
            "the picture has axes or pixels that a field cannot have",
            where=place,
            found=f"{axes.lower()} ({listed}), {array.dtype}",
            allowed="y, x, and optionally channels (c) and focus planes (z); one time point; "
            "8- or 16-bit integers or floating point",
            remedy="export one time point, with channels and focus planes named",
        )


def _levels(arrays: Sequence[Any], axes: str) -> tuple[Level, ...]:
    y, x = axes.index("Y"), axes.index("X")
    levels = []
    for array in arrays:
        across = [n for a, n in zip(axes, array.shape, strict=True) if a not in "YX"]
        if across != [n for a, n in zip(axes, arrays[0].shape, strict=True) if a not in "YX"]:
            break
        shape = int(array.shape[y]), int(array.shape[x])
        tile = _block(array.chunks[y], shape[0]), _block(array.chunks[x], shape[1])
        levels.append(Level(shape, downsample(int(arrays[0].shape[x]), shape[1]), tile))
    return tuple(levels)


def _block(chunk: int, length: int) -> int:
    """Return the chunk length, or a multiple of it for small chunks: each read costs a while."""
    return min(int(chunk) * max(1, _MIN_BLOCK_PX // int(chunk)), length)


def _scale(image: Mapping[str, Any], ndim: int) -> list[float]:
    """Return the scale of level 0 along each axis; 0 where there is none."""
    result = [1.0] * ndim
    found = False
    for owner in (image["datasets"][0], image):
        for item in owner.get("coordinateTransformations") or ():
            values = item.get("scale")
            if item.get("type") == "scale" and isinstance(values, list) and len(values) == ndim:
                result = [a * float(b) for a, b in zip(result, values, strict=True)]
                found = True
    return result if found else [0.0] * ndim


def _sizes(scale: Mapping[str, float], units: Mapping[str, str]) -> tuple[PixelSize, PixelSize]:
    if not scale["X"]:
        unknown = PixelSize(source="not in the OME-Zarr metadata")
        return unknown, unknown
    size = pixel_size(scale["X"], scale["Y"], units["X"], source="OME-Zarr")
    if "Z" not in scale:
        return size, PixelSize(source="there is no z axis")
    return size, plane_step(scale["Z"], units["Z"], source="OME-Zarr")


def _names(meta: Mapping[str, Any], count: int) -> tuple[str, ...]:
    omero = meta.get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list) or len(channels) != count:
        return ("",) * count
    return tuple(
        str(item.get("label") or "") if isinstance(item, Mapping) else "" for item in channels
    )


def _not_an_image(place: object, found: str) -> ImageError:
    return ImageError(
        "this is not an OME-Zarr image",
        where=place,
        found=found,
        allowed=_NO_IMAGE,
        remedy="give the group that holds the image, or convert the file with bioformats2raw",
    )
