"""Channel names and pixel sizes as OME-XML, ImageJ and plain TIFF keep them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from alkfish.errors import ImageError
from alkfish.model.fov import PIXEL_SIZE_RANGE_UM, Z_STEP_RANGE_UM

_UM_PER_UNIT = {
    "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "micrometers": 1.0, "micrometre": 1.0, "micrometres": 1.0, "nm": 1e-3, "nanometer": 1e-3,
    "nanometers": 1e-3, "å": 1e-4, "pm": 1e-6, "mm": 1e3, "millimeter": 1e3, "cm": 1e4,
    "centimeter": 1e4, "m": 1e6, "meter": 1e6, "inch": 25400.0, "inches": 25400.0, "in": 25400.0,
}  # fmt: skip
_SQUARE_TOLERANCE = 0.01


@dataclass(frozen=True)
class PixelSize:
    """Pixel width as a file gives it; 0 if it gives none."""

    um: float = 0.0
    source: str = "not in the file"
    square: bool = True


def pixel_size(width: float, height: float, unit: str, *, source: str) -> PixelSize:
    """Return a size in micrometres from a width and height in `unit`.

    A unit that is not a length (``pixel``) or a width that is not a positive number gives an
    unknown size whose source says why.
    """
    scale = _UM_PER_UNIT.get(_plain(unit))
    if not (math.isfinite(width) and width > 0):
        return PixelSize(source=f"{source} gives {width}, which is no size")
    if scale is None:
        return PixelSize(source=f"{source} gives it in {unit or 'no unit'!r}, which is no length")
    height = height if math.isfinite(height) and height > 0 else width
    square = abs(height / width - 1) <= _SQUARE_TOLERANCE
    return PixelSize(width * scale, f"{source} ({width:.6g} {unit})", square)


def plane_step(step: float, unit: str, *, source: str) -> PixelSize:
    """Return the distance of focus planes; unknown, with the reason, if it cannot be one."""
    size = pixel_size(abs(step), abs(step), unit, source=source)
    low, high = Z_STEP_RANGE_UM
    if size.um and not low <= size.um <= high:
        return PixelSize(source=f"{size.source}, which is not that of focus planes")
    return size


def resolution_size(x: float, y: float) -> PixelSize:
    """Return the size behind plain TIFF resolution tags in pixels per centimetre.

    Printing programs write these tags too, so that only sizes of a light microscope are believed.
    """
    size = pixel_size(1 / x, 1 / y, "cm", source="TIFF resolution") if x > 0 < y else PixelSize()
    low, high = PIXEL_SIZE_RANGE_UM
    if low <= size.um <= high:
        return PixelSize(size.um, f"TIFF resolution ({x:.6g} pixels per cm)", size.square)
    return PixelSize(source="the TIFF resolution is that of a printer, not of a microscope")


@dataclass(frozen=True)
class OmeMetadata:
    """What is used of an image in OME-XML; `other_files` hold parts of its pixels."""

    name: str
    names: tuple[str, ...]
    size: PixelSize
    step: PixelSize
    other_files: tuple[str, ...]


def parse_ome(text: str, path: Path) -> tuple[OmeMetadata, ...]:
    """Parse OME-XML into the metadata of its images, at least one.

    Raises
    ------
    ImageError
        If the text is not well-formed, defines entities, or has no Pixels.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _bad_ome(path, "document type definitions are not allowed in it")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - entities were refused above
    except ElementTree.ParseError as error:
        raise _bad_ome(path, str(error)) from error
    own = root.get("UUID", "")
    found = [(image, image.find("{*}Pixels")) for image in root.findall("{*}Image")]
    omes = tuple(_ome_image(image, px, own, path) for image, px in found if px is not None)
    if not omes:
        raise _bad_ome(path, "no Image with Pixels in it")
    return omes


def _ome_image(
    image: ElementTree.Element, pixels: ElementTree.Element, own: str, path: Path
) -> OmeMetadata:
    others = {
        part.get("FileName", "another file")
        for part in pixels.findall("{*}TiffData/{*}UUID")
        if (part.text or "").strip() != own and part.get("FileName", "") != path.name
    }
    return OmeMetadata(
        name=image.get("Name", ""),
        names=_ome_names(pixels),
        size=_ome_size(pixels, path),
        step=_ome_step(pixels, path),
        other_files=tuple(sorted(others)),
    )


def _ome_step(pixels: ElementTree.Element, path: Path) -> PixelSize:
    z = pixels.get("PhysicalSizeZ")
    if z is None:
        return PixelSize(source="not in the OME-XML")
    try:
        return plane_step(float(z), pixels.get("PhysicalSizeZUnit", "µm"), source="OME-XML")
    except ValueError as error:
        raise _bad_ome(path, f"PhysicalSizeZ is {z!r}") from error


def _ome_names(pixels: ElementTree.Element) -> tuple[str, ...]:
    names: list[str] = []
    for channel in pixels.findall("{*}Channel"):
        name = channel.get("Name") or channel.get("Fluor") or ""
        samples = channel.get("SamplesPerPixel", "1")
        names += [name] * (int(samples) if samples.isdigit() else 1)
    return tuple(names)


def _ome_size(pixels: ElementTree.Element, path: Path) -> PixelSize:
    x, y = pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeY")
    if x is None:
        return PixelSize(source="not in the OME-XML")
    unit = pixels.get("PhysicalSizeXUnit", "µm")
    try:
        width, height = float(x), float(y if y is not None else x)
    except ValueError as error:
        raise _bad_ome(path, f"PhysicalSizeX is {x!r}, PhysicalSizeY is {y!r}") from error
    return pixel_size(width, height * _ratio(pixels, unit), unit, source="OME-XML")


def _ratio(pixels: ElementTree.Element, unit_x: str) -> float:
    """Return the factor from the unit of the height to that of the width."""
    unit_y = pixels.get("PhysicalSizeYUnit", "µm")
    x, y = _UM_PER_UNIT.get(_plain(unit_x), 1.0), _UM_PER_UNIT.get(_plain(unit_y), 1.0)
    return y / x


def imagej_size(metadata: Mapping[str, Any], x: float, y: float) -> PixelSize:
    """Return the size ImageJ keeps: resolution tags in pixels per `unit` of its description."""
    unit = str(metadata.get("unit", ""))
    if not unit or not (x > 0 and y > 0):
        return PixelSize(source="not in the ImageJ metadata")
    unit_y = str(metadata.get("yunit", unit))
    scale_y = _UM_PER_UNIT.get(_plain(unit_y), 1.0) / _UM_PER_UNIT.get(_plain(unit), 1.0)
    return pixel_size(1 / x, scale_y / y, _readable(unit), source="ImageJ")


def imagej_step(metadata: Mapping[str, Any]) -> PixelSize:
    """Return the distance of focus planes that ImageJ keeps as ``spacing``."""
    spacing, unit = metadata.get("spacing"), metadata.get("zunit", metadata.get("unit", ""))
    if not isinstance(spacing, int | float) or not unit:
        return PixelSize(source="not in the ImageJ metadata")
    return plane_step(float(spacing), _readable(str(unit)), source="ImageJ")


_SLICE_COUNTERS = re.compile(r"^(?:[cztCZT]:\d+/\d+[\s;,]*)+[-:]?\s*")
_INFO_NAME = re.compile(
    r"^\s*(?:[\w |]*?[ |])?(?:channel\s*name|channel[ |]+name|channel|name)\s*#?\s*(\d{1,2})"
    r"(?:\s+name)?\s*[:=]\s*(\S.*?)\s*$",
    re.IGNORECASE | re.MULTILINE,
)


def imagej_names(metadata: Mapping[str, Any], n_channels: int) -> tuple[str, ...]:
    """Return channel names from ImageJ slice labels, else from lines of the Info text.

    Slice labels count only if each channel has its own. Display colours (LUTs) are not used:
    ImageJ gives the first channels red, green and blue whatever they show.
    """
    labels = metadata.get("Labels")
    if isinstance(labels, Sequence) and not isinstance(labels, str) and len(labels) >= n_channels:
        names = tuple(_SLICE_COUNTERS.sub("", str(label)).strip() for label in labels[:n_channels])
        if all(names) and len(set(names)) == n_channels:
            return names
    return _info_names(str(metadata.get("Info", "")), n_channels) or ("",) * n_channels


def _info_names(info: str, n_channels: int) -> tuple[str, ...]:
    found: dict[int, str] = {}
    for number, name in _INFO_NAME.findall(info):
        if found.setdefault(int(number), name) != name:
            return ()  # two names for one channel: no telling which is right
    numbers = sorted(found)
    if numbers in (list(range(n_channels)), list(range(1, n_channels + 1))):
        return tuple(found[number] for number in numbers)
    return ()


def _readable(unit: str) -> str:
    r"""Undo the ``\u00B5`` with which ImageJ writes the micro sign."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code.group(1), 16)), unit)


def _plain(unit: str) -> str:
    return _readable(unit).strip().lower()


def _bad_ome(path: Path, found: str) -> ImageError:
    return ImageError(
        "the OME-XML of the file is damaged",
        where=path,
        found=found,
        remedy="export the picture again, or save it from Fiji as TIFF and give --channels and "
        "--pixel-size-um",
    )
