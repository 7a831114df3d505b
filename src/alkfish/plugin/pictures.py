"""Pixels of the open case: where they lie, and windows of them for layers and thumbnails. No Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import AlkfishError, InputError
from alkfish.io._picture import read_window
from alkfish.io.images import Case, FieldSource
from alkfish.io.labels import LabelFolder
from alkfish.io.locations import PicturePlace, open_pictures, recall_pictures
from alkfish.io.provenance import is_scored_file, sha256_path
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult
from alkfish.model.window import Window as PixelWindow
from alkfish.report.pictures import WHOLE_FIELD_PX, FieldReader, Planes, Window
from alkfish.report.write import checked_images

KEPT_FIELDS = 4
"""Whole fields kept in memory: the one shown and those the gallery draws from."""

CHECK_AT_ONCE_BYTES = 256 << 20
"""Up to this size the checksums are compared on opening; those of slides when there is time."""

MOST_NAMED = 3
"""So many fields without a picture are named."""

COARSE_PX = 1024
"""Longest side of the coarsest level that a viewer gets."""

CHANNELS = ("dapi", "three_prime", "five_prime")


class CasePictures:
    """The pictures of a case, found and checked; without any, reading goes on by the outlines.

    Parameters
    ----------
    sources : mapping of str to FieldSource
        By field name.
    why_not : str
        Why there are none, or not of all fields.
    unchecked : bool
        Whether their checksums have still to be compared.

    Attributes
    ----------
    available : bool
        Whether there are pictures of at least one field.
    why_not : str
        A sentence for the reader on what is missing; empty if nothing is.
    """

    def __init__(
        self, sources: Mapping[str, FieldSource], why_not: str = "", *, unchecked: bool = False
    ) -> None:
        self._sources = dict(sources)
        self.unchecked = unchecked
        self.why_not = why_not
        self._kept: OrderedDict[str, _Field] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def none(cls, why_not: str = "No case is open.") -> CasePictures:
        """Return pictures of nothing."""
        return cls({}, why_not)

    @property
    def available(self) -> bool:
        """Whether there are pictures."""
        return bool(self._sources)

    def has(self, fov: str) -> bool:
        """Whether there is a picture of a field."""
        return fov in self._sources

    def shape(self, fov: str) -> tuple[int, int]:
        """Return height and width of a field; KeyError if there is no picture of it."""
        return self._sources[fov].shape

    def n_planes(self, fov: str) -> int:
        """Return the focus planes that are shown of a field; 1 if they are projected."""
        source = self._sources[fov]
        return source.n_planes if source.z_step_um > 0 else 1

    def z_step_um(self, fov: str) -> float:
        """Return the distance of the focus planes; 0 for a single plane."""
        return self._sources[fov].z_step_um

    def cut(self, fov: str, window: Window) -> Planes:
        """Return a part of a field, focus stacks projected. Safe from several threads.

        Raises
        ------
        InputError
            If there is no picture of the field, or it cannot be read.
        """
        return self._field(fov).cut(window)

    def levels(self, fov: str, channel: str) -> list[Any]:
        """Return a channel of a field as array-likes, the full resolution first.

        A small field is one array in memory; a large one is read where it is looked at.

        Parameters
        ----------
        fov : str
            Field.
        channel : str
            ``dapi``, ``three_prime`` or ``five_prime``.

        Raises
        ------
        InputError
            If there is no picture of the field, or it cannot be read.
        """
        field = self._field(fov)
        if field.is_small:
            return [getattr(field.whole(), channel)]
        return lazy_levels(field.source, channel)

    def source(self, fov: str) -> FieldSource:
        """Return where the pixels of a field come from; KeyError if there is no picture of it."""
        return self._sources[fov]

    def as_case(self, case_id: str, probe: ProbeProfile) -> Case:
        """Return the pictures as a case that can be scored, with a probe profile's colours."""
        sources = (replace(source, probe=probe) for source in self._sources.values())
        return Case(case_id, tuple(sources))

    def paths(self) -> tuple[Path, ...]:
        """Return the files."""
        found = (path for source in self._sources.values() for path in source.paths)
        return tuple(dict.fromkeys(path for path in found if isinstance(path, Path)))

    def _field(self, fov: str) -> _Field:
        with self._lock:
            if fov not in self._sources:
                raise InputError(
                    "there is no picture of the field",
                    where=fov,
                    found=self.why_not or None,
                    remedy="locate the pictures of this case",
                )
            field = self._kept.pop(fov, None) or _Field(self._sources[fov])
            self._kept[fov] = field
            while len(self._kept) > KEPT_FIELDS:
                self._kept.popitem(last=False)
            return field


class _Field:
    """One field; a small one is read once."""

    def __init__(self, source: FieldSource) -> None:
        self.source = source
        height, width = source.shape
        self.is_small = height * width <= WHOLE_FIELD_PX
        self._reader = FieldReader(source)
        self._lock = Lock()

    def cut(self, window: Window) -> Planes:
        if not self.is_small:
            return self._reader.cut(window)
        with self._lock:
            return self._reader.cut(window)

    def whole(self) -> FieldOfView:
        with self._lock:
            return self._reader.whole()


class LazyChannel:
    """One channel of one level of a large picture; only what is sliced is decoded."""

    def __init__(self, source: FieldSource, role: str, level: int) -> None:
        self._picture, self._channel = source.planes[role]
        self._level, self._stack = level, source.z_step_um > 0
        plane = source.levels[level].shape
        self.shape = (self._picture.n_planes, *plane) if self._stack else plane
        self.dtype = np.dtype(self._picture.dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        keys = _all_keys(key, self.ndim)
        rows, columns = (_span(k, side) for k, side in zip(keys[-2:], self.shape[-2:], strict=True))
        if rows[1] <= rows[0] or columns[1] <= columns[0]:
            empty = (*self.shape[:-2], max(0, rows[1] - rows[0]), max(0, columns[1] - columns[0]))
            return np.zeros(empty, self.dtype)
        window = PixelWindow(rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0])
        pixels = read_window(
            self._picture, [self._channel], level=self._level, window=window, stack=self._stack
        )[0]
        inner = tuple(
            0 if isinstance(k, int | np.integer) else slice(None, None, k.step) for k in keys[-2:]
        )
        return np.asarray(pixels[(*keys[:-2], *inner)])

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.asarray(self[...], dtype)


class Thinned:
    """Every k-th pixel of a large level, read once: for pictures without a pyramid of their own."""

    def __init__(self, base: Any, step: int) -> None:
        self._base, self._step = base, step
        height, width = base.shape[-2:]
        self.shape = (*base.shape[:-2], -(-height // step), -(-width // step))
        self.dtype, self.ndim = base.dtype, base.ndim
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self._pixels: npt.NDArray[Any] | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        with self._lock:
            if self._pixels is None:
                self._pixels = self._read()
        return np.asarray(self._pixels[key])

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.asarray(self[...], dtype)

    def _read(self) -> npt.NDArray[Any]:
        rows = self._step * max(1, 1024 // self._step)
        height = self._base.shape[-2]
        every = (slice(None, None, self._step), slice(None, None, self._step))
        strips = [
            self._base[..., top : top + rows, :][(..., *every)] for top in range(0, height, rows)
        ]
        return np.concatenate(strips, axis=-2)


def _all_keys(key: Any, ndim: int) -> tuple[Any, ...]:
    """Return one key per axis; an ellipsis, and what is left out, is the whole axis."""
    keys = key if isinstance(key, tuple) else (key,)
    if Ellipsis not in keys:
        keys = (*keys, Ellipsis)
    place = keys.index(Ellipsis)
    rest = ndim - len(keys) + 1
    return (*keys[:place], *(slice(None),) * rest, *keys[place + 1 :])


def _span(key: Any, side: int) -> tuple[int, int]:
    if isinstance(key, int | np.integer):
        return int(key), int(key) + 1
    start, stop, _ = key.indices(side)
    return start, stop


def lazy_levels(source: FieldSource, channel: str) -> list[Any]:
    """Return a channel of a large picture, level by level; a missing coarse level is made."""
    colours = {
        "dapi": "dapi",
        "three_prime": source.probe.three_prime_colour.value,
        "five_prime": source.probe.five_prime_colour.value,
    }
    levels: list[Any] = [
        LazyChannel(source, colours[channel], k) for k in range(len(source.levels))
    ]
    while max(levels[-1].shape[-2:]) > 2 * COARSE_PX:
        levels.append(Thinned(levels[-1], 4))
    return levels


def find_pictures(results: Path, result: CaseResult, *, images: str | Path = "") -> CasePictures:
    """Return the pictures of a case, from a given place or from where scoring found them.

    They are compared with the result: by checksum, those of slides by name and size only (their
    checksum takes minutes; `differing` does it). Whatever is wrong becomes `CasePictures.why_not`.

    Parameters
    ----------
    results : Path
        Folder of the bundles.
    result : CaseResult
        The case.
    images : path-like
        Where the pictures of the case lie; empty: where they were scored.
    """
    place = recall_pictures(results, result.case_id)
    if images:
        place = PicturePlace(
            (Path(images),), place.channels, place.pixel_size_um, place.z_step_um, place.scene
        )
    if not place.images:
        return CasePictures.none("It is not known where the pictures of this case lie.")
    try:
        case = open_pictures(place, result.case_id, result.probe)
        later = _is_large(case)
        if not later:
            checked_images(result, case)
        sources = _fitting(result, case)
        return CasePictures(sources, _lacking(result, sources), unchecked=later)
    except AlkfishError as error:
        return CasePictures.none(f"The pictures cannot be shown. {error}")


def _is_large(case: Case) -> bool:
    local = [path for path in case.paths if isinstance(path, Path)]
    size = sum(path.stat().st_size for path in local if path.is_file())
    return size > CHECK_AT_ONCE_BYTES or any(path.is_dir() for path in local)


def _fitting(result: CaseResult, case: Case) -> Mapping[str, FieldSource]:
    """Return the fields of the case among the pictures; their size must be that of the labels."""
    fields = {qc.fov for qc in result.fields}
    sources = {source.name: source for source in case.fields if source.name in fields}
    for name, source in sources.items():
        if name in result.labels and label_shape(result, name) != source.shape:
            raise InputError(
                "the picture has another size than the scored one",
                where=name,
                found=f"{source.shape[0]} x {source.shape[1]} pixels",
                remedy="locate the pictures of this case",
            )
    if not sources:
        raise InputError(
            "the pictures hold no field of this case",
            where=case.case_id,
            remedy="locate the pictures of this case",
        )
    return sources


def _lacking(result: CaseResult, sources: Mapping[str, FieldSource]) -> str:
    """Return which fields of the case have no picture, in words; empty if all have one."""
    names = [qc.fov for qc in result.fields if qc.fov not in sources]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"There is no picture of {', '.join(names[:MOST_NAMED])}{more}." if names else ""


def label_shape(result: CaseResult, fov: str) -> tuple[int, int]:
    """Return height and width of the label image of a field without reading it."""
    labels = result.labels
    image = labels.open(fov) if isinstance(labels, LabelFolder) else labels[fov]
    return int(image.shape[0]), int(image.shape[1])


def differing(result: CaseResult, pictures: CasePictures) -> str:
    """Return which file is not the scored one, by its checksum; empty if all are. Slow."""
    scored = result.provenance.inputs
    for path in pictures.paths():
        if scored and not is_scored_file(scored, path.name, sha256_path(path)):
            return f"{path.name} is not the file that was scored: its checksum is another one."
    return ""
