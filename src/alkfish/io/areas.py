"""Outlined areas of a case, kept in its bundle: drawn by a reader, or given when it was scored."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.errors import InputError, output_errors
from alkfish.io.bundle import AREAS, folder_name
from alkfish.io.geojson import EXCLUDED_CLASSES, Area, Regions, read_regions
from alkfish.model.result import CaseResult

DRAWN = "areas-drawn"
"""Folder within a bundle of outlines that a reader has drawn, scored within or not."""

INCLUDE_CLASS, EXCLUDE_CLASS = "Tumor", EXCLUDED_CLASSES[0]
"""QuPath classes of areas to score and of areas to leave out."""

_TOLD = re.compile(r"within the outlines of (.*) count: .*SHA-256 of the areas ([0-9a-f]{64})")
_NAMELESS = "the areas"


def area_file(bundle: str | Path, fov: str) -> Path:
    """Return where the outlines of a field are kept in a bundle."""
    return Path(bundle) / AREAS / f"{folder_name(fov)}.geojson"


def write_areas(bundle: str | Path, regions: Mapping[str, Regions]) -> tuple[Path, ...]:
    """Write the outlines of each field into a bundle, in place of those that are there.

    Parameters
    ----------
    bundle : path-like
        Folder of a case.
    regions : mapping of str to Regions
        By name of the field; without any, only older files are removed.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    folder = Path(bundle) / AREAS
    with output_errors("the outlines cannot be written", folder):
        if folder.exists():
            shutil.rmtree(folder)
        for fov, areas in regions.items():
            write_regions(areas, area_file(bundle, fov))
    return tuple(area_file(bundle, fov) for fov in regions)


def write_regions(regions: Regions, path: str | Path) -> Path:
    """Write outlined areas as GeoJSON that QuPath and `read_regions` read.

    Parameters
    ----------
    regions : Regions
        Areas without a class get the usual one.
    path : path-like
        The file; an older one is replaced in one step.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    with output_errors("the outlines cannot be written", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(_text(regions) + "\n", encoding="utf-8", newline="\n")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target


def write_drawn(bundle: str | Path, fov: str, regions: Regions) -> Path:
    """Keep what a reader has drawn in a field, also that there is nothing; it changes no result.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    return write_regions(regions, _drawn_file(bundle, fov))


def drawn_areas(bundle: str | Path, fov: str, *, default: Regions) -> Regions:
    """Return what was drawn in a field; `default` if nobody has drawn there.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    file = _drawn_file(bundle, fov)
    if not file.is_file():
        return default
    is_empty = file.read_text("utf-8").strip() == _text(Regions(()))
    return Regions(()) if is_empty else read_regions(file)


def _drawn_file(bundle: str | Path, fov: str) -> Path:
    return Path(bundle) / DRAWN / f"{folder_name(fov)}.geojson"


def areas_of(bundle: str | Path, result: CaseResult) -> dict[str, Regions]:
    """Return the outlined areas by field that a result was scored within, from its bundle.

    Raises
    ------
    InputError
        If the result was scored within outlines that the bundle does not hold.
    """
    found: dict[str, Regions] = {}
    for fov, (name, checksum) in scored_areas(result).items():
        file = area_file(bundle, fov)
        regions = read_regions(file) if file.is_file() else Regions(())
        if regions.fingerprint() != checksum:
            raise InputError(
                "the case was scored within outlines that are not at hand",
                where=f"{result.case_id}, {fov}",
                found="other outlines" if file.is_file() else "no file",
                allowed=f"outlines with the SHA-256 {checksum}",
                remedy="load the outlines that were given with --roi",
            )
        found[fov] = replace(regions, name=name)
    return found


def scored_areas(result: CaseResult) -> dict[str, tuple[str, str]]:
    """Return name and checksum of the outlines by field that a result was scored within.

    They are read from its notes (`Regions.in_words`); fields that were scored whole are left out.
    """
    found = {}
    for fov, notes in result.notes.items():
        for match in filter(None, map(_TOLD.search, notes)):
            name, checksum = match.groups()
            found[fov] = ("" if name == _NAMELESS else name, checksum)
    return found


def _text(regions: Regions) -> str:
    named = [(area, INCLUDE_CLASS) for area in regions.include]
    named += [(area, EXCLUDE_CLASS) for area in regions.exclude]
    features = [_feature(area, area.class_name or usual) for area, usual in named]
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1)


def _feature(area: Area, name: str) -> dict[str, Any]:
    """Return an area as QuPath's annotation; coordinates count from the corner of a pixel."""
    rings = [np.asarray(ring[:, ::-1] + 0.5).tolist() for ring in area.rings]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": {"objectType": "annotation", "classification": {"name": name}},
    }
