"""Which files are pictures, and a guard that turns any decoder failure into one clear error."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alkfish.errors import AlkfishError, ImageError

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".qptiff")
RASTER_SUFFIXES = (".png", ".jpg", ".jpeg")
PICTURE_SUFFIXES = TIFF_SUFFIXES + RASTER_SUFFIXES

VENDOR_SUFFIXES = {".czi": "Zeiss CZI", ".nd2": "Nikon ND2", ".lif": "Leica LIF"}
"""Microscope formats that are read with the extra ``formats``."""

PLUGIN_SUFFIXES = {
    ".lsm": "Zeiss LSM",
    ".zvi": "Zeiss ZVI",
    ".oir": "Olympus OIR",
    ".oib": "Olympus OIB",
    ".stk": "MetaMorph STK",
    ".ims": "Imaris IMS",
    ".dv": "DeltaVision DV",
    ".sldy": "SlideBook SLDY",
    ".dcm": "DICOM",
}
"""Microscope formats that are read if a bioio plug-in for them is installed."""

SLIDE_SUFFIXES = {
    ".mrxs": "3DHISTECH MRXS",
    ".vsi": "Olympus VSI",
    ".scn": "Leica SCN",
    ".svs": "Aperio SVS",
    ".ndpi": "Hamamatsu NDPI",
    ".afi": "Aperio AFI",
    ".bif": "Ventana BIF",
}
"""Slide formats whose fluorescence channels no Python reader opens: they have to be converted."""

UNSUPPORTED = SLIDE_SUFFIXES | {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WebP",
    ".jp2": "JPEG 2000",
    ".jxr": "JPEG XR",
}
"""Picture formats that are recognised but not read, with their names."""

ZARR_SUFFIXES = (".zarr", ".zarr.zip", ".ozx")

FORMATS_READ = (
    "TIFF, OME-TIFF, ImageJ TIFF, OME-Zarr, PNG, JPEG; with the extra formats CZI, ND2, LIF"
)

# What decoders raise on damaged files. Other exceptions are our own mistakes and stay visible.
_DECODER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError, struct.error,
)  # fmt: skip


def stem_of(path: Path) -> str:
    """Return a file's name without its suffixes: ``a.b.ome.tif`` gives ``a.b``."""
    name = path.name
    lowered = name.lower()
    known = (*ZARR_SUFFIXES[::-1], *PICTURE_SUFFIXES, *VENDOR_SUFFIXES, *PLUGIN_SUFFIXES)
    for suffix in (*known, *UNSUPPORTED):
        if lowered.endswith(suffix):
            name = name[: -len(suffix)]
            return name[:-4] if name.lower().endswith(".ome") else name
    return name


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture format that is read, perhaps with an extra."""
    name = path.name.lower()
    known = (*PICTURE_SUFFIXES, *ZARR_SUFFIXES, *VENDOR_SUFFIXES, *PLUGIN_SUFFIXES)
    return name.endswith(known)


def is_zarr(path: Path) -> bool:
    """Whether a file or folder is a zarr store by its name, or a folder by what is in it."""
    if path.name.lower().endswith(ZARR_SUFFIXES):
        return True
    return path.is_dir() and any(
        (path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs")
    )


def is_zarr_image(path: Path) -> bool:
    """Whether a folder or zip file is an OME-Zarr image, and not another zarr store."""
    if not is_zarr(path) or path.is_file():
        return is_zarr(path)
    texts = [path / name for name in ("zarr.json", ".zattrs")]
    found = "".join(text.read_text("utf-8", "replace") for text in texts if text.is_file())
    return "multiscales" in found or "bioformats2raw" in found


def is_vendor_copy(path: Path, stems: set[str]) -> bool:
    """Whether a microscope file lies beside a readable picture of the same name."""
    suffix = path.suffix.lower()
    return (suffix in VENDOR_SUFFIXES or suffix in PLUGIN_SUFFIXES) and stem_of(path) in stems


def unsupported_format(path: Path) -> str:
    """Return the name of a picture format that is recognised but not read; empty if none."""
    return UNSUPPORTED.get(path.suffix.lower(), "")


def unsupported_error(path: Path) -> ImageError:
    """Return the error for a picture in a format that is not read."""
    if path.suffix.lower() in SLIDE_SUFFIXES:
        remedy = (
            f"convert it once to OME-Zarr: bioformats2raw {path.name} {stem_of(path)}.zarr, and "
            "score that; see the page 'Microscope files' of the documentation"
        )
    else:
        remedy = (
            "export it as OME-TIFF from the microscope's software, or with Fiji and Bio-Formats"
        )
    return ImageError(
        f"{unsupported_format(path)} files cannot be read",
        where=path,
        allowed=FORMATS_READ,
        remedy=remedy,
    )


# Packages whose own exceptions are no kind of the built-in ones.
_FOREIGN = frozenset(
    {"aiohttp", "bioio", "bioio_base", "botocore", "liffile", "nd2", "zarr", "zipfile", "zlib"}
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
def guarded(path: Path | str) -> Iterator[list[str]]:
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
    except Exception as error:
        if type(error).__module__.partition(".")[0] in _FOREIGN:
            raise _reading_error(path, error) from error
        raise
    finally:
        _KEEPER.active.kept = outer


def _reading_error(path: Path | str, error: Exception) -> ImageError:
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
