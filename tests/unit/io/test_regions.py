"""Windows of tiled and pyramidal pictures, in every format that has them."""

from __future__ import annotations

import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from alkfish.errors import AlkfishError, ImageError
from alkfish.io._readers import TileCache, close_files
from alkfish.io.images import FieldSource, open_case
from alkfish.io.info import describe

NAMES = ["DAPI", "SpectrumOrange", "SpectrumGreen"]
SHAPE = (150, 210)
FORMATS = Path(__file__).parents[4] / "shared" / "data" / "formats"


@pytest.fixture(autouse=True)
def _closed():
    yield
    close_files()


@pytest.fixture
def image() -> np.ndarray:
    """Shape (3, 4, 150, 210): channels and focus planes."""
    return np.random.default_rng(3).integers(0, 4000, (3, 4, *SHAPE)).astype(np.uint16)


def write_tiff(path: Path, image: np.ndarray, *, step: float | None = 0.4, **options) -> Path:
    flat = image.ndim == 3
    meta = {"axes": "CYX" if flat else "CZYX", "PhysicalSizeX": 0.1, "Channel": {"Name": NAMES}}
    if not flat and step is not None:
        meta |= {"PhysicalSizeZ": step}
    options = {"tile": (32, 48), "photometric": "minisblack", **options}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(image, subifds=2, metadata=meta, **options)
        for factor in (2, 4):
            writer.write(image[..., ::factor, ::factor], subfiletype=1, **options)
    return path


def write_zarr(path: Path, image: np.ndarray, version: str, *, unit: str = "micrometer") -> Path:
    if path.suffix == ".zip":
        folder = write_zarr(path.with_name("folder.zarr"), image, version, unit=unit)
        return Path(shutil.make_archive(str(path.with_suffix("")), "zip", folder))
    flat = image.ndim == 3
    names = "cyx" if flat else "czyx"
    kinds = {"c": "channel"}
    axes = [{"name": a, "type": kinds.get(a, "space"), "unit": unit if a in "zyx" else ""}
            for a in names]  # fmt: skip
    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3)
    datasets = []
    for level, factor in enumerate((1, 2, 4)):
        pixels = image[..., ::factor, ::factor]
        chunks = (*[1] * (pixels.ndim - 2), 64, 64)
        array = group.create_array(str(level), shape=pixels.shape, chunks=chunks, dtype="uint16")
        array[...] = pixels
        scale = [1.0, *([] if flat else [0.5]), 0.1 * factor, 0.1 * factor]
        transforms = [{"type": "scale", "scale": scale}]
        datasets.append({"path": str(level), "coordinateTransformations": transforms})
    omero = {"channels": [{"label": name} for name in NAMES]}
    meta = {"multiscales": [{"axes": axes, "datasets": datasets, "version": version}],
            "omero": omero}  # fmt: skip
    group.attrs.update(meta if version == "0.4" else {"ome": {"version": version, **meta}})
    group.store.close()
    return path


def only(path: object, **options) -> FieldSource:
    (source,) = open_case(path, **options).fields
    return source


def assert_regions(source: FieldSource, image: np.ndarray) -> None:
    """Windows of every level are cuts of the picture; image is (3, [Z,] H, W)."""
    assert [level.downsample for level in source.levels] == [1, 2, 4]
    for level, factor in enumerate((1, 2, 4)):
        expected = image[..., ::factor, ::factor]
        height, width = source.levels[level].shape
        assert (height, width) == expected.shape[-2:]
        for top, left, h, w in ((0, 0, height, width), (5, 7, 20, 30), (height - 1, 0, 1, width)):
            fov = source.load_region(top, left, h, w, level=level)
            assert fov.pixel_size_um == pytest.approx(0.1 * factor)
            cut = expected[..., top : top + h, left : left + w]
            for found, wanted in zip((fov.dapi, fov.three_prime, fov.five_prime), cut, strict=True):
                np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "zstd"}])
@pytest.mark.parametrize("flat", [True, False])
def test_pyramidal_tiff(tmp_path: Path, image: np.ndarray, options: dict, flat: bool) -> None:
    image = image[:, 0] if flat else image
    source = only(write_tiff(tmp_path / "a.ome.tif", image, **options))
    assert source.shape == SHAPE
    assert (source.n_planes, source.z_step_um) == ((1, 0.0) if flat else (4, 0.4))
    assert source.levels[0].tile == (32, 48)
    assert_regions(source, image)
    np.testing.assert_array_equal(source.load().five_prime, image[2])


@pytest.mark.parametrize("name", ["a.zarr", "a.ome.zarr", "a.zarr.zip"])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("flat", [True, False])
def test_ome_zarr(tmp_path: Path, image, name: str, version: str, flat: bool) -> None:
    image = image[:, 0] if flat else image
    source = only(write_zarr(tmp_path / name, image, version))
    assert source.name == "a"
    assert (source.n_planes, source.z_step_um) == ((1, 0.0) if flat else (4, 0.5))
    assert_regions(source, image)
    np.testing.assert_array_equal(source.load().three_prime, image[1])


def test_ome_zarr_from_a_url(tmp_path: Path, image: np.ndarray) -> None:
    pytest.importorskip("fsspec")
    path = write_zarr(tmp_path / "b.ome.zarr", image[:, 0], "0.5")
    case = open_case(path.as_uri())
    assert case.case_id == "b"
    assert case.paths == (path.as_uri(),)
    assert_regions(case.fields[0], image[:, 0])


def test_zarr_pictures_in_a_folder(tmp_path: Path, image: np.ndarray) -> None:
    write_zarr(tmp_path / "a.zarr", image[:, 0], "0.4")
    write_zarr(tmp_path / "b.zarr", image[:, 0], "0.5")
    zarr.create_group(tmp_path / "labels.zarr")
    assert [field.name for field in open_case(tmp_path).fields] == ["a", "b"]


def test_stack_without_step_is_projected_unless_it_is_given(tmp_path: Path, image) -> None:
    path = write_tiff(tmp_path / "a.ome.tif", image, step=None)
    source = only(path)
    assert source.z_step_um == 0
    assert "--z-step-um" in source.notes[0]
    np.testing.assert_array_equal(
        source.load_region(3, 4, 50, 60).dapi, image[0].max(axis=0)[3:53, 4:64]
    )
    given = only(path, z_step_um=0.3)
    assert given.load().z_step_um == 0.3
    with pytest.raises(AlkfishError, match="focus planes"):
        open_case(path, z_step_um=50)


def test_windows_must_lie_inside(tmp_path: Path, image: np.ndarray) -> None:
    source = only(write_tiff(tmp_path / "a.ome.tif", image[:, 0]))
    for window in ((-1, 0, 5, 5), (0, 0, 151, 5), (0, 206, 5, 5), (0, 0, 0, 5)):
        with pytest.raises(ValueError, match="window"):
            source.load_region(*window)
    with pytest.raises(ValueError, match="level 3 of 3"):
        source.load_region(0, 0, 5, 5, level=3)


def test_sources_travel_and_threads_share_a_file(tmp_path: Path, image: np.ndarray) -> None:
    source = only(write_tiff(tmp_path / "a.ome.tif", image[:, 0], compression="zlib"))
    source.load_region(0, 0, 10, 10)
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert copy == source
    tops = [3 * k for k in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda top: copy.load_region(top, 9, 30, 190).dapi, tops))
    for top, dapi in zip(tops, found, strict=True):
        np.testing.assert_array_equal(dapi, image[0, 0, top : top + 30, 9:199])


def test_a_replaced_file_is_read_anew(tmp_path: Path, image: np.ndarray) -> None:
    first = only(write_tiff(tmp_path / "a.ome.tif", image[:, 0]))
    first.load_region(0, 0, 9, 9)
    write_tiff(tmp_path / "a.ome.tif", image[:, 1])
    np.testing.assert_array_equal(first.load_region(0, 0, 9, 9).dapi, image[0, 1, :9, :9])


def test_damaged_tile_is_an_image_error(tmp_path: Path, image: np.ndarray) -> None:
    path = write_tiff(tmp_path / "a.ome.tif", image[:, 0], compression="zlib")
    source = only(path)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[0]
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"\xff" * 40)
    with pytest.raises(ImageError, match="damaged"):
        source.load_region(0, 0, 20, 20)


def test_missing_level_of_zarr(tmp_path: Path, image: np.ndarray) -> None:
    path = write_zarr(tmp_path / "a.zarr", image[:, 0], "0.5")
    (path / "1" / "zarr.json").unlink()
    with pytest.raises(ImageError, match="level"):
        open_case(path)


def test_plate_and_time_are_refused(tmp_path: Path, image: np.ndarray) -> None:
    zarr.create_group(tmp_path / "p.zarr", attributes={"ome": {"version": "0.5", "plate": {}}})
    with pytest.raises(ImageError, match="plate"):
        open_case(tmp_path / "p.zarr")
    path = write_zarr(tmp_path / "a.zarr", image, "0.5")
    group = zarr.open_group(path, mode="r+")
    meta = group.attrs["ome"]
    meta["multiscales"][0]["axes"][1]["name"] = "t"
    group.attrs["ome"] = meta
    with pytest.raises(ImageError, match="t: 4"):
        open_case(path)


def test_scale_without_unit_is_no_pixel_size(tmp_path: Path, image: np.ndarray) -> None:
    path = write_zarr(tmp_path / "a.zarr", image[:, 0], "0.5", unit="")
    with pytest.raises(AlkfishError, match="pixel size is unknown"):
        open_case(path)


def test_scenes_are_fields(tmp_path: Path, image: np.ndarray) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for number in range(2):
            meta = {"axes": "CYX", "Name": f"S{number}", "PhysicalSizeX": 0.1}
            meta["Channel"] = {"Name": NAMES}
            writer.write(image[:, number], metadata=meta, photometric="minisblack")
    case = open_case(path)
    assert [field.name for field in case.fields] == ["a_S0", "a_S1"]
    assert "2 scenes" in case.fields[1].notes[0]
    np.testing.assert_array_equal(case.fields[1].load().dapi, image[0, 1])
    np.testing.assert_array_equal(only(path, scene="S1").load().dapi, image[0, 1])
    np.testing.assert_array_equal(only(path, scene=0).load_region(1, 2, 5, 6).dapi,
                                  image[0, 0, 1:6, 2:8])  # fmt: skip
    with pytest.raises(ImageError, match="no such scene"):
        open_case(path, scene="S7")


def test_tile_cache_stays_within_its_limit() -> None:
    cache = TileCache(limit_bytes=100)
    for number in range(9):
        cache.get(("a", number), lambda: np.zeros(20, np.uint8))
    assert cache.n_bytes <= 100
    assert cache.get(("a", 8), lambda: np.ones(1, np.uint8)).size == 20


@pytest.mark.skipif(not FORMATS.is_dir(), reason="shared data is not here")
def test_every_real_file_opens_or_fails_clearly() -> None:
    paths = sorted(FORMATS.glob("*/*"))
    assert len(paths) > 10
    described, failed = set(), []
    for path in paths:
        try:
            described |= {file.kind for file in describe(path).files}
        except AlkfishError as error:
            failed.append((path.name, error))
    assert {"OME-TIFF", "ImageJ TIFF", "TIFF", "OME-Zarr 0.4", "OME-Zarr 0.5"} <= described
    assert all(error.where and error.remedy for _, error in failed), failed
    assert {"unreadable.svs", "unopenable.tiff"} <= {name for name, _ in failed}
