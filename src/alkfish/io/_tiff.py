"""TIFF, OME-TIFF and ImageJ TIFF: header and planes, checked against the size of the file."""

from __future__ import annotations

import math
import re
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
    imagej_step,
    parse_ome,
    pixel_size,
    resolution_size,
)
from alkfish.io._picture import RGB_NAMES, Level, Picture, check_size, choose_scenes, downsample

if TYPE_CHECKING:
    from tifffile import TiffFile

_MINISBLACK, _RGB, _PALETTE, _YCBCR = 1, 2, 3, 6
_LOSSY = frozenset({6, 7, 33003, 33004, 33005, 34712, 50001, 50002})  # JPEG and JPEG 2000 families
_AXES_FOR_PEOPLE = {"T": "time", "S": "colour sample", "I": "page", "Q": "page"}
_UNLABELLED = "IQ"
_MAX_NARROW_PX = 8


def read_tiff_headers(path: Path, scene: str | None = None) -> list[Picture]:
    """Read the headers of the scenes (series) of a TIFF file, or of one of them.

    Raises
    ------
    ImageError
        If it is truncated, holds no such scene, a time axis, or pixels that are no intensities.
    """
    from tifffile import TiffFile

    with TiffFile(path) as tif:
        ome = _ome(tif, path)
        pyramid = _is_pyramid(tif)
        names = _scene_names(tif, path, pyramid=pyramid)
        chosen = choose_scenes(names, scene, path)
        return [_header(tif, path, ome, index, names, pyramid=pyramid) for index in chosen]


def _header(
    tif: TiffFile, path: Path, omes: Sequence[OmeMetadata], index: int, scenes: Sequence[str],
    *, pyramid: bool,
) -> Picture:  # fmt: skip
    series, ome = tif.series[index], _ome_of(omes, scenes, index)
    is_qpi = series.kind == "qpi"
    _check_pixels(series, path, is_plain=not (tif.is_imagej or ome is not None))
    axes = _named_axes(series, path)
    lengths = dict(zip(axes, map(int, series.shape), strict=True))
    levels = _levels(tif, series, axes, pyramid=pyramid)
    check_size(path, lengths["Y"], lengths["X"], block=_block(series, levels[0], axes))
    for pages in [series, *series.levels[1:]] if not pyramid else tif.series:
        _check_complete(tif, pages, path)
    rgb = "S" in axes and series.keyframe.photometric in (_RGB, _YCBCR)
    names = _qpi_names(series) if is_qpi and not rgb else _names(tif, axes, series, rgb=rgb)
    if ome is not None and not rgb and len(ome.names) == len(names):
        names = ome.names
    size, step = _size(tif, ome), _step(tif, ome)
    return Picture(
        path=path,
        kind="OME-TIFF" if ome else "ImageJ TIFF" if tif.is_imagej else "TIFF",
        reader="tiff",
        axes=axes,
        shape=tuple(lengths.values()),
        dtype=str(series.dtype),
        names=names,
        rgb=rgb,
        n_planes=lengths.get("Z", 1),
        pixel_size_um=size.um,
        size_source=size.source,
        square=size.square,
        z_step_um=step.um,
        step_source=step.source,
        levels=levels,
        scene=scenes[index] if len(scenes) > 1 else "",
        scene_index=index,
        n_scenes=len(scenes),
        pyramid_of_series=pyramid,
        notes=tuple(_notes(series)),
    )


def _ome(tif: TiffFile, path: Path) -> tuple[OmeMetadata, ...]:
    """Return the OME metadata of each image; empty for other TIFF files."""
    if not (tif.is_ome and tif.ome_metadata):
        _check_no_broken_ome(tif, path)
        return ()
    omes = parse_ome(tif.ome_metadata, path)
    others = sorted({name for ome in omes for name in ome.other_files})
    if others:
        raise ImageError(
            "the picture is one part of an OME-TIFF kept in several files",
            where=path,
            found=", ".join(others[:5]),
            remedy="export each field as one file, or the set as OME-Zarr with bioformats2raw",
        )
    return omes


def _ome_of(
    omes: Sequence[OmeMetadata], scenes: Sequence[str], index: int
) -> OmeMetadata | None:  # fmt: skip
    """Return the metadata of a series; images without pixels have no series."""
    if len(omes) > len(scenes):
        named = [ome for ome in omes if ome.name and ome.name == scenes[index]]
        return named[0] if len(named) == 1 else omes[min(index, len(omes) - 1)]
    return omes[min(index, len(omes) - 1)] if omes else None


def _check_no_broken_ome(tif: TiffFile, path: Path) -> None:
    """Refuse a file whose description begins as OME-XML that cannot be used."""
    text = str(tif.pages.first.description)
    if "<OME" in text[:4000] and "openmicroscopy.org" in text[:4000]:
        parse_ome(text, path)


def _scene_names(tif: TiffFile, path: Path, *, pyramid: bool) -> list[str]:
    """Return the name of each scene; other programs' label and overview pictures are none."""
    if not tif.series:
        raise ImageError(
            "the file holds no picture", where=path, remedy="export or copy the picture again"
        )
    one = pyramid or tif.series[0].kind == "qpi"
    return [str(series.name or "") for series in (tif.series[:1] if one else tif.series)]


def _is_pyramid(tif: TiffFile) -> bool:
    """Whether the series are ever smaller copies of the first one."""
    first, *rest = [dict(zip(s.axes, s.shape, strict=True)) for s in tif.series] or [{}]
    return bool(rest) and all(
        small.keys() == first.keys()
        and all(small[a] == first[a] for a in first if a not in "YX")
        and len(tif.series[n].levels) == 1
        and large.get("X", 0) > small.get("X", 0) > 0
        and abs(small["Y"] * first["X"] / small["X"] - first["Y"]) * small["X"]
        <= 2 * max(first["X"], first["Y"])
        for n, (large, small) in enumerate(zip([first, *rest], rest, strict=False))
    )


def _levels(tif: TiffFile, series: Any, axes: str, *, pyramid: bool) -> tuple[Level, ...]:
    """Return the levels that hold the same axes as the first, largest first."""
    levels = []
    for item in tif.series if pyramid else [series, *series.levels[1:]]:
        lengths = dict(zip(axes, map(int, item.shape), strict=False))
        frame = item.keyframe
        tile = (frame.tilelength, frame.tilewidth) if frame.is_tiled else (
            min(frame.rowsperstrip, frame.imagelength), frame.imagewidth
        )  # fmt: skip
        if len(item.shape) != len(axes) or any(
            lengths[a] != n for a, n in zip(axes, series.shape, strict=True) if a not in "YX"
        ):
            break
        shape = lengths["Y"], lengths["X"]
        levels.append(Level(shape, downsample(int(series.shape[axes.index("X")]), shape[1]), tile))
    return tuple(levels)


def _block(series: Any, level: Level, axes: str) -> int:
    """Return the pixels of a plane that have to be decoded at once."""
    if series.dataoffset is not None:
        return 1
    pages = math.prod(n for a, n in zip(axes, series.shape, strict=True) if a not in "YXS")
    if axes == "YXC" or len(series.pages) not in (pages, pages * series.keyframe.samplesperpixel):
        return level.shape[0] * level.shape[1]
    return level.tile[0] * level.tile[1]


def _qpi_names(series: Any) -> tuple[str, ...]:
    """Return the channel names that PhenoImager slides keep as XML per page."""
    texts = [str(page.aspage().description) for page in series.pages]
    found = [re.search(r"<(?:Biomarker|Name)>([^<]+)</", text) for text in texts]
    return tuple(match.group(1).strip() if match else "" for match in found)


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


def _step(tif: TiffFile, ome: OmeMetadata | None) -> PixelSize:
    """Return the distance of focus planes from the best source the file has."""
    if tif.is_imagej:
        return imagej_step(tif.imagej_metadata or {})
    return ome.step if ome is not None else PixelSize()


def _notes(series: Any) -> Iterator[str]:
    if int(series.keyframe.compression) in _LOSSY:
        yield "lossy compression: dim and small signals may be lost or altered"
