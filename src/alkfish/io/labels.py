"""Label images of a case on disk: one zarr group with one array per field of view.

Arrays are int32 in chunks of 1024 x 1024, bit-shuffled and compressed with zstd, in zarr format 3.
The same labels always give the same bytes. The scale of each field is kept in its attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import BundleError, OutputError

Labels = npt.NDArray[np.int32]

_CHUNK_PX = 1024
_RESERVED = frozenset({"", ".", "..", "zarr.json"})


def write_labels(
    path: str | Path, labels: Mapping[str, Labels], pixel_size_um: float | Mapping[str, float]
) -> None:
    """Write the label images of a case into a new zarr group.

    Parameters
    ----------
    path : path-like
        Folder to create, usually ``labels.zarr``; it must not exist yet.
    labels : mapping of str to ndarray of int32, shape (H, W)
        Label image per field name; 0 is background. May be empty.
    pixel_size_um : float or mapping of str to float
        Pixel size in micrometres, one for all fields or one per field name.

    Raises
    ------
    BundleError
        If a field name cannot name an array, or an image is not 2-D int32.
    OutputError
        If the folder exists already or cannot be written.
    """
    import zarr

    target = Path(path)
    sizes = {
        name: float(pixel_size_um[name] if isinstance(pixel_size_um, Mapping) else pixel_size_um)
        for name in labels
    }
    for name, image in labels.items():
        _check(name, image, where=target)
    if target.exists():
        raise OutputError(
            "the labels exist already",
            where=target,
            remedy="choose another folder or remove this one",
        )
    try:
        group = zarr.open_group(target, mode="w-", zarr_format=3)
        for name, image in labels.items():
            _write_array(group, name, image, sizes[name])
    except OSError as error:
        raise OutputError(
            "the labels cannot be written",
            where=target,
            found=error.strerror or error,
            remedy="choose a folder that you may write to, with space left",
        ) from error


def read_labels(path: str | Path) -> LabelFolder:
    """Open the label images of a case without loading them.

    Parameters
    ----------
    path : path-like
        Folder written by `write_labels`.

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


class LabelFolder(Mapping[str, Labels]):
    """Label images of a case, read from disk when asked for.

    Iterates over field names in sorted order. ``pixel_size_um(name)`` gives the scale of a field.
    """

    def __init__(self, path: Path, group: Any) -> None:
        self._path = path
        self._group = group
        self._names = tuple(sorted(group.array_keys()))

    def __getitem__(self, name: str) -> Labels:
        if name not in self._names:
            raise KeyError(name)
        try:
            image = np.asarray(self._group[name][...])
        except (OSError, ValueError, RuntimeError) as error:
            raise _unreadable(self._path / name, error) from error
        if image.dtype != np.int32 or image.ndim != 2:
            raise BundleError(
                "labels must be a 2-D int32 image",
                where=self._path / name,
                found=f"{image.dtype}, shape {image.shape}",
            )
        return image

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


def _write_array(group: Any, name: str, image: Labels, pixel_size_um: float) -> None:
    from zarr.codecs import BloscCodec

    array = group.create_array(
        name,
        shape=image.shape,
        dtype="int32",
        chunks=tuple(min(_CHUNK_PX, max(side, 1)) for side in image.shape),
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle", typesize=4),
        fill_value=0,
        dimension_names=("y", "x"),
        attributes={"pixel_size_um": pixel_size_um, "background": 0},
    )
    array[...] = image


def _check(name: str, image: Labels, *, where: Path) -> None:
    if name in _RESERVED or "/" in name or "\\" in name or name.startswith("__"):
        raise BundleError(
            "the field name cannot be used for a label image",
            where=where,
            found=repr(name),
            allowed="a name without / and \\ that does not start with __",
            remedy="rename the picture or the field",
        )
    if image.dtype != np.int32 or image.ndim != 2:
        raise BundleError(
            "labels must be a 2-D int32 image",
            where=f"{where}, field {name}",
            found=f"{image.dtype}, shape {image.shape}",
        )


def _unreadable(path: Path, error: Exception) -> BundleError:
    return BundleError(
        "the labels cannot be read",
        where=path,
        found=(str(error) or type(error).__name__).splitlines()[0],
        remedy="score the case again, or restore the folder from a copy",
    )
