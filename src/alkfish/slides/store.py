"""Finished fields of a slide on disk, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from alkfish.errors import OutputError
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.table import Table
from alkfish.model.window import Window
from alkfish.slides.parts import FieldPart

T = TypeVar("T", bound=Table)

JOB = "job.json"

_TEXT_SEPARATOR = "\0"


class PartStore:
    """A folder that holds the finished parts of one slide and what they were made with.

    Parts of other settings, another version or another picture are never reused: the folder is
    emptied first. A part is complete or not there, whenever the program is killed.

    Parameters
    ----------
    folder : Path
        Made if missing.
    job : mapping
        What the parts depend on, as JSON values.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """

    def __init__(self, folder: Path, job: Mapping[str, Any]) -> None:
        self.folder = folder
        text = json.dumps(job, sort_keys=True, indent=1)
        try:
            if _read_text(folder / JOB) != text:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True, exist_ok=True)
                _write_whole(folder / JOB, text.encode())
            for left_over in folder.glob("*.partial"):
                left_over.unlink()
        except OSError as error:
            raise _cannot_keep(folder, error) from error

    def has(self, number: int) -> bool:
        """Return whether the part of a field is there, whole."""
        return zipfile.is_zipfile(self._path(number))

    def write(self, part: FieldPart) -> None:
        """Keep a part.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        path = self._path(part.number)
        partial = path.with_suffix(".partial")
        numbers = np.array([part.number, *asdict(part.core).values(), *part.saturated], np.int64)
        arrays = {"part": numbers, **_pack("nuclei", part.nuclei), **_pack("spots", part.spots)}
        arrays |= _pack_blocks(part.blocks)
        try:
            with partial.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except OSError as error:
            raise _cannot_keep(path, error) from error

    def read(self, number: int) -> FieldPart:
        """Return the part of a field."""
        with np.load(self._path(number), allow_pickle=False) as arrays:
            name, top, left, height, width, high_3p, high_5p = arrays["part"].tolist()
            return FieldPart(
                number=name,
                core=Window(top, left, height, width),
                nuclei=_unpack("nuclei", NucleusRecords, arrays),
                spots=_unpack("spots", SpotRecords, arrays),
                blocks=_unpack_blocks(arrays),
                saturated=(high_3p, high_5p),
            )

    def remove(self) -> None:
        """Delete the folder; the slide's result is written elsewhere by then."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"field-{number:06d}.npz"


def _pack(name: str, table: Table) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns as arrays without Python objects; texts become UTF-8 lines."""
    packed = {}
    for info in table.columns():
        values = getattr(table, info.name)
        if info.dtype == object:
            values = np.frombuffer(_TEXT_SEPARATOR.join(values).encode(), np.uint8)
        packed[f"{name}-{info.name}"] = values
    packed[f"{name}-rows"] = np.array(len(table))
    return packed


def _unpack(name: str, kind: type[T], arrays: Mapping[str, Any]) -> T:
    rows = int(arrays[f"{name}-rows"])
    columns = {}
    for info in kind.columns():
        values = arrays[f"{name}-{info.name}"]
        if info.dtype == object:
            texts = values.tobytes().decode().split(_TEXT_SEPARATOR) if rows else []
            values = np.array(texts, object)
        columns[info.name] = values
    return kind(**columns)


def _pack_blocks(blocks: Mapping[tuple[int, int], bytes]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the blocks one after the other, and row, column and length of each."""
    index = [(row, column, len(data)) for (row, column), data in blocks.items()]
    return {
        "blocks": np.frombuffer(b"".join(blocks.values()), np.uint8),
        "blocks-index": np.array(index, np.int64).reshape(-1, 3),
    }


def _unpack_blocks(arrays: Mapping[str, Any]) -> dict[tuple[int, int], bytes]:
    data, index = arrays["blocks"].tobytes(), arrays["blocks-index"]
    ends = np.cumsum(index[:, 2])
    return {
        (row, column): data[end - length : end]
        for (row, column, length), end in zip(index.tolist(), ends.tolist(), strict=True)
    }


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _write_whole(path: Path, data: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)


def _cannot_keep(where: Path, error: OSError) -> OutputError:
    return OutputError(
        "finished fields of the slide cannot be kept there",
        where=where,
        found=error.strerror or error,
        remedy="choose a folder that you may write to, with space left, with -o",
    )
