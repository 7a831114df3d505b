"""Small pictures of nuclei for the gallery: what is cut, how it is shown, what is kept. No Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from alkfish.errors import AlkfishError
from alkfish.model.result import CaseResult
from alkfish.report.marks import FieldIndex, NucleusMarks
from alkfish.report.pictures import (
    UNKNOWN_PIXEL_UM,
    Planes,
    Stretch,
    Window,
    composite,
    dapi_view,
    field_stretch,
    grey,
    probe_view,
    window_around,
)

Bytes = npt.NDArray[np.uint8]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PLANES_BYTES = 12 << 20
"""Most memory for cut pixels: some 120 nuclei at 40x, for another look at the same tiles."""

LABELS_BYTES = 64 << 20
"""Most memory for label images of small fields; those of slides are read in windows."""

MARK_COLOUR = "#f2f2f2"
"""Of outlines in the gallery: neutral, since the frame tells the pattern."""

_NUCLEUS, _NEIGHBOUR, _GROUND = 92, 52, 22


class View(StrEnum):
    """What a tile shows."""

    ALL = "all"
    THREE_PRIME = "3p"
    FIVE_PRIME = "5p"
    DAPI = "dapi"


@dataclass(frozen=True)
class Look:
    """How tiles are drawn.

    Attributes
    ----------
    view : View
        Channels.
    marks : bool
        Whether the outline and the signals are drawn on top.
    side_px : int
        Side of the square tile in pixels of the screen.
    blinded : bool
        Whether signals found by the machine stay hidden; outlines are shown.
    """

    view: View = View.ALL
    marks: bool = True
    side_px: int = 128
    blinded: bool = False


class Pixels(Protocol):
    """Where pixels come from: `alkfish.plugin.pictures.CasePictures`."""

    @property
    def available(self) -> bool:
        """Whether there are any."""

    def cut(self, fov: str, window: Window) -> Planes:
        """Return the planes of a part of a field; called from another thread."""


class ByteLru(Generic[K, V]):
    """Keeps what was used last, up to a number of bytes. Safe between threads.

    Parameters
    ----------
    limit : int
        Most bytes; a single larger item is not kept.
    size_of : callable
        Bytes of an item.
    """

    def __init__(self, limit: int, size_of: Callable[[V], int]) -> None:
        self._limit, self._size_of = limit, size_of
        self._items: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()
        self._bytes = 0

    @property
    def n_bytes(self) -> int:
        """Bytes that are kept."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def get(self, key: K) -> V | None:
        """Return an item, which is now the last used; None if it is not kept."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key]

    def put(self, key: K, value: V) -> None:
        """Keep an item; the ones not used for longest go."""
        with self._lock:
            if key in self._items:
                self._bytes -= self._size_of(self._items.pop(key))
            size = self._size_of(value)
            if size > self._limit:
                return
            self._items[key] = value
            self._bytes += size
            self._drop()

    def hold(self, limit: int) -> None:
        """Keep up to another number of bytes from now on."""
        with self._lock:
            self._limit = limit
            self._drop()

    def _drop(self) -> None:
        while self._bytes > self._limit:
            self._bytes -= self._size_of(self._items.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._items.clear()
            self._bytes = 0


@dataclass(frozen=True, eq=False)
class Tile:
    """Picture of a nucleus and the drawing that lies over it.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (h, w, 3)
        RGB; the longer side is the side that was asked for.
    marks : str
        SVG; empty for none.
    has_picture : bool
        Whether the pixels are those of the microscope, not drawn from the outlines.
    """

    pixels: Bytes
    marks: str
    has_picture: bool


class TileMaker:
    """Makes the tiles of one case. To be used from one thread.

    Parameters
    ----------
    result : CaseResult
        Outlines and spots.
    pictures : Pixels
        Pixels; without them tiles are drawn from the outlines.
    planes : ByteLru, optional
        Cut pixels of an earlier maker of the same pictures.
    """

    def __init__(
        self, result: CaseResult, pictures: Pixels,
        planes: ByteLru[Hashable, Planes] | None = None,
    ) -> None:  # fmt: skip
        self._result, self._pictures = result, pictures
        self.planes = planes if planes is not None else ByteLru(PLANES_BYTES, _planes_bytes)
        self._index_made: _Index | None = None
        self._stretches: dict[str, Stretch] = {}

    @property
    def _index(self) -> _Index:
        if self._index_made is None:
            self._index_made = _Index(self._result)
        return self._index_made

    def make(self, row: int, look: Look) -> Tile:
        """Return the tile of a nucleus.

        Parameters
        ----------
        row : int
            Row of the nucleus in the result's table.
        look : Look
            How.

        Raises
        ------
        BundleError
            If the label images cannot be read.
        """
        window = self.window(row)
        planes = self._cut(row, window, look.side_px)
        pixels = self._drawn(row, window) if planes is None else self._shown(row, planes, look.view)
        smooth = planes is not None
        marks = self._marks(row, window, look, has_picture=smooth)
        return Tile(_fit(pixels, look.side_px, smooth=smooth), marks, planes is not None)

    def window(self, row: int) -> Window:
        """Return the part of the field that a tile shows."""
        nuclei = self._result.nuclei
        fov = str(nuclei.fov[row])
        return window_around(
            float(nuclei.y_px[row]), float(nuclei.x_px[row]),
            pixel_size_um=self._result.pixel_size_um.get(fov, UNKNOWN_PIXEL_UM),
            shape=self._index.shape(fov),
        )  # fmt: skip

    def _cut(self, row: int, window: Window, side_px: int) -> Planes | None:
        """Return the pixels of a window, averaged down to the tile; None without a picture."""
        if not self._pictures.available:
            return None
        fov = str(self._result.nuclei.fov[row])
        key = (fov, window, side_px)
        kept = self.planes.get(key)
        if kept is not None:
            return kept
        try:
            full = self._pictures.cut(fov, window)
        except AlkfishError:  # the picture of one field is missing: its nuclei are drawn
            return None
        small = Planes(
            *(_reduced(plane, side_px) for plane in (full.dapi, full.three_prime, full.five_prime))
        )
        self.planes.put(key, small)
        return small

    def _shown(self, row: int, planes: Planes, view: View) -> Bytes:
        top = self._stretch(str(self._result.nuclei.fov[row]))
        if view is View.ALL:
            return composite(planes, top, self._result.probe)
        if view is View.DAPI:
            one = dapi_view(planes.dapi)
        elif view is View.THREE_PRIME:
            one = probe_view(planes.three_prime, top.three_prime)
        else:
            one = probe_view(planes.five_prime, top.five_prime)
        return np.repeat(grey(one)[..., None], 3, axis=2)

    def _drawn(self, row: int, window: Window) -> Bytes:
        nuclei = self._result.nuclei
        image = self._index.labels(str(nuclei.fov[row]))
        shade = np.full((window.height, window.width), _GROUND, np.uint8)
        if image is not None:
            labels = np.asarray(image[window.slices])
            shade[labels > 0] = _NEIGHBOUR
            shade[labels == int(nuclei.nucleus_id[row])] = _NUCLEUS
        return np.repeat(shade[..., None], 3, axis=2)

    def _marks(self, row: int, window: Window, look: Look, *, has_picture: bool) -> str:
        if not look.marks and has_picture:
            return ""
        marks = NucleusMarks(self._result, self._index, row, window, outline_colour=MARK_COLOUR)
        ends = {View.THREE_PRIME: ("3p",), View.FIVE_PRIME: ("5p",), View.ALL: ("3p", "5p")}
        hidden = look.blinded or not look.marks
        return marks.over(*(() if hidden else ends.get(look.view, ())))

    def _stretch(self, fov: str) -> Stretch:
        if fov not in self._stretches:
            spots, rows = self._result.spots, self._index.spot_rows(fov)
            ends, heights = spots.end[rows], spots.amplitude[rows]
            by_end = {end: heights[ends == end] for end in ("3p", "5p")}
            self._stretches[fov] = field_stretch(by_end)
        return self._stretches[fov]


class _Index(FieldIndex):
    """Field index that keeps several label images open: tiles change fields often."""

    def __init__(self, result: CaseResult) -> None:
        super().__init__(result)
        self._kept: ByteLru[str, Any] = ByteLru(LABELS_BYTES, _image_bytes)

    def labels(self, fov: str) -> Any:
        """Return the label image of a field, or what can be sliced like it; None without one."""
        image = self._kept.get(fov)
        if image is None and fov in self._labels:
            opened = getattr(self._labels, "open", self._labels.__getitem__)
            image = opened(fov)
            self._kept.put(fov, image)
        return image


def _planes_bytes(planes: Planes) -> int:
    return int(planes.dapi.nbytes + planes.three_prime.nbytes + planes.five_prime.nbytes)


def _image_bytes(image: Any) -> int:
    return int(getattr(image, "nbytes", 1024))


def _reduced(plane: npt.NDArray[Any], side_px: int) -> npt.NDArray[Any]:
    """Return a plane averaged down so that its longer side is the tile's; smaller ones stay."""
    import cv2

    longest = max(plane.shape)
    if longest <= side_px:
        return plane.copy()
    size = tuple(max(1, round(side * side_px / longest)) for side in plane.shape[::-1])
    known = plane if plane.dtype in (np.uint8, np.uint16, np.float32) else plane.astype(np.float32)
    return np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA))


def _fit(pixels: Bytes, side_px: int, *, smooth: bool) -> Bytes:
    """Return a picture scaled so that its longer side is the tile's."""
    import cv2

    longest = max(pixels.shape[:2])
    if longest == side_px:
        return np.ascontiguousarray(pixels)
    size = tuple(max(1, round(side * side_px / longest)) for side in pixels.shape[1::-1])
    way = cv2.INTER_AREA if longest > side_px else cv2.INTER_LINEAR
    return np.ascontiguousarray(
        cv2.resize(pixels, size, interpolation=way if smooth else cv2.INTER_NEAREST)
    )
