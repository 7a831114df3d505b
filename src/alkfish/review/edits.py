"""Edits of a reader: spots added, moved or deleted, nuclei merged or declumped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alkfish.errors import ReviewError
from alkfish.model.probe import ProbeEnd


@dataclass(frozen=True)
class SpotAdded:
    """A signal that the machine missed. A diameter of 0 takes the usual one of the field.

    In a focus stack ``z_um`` is its depth from the first plane; below 0: not said.
    """

    fov: str
    nucleus_id: int
    end: ProbeEnd
    y_px: float
    x_px: float
    diameter_um: float = 0.0
    z_um: float = -1.0


@dataclass(frozen=True)
class SpotMoved:
    """A spot belongs elsewhere; ``nucleus_id`` is the nucleus it lies in then, 0 for none.

    It keeps its depth.
    """

    fov: str
    spot_id: int
    y_px: float
    x_px: float
    nucleus_id: int


@dataclass(frozen=True)
class SpotDeleted:
    """A spot is no signal."""

    fov: str
    spot_id: int


@dataclass(frozen=True)
class NucleiMerged:
    """Several outlines are one nucleus; it keeps the smallest of the ids."""

    fov: str
    nucleus_ids: tuple[int, ...]


@dataclass(frozen=True)
class NucleusDeclumped:
    """An outline holds several nuclei, parted by a line through the points ``cut`` (y, x), in px.

    The largest part keeps the id; the others get new ids after the largest of the field.
    """

    fov: str
    nucleus_id: int
    cut: tuple[tuple[float, float], ...]


Edit = SpotAdded | SpotMoved | SpotDeleted | NucleiMerged | NucleusDeclumped

EDITS: Mapping[str, Callable[..., Edit]] = {
    "spot_added": SpotAdded,
    "spot_moved": SpotMoved,
    "spot_deleted": SpotDeleted,
    "nuclei_merged": NucleiMerged,
    "nucleus_declumped": NucleusDeclumped,
}
"""Names of the edits in the log: part of the store's format."""


def edit_to_payload(edit: Edit) -> dict[str, Any]:
    """Return an edit as plain JSON values; the inverse of `edit_from_payload`."""
    name = next(name for name, kind in EDITS.items() if kind is type(edit))
    return {"edit": name} | asdict(edit)


def edit_from_payload(payload: Mapping[str, Any]) -> Edit:
    """Return the edit that a payload of the log describes.

    Raises
    ------
    ReviewError
        If it is not one.
    """
    values = dict(payload)
    name = values.pop("edit", "")
    try:
        if name == "spot_added":
            values["end"] = ProbeEnd(values["end"])
        elif name == "nuclei_merged":
            values["nucleus_ids"] = tuple(int(number) for number in values["nucleus_ids"])
        elif name == "nucleus_declumped":
            values["cut"] = tuple((float(y), float(x)) for y, x in values["cut"])
        return EDITS[name](**values)
    except (KeyError, TypeError, ValueError) as error:
        raise ReviewError(
            "the log holds an edit that this version does not know", found=dict(payload)
        ) from error
