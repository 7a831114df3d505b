"""Label images of a case on disk: OME-Zarr 0.5 labels, one image with a pyramid per field of view.

``labels.zarr`` is a zarr 3 group that lists its fields; each field is a group with ``image-label``
and ``multiscales`` metadata and one int32 array per level, ``0`` the full one, in chunks of
1024 x 1024, compressed with zstd; chunks of background are left out. Lower levels keep every second
pixel of the level above, so that no label is ever mixed. The same labels always give the same
bytes. Bundles of older versions, with a bare array per field or other compression, are read as
well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from alkfish.errors import BundleError, OutputError, output_errors
from alkfish.io._label_files import CHUNK_PX, Labels, LevelFiles, read_document, write_group
from alkfish.model.result import LabelImage

_writing = partial(
    output_errors,
    "the labels cannot be written",
    remedy="choose a folder that you may write to, with space left",
)

COARSEST_PX = 1024
"""Levels are added to the pyramid until the longer side is at most this."""

WINDOW_PX = 2 * CHUNK_PX
"""Side of the windows that large images are copied by."""

OME_VERSION = "0.5"
"""Version of the OME-Zarr metadata that is written."""

_LAZY_FROM_PX = 1 << 26
_MAX_THREADS = 4
_RESERVED = frozenset({"", ".", "..", "zarr.json"})


def write_labels(
    path: str | Path,
    labels: Mapping[str, LabelImage],
    pixel_size_um: float | Mapping[str, float],
) -> None:
    """Write the label images of a case into a new zarr group.

    Parameters
    ----------
    path : path-like
        Folder to create, usually ``labels.zarr``; it must not exist yet.
    labels : mapping of str to array-like of int32, shape (H, W)
        Label image per field name; 0 is background. May be empty. Large ones that are read window
        by window (`LazyLabels`) are copied window by window.
    pixel_size_um : float or mapping of str to float
        Pixel size in micrometres, one for all fields or one per field name.

    Raises
    ------
    BundleError
        If a field name cannot name an array, or an image is not 2-D int32.
    OutputError
        If the folder exists already or cannot be written.
    """
    target = Path(path)
    sizes = {
        name: float(pixel_size_um[name] if isinstance(pixel_size_um, Mapping) else pixel_size_um)
        for name in labels
    }
    for name, image in labels.items():
        _check_name(name, where=target)
        _check_image(image, where=f"{target}, field {name}")
    if target.exists():
        raise OutputError(
            "the labels exist already",
            where=target,
            remedy="choose another folder or remove this one",
        )
    with _writing(target):
        _open_root(target)
    for name, image in labels.items():
        with LabelWriter(target, (image.shape[0], image.shape[1]), sizes[name], name) as writer:
            _copy(image, writer)
            writer.build_pyramid(direct=True)


class LabelWriter:
    """Writes the label image of one field region by region, never holding it whole.

    The field is created when the writer is made; if it is there already with the same shape and
    scale, it is continued, so that interrupted work resumes and several processes can write to it:
    make one writer first, then any number. Windows must be disjoint; since they consist of whole
    chunks, no two writers ever touch the same file.

    Parameters
    ----------
    path : path-like
        The folder ``labels.zarr``; made if need be.
    shape : tuple of int
        Height and width of the whole image.
    pixel_size_um : float
        Width of a pixel.
    name : str
        Name of the field.

    Raises
    ------
    BundleError
        If the name cannot be used, or the field is there with another shape or scale.
    OutputError
        If it cannot be written.
    """

    def __init__(
        self, path: str | Path, shape: tuple[int, int], pixel_size_um: float, name: str
    ) -> None:
        self._path, self._name, self._size = Path(path), name, float(pixel_size_um)
        self.shape = (int(shape[0]), int(shape[1]))
        self._lock = Lock()
        _check_name(name, where=self._path)
        with _writing(self._path):
            _open_root(self._path)
            _open_field(self._path, name, self._size)
            self._array = _open_level(self._path / name, 0, self.shape)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is buffered: what was written is on disk already."""

    def write(self, top: int, left: int, window: Labels) -> None:
        """Write one window; an error if it is not made of whole chunks.

        Parameters
        ----------
        top, left : int
            Position of its first pixel, multiples of `CHUNK_PX`.
        window : ndarray of int32, shape (h, w)
            Labels; its lower and right edges are multiples of `CHUNK_PX` or the image's edge.

        Raises
        ------
        BundleError
            If the window is not aligned, lies outside, or is not 2-D int32.
        OutputError
            If it cannot be written.
        """
        where = f"{self._path}, field {self._name}"
        _check_image(window, where=where)
        bottom, right = top + window.shape[0], left + window.shape[1]
        edges = ((top, bottom, self.shape[0]), (left, right, self.shape[1]))
        if not all(_is_aligned(*edge) for edge in edges):
            raise BundleError(
                "the window of labels does not consist of whole chunks",
                where=where,
                found=f"rows {top} to {bottom}, columns {left} to {right} of {self.shape}",
                allowed=f"edges at multiples of {CHUNK_PX} or at the edge of the image",
            )
        with _writing(self._path):
            self._array.write(top, left, window)

    def write_with_pyramid(self, top: int, left: int, window: Labels) -> None:
        """Write one window and what the lower levels keep of it, as far as whole chunks reach.

        Parameters
        ----------
        top, left : int
            Position of its first pixel, multiples of `WINDOW_PX`.
        window : ndarray of int32, shape (h, w)
            Labels; at most `WINDOW_PX` on a side, less only at the image's edge.
        """
        self.write(top, left, window)
        with _writing(self._path):
            for level in self._direct_levels:
                top, left, window = top // 2, left // 2, window[::2, ::2]
                level.write(top, left, window)

    @cached_property
    def _direct_levels(self) -> list[LevelFiles]:
        """The levels whose chunks windows of `WINDOW_PX` fill, from the first lower one."""
        shapes = level_shapes(self.shape)[1 : 1 + (WINDOW_PX // CHUNK_PX).bit_length() - 1]
        with self._lock:
            return [
                _open_level(self._path / self._name, number, shape)
                for number, shape in enumerate(shapes, start=1)
            ]

    def build_pyramid(self, *, direct: bool = False) -> None:
        """Write the lower levels from the full one, chunk by chunk, and list them.

        Parameters
        ----------
        direct : bool
            Whether all windows were written by `write_with_pyramid`, so that its levels are there.

        Call it once, after all windows are written; calling it again gives the same files.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        sizes = level_shapes(self.shape)
        there = self._direct_levels if direct else []
        above = there[-1] if there else self._array
        with _writing(self._path):
            for number, size in enumerate(sizes[1 + len(there) :], start=1 + len(there)):
                level = _open_level(self._path / self._name, number, size)
                level.reduce(above)
                above = level
            attributes = _field_attributes(self._name, self._size, len(sizes))
            write_group(self._path / self._name, attributes)


def level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the shapes of the levels of a pyramid, the full one first."""
    shapes = [shape]
    while max(shapes[-1]) > COARSEST_PX:
        height, width = shapes[-1]
        shapes.append((-(-height // 2), -(-width // 2)))
    return shapes


def read_labels(path: str | Path) -> LabelFolder:
    """Open the label images of a case without loading them.

    Parameters
    ----------
    path : path-like
        Folder written by `write_labels` or `LabelWriter`, of this version or an older one.

    Returns
    -------
    LabelFolder
        Mapping of field name to label image; a field is read from disk each time it is asked for.

    Raises
    ------
    BundleError
        If there is no such folder or it is not a zarr group.
    """
    import zarr
    from zarr.errors import BaseZarrError

    source = Path(path)
    try:
        group = zarr.open_group(source, mode="r", zarr_format=3)
    except (OSError, ValueError, KeyError, BaseZarrError) as error:
        raise _unreadable(source, error) from error
    return LabelFolder(source, group)


class LazyLabels:
    """A large label image that is read from disk window by window.

    ``labels[top:bottom, left:right]`` returns an int32 array of that window; ``numpy.asarray``
    reads it whole.
    """

    def __init__(self, array: Any, where: Path) -> None:
        self._array, self._where = array, where
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype: np.dtype[Any] = np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, key: Any) -> Labels:
        try:
            return np.asarray(self._array[key])
        except (OSError, ValueError, RuntimeError) as error:
            raise _unreadable(self._where, error) from error

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Labels:
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"LazyLabels({str(self._where)!r}: {self.shape[0]} x {self.shape[1]} px)"


class LabelFolder(Mapping[str, LabelImage]):
    """Label images of a case, read from disk when asked for.

    Iterates over field names in sorted order. Small images are returned as arrays, images of more
    than 67 megapixels (8192 x 8192) as `LazyLabels`. ``pixel_size_um(name)`` gives the scale of a
    field.
    """

    def __init__(self, path: Path, group: Any) -> None:
        self._path = path
        self._group = group
        self._names = tuple(sorted({*group.array_keys(), *group.group_keys()}))

    def __getitem__(self, name: str) -> LabelImage:
        labels = self.open(name)
        return labels if labels.size > _LAZY_FROM_PX else labels[...]

    def open(self, name: str, level: int = 0) -> LazyLabels:
        """Return a level of a field without reading it; KeyError if there is none.

        Raises
        ------
        BundleError
            If it cannot be read or is not a 2-D int32 image.
        """
        if name not in self._names:
            raise KeyError(name)
        where = self._path / name
        try:
            node = self._group[name]
            array = node if hasattr(node, "shape") else node[str(level)]
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise _unreadable(where, error) from error
        _check_image(array, where=where)
        return LazyLabels(array, where)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"LabelFolder({str(self._path)!r}: {len(self)} fields)"

    def pixel_size_um(self, name: str) -> float:
        """Return the pixel size of a field in micrometres; KeyError if there is no such field."""
        if name not in self._names:
            raise KeyError(name)
        size = self._group[name].attrs.get("pixel_size_um")
        if not isinstance(size, int | float):
            raise BundleError(
                "the labels carry no pixel size", where=self._path / name, found=repr(size)
            )
        return float(size)


def _copy(image: LabelImage, writer: LabelWriter) -> None:
    """Copy an image window by window, several at a time: codecs leave the interpreter free."""
    height, width = image.shape
    corners = list(product(range(0, height, WINDOW_PX), range(0, width, WINDOW_PX)))

    def copy(corner: tuple[int, int]) -> None:
        top, left = corner
        window = np.asarray(image[top : top + WINDOW_PX, left : left + WINDOW_PX])
        if window.any():  # chunks that are not there are background
            writer.write_with_pyramid(top, left, window)

    with ThreadPoolExecutor(min(_MAX_THREADS, len(corners), os.cpu_count() or 1)) as threads:
        for _ in threads.map(copy, corners):
            pass


def _is_aligned(first: int, last: int, length: int) -> bool:
    whole = last == length or last % CHUNK_PX == 0
    return 0 <= first < max(last, 1) and last <= length and first % CHUNK_PX == 0 and whole


def _open_root(path: Path) -> None:
    """Write the group of all fields if there is none."""
    if not read_document(path):
        write_group(path, {"ome": {"version": OME_VERSION, "labels": []}})


def _open_field(path: Path, name: str, pixel_size_um: float) -> None:
    """Write the group of one field and list it, if it is not there."""
    found = read_document(path / name)
    if not found:
        write_group(path / name, _field_attributes(name, pixel_size_um, 1))
        listed = read_document(path).get("attributes", {}).get("ome", {}).get("labels", [])
        write_group(path, {"ome": {"version": OME_VERSION, "labels": sorted({*listed, name})}})
        return
    size = found.get("attributes", {}).get("pixel_size_um")
    if found.get("node_type") != "group" or size != pixel_size_um:
        raise BundleError(
            "the field is there already with another layout or scale",
            where=path / name,
            found=size,
            allowed=pixel_size_um,
            remedy="remove the unfinished labels and start again",
        )


def _open_level(field: Path, level: int, shape: tuple[int, int]) -> LevelFiles:
    try:
        return LevelFiles(field / str(level), shape)
    except ValueError as error:
        raise BundleError(
            "the labels are there already with another shape or compression",
            where=field,
            found=error.args[0],
            allowed=shape,
            remedy="remove the unfinished labels and start again",
        ) from error


def _field_attributes(name: str, pixel_size_um: float, levels: int) -> dict[str, Any]:
    ome = _ome_field(name, pixel_size_um, levels)
    return {"pixel_size_um": pixel_size_um, "background": 0, "ome": ome}


def _ome_field(name: str, pixel_size_um: float, levels: int) -> dict[str, Any]:
    """Return the OME-Zarr metadata of a field whose pyramid has `levels` levels.

    Every second pixel is kept, beginning with the first: pixel centres need no translation.
    """
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [
                {"type": "scale", "scale": [pixel_size_um * 2**level] * 2}
            ],
        }
        for level in range(levels)
    ]
    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in ("y", "x")]
    scales = {"name": name, "axes": axes, "datasets": datasets, "type": "nearest"}
    colours = [{"label-value": 0, "rgba": [0, 0, 0, 0]}]
    return {
        "version": OME_VERSION,
        "multiscales": [scales],
        "image-label": {"colors": colours},
    }


def _check_name(name: str, *, where: Path) -> None:
    if name in _RESERVED or "/" in name or "\\" in name or name.startswith("__"):
        raise BundleError(
            "the field name cannot be used for a label image",
            where=where,
            found=repr(name),
            allowed="a name without / and \\ that does not start with __",
            remedy="rename the picture or the field",
        )


def _check_image(image: Any, *, where: object) -> None:
    if image.dtype != np.int32 or image.ndim != 2:
        raise BundleError(
            "labels must be a 2-D int32 image",
            where=where,
            found=f"{image.dtype}, shape {image.shape}",
        )


def _unreadable(path: Path, error: Exception) -> BundleError:
    return BundleError(
        "the labels cannot be read",
        where=path,
        found=(str(error) or type(error).__name__).splitlines()[0],
        remedy="score the case again, or restore the folder from a copy",
    )
