"""An image opened in napari as a picture on disk that can be scored, checked and found again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from alkfish.errors import InputError, OutputError, output_errors
from alkfish.io.bundle import folder_name
from alkfish.io.channels import ROLES, find_roles
from alkfish.model.fov import PIXEL_SIZE_RANGE_UM

FOLDER = "pictures"
"""Folder within the results in which pictures of layers are kept."""

_MAKE_ROOM = "check the permissions of the folder and the space left, or choose another folder"

MOST_PX = 128 * 1024 * 1024
"""Largest plane that is copied; a slide is scored from its file."""

_CHANNEL_NAMES = {"dapi": "DAPI", "red": "Red", "green": "Green"}
_PER_UM = {"micrometer": 1.0, "micrometre": 1.0, "um": 1.0, "µm": 1.0, "nanometer": 1e-3}


def usual_roles(names: Sequence[str]) -> dict[str, int]:
    """Return which names clearly are DAPI, red and green; unclear ones are left to the person."""
    found = find_roles(names)
    return {role: found[role][0] for role in ROLES if len(found.get(role, [])) == 1}


def pixel_size_of(layer: Any) -> float:
    """Return the pixel size of a layer in micrometres; 0 if the layer does not say it.

    A scale without a unit of length says nothing: napari's default is 1.
    """
    units = [str(unit) for unit in layer.units[-2:]]
    y, x = (float(value) * _PER_UM.get(unit, 0.0) for value, unit in zip(
        layer.scale[-2:], units, strict=True
    ))  # fmt: skip
    low, high = PIXEL_SIZE_RANGE_UM
    return x if low <= x <= high and abs(y - x) <= 0.01 * x else 0.0


def planes_of(layers: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Return the pixels of the layers of the three roles.

    Raises
    ------
    InputError
        If a role has no layer or two have the same, the shapes differ, they are no single planes
        or stacks, or too large to be copied.
    """
    chosen = [layers.get(role) for role in ROLES]
    if any(layer is None for layer in chosen) or len({id(layer) for layer in chosen}) < len(ROLES):
        raise InputError(
            "the channels are not clear",
            found=", ".join(
                f"{role}: {'no layer' if layer is None else layer.name}"
                for role, layer in zip(ROLES, chosen, strict=True)
            ),
            allowed="three different layers",
            remedy="choose the layer of each channel",
        )
    planes = {role: _pixels(layers[role]) for role in ROLES}
    shapes = {role: plane.shape for role, plane in planes.items()}
    if len(set(shapes.values())) > 1:
        raise InputError(
            "the layers of the channels have different sizes",
            found="; ".join(
                f"{role}: {' x '.join(map(str, shape))}" for role, shape in shapes.items()
            ),
            allowed="three layers of the same height, width and number of planes",
            remedy="choose the layers of one picture",
        )
    return planes


def write_picture(
    planes: Mapping[str, npt.NDArray[Any]], results: Path, case_id: str, *, pixel_size_um: float
) -> Path:
    """Write the channels as OME-TIFF into the folder of results; pixels are not changed.

    Raises
    ------
    OutputError
        If there is a picture of another case already, or it cannot be written.
    """
    target = results / FOLDER / f"{folder_name(case_id)}.ome.tif"
    if target.exists():
        raise OutputError(
            "there is a picture of this name already",
            where=target,
            remedy="give the case another name",
        )
    pixels = np.stack([planes[role] for role in ROLES], axis=-3)
    metadata = {
        "axes": "ZCYX" if pixels.ndim == 4 else "CYX",
        "Channel": {"Name": [_CHANNEL_NAMES[role] for role in ROLES]},
        "PhysicalSizeX": pixel_size_um, "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": pixel_size_um, "PhysicalSizeYUnit": "µm",
    }  # fmt: skip
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with output_errors("the picture cannot be written", target, remedy=_MAKE_ROOM):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            tifffile.imwrite(
                partial, pixels, photometric="minisblack", compression="zlib", metadata=metadata,
                ome=True, software="alkfish",
            )  # fmt: skip
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target


def _pixels(layer: Any) -> npt.NDArray[Any]:
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(int(side) for side in data.shape)
    if layer.rgb or len(shape) not in (2, 3) or int(np.prod(shape[-2:])) > MOST_PX:
        raise InputError(
            "the layer cannot be scored",
            where=layer.name,
            found="a colour picture" if layer.rgb else f"shape {shape}",
            allowed="one channel each: a plane, or a focus stack; whole slides from their file",
            remedy="open the channels as layers of their own, or score the file",
        )
    return np.asarray(data)
