"""Where the pictures of scored cases lie: a small file beside the bundles, with relative paths.

A result names its pictures by checksum, which finds nothing. This file finds them; the checksum
then says whether they are the right ones. It may be lost or wrong without harm: nothing but the
display of pictures hangs on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from alkfish.errors import InputError, output_errors
from alkfish.io.images import Case, open_case
from alkfish.model.probe import ProbeProfile

PICTURES = "pictures.json"
"""Name of the file in the folder of results."""


@dataclass(frozen=True)
class PicturePlace:
    """The pictures of a case and how they were read.

    Attributes
    ----------
    images : tuple of Path or str
        Pictures or folders; URLs are texts. Empty: not known.
    channels : mapping of str to int
        Channels given by hand for the roles dapi, red and green; empty leaves them to the files.
    pixel_size_um, z_step_um : float
        Given by hand, in micrometres; 0 leaves them to the files.
    scene : str
        Scene that was read; empty: all.
    """

    images: tuple[Path | str, ...] = ()
    channels: Mapping[str, int] = field(default_factory=dict)
    pixel_size_um: float = 0.0
    z_step_um: float = 0.0
    scene: str = ""


def remember_pictures(out_dir: str | Path, case_id: str, place: PicturePlace) -> None:
    """Note where the pictures of a case lie, relative to the folder of results.

    Raises
    ------
    OutputError
        If the note cannot be written.
    """
    out = Path(out_dir)
    noted = _read(out)
    noted[case_id] = {
        "images": [_relative(image, out) for image in place.images],
        "channels": dict(place.channels),
        "pixel_size_um": place.pixel_size_um,
        "z_step_um": place.z_step_um,
        "scene": place.scene,
    }
    text = json.dumps(dict(sorted(noted.items())), indent=1, ensure_ascii=False) + "\n"
    partial = out / f".{PICTURES}.{os.getpid()}.partial"
    with output_errors("the places of the pictures cannot be noted", out / PICTURES):
        try:
            partial.write_text(text, encoding="utf-8", newline="\n")
            partial.replace(out / PICTURES)
        finally:
            partial.unlink(missing_ok=True)


def recall_pictures(out_dir: str | Path, case_id: str) -> PicturePlace:
    """Return where the pictures of a case lie; without images if that is not known.

    Whether there is still anything is not looked at.
    """
    out = Path(out_dir)
    told = _read(out).get(case_id, {})
    try:
        return PicturePlace(
            images=tuple(_absolute(str(image), out) for image in told.get("images", ())),
            channels={str(k): int(v) for k, v in dict(told.get("channels", {})).items()},
            pixel_size_um=float(told.get("pixel_size_um", 0.0)),
            z_step_um=float(told.get("z_step_um", 0.0)),
            scene=str(told.get("scene", "")),
        )
    except (AttributeError, TypeError, ValueError):
        return PicturePlace()


def open_pictures(place: PicturePlace, case_id: str, probe: ProbeProfile) -> Case:
    """Open the pictures of a case as they were opened for scoring; no pixels are read.

    Raises
    ------
    InputError
        If no place is known, or there is nothing to read.
    """
    if not place.images:
        raise InputError("it is not known where the pictures of the case lie", where=case_id)
    parts = [
        open_case(
            image,
            probe=probe,
            channels=dict(place.channels) or None,
            pixel_size_um=place.pixel_size_um or None,
            z_step_um=place.z_step_um or None,
            scene=place.scene or None,
            case_id=case_id,
        )
        for image in place.images
    ]
    sources = [source for part in parts for source in part.fields]
    return Case(case_id, tuple(sorted(sources, key=lambda source: source.name)))


def _read(out: Path) -> dict[str, Any]:
    try:
        noted = json.loads((out / PICTURES).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _relative(image: Path | str, out: Path) -> str:
    if isinstance(image, str):
        return image
    try:
        return PurePath(os.path.relpath(image.absolute(), out.absolute())).as_posix()
    except ValueError:  # another drive of Windows
        return image.absolute().as_posix()


def _absolute(text: str, out: Path) -> Path | str:
    if "://" in text:
        return text
    return Path(os.path.normpath(out.absolute() / text))
