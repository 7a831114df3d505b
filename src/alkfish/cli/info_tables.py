"""What ``alkfish info`` prints: tables for people, values for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape

from alkfish.cli.output import make_table
from alkfish.io.info import ChannelInfo, FileInfo, ImageInfo

_COLUMNS = ("files", "format", "channels", "pixel size")


def print_info(console: Console, found: Sequence[ImageInfo]) -> None:
    """Print one table per path, files that are alike in one row, then what is missing."""
    for info in found:
        groups: dict[tuple[object, ...], list[FileInfo]] = {}
        for file in info.files:
            groups.setdefault(_likeness(file), []).append(file)
        console.print(make_table(f"case {info.case_id}", _COLUMNS, map(_row, groups.values())))
        for note in dict.fromkeys(note for file in info.files for note in file.notes):
            console.print(f"  note: {escape(note)}", soft_wrap=True)
        for problem in info.problems:
            console.print(f"  [red]missing[/]: {escape(problem)}", soft_wrap=True)
        if info.ready:
            fields = "1 field" if len(info.fields) == 1 else f"{len(info.fields)} fields"
            console.print(f"  ready to score: {fields}, probe {escape(info.probe)}")


def _likeness(file: FileInfo) -> tuple[object, ...]:
    return (
        file.kind,
        file.axes,
        file.shape,
        file.dtype,
        file.channels,
        file.pixel_size_um,
        file.pixel_size_source,
        file.z_step_um,
        file.levels,
    )


def _row(files: Sequence[FileInfo]) -> tuple[str, ...]:
    first, last = files[0], files[-1]
    names = [_file_name(first), *(["...", _file_name(last)] if len(files) > 1 else [])]
    size = [f"{first.pixel_size_um:g} um"] if first.pixel_size_um else []
    return (
        "\n".join([*names, *([f"({len(files)} files)"] if len(files) > 1 else [])]),
        "\n".join([first.kind, first.dtype, _shape(first), *_levels(first)]),
        "\n".join(map(_channel, first.channels)),
        "\n".join([*size, first.pixel_size_source, *_planes(first)]),
    )


def _file_name(file: FileInfo) -> str:
    name = file.path.rpartition("/")[2] if isinstance(file.path, str) else file.path.name
    return f"{name}, scene {file.scene}" if file.scene else name


def _planes(file: FileInfo) -> list[str]:
    if file.n_planes == 1:
        return []
    step = f"{file.z_step_um:g} um" if file.z_step_um else "unknown"
    return [f"{file.n_planes} planes, z step {step}", file.z_step_source]


def _shape(file: FileInfo) -> str:
    return f"{file.axes} {'x'.join(map(str, file.shape))}"


def _levels(file: FileInfo) -> list[str]:
    """Return the tiles, and the sizes of the lower levels if there are any."""
    full, *lower = file.levels
    tiles = [f"tiles {full.tile[0]}x{full.tile[1]}"] if full.tile != full.shape else []
    sizes = [f"level /{level.downsample:g} {level.shape[0]}x{level.shape[1]}" for level in lower]
    return [*tiles, *sizes]


def _channel(channel: ChannelInfo) -> str:
    meaning = " ".join(part for part in (channel.role, channel.end) if part) or "no role"
    return f"{channel.index} {channel.name or '(no name)'}: {meaning}"


def info_as_json(info: ImageInfo) -> dict[str, Any]:
    """Return a description as JSON values."""
    plain = asdict(info)
    plain["path"] = str(info.path)
    plain["files"] = [{**file, "path": str(file["path"])} for file in plain["files"]]
    return {**plain, "ready": info.ready}
