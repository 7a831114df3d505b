"""Which files are pictures, and a guard that turns any decoder failure into one clear error."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alkfish.errors import AlkfishError, ImageError

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")
RASTER_SUFFIXES = (".png", ".jpg", ".jpeg")
PICTURE_SUFFIXES = TIFF_SUFFIXES + RASTER_SUFFIXES

UNSUPPORTED = {
    ".czi": "Zeiss CZI",
    ".nd2": "Nikon ND2",
    ".lif": "Leica LIF",
    ".oir": "Olympus OIR",
    ".oib": "Olympus OIB",
    ".vsi": "Olympus VSI",
    ".mrxs": "3DHISTECH MRXS",
    ".svs": "Aperio SVS",
    ".ndpi": "Hamamatsu NDPI",
    ".scn": "Leica SCN",
    ".qptiff": "Akoya QPTIFF",
    ".zvi": "Zeiss ZVI",
    ".lsm": "Zeiss LSM",
    ".stk": "MetaMorph STK",
    ".ims": "Imaris IMS",
    ".zarr": "OME-Zarr",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WebP",
    ".jp2": "JPEG 2000",
    ".jxr": "JPEG XR",
    ".dcm": "DICOM",
}
"""Picture formats that are recognised but not read, with their names."""

# What decoders raise on damaged files. Other exceptions are our own mistakes and stay visible.
_DECODER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError, struct.error,
)  # fmt: skip


def stem_of(path: Path) -> str:
    """Return a file's name without its suffixes: ``a.b.ome.tif`` gives ``a.b``."""
    name = path.name
    lowered = name.lower()
    for suffix in (*PICTURE_SUFFIXES, *UNSUPPORTED):
        if lowered.endswith(suffix):
            name = name[: -len(suffix)]
            return name[:-4] if name.lower().endswith(".ome") else name
    return name


def is_picture(path: Path) -> bool:
    """Whether the name is that of a readable picture format."""
    return path.name.lower().endswith(PICTURE_SUFFIXES)


def unsupported_format(path: Path) -> str:
    """Return the name of a picture format that is recognised but not read; empty if none."""
    return UNSUPPORTED.get(path.suffix.lower(), "")


def unsupported_error(path: Path) -> ImageError:
    """Return the error for a picture in a format that is not read."""
    return ImageError(
        f"{unsupported_format(path)} files cannot be read yet",
        where=path,
        allowed="TIFF, OME-TIFF, ImageJ TIFF, PNG, JPEG",
        remedy="export it as OME-TIFF from the microscope's software, or with Fiji and Bio-Formats",
    )


class _LogKeeper(logging.Filter):
    """Keeps what the TIFF library logs while this thread reads, instead of printing it."""

    def __init__(self) -> None:
        super().__init__()
        self.active = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        kept: list[str] | None = getattr(self.active, "kept", None)
        if kept is None:
            return True
        kept.append(record.getMessage())
        return False


_KEEPER = _LogKeeper()


@contextmanager
def guarded(path: Path) -> Iterator[list[str]]:
    """Read `path` inside this context: failures become ImageError, log lines are kept.

    Yields
    ------
    list of str
        What the TIFF library logged so far.
    """
    logging.getLogger("tifffile").addFilter(_KEEPER)  # adding it again has no effect
    outer: list[str] | None = getattr(_KEEPER.active, "kept", None)
    kept: list[str] = []
    _KEEPER.active.kept = kept
    try:
        yield kept
    except AlkfishError:
        raise
    except _DECODER_ERRORS as error:
        raise _reading_error(path, error) from error
    finally:
        _KEEPER.active.kept = outer


def _reading_error(path: Path, error: Exception) -> ImageError:
    if isinstance(error, FileNotFoundError):
        return ImageError(
            "there is no such file", where=path, remedy="check the path and its spelling"
        )
    if isinstance(error, PermissionError):
        return ImageError(
            "the file may not be read", where=path, remedy="ask for permission to read it"
        )
    if isinstance(error, MemoryError):
        return ImageError(
            "the picture does not fit into memory", where=path, remedy="crop it or export fields"
        )
    return ImageError(
        "the picture is damaged or not of the format its name says",
        where=path,
        found=(str(error) or type(error).__name__).splitlines()[0][:200],
        remedy="open it in the microscope's software or Fiji and export it again",
    )
