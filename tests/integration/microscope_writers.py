"""Minimal LIF and ND2 files, byte by byte, and CZI files, with pixels that can be checked.

Only what a reader needs is written; the layout follows files of the microscopes: planes of a LIF
lie as (z, c, y, x) in one memory block per image, frames of an ND2 as (y, x, c), one chunk each.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

LIF_MARK, LIF_TEST = 0x70, 0x2A
ND2_MAGIC, ND2_NAME, ND2_FRAME_NAME = 0x0ABECEDA, 64, 4072


@dataclass(frozen=True)
class LifImage:
    """One image of a LIF file: pixels (Z, C, Y, X), and names as scanners or cameras keep them."""

    name: str
    pixels: np.ndarray
    dyes: Sequence[str] = ()
    filters: Sequence[str] = ()
    luts: Sequence[str] = ()
    pixel_size_um: float = 0.1
    z_step_um: float = 0.4

    def xml(self, block: str) -> str:
        """Return the element of the image."""
        n_planes, n_channels, height, width = self.pixels.shape
        size = self.pixels.itemsize
        plane = height * width * size
        luts = self.luts or ["Gray"] * n_channels
        channels = "".join(
            f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="{8 * size}" '
            'NameOfMeasuredQuantity="" Min="0" Max="65535" Unit="" '
            f'LUTName="{luts[c]}" IsLUTInverted="0" BytesInc="{c * plane}" BitInc="0">'
            + (_dye(self.dyes[c]) if self.dyes else "")
            + "</ChannelDescription>"
            for c in range(n_channels)
        )
        um = 1e-6
        axes = [(1, width, self.pixel_size_um, size), (2, height, self.pixel_size_um, width * size)]
        if n_planes > 1:
            axes.append((3, n_planes, self.z_step_um, n_channels * plane))
        dimensions = "".join(
            f'<DimensionDescription DimID="{number}" NumberOfElements="{n}" Origin="0" '
            f'Length="{(n - 1) * step * um:.9e}" Unit="m" BitInc="0" BytesInc="{stride}"/>'
            for number, n, step, stride in axes
        )
        return (
            f"<Element Name={quoteattr(self.name)}><Data><Image>"
            f"<ImageDescription><Channels>{channels}</Channels>"
            f"<Dimensions>{dimensions}</Dimensions></ImageDescription>{self._camera()}"
            f'</Image></Data><Memory Size="{self.pixels.nbytes}" MemoryBlockID="{block}"/>'
            "</Element>"
        )

    def _camera(self) -> str:
        infos = "".join(
            f"<WideFieldChannelInfo UserDefName={quoteattr(name)} "
            f'FluoCubeName="cube" Active="{int(bool(name))}"/>'
            for name in self.filters
        )
        return (
            '<Attachment Name="HardwareSetting"><ATLCameraSettingDefinition>'
            f"<WideFieldChannelConfigurator>{infos}</WideFieldChannelConfigurator>"
            "</ATLCameraSettingDefinition></Attachment>"
            if infos
            else ""
        )


def _dye(name: str) -> str:
    return f"<ChannelProperty><Key>DyeName</Key><Value>{name}</Value></ChannelProperty>"


def write_lif(path: Path, images: Sequence[LifImage]) -> Path:
    """Write a LIF file: a header of XML, then one memory block per image."""
    blocks = [f"MemBlock_{number}" for number in range(1, len(images) + 1)]
    children = "".join(image.xml(block) for image, block in zip(images, blocks, strict=True))
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="project"><Data><Experiment/></Data>'
        f'<Memory Size="0" MemoryBlockID="MemBlock_0"/><Children>{children}</Children>'
        "</Element></LMSDataContainerHeader>"
    )
    data = struct.pack("<IIBI", LIF_MARK, 2 * len(xml) + 5, LIF_TEST, len(xml))
    data += xml.encode("utf-16-le")
    for block, pixels in [("MemBlock_0", b""), *zip(blocks, map(_bytes, images), strict=True)]:
        data += struct.pack(
            "<IIBQBI", LIF_MARK, 2 * len(block) + 14, LIF_TEST, len(pixels), LIF_TEST, len(block)
        )
        data += block.encode("utf-16-le") + pixels
    path.write_bytes(data)
    return path


def _bytes(image: LifImage) -> bytes:
    return np.ascontiguousarray(image.pixels).tobytes()


def write_nd2(
    path: Path, pixels: np.ndarray, names: Sequence[str], *, pixel_size_um: float = 0.1,
    z_step_um: float = 0.4, calibrated: bool = True, n_times: int = 1,
) -> Path:  # fmt: skip
    """Write an ND2 file of version 3 from pixels of shape (positions, Z, C, Y, X)."""
    positions, n_planes, n_channels, height, width = pixels.shape
    frames = [np.moveaxis(frame, 0, 2) for frame in pixels.reshape(-1, *pixels.shape[2:])]
    frames *= n_times
    attributes = {
        "uiWidth": width, "uiWidthBytes": width * n_channels * pixels.itemsize, "uiHeight": height,
        "uiComp": n_channels, "uiBpcInMemory": 8 * pixels.itemsize,
        "uiBpcSignificant": 8 * pixels.itemsize, "uiSequenceCount": len(frames),
        "eCompression": 2,
    }  # fmt: skip
    planes = {
        f"a{c}": {"uiCompCount": 1, "uiSampleIndex": 0, "uiModalityMask": 0x101, "uiColor": 0,
                  "sDescription": name, "pFluorescentProbe": {"m_sName": name}}
        for c, name in enumerate(names)
    }  # fmt: skip
    picture = {
        "sPicturePlanes": {"uiCount": n_channels, "uiCompCount": n_channels, "sPlaneNew": planes},
        "dCalibration": pixel_size_um, "bCalibrated": calibrated,
    }  # fmt: skip
    chunks = {
        "ImageAttributesLV!": _level({"SLxImageAttributes": attributes}),
        "ImageMetadataSeqLV|0!": _level({"SLxPictureMetadata": picture}),
    }
    loops = _loops(positions, n_planes, z_step_um, n_times)
    if loops:
        chunks["ImageMetadataLV!"] = _level({"SLxExperiment": loops})
    for number, frame in enumerate(frames):
        chunks[f"ImageDataSeq|{number}!"] = bytes(8) + np.ascontiguousarray(frame).tobytes()
    path.write_bytes(_nd2_file(chunks))
    return path


def _loops(positions: int, n_planes: int, z_step_um: float, n_times: int) -> dict[str, object]:
    """Return the acquisition: times, in each the positions, at each a focus stack."""
    found: dict[str, object] = {}
    if n_planes > 1:
        stack = {"uiCount": n_planes, "dZStep": z_step_um}
        found = {"eType": 4, "uLoopPars": stack}
    if positions > 1:
        points = {f"i{k:010}": {"dPosX": 0.0, "dPosY": 0.0, "dPosZ": 0.0} for k in range(positions)}
        found = _outer(2, {"Points": points, "bUseZ": False}, found)
    if n_times > 1:
        times = {"uiCount": n_times, "dStart": 0.0, "dPeriod": 1.0, "dDuration": 1.0}
        found = _outer(1, times, found)
    return found


def _outer(kind: int, parameters: object, inner: dict[str, object]) -> dict[str, object]:
    loop: dict[str, object] = {"eType": kind, "uLoopPars": parameters}
    return loop | ({"ppNextLevelEx": {"i0000000000": inner}} if inner else {})


def _level(values: Mapping[str, object]) -> bytes:
    """Return values in Nikon's binary form: kind, name in UTF-16, value; levels can be nested."""
    return b"".join(_value(name, value) for name, value in values.items())


def _value(name: str, value: object) -> bytes:
    text = (name + "\0").encode("utf-16-le")

    def head(kind: int) -> bytes:
        return struct.pack("BB", kind, len(name) + 1) + text

    if isinstance(value, Mapping):
        body = _level(value)
        length = 2 + len(text) + 12 + len(body)
        return head(11) + struct.pack("<IQ", len(value), length) + body + bytes(8 * len(value))
    if isinstance(value, bool):
        return head(1) + struct.pack("<B", value)
    if isinstance(value, int):
        return head(3) + struct.pack("<I", value)
    if isinstance(value, float):
        return head(6) + struct.pack("<d", value)
    return head(8) + (str(value) + "\0").encode("utf-16-le")


def _nd2_file(chunks: Mapping[str, bytes]) -> bytes:
    file = _chunk("ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0".ljust(64, b"\0"), 32)
    places = b""
    for name, data in chunks.items():
        places += name.encode() + struct.pack("<QQ", len(file), len(data))
        file += _chunk(name, data, ND2_FRAME_NAME if name.startswith("ImageData") else ND2_NAME)
    start = len(file)
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", start)
    return file + _chunk("ND2 FILEMAP SIGNATURE NAME 0001!", places + end, ND2_NAME)


def _chunk(name: str, data: bytes, room: int) -> bytes:
    return struct.pack("<IIQ", ND2_MAGIC, room, len(data)) + name.encode().ljust(room, b"\0") + data


def write_czi(
    path: Path, pixels: np.ndarray, names: Sequence[str], *, pixel_size_um: float = 0.1,
    z_step_um: float = 0.4,
) -> Path:  # fmt: skip
    """Write a CZI file with Zeiss's own library from pixels of shape (scenes, Z, C, Y, X)."""
    from pylibCZIrw import czi

    with czi.create_czi(str(path)) as file:
        for scene, z, c in np.ndindex(pixels.shape[:3]):
            file.write(
                pixels[scene, z, c], plane={"C": c, "Z": z, "T": 0}, scene=scene,
                location=(scene * 2 * pixels.shape[4], 0),
            )  # fmt: skip
        file.write_metadata(
            document_name=path.stem, channel_names=dict(enumerate(names)),
            scale_x=pixel_size_um * 1e-6, scale_y=pixel_size_um * 1e-6, scale_z=z_step_um * 1e-6,
        )  # fmt: skip
    return path
