"""PNG and JPEG pictures: header by hand, pixels by imagecodecs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alkfish.errors import ImageError
from alkfish.io._picture import RGB_NAMES, Level, Picture, check_size
from alkfish.model.table import Array
from alkfish.model.window import Window

JPEG_NOTE = "JPEG is lossy: dim and small signals may be lost or altered"

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_SAMPLES = {0: 1, 2: 3, 4: 2, 6: 4}
# Start-of-frame markers: all of FFC0 to FFCF but the tables C4, C8 and CC.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class _Header:
    kind: str
    height: int
    width: int
    samples: int
    bits: int


def read_raster_header(path: Path) -> Picture:
    """Read the header of a PNG or JPEG file.

    Raises
    ------
    ImageError
        If it is damaged, too large, 1-bit, has indexed colours or an unknown number of samples.
    """
    data = path.read_bytes()
    header = _png_header(data, path) if data.startswith(_PNG_MAGIC) else _jpeg_header(data, path)
    check_size(path, header.height, header.width)
    rgb = header.samples >= 3
    return Picture(
        path=path,
        kind=header.kind,
        axes="YXS" if header.samples > 1 else "YX",
        shape=(header.height, header.width, *([header.samples] if header.samples > 1 else [])),
        dtype="uint16" if header.bits > 8 else "uint8",
        names=RGB_NAMES if rgb else ("",),
        reader="raster",
        levels=(Level((header.height, header.width), 1.0, (header.height, header.width)),),
        rgb=rgb,
        notes=(JPEG_NOTE,) if header.kind == "JPEG" else (),
        size_source=f"{header.kind} files keep no pixel size of a microscope",
    )


class RasterReader:
    """A decoded PNG or JPEG picture: these formats have no parts."""

    def __init__(self, picture: Picture) -> None:
        import imagecodecs

        data = picture.path.read_bytes()
        decode = imagecodecs.png_decode if picture.kind == "PNG" else imagecodecs.jpeg8_decode
        image = np.asarray(decode(data))
        if image.shape != picture.shape:
            raise ImageError(
                "the decoded picture has another shape than its header says",
                where=picture.path,
                found=f"{image.shape}, header {picture.shape}",
                remedy="export it again",
            )
        self._samples = image.reshape(*image.shape[:2], -1)

    def read(self, channel: int, plane: int, level: int, window: Window, *, keep: bool) -> Array:
        """Return one window of a channel."""
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        return np.ascontiguousarray(self._samples[rows, columns, channel])

    def close(self) -> None:
        """Forget the pixels."""
        self._samples = self._samples[:0]


def open_reader(picture: Picture) -> RasterReader:
    """Decode the file of `picture`."""
    return RasterReader(picture)


def _png_header(data: bytes, path: Path) -> _Header:
    width, height, bits, colour = struct.unpack(">IIBB", data[16:26])
    if colour == 3:
        raise ImageError(
            "the picture has indexed colours", where=path, found="PNG with a palette",
            allowed="grey or RGB", remedy="export it as RGB or grey, 8 or 16 bit",
        )  # fmt: skip
    if bits not in (8, 16):
        raise ImageError(
            "the picture has too few grey levels", where=path, found=f"{bits} bit",
            allowed="8 or 16 bit", remedy="export the raw picture, not a mask or a reduced copy",
        )  # fmt: skip
    if b"IEND" not in data[-64:]:
        raise _truncated(path, "no end mark of the PNG")
    return _Header("PNG", height, width, _PNG_SAMPLES[colour], bits)


def _jpeg_header(data: bytes, path: Path) -> _Header:
    """Walk the JPEG segments up to the pixels; refuse what libjpeg would fill with grey."""
    if not data.startswith(b"\xff\xd8"):
        raise ImageError(
            "this is not a PNG or JPEG picture",
            where=path,
            found=f"first bytes {data[:8].hex(' ')}",
            remedy="check the file's suffix, or export it again",
        )
    frame, position = None, 2
    while position + 4 <= len(data):
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        if data[position] != 0xFF or length < 2:
            break
        if marker in _JPEG_FRAMES:
            bits, height, width, samples = struct.unpack(
                ">BHHB", data[position + 4 : position + 10]
            )
            frame = _Header("JPEG", height, width, samples, bits)
        position += 2 + length
        if marker == 0xDA:
            return _checked_jpeg(frame, has_end=data.find(b"\xff\xd9", position) >= 0, path=path)
    raise _truncated(path, "no pixels in the JPEG")


def _checked_jpeg(frame: _Header | None, *, has_end: bool, path: Path) -> _Header:
    if frame is None or not has_end:
        raise _truncated(path, "no end mark of the JPEG" if frame else "no frame in the JPEG")
    if frame.samples not in (1, 3) or frame.bits != 8:
        raise ImageError(
            "this kind of JPEG cannot be read", where=path,
            found=f"{frame.samples} samples of {frame.bits} bit", allowed="8-bit grey or RGB",
            remedy="export it as TIFF, or as RGB",
        )  # fmt: skip
    return frame


def _truncated(path: Path, found: str) -> ImageError:
    return ImageError(
        "the picture is truncated", where=path, found=found, remedy="copy or export it again"
    )
