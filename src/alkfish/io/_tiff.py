"""TIFF, OME-TIFF and ImageJ TIFF: header and planes, checked against the size of the file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alkfish.errors import ImageError
from alkfish.io._metadata import (
    OmeMetadata,
    PixelSize,
    imagej_names,
    imagej_size,
    parse_ome,
    pixel_size,
    resolution_size,
)
from alkfish.io._picture import RGB_NAMES, Picture, check_size
from alkfish.model.table import Array

if TYPE_CHECKING:
    from tifffile import TiffFile

_MINISBLACK, _RGB, _PALETTE, _YCBCR = 1, 2, 3, 6
_LOSSY = frozenset({6, 7, 33003, 33004, 33005, 34712, 50001, 50002})  # JPEG and JPEG 2000 families
_AXES_FOR_PEOPLE = {"T": "time", "S": "colour sample", "I": "page", "Q": "page"}
_UNLABELLED = "IQ"
_MAX_NARROW_PX = 8
_EXACT_INT_LIMIT = 1 << 24


def read_tiff_header(path: Path) -> Picture:
    """Read the header of a TIFF file.

    Raises
    ------
    ImageError
        If it is truncated, holds several pictures, a time axis, or pixels that are no intensities.
    """
    from tifffile import TiffFile

    with TiffFile(path) as tif:
        return _header(tif, path)


def read_tiff_planes(picture: Picture, channels: Sequence[int]) -> list[Array]:
    """Read some channels of a TIFF file as 2-D planes; focus planes are projected by maximum."""
    from tifffile import TiffFile

    with TiffFile(picture.path) as tif:
        series = tif.series[0]
        return [_projected(series, picture, channel) for channel in channels]


def _header(tif: TiffFile, path: Path) -> Picture:
    ome = _ome(tif, path)
    series = _only_series(tif, path)
    _check_pixels(series, path, is_plain=not (tif.is_imagej or ome is not None))
    axes = _named_axes(series, path)
    lengths = dict(zip(axes, map(int, series.shape), strict=True))
    check_size(path, lengths["Y"], lengths["X"])
    _check_complete(tif, series, path)
    rgb = "S" in axes and series.keyframe.photometric in (_RGB, _YCBCR)
    names = _names(tif, axes, series, rgb=rgb)
    if ome is not None and not rgb and len(ome.names) == len(names):
        names = ome.names
    size = _size(tif, ome)
    n_planes = lengths.get("Z", 1)
    return Picture(
        path=path,
        kind="OME-TIFF" if ome else "ImageJ TIFF" if tif.is_imagej else "TIFF",
        axes=axes,
        shape=tuple(lengths.values()),
        dtype=str(series.dtype),
        names=names,
        rgb=rgb,
        n_planes=n_planes,
        pixel_size_um=size.um,
        size_source=size.source,
        square=size.square,
        notes=tuple(_notes(series, n_planes)),
    )


def _ome(tif: TiffFile, path: Path) -> OmeMetadata | None:
    """Return the OME metadata; None for other TIFF files."""
    if not (tif.is_ome and tif.ome_metadata):
        _check_no_broken_ome(tif, path)
        return None
    ome = parse_ome(tif.ome_metadata, path)
    if ome.other_files:
        raise ImageError(
            "the picture is one part of an OME-TIFF kept in several files",
            where=path,
            found=", ".join(ome.other_files[:5]),
            remedy="export each field as one file",
        )
    return ome


def _check_no_broken_ome(tif: TiffFile, path: Path) -> None:
    """Refuse a file whose description begins as OME-XML that cannot be used."""
    text = str(tif.pages.first.description)
    if "<OME" in text[:4000] and "openmicroscopy.org" in text[:4000]:
        parse_ome(text, path)


def _only_series(tif: TiffFile, path: Path) -> Any:
    if len(tif.series) == 1:
        return tif.series[0]
    listed = ", ".join(f"{'x'.join(map(str, s.shape))} ({s.axes})" for s in tif.series[:6])
    raise ImageError(
        "the file holds several pictures" if tif.series else "the file holds no picture",
        where=path,
        found=f"{len(tif.series)}: {listed}" if tif.series else None,
        allowed="one field per file",
        remedy="export each scene (series) as its own file into one folder",
    )


def _check_pixels(series: Any, path: Path, *, is_plain: bool) -> None:
    from tifffile import TIFF

    page = series.keyframe
    # OME and ImageJ keep a palette only for display: their pixels are still raw counts.
    allowed = {_MINISBLACK, _RGB, _YCBCR} | (set() if is_plain else {_PALETTE})
    problem = ""
    if page.bitspersample == 1 or series.dtype == np.bool_:
        problem = "1-bit pixels"
    elif series.dtype is None or series.dtype.kind not in "uif":
        problem = f"pixels of type {series.dtype}"
    elif page.photometric not in allowed:
        problem = f"photometric interpretation {getattr(page.photometric, 'name', 'unknown')}"
    elif page.compression not in TIFF.DECOMPRESSORS:
        problem = f"compression {int(page.compression)}, which is unknown"
    if problem:
        raise ImageError(
            "the pixels are not plain intensities",
            where=path,
            found=problem,
            allowed="8- or 16-bit integers or floating point, black = 0, grey or RGB",
            remedy="export the raw picture, not a mask, an inverted or an indexed copy",
        )


def _named_axes(series: Any, path: Path) -> str:
    """Return the axes with pages of unknown meaning named C: only channels can be given roles."""
    axes = series.axes
    lengths = dict(zip(axes, series.shape, strict=True))
    if len(axes) == 3 and axes[0] in _UNLABELLED and axes[1:] == "YX":
        # A picture a few pixels wide with hundreds of pages is a (Y, X, C) array.
        narrow = lengths["X"] <= _MAX_NARROW_PX < min(lengths["Y"], lengths[axes[0]])
        return "YXC" if narrow else "CYX"
    strange = [a for a in axes if a not in "CZSYX" + _UNLABELLED]
    channel_axes = [a for a in axes if a in "C" + _UNLABELLED]
    rgb = series.keyframe.photometric in (_RGB, _YCBCR)
    crowded = len(channel_axes) + ("S" in axes) > 1 or (rgb and bool(channel_axes))
    if strange or crowded or not {"Y", "X"} <= set(axes):
        listed = ", ".join(f"{_AXES_FOR_PEOPLE.get(a, a)}: {lengths[a]}" for a in axes)
        raise ImageError(
            "the picture has axes that a field cannot have",
            where=path,
            found=f"{axes} ({listed})",
            allowed="Y, X, and optionally channel and focus plane (Z)",
            remedy="export one time point and one scene, with channels and focus planes named",
        )
    return "".join("C" if a in _UNLABELLED else a for a in axes)


def _check_complete(tif: TiffFile, series: Any, path: Path) -> None:
    """Refuse files that end before their pixels do, and headers that promise more than there is."""
    size = tif.filehandle.size
    found = ""
    if series.dataoffset is not None and series.dataoffset + series.nbytes > size:
        found = f"{size} bytes, but the pixels end at {series.dataoffset + series.nbytes}"
    for page in series.pages if not found and series.dataoffset is None else ():
        found = _page_problem(page, size)
        if found:
            break
    if found:
        raise ImageError(
            "the picture is truncated or incomplete",
            where=path,
            found=found,
            remedy="copy or export it again",
        )


def _page_problem(page: Any, file_size: int) -> str:
    if page is None:
        return "a page is missing"
    offsets, counts = page.dataoffsets, page.databytecounts
    expected = math.prod(page.keyframe.chunked)
    if len(offsets) < expected or len(counts) < expected or not all(counts[:expected]):
        return f"{sum(map(bool, counts))} of {expected} strips or tiles"
    end = max(offset + count for offset, count in zip(offsets, counts, strict=False))
    if end > file_size:
        return f"{file_size} bytes, but the pixels end at {end}"
    if page.keyframe.compression == 1 and sum(counts) * 8 < page.keyframe.nbytes:
        return f"{sum(counts)} bytes of pixels, but {page.keyframe.nbytes} are needed"
    return ""


def _names(tif: TiffFile, axes: str, series: Any, *, rgb: bool) -> tuple[str, ...]:
    if rgb:
        return RGB_NAMES
    letter = "C" if "C" in axes else "S"
    count = int(series.shape[axes.index(letter)]) if letter in axes else 1
    if letter == "S" and series.keyframe.extrasamples:
        count = max(count - len(series.keyframe.extrasamples), 1) if count <= 2 else count
    if tif.is_imagej:
        return imagej_names(tif.imagej_metadata or {}, count)
    return _described_names(tif, count) or _page_names(series, count) or ("",) * count


def _described_names(tif: TiffFile, count: int) -> tuple[str, ...]:
    """Return channel names that tifffile keeps as JSON in the description."""
    for described in tif.shaped_metadata or ():
        channel = described.get("Channel")
        names = channel.get("Name") if isinstance(channel, dict) else described.get("Labels")
        if isinstance(names, list) and len(names) == count:
            return tuple(map(str, names))
    return ()


def _page_names(series: Any, count: int) -> tuple[str, ...]:
    """Return the PageName tags if every page is one channel and has one."""
    if count == 1 or len(series.pages) != count or any(page is None for page in series.pages):
        return ()
    tags = [page.aspage().tags.get("PageName") for page in series.pages]
    return tuple(str(tag.value).strip() for tag in tags if tag) if all(tags) else ()


def _size(tif: TiffFile, ome: OmeMetadata | None) -> PixelSize:
    """Return the pixel size from the best source the file has."""
    if tif.is_imagej:
        return imagej_size(tif.imagej_metadata or {}, *_resolution(tif))
    size = ome.size if ome is not None else _described_size(tif)
    if size.um:
        return size
    tag_size = _tag_size(tif)
    return tag_size if tag_size.um or size == PixelSize() else size


def _described_size(tif: TiffFile) -> PixelSize:
    """Return the pixel size that tifffile keeps as JSON in the description."""
    for described in tif.shaped_metadata or ():
        x, unit = described.get("PhysicalSizeX"), described.get("PhysicalSizeXUnit", "µm")
        y = described.get("PhysicalSizeY", x)
        if isinstance(x, int | float) and isinstance(y, int | float):
            return pixel_size(float(x), float(y), str(unit), source="TIFF description")
    return PixelSize()


def _tag_size(tif: TiffFile) -> PixelSize:
    """Return the size of plain resolution tags; only those in centimetres are believed."""
    unit = tif.pages.first.tags.get("ResolutionUnit")
    if unit is None or int(unit.value) != 3:
        return PixelSize()
    return resolution_size(*_resolution(tif))


def _resolution(tif: TiffFile) -> tuple[float, float]:
    """Return pixels per unit in x and y; 0 where the file gives none."""
    values: list[float] = []
    for name in ("XResolution", "YResolution"):
        tag = tif.pages.first.tags.get(name)
        pair: Any = (0, 1) if tag is None else tag.value
        values.append(float(pair[0] / pair[1]) if pair[1] else 0.0)
    return values[0], values[1]


def _notes(series: Any, n_planes: int) -> Iterator[str]:
    if n_planes > 1:
        yield f"z-stack of {n_planes} planes projected (maximum)"
    if int(series.keyframe.compression) in _LOSSY:
        yield "lossy compression: dim and small signals may be lost or altered"


def _projected(series: Any, picture: Picture, channel: int) -> Array:
    """Return one channel, the maximum over its focus planes."""
    result: Array | None = None
    for z in range(picture.n_planes):
        plane = _plane(series, picture, channel, z)
        result = plane if result is None else np.maximum(result, plane)
    assert result is not None  # noqa: S101 - there is at least one plane
    return _exact(np.ascontiguousarray(result), picture.path)


def _plane(series: Any, picture: Picture, channel: int, z: int) -> Array:
    """Return one 2-D plane, reading no more of the file than the page that holds it."""
    axes, shape = picture.axes, picture.shape
    page_axes = "".join(a for a in axes if a in "YXS" or axes == "YXC")
    outer = [a for a in axes if a not in page_axes]
    position = {"C": channel, "S": channel, "Z": z}
    lengths = [shape[axes.index(a)] for a in outer]
    if series.dataoffset is None and len(series.pages) == math.prod(lengths):
        index = int(np.ravel_multi_index([position[a] for a in outer], lengths)) if outer else 0
        image, left = series.pages[index].asarray(), page_axes
        image = image.reshape([shape[axes.index(a)] for a in left])
    else:
        image, left = _whole(series), axes
    key = tuple(slice(None) if a in "YX" else position[a] for a in left)
    plane: Array = image[key]
    return plane


def _whole(series: Any) -> Array:
    """Return all pixels; contiguous ones are mapped, so that only the planes used are read."""
    if series.dataoffset is None:
        image: Array = series.asarray()
        return image
    handle = series.parent.filehandle
    dtype = np.dtype(series.dtype).newbyteorder(series.parent.byteorder)
    count = math.prod(series.shape)
    data = handle.memmap_array(dtype, (count,), series.dataoffset)
    mapped: Array = data.reshape(series.shape)
    return mapped


def _exact(plane: Array, path: Path) -> Array:
    """Return native byte order; refuse integers that single precision cannot hold."""
    if plane.dtype.kind in "ui" and plane.dtype.itemsize > 2:
        low, high = int(plane.min()), int(plane.max())
        if max(-low, high) > _EXACT_INT_LIMIT:
            raise ImageError(
                "the picture holds numbers too large for intensities",
                where=path,
                found=f"{low} to {high}",
                allowed=f"at most {_EXACT_INT_LIMIT}",
                remedy="export it with 8 or 16 bit, or as 32-bit floating point",
            )
    return plane.astype(plane.dtype.newbyteorder("="), copy=not plane.flags.owndata)
