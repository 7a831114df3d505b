"""Opening cases: every layout of file and folder, roles, pixel sizes and probe ends."""

from __future__ import annotations

import os
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from alkfish.errors import ChannelError, ImageError, InputError, PixelSizeError
from alkfish.io.images import Case, open_case
from alkfish.io.probes import load_probe, probe_from_mapping, probe_to_mapping
from alkfish.model.fov import FieldOfView

NAMES = ["DAPI", "SpectrumOrange", "SpectrumGreen"]
SAID = {"dapi": 0, "red": 1, "green": 2}


def write_ome(path: Path, image: np.ndarray, axes: str = "CYX", **metadata: object) -> Path:
    meta = {
        "axes": axes, "Channel": {"Name": NAMES}, "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.1, "PhysicalSizeYUnit": "µm", **metadata,
    }  # fmt: skip
    meta = {key: value for key, value in meta.items() if value is not None}
    tifffile.imwrite(path, image, ome=True, metadata=meta, photometric="minisblack")
    return path


def only(case: Case) -> FieldOfView:
    (field,) = case
    return field


def assert_planes(field: FieldOfView, planes: np.ndarray) -> None:
    np.testing.assert_array_equal(field.dapi, planes[0])
    np.testing.assert_array_equal(field.three_prime, planes[1])
    np.testing.assert_array_equal(field.five_prime, planes[2])


# --- layouts of one file ---------------------------------------------------------------------


def test_ome_tiff(tmp_path: Path, planes: np.ndarray) -> None:
    case = open_case(write_ome(tmp_path / "case 7.v2.ome.tif", planes))
    assert case.case_id == "case 7.v2"
    assert len(case) == 1
    field = only(case)
    assert field.name == "case 7.v2"
    assert field.pixel_size_um == pytest.approx(0.1)
    assert field.notes == ()
    assert field.dapi.dtype == np.uint16
    assert_planes(field, planes)


def test_roles_follow_names_not_order(tmp_path: Path, planes: np.ndarray) -> None:
    names = {"Channel": {"Name": ["FITC", "Cy5", "DAPI", "TRITC"]}}
    image = np.stack([planes[2], planes[0] + 1, planes[0], planes[1]])
    assert_planes(only(open_case(write_ome(tmp_path / "a.ome.tif", image, **names))), planes)


def test_said_channels_win_over_names(tmp_path: Path, planes: np.ndarray) -> None:
    path = write_ome(tmp_path / "a.ome.tif", planes)
    field = only(open_case(path, channels={"dapi": 0, "red": 2, "green": 1}))
    assert_planes(field, planes[[0, 2, 1]])


def test_imagej_hyperstack(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    meta = {"axes": "CYX", "unit": "micron", "Labels": NAMES}
    tifffile.imwrite(path, planes, imagej=True, resolution=(8, 8), metadata=meta)
    field = only(open_case(path))
    assert field.pixel_size_um == pytest.approx(0.125)
    assert_planes(field, planes)


@pytest.mark.parametrize(("axes", "order"), [("ZCYX", (0, 1, 2, 3)), ("CZYX", (1, 0, 2, 3))])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_stack_is_projected_and_says_so(
    tmp_path: Path, axes: str, order: tuple[int, ...], compression: str | None
) -> None:
    stack = np.random.default_rng(1).integers(0, 999, (5, 3, 20, 30)).astype(np.uint16)
    meta = {"axes": axes, "Channel": {"Name": NAMES}, "PhysicalSizeX": 0.1}
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path, stack.transpose(order), ome=True, metadata=meta, photometric="minisblack",
        compression=compression,
    )  # fmt: skip
    field = only(open_case(path))
    (note,) = field.notes
    assert "5 planes projected (maximum)" in note
    assert "--z-step-um" in note
    assert_planes(field, stack.max(axis=0))


def test_imagej_stack_with_slice_labels(tmp_path: Path) -> None:
    stack = np.random.default_rng(1).integers(0, 999, (2, 3, 20, 30)).astype(np.uint16)
    labels = [f"c:{c + 1}/3 z:{z + 1}/2 - {NAMES[c]}" for z in range(2) for c in range(3)]
    meta = {"axes": "ZCYX", "unit": "\\u00B5m", "Labels": labels}
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, resolution=(10, 10), metadata=meta)
    assert_planes(only(open_case(tmp_path / "a.tif")), stack.max(axis=0))


def test_plain_multipage(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for plane in planes:
            writer.write(plane, contiguous=False, metadata=None)
    with pytest.raises(ChannelError, match=r"3 channels: 0 \(no name\)"):
        open_case(path, pixel_size_um=0.1)
    assert_planes(only(open_case(path, channels=SAID, pixel_size_um=0.1)), planes)


def test_page_names_are_channel_names(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for plane, name in zip(planes, NAMES, strict=True):
            writer.write(
                plane, contiguous=False, metadata=None, extratags=[(285, "s", 0, name, True)]
            )
    assert_planes(only(open_case(path, pixel_size_um=0.1)), planes)


@pytest.mark.parametrize("layout", ["CYX", "YXC", "YXS"])
def test_plain_array(tmp_path: Path, planes: np.ndarray, layout: str) -> None:
    path = tmp_path / "a.tif"
    image = planes if layout == "CYX" else np.moveaxis(planes, 0, 2)
    options = {"planarconfig": "contig"} if layout == "YXS" else {}
    tifffile.imwrite(path, image, photometric="minisblack", **options)
    field = only(open_case(path, channels=SAID, pixel_size_um=0.1))
    assert_planes(field, planes)
    assert field.dapi.flags.c_contiguous


def test_names_in_the_description(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    meta = {"axes": "CYX", "Channel": {"Name": NAMES}, "PhysicalSizeX": 0.2}
    tifffile.imwrite(path, planes, photometric="minisblack", metadata=meta)
    field = only(open_case(path))
    assert field.pixel_size_um == pytest.approx(0.2)
    assert_planes(field, planes)


@pytest.mark.parametrize("options", [
    {"compression": "zlib"}, {"compression": "lzw", "predictor": True}, {"tile": (16, 16)},
    {"compression": "zstd", "tile": (32, 32)}, {"byteorder": ">"}, {"bigtiff": True},
    {"rowsperstrip": 7},
])  # fmt: skip
def test_encodings(tmp_path: Path, planes: np.ndarray, options: dict) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planes, photometric="minisblack", **options)
    field = only(open_case(path, channels=SAID, pixel_size_um=0.1))
    assert_planes(field, planes)
    assert field.dapi.dtype == np.uint16
    assert field.dapi.dtype.isnative


@pytest.mark.parametrize(
    ("stored", "read"),
    [("uint8", "uint8"), ("uint16", "uint16"), ("uint32", "uint16"), ("int16", "uint16"),
     ("float32", "float32"), ("float64", "float32")],
)  # fmt: skip
def test_dtypes(tmp_path: Path, planes: np.ndarray, stored: str, read: str) -> None:
    image = (planes % 200).astype(stored)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    field = only(open_case(tmp_path / "a.tif", channels=SAID, pixel_size_um=0.1))
    assert field.dapi.dtype == read
    assert_planes(field, image)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".PNG"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [3, 4])
def test_rgb(tmp_path: Path, planes: np.ndarray, suffix: str, dtype: str, samples: int) -> None:
    rgb = np.stack([planes[1], planes[2], planes[0]], axis=-1).astype(dtype)
    if samples == 4:
        rgb = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        extra = {"extrasamples": ["unassalpha"]} if samples == 4 else {}
        tifffile.imwrite(path, rgb, photometric="rgb", **extra)
    else:
        path.write_bytes(imagecodecs.png_encode(rgb))
    field = only(open_case(path, pixel_size_um=0.1))
    assert field.notes == ()
    assert_planes(field, planes.astype(dtype))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg"])
def test_jpeg_is_read_with_a_caution(tmp_path: Path, suffix: str) -> None:
    y, x = np.mgrid[:64, :64]
    rgb = np.stack([2 * x, 2 * y, 0 * x + 90], axis=-1).astype(np.uint8)
    (tmp_path / f"a{suffix}").write_bytes(imagecodecs.jpeg8_encode(rgb, level=98))
    field = only(open_case(tmp_path / f"a{suffix}", pixel_size_um=0.1))
    assert "JPEG is lossy" in field.notes[0]
    assert np.abs(field.dapi.astype(int) - 90).max() < 12
    assert np.abs(field.three_prime.astype(int) - rgb[..., 0]).mean() < 4
    assert np.abs(field.five_prime.astype(int) - rgb[..., 1]).mean() < 4


def test_jpeg_inside_tiff_is_read_with_a_caution(tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :64]
    rgb = np.stack([2 * x, 2 * y, 0 * x + 90], axis=-1).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb", compression="jpeg")
    field = only(open_case(tmp_path / "a.tif", pixel_size_um=0.1))
    assert "lossy compression" in field.notes[0]
    assert np.abs(field.three_prime.astype(int) - rgb[..., 0]).mean() < 4
    assert np.abs(field.five_prime.astype(int) - rgb[..., 1]).mean() < 4


def test_stack_of_rgb(tmp_path: Path) -> None:
    stack = np.random.default_rng(1).integers(0, 255, (4, 20, 30, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="rgb", metadata={"axes": "ZYXS"})
    field = only(open_case(tmp_path / "a.tif", pixel_size_um=0.1))
    assert "4 planes projected (maximum)" in field.notes[0]
    assert_planes(field, np.moveaxis(stack.max(axis=0)[..., [2, 0, 1]], 2, 0))


def test_display_palette_of_imagej_is_ignored(tmp_path: Path, planes: np.ndarray) -> None:
    image = planes.astype(np.uint8)
    for name, plane in zip(NAMES, image, strict=True):
        colormap = np.zeros((3, 256), np.uint16)
        tifffile.imwrite(
            tmp_path / f"f_{name}.tif", plane, imagej=True, colormap=colormap, resolution=(10, 10),
            metadata={"unit": "um"},
        )  # fmt: skip
    assert_planes(only(open_case(tmp_path)), image)


def test_black_pictures_open(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 30, 3), np.uint8), photometric="rgb")
    assert not only(open_case(tmp_path / "a.tif", pixel_size_um=0.1)).dapi.any()


def test_pyramid_is_read_at_full_resolution(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.ome.tif"
    meta = {"axes": "CYX", "Channel": {"Name": NAMES}, "PhysicalSizeX": 0.1}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(planes, subifds=1, metadata=meta, photometric="minisblack", tile=(16, 16))
        writer.write(planes[:, ::2, ::2], subfiletype=1, photometric="minisblack", tile=(16, 16))
    assert_planes(only(open_case(path)), planes)


# --- probe ends ------------------------------------------------------------------------------


def test_colour_swapped_kit(tmp_path: Path, planes: np.ndarray) -> None:
    data = probe_to_mapping(load_probe())
    data["colours"] = {"three_prime": "green", "five_prime": "red"}
    path = write_ome(tmp_path / "a.ome.tif", planes)
    field = only(open_case(path, probe=probe_from_mapping(data)))
    assert_planes(field, planes[[0, 2, 1]])


# --- pixel size ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "unit", "um"),
    [(65, "nm", 0.065), (0.1, "µm", 0.1), (1e-4, "mm", 0.1), (1e-5, "cm", 0.1), (1e-7, "m", 0.1),
     (3.937e-6, "in", 0.1)],
)  # fmt: skip
def test_ome_units(tmp_path: Path, planes: np.ndarray, size: float, unit: str, um: float) -> None:
    meta = {
        "PhysicalSizeX": size, "PhysicalSizeXUnit": unit, "PhysicalSizeY": size,
        "PhysicalSizeYUnit": unit,
    }  # fmt: skip
    path = write_ome(tmp_path / "a.ome.tif", planes, **meta)
    assert only(open_case(path)).pixel_size_um == pytest.approx(um, rel=1e-4)


def test_width_and_height_in_different_units_may_be_square(
    tmp_path: Path, planes: np.ndarray
) -> None:
    meta = {"PhysicalSizeX": 100, "PhysicalSizeXUnit": "nm"}
    path = write_ome(tmp_path / "a.ome.tif", planes, **meta)
    assert only(open_case(path)).pixel_size_um == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("unit", "per_unit", "um"),
    [("um", 10, 0.1), ("\\u00B5m", 10, 0.1), ("micron", 5, 0.2), ("nm", 0.01, 0.1),
     ("cm", 1e5, 0.1), ("mm", 1e4, 0.1), ("inch", 254000, 0.1)],
)  # fmt: skip
def test_imagej_units(
    tmp_path: Path, planes: np.ndarray, unit: str, per_unit: float, um: float
) -> None:
    meta = {"axes": "CYX", "unit": unit, "Labels": NAMES}
    tifffile.imwrite(
        tmp_path / "a.tif", planes, imagej=True, resolution=(per_unit, per_unit), metadata=meta
    )
    assert only(open_case(tmp_path / "a.tif")).pixel_size_um == pytest.approx(um, rel=1e-4)


def test_plain_resolution_in_cm(tmp_path: Path, planes: np.ndarray) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", planes, photometric="minisblack", resolution=(1e5, 1e5),
        resolutionunit="CENTIMETER",
    )  # fmt: skip
    field = only(open_case(tmp_path / "a.tif", channels=SAID))
    assert field.pixel_size_um == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("per_unit", "unit"),
    [(72, "INCH"), (96, "INCH"), (300, "INCH"), (28.35, "CENTIMETER"), (118.1, "CENTIMETER"),
     (1, "NONE"), (254000, "INCH")],
)  # fmt: skip
def test_resolution_of_printers_is_no_pixel_size(
    tmp_path: Path, planes: np.ndarray, per_unit: float, unit: str
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", planes, photometric="minisblack", resolution=(per_unit, per_unit),
        resolutionunit=unit,
    )  # fmt: skip
    with pytest.raises(PixelSizeError, match=r"pixel size is unknown[\s\S]*--pixel-size-um"):
        open_case(tmp_path / "a.tif", channels=SAID)


@pytest.mark.parametrize("unit", ["pixel", "reference frame"])
def test_a_size_in_pixels_is_none(tmp_path: Path, planes: np.ndarray, unit: str) -> None:
    meta = {"PhysicalSizeX": 1.0, "PhysicalSizeXUnit": unit}
    with pytest.raises(PixelSizeError, match="which is no length"):
        open_case(write_ome(tmp_path / "a.ome.tif", planes, **meta))


def test_given_size_wins_and_a_contradiction_is_noted(tmp_path: Path, planes: np.ndarray) -> None:
    path = write_ome(tmp_path / "a.ome.tif", planes)
    assert only(open_case(path, pixel_size_um=0.1)).notes == ()
    field = only(open_case(path, pixel_size_um=0.2))
    assert field.pixel_size_um == 0.2
    assert "0.2 um was given, although the file says 0.1 um" in field.notes[0]


def test_not_square(tmp_path: Path, planes: np.ndarray) -> None:
    path = write_ome(tmp_path / "a.ome.tif", planes, PhysicalSizeY=0.12)
    with pytest.raises(PixelSizeError, match="not square"):
        open_case(path)
    assert only(open_case(path, pixel_size_um=0.1)).pixel_size_um == 0.1


@pytest.mark.parametrize("size", [6.5, 0.001])
def test_implausible_size_in_the_file(tmp_path: Path, planes: np.ndarray, size: float) -> None:
    path = write_ome(tmp_path / "a.ome.tif", planes, PhysicalSizeX=size, PhysicalSizeY=size)
    with pytest.raises(PixelSizeError, match="not that of a light microscope"):
        open_case(path)


@pytest.mark.parametrize("size", [0.0, -0.1, 65.0, float("nan"), float("inf")])
def test_implausible_given_size(tmp_path: Path, planes: np.ndarray, size: float) -> None:
    path = write_ome(tmp_path / "a.ome.tif", planes)
    with pytest.raises(PixelSizeError, match="--pixel-size-um"):
        open_case(path, pixel_size_um=size)


def test_both_gaps_are_named_at_once(tmp_path: Path, planes: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack")
    with pytest.raises(InputError, match="2 problems") as caught:
        open_case(tmp_path / "a.tif")
    assert "--channels" in str(caught.value)
    assert "--pixel-size-um" in str(caught.value)


# --- folders ---------------------------------------------------------------------------------


def write_channels(folder: Path, base: str, planes: np.ndarray, names: list[str]) -> None:
    for name, plane in zip(names, planes, strict=True):
        tifffile.imwrite(folder / f"{base}{name}.tif", plane)


def test_folder_of_fields(tmp_path: Path, planes: np.ndarray) -> None:
    folder = tmp_path / "case.9"
    folder.mkdir()
    for name in ("b", "a10", "a2"):
        write_ome(folder / f"{name}.ome.tif", planes)
    for other in ("notes.txt", "t.csv", "m.xml", "Thumbs.db", "truth.json", ".hidden.tif", "._a"):
        (folder / other).write_text("x")
    (folder / "deeper").mkdir()
    write_ome(folder / "deeper" / "c.ome.tif", planes)
    (folder / "labels.zarr").mkdir()
    case = open_case(folder)
    assert case.case_id == "case.9"
    assert [field.name for field in case] == ["a10", "a2", "b"]
    assert [path.name for path in case.paths] == ["a10.ome.tif", "a2.ome.tif", "b.ome.tif"]


def test_current_folder_has_a_name(
    tmp_path: Path, planes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ome(tmp_path / "a.ome.tif", planes)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_case(".").case_id == tmp_path.name
    monkeypatch.chdir(tmp_path / "sub")
    assert open_case("..").case_id == tmp_path.name
    assert open_case("..", case_id="x").case_id == "x"


@pytest.mark.parametrize(
    "names",
    [["_DAPI", "_SpectrumOrange", "_SpectrumGreen"], [" - dapi", " - TRITC", " - FITC"],
     ["-Blue", "-Red", "-Green"], [".Hoechst", ".Cy3", ".AF488"]],
)  # fmt: skip
def test_one_file_per_channel(tmp_path: Path, planes: np.ndarray, names: list[str]) -> None:
    write_channels(tmp_path, "f1", planes, names)
    write_channels(tmp_path, "f2", planes + 1, names)
    case = open_case(tmp_path, pixel_size_um=0.1)
    assert [field.name for field in case] == ["f1", "f2"]
    assert [len(source.paths) for source in case.fields] == [3, 3]
    for field, image in zip(case, (planes, planes + 1), strict=True):
        assert_planes(field, image)


def test_files_named_by_channel_only(tmp_path: Path, planes: np.ndarray) -> None:
    write_channels(tmp_path, "", planes, NAMES)
    assert only(open_case(tmp_path, pixel_size_um=0.1)).name == tmp_path.name


def test_merged_and_further_channels_are_set_aside(tmp_path: Path, planes: np.ndarray) -> None:
    write_channels(tmp_path, "f1_", planes, NAMES)
    tifffile.imwrite(tmp_path / "f1_Aqua.tif", planes[0])
    tifffile.imwrite(tmp_path / "f1_phase contrast.tif", planes[0])
    tifffile.imwrite(tmp_path / "f1_merge.tif", np.moveaxis(planes, 0, 2), photometric="rgb")
    case = open_case(tmp_path, pixel_size_um=0.1)
    assert [field.name for field in case] == ["f1"]


def test_numbered_files_need_channels(tmp_path: Path, planes: np.ndarray) -> None:
    write_channels(tmp_path, "f1", planes, ["_C0", "_C1", "_C2"])
    with pytest.raises(ChannelError, match="--channels dapi=0,red=1,green=2"):
        open_case(tmp_path, pixel_size_um=0.1)
    field = only(open_case(tmp_path, pixel_size_um=0.1, channels=SAID))
    assert field.name == "f1"
    assert_planes(field, planes)
    with pytest.raises(InputError, match=r"C0\.tif"):
        open_case(tmp_path, pixel_size_um=0.1, channels={"dapi": 1, "red": 2, "green": 3})


def test_incomplete_channels(tmp_path: Path, planes: np.ndarray) -> None:
    write_channels(tmp_path, "f1_", planes[:2], NAMES[:2])
    with pytest.raises(ChannelError, match="field 'f1' are not complete: no file for green"):
        open_case(tmp_path, pixel_size_um=0.1)


def test_double_channels(tmp_path: Path, planes: np.ndarray) -> None:
    write_channels(tmp_path, "f1_", planes, NAMES)
    write_channels(tmp_path, "f1_", planes[:1], ["TexasRed"])
    with pytest.raises(ChannelError, match="several files for red"):
        open_case(tmp_path, pixel_size_um=0.1)


def test_channels_of_different_shape(tmp_path: Path, planes: np.ndarray) -> None:
    write_channels(tmp_path, "f1_", planes, NAMES)
    tifffile.imwrite(tmp_path / "f1_DAPI.tif", planes[0, :-1])
    with pytest.raises(ImageError, match="same shape"):
        only(open_case(tmp_path, pixel_size_um=0.1))


def test_channels_of_different_pixel_size(tmp_path: Path, planes: np.ndarray) -> None:
    for name, plane, size in zip(NAMES, planes, (0.1, 0.1, 0.2), strict=True):
        meta = {"PhysicalSizeX": size}
        tifffile.imwrite(tmp_path / f"f_{name}.ome.tif", plane, ome=True, metadata=meta)
    with pytest.raises(PixelSizeError, match="different pixel sizes"):
        open_case(tmp_path)


def test_tinted_single_channels(tmp_path: Path, planes: np.ndarray) -> None:
    for name in NAMES:
        rgb = np.moveaxis(planes, 0, 2).astype(np.uint8)
        tifffile.imwrite(tmp_path / f"f1_{name}.tif", rgb, photometric="rgb")
    with pytest.raises(ImageError, match="named as single channels"):
        open_case(tmp_path, pixel_size_um=0.1)


@pytest.mark.parametrize("second", ["f1.png", "F1.tif"])
def test_field_names_are_unique(tmp_path: Path, planes: np.ndarray, second: str) -> None:
    rgb = np.ascontiguousarray(np.moveaxis(planes, 0, 2).astype(np.uint8))
    tifffile.imwrite(tmp_path / "f1.tif", rgb, photometric="rgb")
    if second.endswith(".png"):
        (tmp_path / second).write_bytes(imagecodecs.png_encode(rgb))
    else:
        tifffile.imwrite(tmp_path / second, rgb, photometric="rgb")
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system does not tell F1.tif from f1.tif")
    with pytest.raises(ImageError, match="same name"):
        open_case(tmp_path, pixel_size_um=0.1)


def test_all_bad_files_of_a_folder_are_listed(tmp_path: Path, planes: np.ndarray) -> None:
    write_ome(tmp_path / "good.ome.tif", planes)
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(InputError, match="2 problems") as caught:
        open_case(tmp_path)
    assert "empty.tif" in str(caught.value)
    assert "text.png" in str(caught.value)


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no pictures[\s\S]*0 other files, 0 folders"):
        open_case(tmp_path)


def test_folder_of_folders(tmp_path: Path) -> None:
    (tmp_path / "case1").mkdir()
    with pytest.raises(ImageError, match=r"no pictures[\s\S]*1 folders"):
        open_case(tmp_path)


def test_unsupported_file_in_a_folder(tmp_path: Path, planes: np.ndarray) -> None:
    write_ome(tmp_path / "a.ome.tif", planes)
    (tmp_path / "a.czi").write_bytes(b"")
    assert len(open_case(tmp_path)) == 1
    (tmp_path / "b.vsi").write_bytes(b"")
    with pytest.raises(ImageError, match=r"b\.vsi: Olympus VSI files cannot be read"):
        open_case(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_forbidden_file(tmp_path: Path, planes: np.ndarray) -> None:
    path = write_ome(tmp_path / "a.ome.tif", planes)
    path.chmod(0)
    with pytest.raises(ImageError, match="may not be read"):
        open_case(path)


def test_what_the_tiff_library_doubts_is_noted(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planes, photometric="minisblack", software="x" * 20)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages.first.tags["Software"].offset
    data = bytearray(path.read_bytes())
    data[offset + 8 : offset + 12] = (2**31).to_bytes(4, "little")
    path.write_bytes(data)
    field = only(open_case(path, channels=SAID, pixel_size_um=0.1))
    assert "doubt about the file" in field.notes[0]
    assert_planes(field, planes)
