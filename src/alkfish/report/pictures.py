"""Small pictures of nuclei and fields, cut from the images of a case and coded for a page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alkfish.model.fov import FieldOfView
from alkfish.model.probe import Colour, ProbeProfile

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

CROP_UM = 18.0
"""Side of the square shown around a nucleus: a large tumour nucleus and its surroundings."""

MAX_CROP_PX = 256
"""Side of the pictures in the page; larger ones are averaged down."""

UNKNOWN_PIXEL_UM = 0.1
"""Where a result does not know its pixel size; only the size of crops and marks hangs on it."""

WHOLE_FIELD_PX = 4096 * 4096
"""Fields up to this size are read whole; of larger ones only windows are."""

OVERVIEW_PX = 4096 * 4096
"""A coarse level of a slide up to this size is read for its map."""

JPEG_QUALITY = 88
_NO_SUBSAMPLING = 0x111111


class Source(Protocol):
    """Where the pixels of one field come from; a field source of `alkfish.io.images`."""

    @property
    def name(self) -> str:
        """Name of the field."""

    def load(self) -> FieldOfView:
        """Read the whole field."""


@dataclass(frozen=True)
class Window:
    """Part of a field: first row and column, height and width in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return (
            slice(self.top, self.top + self.height), slice(self.left, self.left + self.width),
        )  # fmt: skip


def window_around(
    y_px: float, x_px: float, *, pixel_size_um: float, shape: tuple[int, int]
) -> Window:
    """Return the square of `CROP_UM` around a point, moved inwards at the edges of the field."""
    side = max(8, round(CROP_UM / pixel_size_um))
    height, width = min(side, shape[0]), min(side, shape[1])
    top = min(max(0, round(y_px - height / 2)), shape[0] - height)
    left = min(max(0, round(x_px - width / 2)), shape[1] - width)
    return Window(top, left, height, width)


@dataclass(frozen=True, eq=False)
class Planes:
    """DAPI and both probe ends of a part of a field, 2-D."""

    dapi: npt.NDArray[Any]
    three_prime: npt.NDArray[Any]
    five_prime: npt.NDArray[Any]


class FieldReader:
    """Cuts windows from a field; a small field is read once, of a large one only the windows."""

    def __init__(self, source: Source) -> None:
        self._source = source
        shape = getattr(source, "shape", (0, 0))
        self._by_window = hasattr(source, "load_region") and shape[0] * shape[1] > WHOLE_FIELD_PX
        self._whole: FieldOfView | None = None

    def overview(self) -> npt.NDArray[Any]:
        """Return DAPI of the whole field, of a large one at a coarse level; empty without one."""
        if not self._by_window:
            return _flat(self.whole()).dapi
        source: Any = self._source
        areas = [level.shape[0] * level.shape[1] for level in getattr(source, "levels", ())]
        small = [k for k, area in enumerate(areas) if area <= OVERVIEW_PX]
        empty: npt.NDArray[Any] = np.empty((0, 0), np.uint16)
        return np.asarray(source.load_dapi(level=small[0])) if small else empty

    def cut(self, window: Window) -> Planes:
        """Return a part of the field, focus stacks projected."""
        if self._by_window:
            source: Any = self._source
            part = source.load_region(window.top, window.left, window.height, window.width)
            return _flat(part)
        rows, columns = window.slices
        return _flat(self.whole(), rows, columns)

    def whole(self) -> FieldOfView:
        """Return the whole field, read once."""
        if self._whole is None:
            self._whole = self._source.load()
        return self._whole


def _flat(fov: FieldOfView, rows: slice = slice(None), columns: slice = slice(None)) -> Planes:
    def plane(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        part = pixels[..., rows, columns]
        return part.max(axis=0) if part.ndim == 3 else part

    return Planes(plane(fov.dapi), plane(fov.three_prime), plane(fov.five_prime))


@dataclass(frozen=True)
class Stretch:
    """How bright the signals of a field are: heights that are drawn white, in counts."""

    three_prime: float
    five_prime: float


def field_stretch(spots: Mapping[str, npt.NDArray[np.float64]]) -> Stretch:
    """Return the display scale of a field from the amplitudes of its spots by end (3p, 5p).

    One scale for all nuclei of a field: a dim signal must look dim. 0 stands for "no spot seen".
    """
    tops = {end: float(np.median(a)) if len(a) else 0.0 for end, a in spots.items()}
    return Stretch(tops.get("3p", 0.0), tops.get("5p", 0.0))


def probe_view(plane: npt.NDArray[Any], top: float) -> Floats:
    """Return a probe channel scaled to 0-1: local background dark, a usual signal bright."""
    values = plane.astype(np.float32)
    floor = float(np.percentile(values, 40))
    height = top if top > 0 else float(values.max()) - floor
    shown = np.clip((values - floor) / max(1.1 * height, 1e-6), 0.0, 1.0)
    return np.asarray(shown**0.85, np.float32)


def dapi_view(plane: npt.NDArray[Any]) -> Floats:
    """Return DAPI scaled to 0-1 between its own low and high values."""
    values = plane.astype(np.float32)
    low, high = (float(q) for q in np.percentile(values, (2.0, 99.7)))
    return np.asarray(np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0), np.float32)


def composite(planes: Planes, stretch: Stretch, probe: ProbeProfile) -> Bytes:
    """Return the three channels as an RGB picture: DAPI blue, each probe end in its colour."""
    dapi = 0.7 * dapi_view(planes.dapi)
    ends = {
        probe.three_prime_colour: probe_view(planes.three_prime, stretch.three_prime),
        probe.five_prime_colour: probe_view(planes.five_prime, stretch.five_prime),
    }
    red, green = ends[Colour.RED], ends[Colour.GREEN]
    rgb = np.stack([red, green + 0.22 * dapi, dapi + 0.12 * green], axis=-1)
    return _as_bytes(np.maximum(rgb, 0.10 * dapi[..., None]))


def grey(view: Floats) -> Bytes:
    """Return a scaled channel as a grey picture."""
    return _as_bytes(view)


def _as_bytes(values: npt.NDArray[Any]) -> Bytes:
    return np.asarray(np.rint(np.clip(values, 0.0, 1.0) * 255), np.uint8)


def data_uri(picture: Bytes, *, max_px: int = MAX_CROP_PX) -> str:
    """Return a grey or RGB picture as a JPEG in a ``data:`` address; larger ones are averaged."""
    import cv2

    longest = max(picture.shape[:2])
    if longest > max_px:
        scale = max_px / longest
        size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    pixels = picture[..., ::-1] if picture.ndim == 3 else picture
    options = [
        cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _NO_SUBSAMPLING,
    ]  # fmt: skip
    done, coded = cv2.imencode(".jpg", np.ascontiguousarray(pixels), options)
    assert done  # noqa: S101 - coding a small 8-bit picture in memory cannot fail
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode("ascii")
