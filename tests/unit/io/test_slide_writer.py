"""Pyramidal OME-TIFF written block by block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from alkfish.errors import InputError, OutputError
from alkfish.io.slide_writer import BLOCK_PX, SlideWriter, halve

NAMES = ["DAPI", "SpectrumOrange", "SpectrumGreen"]


@pytest.fixture(scope="module")
def planes() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 4000, (3, 4100, 2101)).astype(np.uint16)


def write(path: Path, planes: np.ndarray, *, backwards: bool = False, pyramid: bool = True) -> None:
    _, height, width = planes.shape
    places = [(y, x) for y in range(0, height, BLOCK_PX) for x in range(0, width, BLOCK_PX)]
    with SlideWriter(
        path, planes.shape, channel_names=NAMES, pixel_size_um=0.25, name="s", pyramid=pyramid
    ) as writer:
        for y, x in places[::-1] if backwards else places:
            writer.write(y, x, planes[:, y : y + BLOCK_PX, x : x + BLOCK_PX])


@pytest.fixture(scope="module")
def file(planes, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("slide") / "s.ome.tif"
    write(path, planes)
    return path


def test_pixels_and_levels_read_back(file, planes):
    with tifffile.TiffFile(file) as tiff:
        (series,) = tiff.series
        assert series.axes == "CYX"
        assert [level.shape for level in series.levels] == [
            (3, 4100, 2101), (3, 2050, 1051), (3, 1025, 526), (3, 513, 263),
        ]  # fmt: skip
        assert np.array_equal(series.asarray(), planes)
        expected = planes
        for level in series.levels[1:]:
            expected = halve(expected)
            assert np.array_equal(level.asarray(), expected)


def test_tiles_compression_and_metadata(file):
    with tifffile.TiffFile(file) as tiff:
        pages = [level.pages[0].keyframe for level in tiff.series[0].levels]
        assert {page.tile for page in pages} == {(512, 512)}
        assert {page.compression for page in pages} == {tifffile.COMPRESSION.ADOBE_DEFLATE}
        text = tiff.ome_metadata
    for words in (*NAMES, 'PhysicalSizeX="0.25"', 'Name="s"'):
        assert words in text


def test_levels_are_averages():
    planes = np.array([[[0, 2, 10], [4, 6, 20], [100, 100, 7]]], np.uint16)
    assert halve(planes).tolist() == [[[3, 15], [100, 7]]]


def test_order_of_blocks_does_not_matter(file, planes, tmp_path):
    write(tmp_path / "s.ome.tif", planes, backwards=True)
    assert (tmp_path / "s.ome.tif").read_bytes() == file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["s.ome.tif"]


def test_without_a_pyramid(planes, tmp_path):
    write(tmp_path / "s.ome.tif", planes[:, :2048, :600], pyramid=False)
    with tifffile.TiffFile(tmp_path / "s.ome.tif") as tiff:
        assert len(tiff.series[0].levels) == 1
        assert np.array_equal(tiff.series[0].asarray(), planes[:, :2048, :600])


def start(path: Path, shape: tuple[int, int, int] = (3, 3000, 1000)) -> SlideWriter:
    return SlideWriter(path, shape, channel_names=NAMES, pixel_size_um=0.1, name="s")


def test_a_missing_block_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="not complete"), start(tmp_path / "s.tif") as writer:
        writer.write(0, 0, np.ones((3, 2048, 1000), np.uint16))
    assert list(tmp_path.iterdir()) == []


def test_an_error_within_leaves_nothing(tmp_path):
    with pytest.raises(KeyError, match="x"), start(tmp_path / "s.tif"):
        raise KeyError("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("top", "shape", "dtype"),
    [(0, (3, 2048, 999), np.uint16), (1024, (3, 2048, 1000), np.uint16),
     (2048, (3, 952, 1000), np.uint8), (-2048, (3, 2048, 1000), np.uint16)],
)  # fmt: skip
def test_blocks_that_do_not_fit(tmp_path, top, shape, dtype):
    with pytest.raises(InputError, match="does not fit"), start(tmp_path / "s.tif") as writer:
        writer.write(top, 0, np.zeros(shape, dtype))


def test_existing_file_and_wrong_names_are_refused(file, tmp_path):
    with pytest.raises(OutputError, match="exists already"):
        start(file)
    with pytest.raises(InputError, match="do not fit"):
        start(tmp_path / "s.tif", (2, 100, 100))
