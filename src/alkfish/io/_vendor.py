"""What the readers of microscope formats share: one header for all, refusals, missing packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from alkfish.errors import ImageError
from alkfish.io._files import PLUGIN_SUFFIXES, VENDOR_SUFFIXES
from alkfish.io._metadata import PixelSize
from alkfish.io._picture import Level, Picture, check_size


def need(module: str, path: Path, *, extra: str = "formats") -> Any:
    """Import the package that reads a format; only now, because it may be slow.

    Raises
    ------
    ImageError
        If it is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = (VENDOR_SUFFIXES | PLUGIN_SUFFIXES).get(path.suffix.lower(), path.suffix)
        raise ImageError(
            f"{name} files need a package that is not installed",
            where=path,
            found=f"no module {module.partition('.')[0]}",
            remedy=f"python -m pip install 'alkfish[{extra}]', or export the picture as OME-TIFF",
        ) from error


def check_sizes(path: Path, sizes: Mapping[str, int], *, rgb: bool = False) -> None:
    """Refuse pictures with axes that a field cannot have.

    Parameters
    ----------
    path : Path
        For the message.
    sizes : mapping of str to int
        Length of each axis by its letter; axes of length 1 do no harm.
    rgb : bool
        Whether pixels are colours.

    Raises
    ------
    ImageError
        If there is more than one time point, angle or the like, y or x are missing, or pixels are
        colours.
    """
    strange = [a for a, n in sizes.items() if a not in ("C", "Z", "Y", "X") and n > 1]
    if strange or rgb or not {"Y", "X"} <= set(sizes):
        listed = ", ".join(f"{axis}: {length}" for axis, length in sizes.items())
        raise ImageError(
            "the picture has axes that a field cannot have",
            where=path,
            found=listed + (", with colour (RGB) pixels" if rgb else ""),
            allowed="Y, X, and optionally channels (C) and focus planes (Z); one time point; "
            "grey pixels",
            remedy="export one time point with y and x as OME-TIFF, or choose another with --scene",
        )


def make_header(
    path: Path, *, kind: str, reader: str, sizes: Mapping[str, int], dtype: object,
    names: Sequence[str], size: PixelSize, step: PixelSize, levels: Sequence[Level] = (),
    scene: str = "", scene_index: int = 0, n_scenes: int = 1,
) -> Picture:  # fmt: skip
    """Return the header of a picture with checked axes."""
    shape = sizes["Y"], sizes["X"]
    if not levels:
        check_size(path, *shape)
    axes = "".join(a for a in sizes if a in "CZYX")
    return Picture(
        path=path,
        kind=kind,
        reader=reader,
        axes=axes,
        shape=tuple(sizes[a] for a in axes),
        dtype=str(dtype),
        names=tuple(names) if len(names) == sizes.get("C", 1) else ("",) * sizes.get("C", 1),
        n_planes=sizes.get("Z", 1),
        pixel_size_um=size.um,
        size_source=size.source,
        square=size.square,
        z_step_um=step.um,
        step_source=step.source,
        levels=tuple(levels) or (Level(shape, 1.0, shape),),
        scene=scene,
        scene_index=scene_index,
        n_scenes=n_scenes,
    )
