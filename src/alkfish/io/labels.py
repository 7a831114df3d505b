"""Label images of a case on disk: OME-Zarr 0.5 labels, one image with a pyramid per field of view.

``labels.zarr`` is a zarr 3 group that lists its fields; each field is a group with ``image-label``
and ``multiscales`` metadata and one int32 array per level, ``0`` the full one, in chunks of
1024 x 1024, bit-shuffled and compressed with zstd. Lower levels keep every second pixel of the
level above, so that no label is ever mixed. The same labels always give the same bytes. Bundles of
older versions, with a bare array per field, are read as well.
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
from alkfish.model.result import LabelImage

_writing = partial(
    output_errors,
    "the labels cannot be written",
    remedy="choose a folder that you may write to, with space left",
)

Labels = npt.NDArray[np.int32]

CHUNK_PX = 1024
"""Side of the chunks; windows given to `LabelWriter.write` begin and end at multiples of it."""

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
            root = _open_root(self._path)
            self._group = _open_field(root, name, self._size, self._path)
            self._array = _open_level(self._group, 0, self.shape, self._path / name)

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
            self._array[top:bottom, left:right] = window

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
                height, width = window.shape
                level[top : top + height, left : left + width] = window

    @cached_property
    def _direct_levels(self) -> list[Any]:
        """The levels whose chunks windows of `WINDOW_PX` fill, from the first lower one."""
        shapes = level_shapes(self.shape)[1 : 1 + (WINDOW_PX // CHUNK_PX).bit_length() - 1]
        with self._lock:
            return [
                _open_level(self._group, number, shape, self._path / self._name)
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
                level = _open_level(self._group, number, size, self._path / self._name)
                _reduce(above, level)
                above = level
            self._group.attrs["ome"] = _ome_field(self._name, self._size, len(sizes))


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


def _reduce(above: Any, level: Any) -> None:
    """Fill `level` with every second pixel of the level above."""
    for top in range(0, level.shape[0], CHUNK_PX):
        for left in range(0, level.shape[1], CHUNK_PX):
            rows = slice(2 * top, 2 * (top + CHUNK_PX))
            columns = slice(2 * left, 2 * (left + CHUNK_PX))
            window = np.asarray(above[rows, columns])[::2, ::2]
            level[top : top + CHUNK_PX, left : left + CHUNK_PX] = window


def _is_aligned(first: int, last: int, length: int) -> bool:
    whole = last == length or last % CHUNK_PX == 0
    return 0 <= first < max(last, 1) and last <= length and first % CHUNK_PX == 0 and whole


def _open_root(path: Path) -> Any:
    """Open or create the group of all fields."""
    import zarr

    if not (path / "zarr.json").exists():
        ome = {"version": OME_VERSION, "labels": []}
        return zarr.open_group(path, mode="a", zarr_format=3, attributes={"ome": ome})
    return zarr.open_group(path, mode="r+", zarr_format=3)


def _open_field(root: Any, name: str, pixel_size_um: float, path: Path) -> Any:
    """Open or create the group of one field and list it."""
    if not (path / name / "zarr.json").exists():
        group = root.create_group(name, attributes=_field_attributes(name, pixel_size_um))
        listed = root.attrs.get("ome", {}).get("labels", [])
        names = sorted({*listed, name})
        root.attrs["ome"] = {"version": OME_VERSION, "labels": names}
        return group
    group = root[name]
    if hasattr(group, "shape") or group.attrs.get("pixel_size_um") != pixel_size_um:
        raise BundleError(
            "the field is there already with another layout or scale",
            where=path / name,
            found=group.attrs.get("pixel_size_um"),
            allowed=pixel_size_um,
            remedy="remove the unfinished labels and start again",
        )
    return group


def _open_level(group: Any, level: int, shape: tuple[int, int], where: Path) -> Any:
    from zarr.codecs import BloscCodec

    if (where / str(level) / "zarr.json").exists():
        array = group[str(level)]
        if tuple(array.shape) != shape:
            raise BundleError(
                "the labels are there already with another shape",
                where=where,
                found=tuple(array.shape),
                allowed=shape,
                remedy="remove the unfinished labels and start again",
            )
        return array
    return group.create_array(
        str(level),
        shape=shape,
        dtype="int32",
        chunks=tuple(min(CHUNK_PX, max(side, 1)) for side in shape),
        compressors=BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", typesize=4),
        fill_value=0,
        dimension_names=("y", "x"),
    )


def _field_attributes(name: str, pixel_size_um: float) -> dict[str, Any]:
    ome = _ome_field(name, pixel_size_um, 1)
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
