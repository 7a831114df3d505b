"""What `alkfish info` shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from alkfish.errors import ImageError
from alkfish.io.images import open_case
from alkfish.io.info import describe
from alkfish.io.probes import load_probe, probe_from_mapping, probe_to_mapping

SHARED = Path(__file__).parents[4] / "shared" / "data"


def test_ready_picture(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.ome.tif"
    meta = {"axes": "CYX", "Channel": {"Name": ["FITC", "DAPI", "Cy3"]}, "PhysicalSizeX": 0.1}
    tifffile.imwrite(path, planes, ome=True, metadata=meta, photometric="minisblack")
    info = describe(path)
    assert info.ready
    assert info.case_id == "a"
    assert info.probe == "vysis-alk"
    assert info.fields == ("a",)
    (file,) = info.files
    assert (file.kind, file.axes, file.shape, file.dtype) == (
        "OME-TIFF", "CYX", (3, 40, 50), "uint16",
    )  # fmt: skip
    assert [(c.name, c.role, c.end) for c in file.channels] == [
        ("FITC", "green", "5p"), ("DAPI", "dapi", ""), ("Cy3", "red", "3p"),
    ]  # fmt: skip
    assert file.pixel_size_um == pytest.approx(0.1)
    assert "OME-XML" in file.pixel_size_source
    assert file.n_planes == 1


def test_gaps_are_listed_with_what_is_known(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    meta = {"axes": "CYX", "Channel": {"Name": ["FITC", "x", "DAPI"]}}
    tifffile.imwrite(path, planes, metadata=meta, photometric="minisblack")
    info = describe(path)
    assert not info.ready
    assert len(info.problems) == 2
    assert "--channels" in info.problems[0]
    assert "--pixel-size-um" in info.problems[1]
    assert [c.role for c in info.files[0].channels] == ["green", "", "dapi"]
    assert info.files[0].pixel_size_um == 0.0


def test_said_things_fill_the_gaps(tmp_path: Path, planes: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planes, photometric="minisblack")
    data = probe_to_mapping(load_probe())
    data |= {"name": "swapped", "colours": {"three_prime": "green", "five_prime": "red"}}
    info = describe(
        path, channels={"dapi": 2, "red": 1, "green": 0}, pixel_size_um=0.2,
        probe=probe_from_mapping(data),
    )  # fmt: skip
    assert info.ready
    assert info.probe == "swapped"
    assert [(c.role, c.end) for c in info.files[0].channels] == [
        ("green", "3p"), ("red", "5p"), ("dapi", ""),
    ]  # fmt: skip
    assert (info.files[0].pixel_size_um, info.files[0].pixel_size_source) == (0.2, "given")


def test_folder_of_channel_files_with_one_bad_file(tmp_path: Path, planes: np.ndarray) -> None:
    for name, plane in zip(["DAPI", "Red", "Green"], planes, strict=True):
        tifffile.imwrite(tmp_path / f"f_{name}.tif", plane)
    (tmp_path / "g.tif").write_bytes(b"")
    info = describe(tmp_path, pixel_size_um=0.1)
    assert info.fields == ("f",)
    assert [(f.path.name, f.field, f.channels[0].role) for f in info.files] == [
        ("f_DAPI.tif", "f", "dapi"), ("f_Green.tif", "f", "green"), ("f_Red.tif", "f", "red"),
    ]  # fmt: skip
    assert len(info.problems) == 1
    assert "g.tif" in info.problems[0]


def test_nothing_readable(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"")
    for path in (tmp_path, tmp_path / "a.tif"):
        with pytest.raises(ImageError, match="the file is empty"):
            describe(path)


needs_data = pytest.mark.skipif(not SHARED.exists(), reason="no shared pictures")


@needs_data
@pytest.mark.parametrize(
    ("name", "kind", "n_channels", "pixel_size_um"),
    [
        ("fish/mycn_neuroblastoma_rgb.tif", "TIFF", 3, 0.0),
        ("formats/imagej/hela-cells-8bit.tif", "ImageJ TIFF", 3, 0.051493),
        ("formats/ome-tiff/cells-2c.ome.tif", "OME-TIFF", 2, 0.25),
        ("formats/ome-tiff/cells-2z.ome.tif", "OME-TIFF", 1, 0.25),
        ("formats/ome-tiff/cells-gray16.tif", "ImageJ TIFF", 1, 0.25),
        ("formats/ome-tiff/cells-gray32.tif", "ImageJ TIFF", 1, 0.25),
        ("formats/ome-tiff/cells.ome.tif", "OME-TIFF", 3, 0.25),
        ("formats/ome-tiff/cells.tif", "ImageJ TIFF", 3, 0.25),
        ("formats/ome-tiff/dapi_3dots_no_pixel_size.ome.tif", "OME-TIFF", 4, 0.0),
        ("formats/wsi/boxes.tiff", "TIFF", 3, 0.0),
    ],
)
def test_real_files(name: str, kind: str, n_channels: int, pixel_size_um: float, capfd) -> None:
    (file,) = describe(SHARED / name).files
    assert file.kind == kind
    assert len(file.channels) == n_channels
    assert file.pixel_size_um == pytest.approx(pixel_size_um, rel=1e-4)
    if n_channels >= 3:
        said = {"dapi": 2, "red": 0, "green": 1}
        (field,) = open_case(SHARED / name, channels=said, pixel_size_um=0.1)
        assert field.dapi.max() > field.dapi.min()
    assert capfd.readouterr() == ("", "")


@needs_data
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("formats/ome-tiff/cells-2t.ome.tif", "time: 2"),
        ("formats/wsi/unopenable.tiff", "compression 52479"),
        ("formats/wsi/unreadable.svs", "Aperio SVS"),
        ("formats", "no pictures"),
    ],
)
def test_real_files_that_are_refused(name: str, message: str, capfd) -> None:
    with pytest.raises(ImageError, match=message):
        describe(SHARED / name)
    assert capfd.readouterr() == ("", "")
