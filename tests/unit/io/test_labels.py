"""Label images on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.errors import BundleError, OutputError
from alkfish.io._label_files import find_level
from alkfish.io.labels import LabelWriter, LazyLabels, read_labels, write_labels


def picture(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 300, (shape[0] // 9 + 1, shape[1] // 9 + 1))
    return np.kron(coarse, np.ones((9, 9)))[: shape[0], : shape[1]].astype(np.int32)


def tree_bytes(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()
    }


def test_round_trip(tmp_path: Path) -> None:
    labels = {"b": picture((70, 40)), "a field.1 µ": picture((1100, 1030)), "_x": picture((1, 1))}
    write_labels(tmp_path / "labels.zarr", labels, {"b": 0.1, "a field.1 µ": 0.2, "_x": 1})
    found = read_labels(tmp_path / "labels.zarr")
    assert list(found) == ["_x", "a field.1 µ", "b"]
    assert len(found) == 3
    assert [found.pixel_size_um(name) for name in found] == [1.0, 0.2, 0.1]
    for name, image in labels.items():
        assert found[name].dtype == np.int32
        np.testing.assert_array_equal(found[name], image)


def test_zarr_itself_reads_them(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {"f": picture((1500, 90))}, 0.1)
    array = zarr.open_array(tmp_path / "l.zarr" / "f" / "0", mode="r")
    assert array.dtype == np.int32
    assert array.chunks == (1024, 90)
    assert array.metadata.dimension_names == ("y", "x")


def test_same_bytes(tmp_path: Path) -> None:
    labels = {"f": picture((2100, 2100)), "g": picture((300, 300), seed=1)}
    trees = []
    for name in ("1", "2", "3"):
        write_labels(tmp_path / name, labels, 0.1)
        trees.append(tree_bytes(tmp_path / name))
    assert trees[0] == trees[1] == trees[2]
    assert len(trees[0]) > 10


def test_no_fields(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {}, 0.1)
    assert dict(read_labels(tmp_path / "l.zarr")) == {}


def test_empty_background_only(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {"f": np.zeros((30, 20), np.int32)}, 0.1)
    np.testing.assert_array_equal(read_labels(tmp_path / "l.zarr")["f"], np.zeros((30, 20)))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "zarr.json", "__a"])
def test_bad_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="cannot be used"):
        write_labels(tmp_path / "l.zarr", {name: picture((9, 9))}, 0.1)
    assert not (tmp_path / "l.zarr").exists()


@pytest.mark.parametrize("image", [np.zeros((3, 3), np.int64), np.zeros((2, 3, 3), np.int32)])
def test_bad_images(tmp_path: Path, image: np.ndarray) -> None:
    with pytest.raises(BundleError, match="field f: labels must be a 2-D int32 image"):
        write_labels(tmp_path / "l.zarr", {"f": image}, 0.1)


def test_existing_is_refused(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {}, 0.1)
    with pytest.raises(OutputError, match="exist already"):
        write_labels(tmp_path / "l.zarr", {}, 0.1)


def test_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_labels(tmp_path / "file" / "l.zarr", {"f": picture((9, 9))}, 0.1)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        read_labels(tmp_path / "l.zarr")


def test_damaged_chunk(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {"f": picture((99, 99))}, 0.1)
    chunk = tmp_path / "l.zarr" / "f" / "0" / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:40])
    with pytest.raises(BundleError, match="cannot be read"):
        read_labels(tmp_path / "l.zarr")["f"]


def test_damaged_metadata(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {"f": picture((99, 99))}, 0.1)
    (tmp_path / "l.zarr" / "zarr.json").write_text("{")
    with pytest.raises(BundleError, match="cannot be read"):
        read_labels(tmp_path / "l.zarr")


def test_unknown_field(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {"f": picture((9, 9))}, 0.1)
    labels = read_labels(tmp_path / "l.zarr")
    with pytest.raises(KeyError, match="g"):
        labels["g"]
    assert "g" not in labels


def test_metadata_is_that_of_ome_zarr_labels(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.zarr", {"g": picture((30, 20)), "f": picture((2100, 900))}, 0.25)
    root = zarr.open_group(tmp_path / "l.zarr", mode="r")
    assert root.attrs["ome"] == {"version": "0.5", "labels": ["f", "g"]}
    ome = root["f"].attrs["ome"]
    assert ome["version"] == "0.5"
    assert {"label-value": 0, "rgba": [0, 0, 0, 0]} in ome["image-label"]["colors"]
    (scales,) = ome["multiscales"]
    assert [axis["name"] for axis in scales["axes"]] == ["y", "x"]
    assert {axis["unit"] for axis in scales["axes"]} == {"micrometer"}
    paths = [level["path"] for level in scales["datasets"]]
    assert paths == ["0", "1", "2"] == sorted(root["f"].array_keys())
    steps = [level["coordinateTransformations"][0]["scale"] for level in scales["datasets"]]
    assert steps == [[0.25, 0.25], [0.5, 0.5], [1.0, 1.0]]
    assert len(root["g"].attrs["ome"]["multiscales"][0]["datasets"]) == 1


def test_pyramid_keeps_every_second_pixel(tmp_path: Path) -> None:
    image = picture((2101, 1999))
    write_labels(tmp_path / "l.zarr", {"f": image}, 0.1)
    labels = read_labels(tmp_path / "l.zarr")
    np.testing.assert_array_equal(labels.open("f", 1)[...], image[::2, ::2])
    np.testing.assert_array_equal(labels.open("f", 2)[...], image[::4, ::4])


def write_by_windows(path: Path, image: np.ndarray, order: list[tuple[int, int]]) -> None:
    with LabelWriter(path, image.shape, 0.1, "f") as writer:
        for top, left in order:
            writer.write(top, left, image[top : top + 1024, left : left + 1024])
        writer.build_pyramid()


def test_windows_in_any_order_give_the_same_files(tmp_path: Path) -> None:
    image = picture((2100, 1500))
    order = [(top, left) for top in (0, 1024, 2048) for left in (0, 1024)]
    write_labels(tmp_path / "whole", {"f": image}, 0.1)
    write_by_windows(tmp_path / "forward", image, order)
    write_by_windows(tmp_path / "backward", image, order[::-1])
    trees = [tree_bytes(tmp_path / name) for name in ("whole", "forward", "backward")]
    assert trees[0] == trees[1] == trees[2]


def test_several_processes_write_one_field(tmp_path: Path) -> None:
    image, path = picture((2100, 1500)), tmp_path / "l.zarr"
    np.save(tmp_path / "image.npy", image)
    LabelWriter(path, image.shape, 0.1, "f")
    code = (
        "import sys, numpy as np\n"
        "from alkfish.io.labels import LabelWriter\n"
        "image = np.load(sys.argv[1])\n"
        "writer = LabelWriter(sys.argv[2], image.shape, 0.1, 'f')\n"
        "for top in (0, 1024, 2048):\n"
        "    left = int(sys.argv[3])\n"
        "    writer.write(top, left, image[top : top + 1024, left : left + 1024])\n"
    )
    jobs = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path / "image.npy", path, left])
        for left in ("0", "1024")
    ]
    assert [job.wait(timeout=60) for job in jobs] == [0, 0]
    np.testing.assert_array_equal(read_labels(path)["f"], image)


def test_a_field_is_continued_but_not_with_another_shape_or_scale(tmp_path: Path) -> None:
    image = picture((1500, 1024))
    LabelWriter(tmp_path / "l", image.shape, 0.1, "f").write(0, 0, image[:1024])
    LabelWriter(tmp_path / "l", image.shape, 0.1, "f").write(1024, 0, image[1024:])
    np.testing.assert_array_equal(read_labels(tmp_path / "l")["f"], image)
    with pytest.raises(BundleError, match="another shape"):
        LabelWriter(tmp_path / "l", (1024, 1024), 0.1, "f")
    with pytest.raises(BundleError, match="another layout or scale"):
        LabelWriter(tmp_path / "l", image.shape, 0.2, "f")


@pytest.mark.parametrize(
    ("top", "left", "shape"),
    [(0, 0, (1024, 500)), (512, 0, (1024, 1024)), (0, -1024, (1024, 1024)), (2048, 0, (60, 1024))],
)
def test_windows_are_whole_chunks(tmp_path: Path, top: int, left: int, shape: tuple) -> None:
    writer = LabelWriter(tmp_path / "l.zarr", (2100, 1500), 0.1, "f")
    with pytest.raises(BundleError, match="whole chunks"):
        writer.write(top, left, np.zeros(shape, np.int32))


def test_large_images_are_read_by_windows(tmp_path: Path) -> None:
    side = 8192 + 1024
    with LabelWriter(tmp_path / "l.zarr", (side, side), 0.1, "f") as writer:
        writer.write(8192, 8192, np.full((1024, 1024), 7, np.int32))
        writer.build_pyramid()
    labels = read_labels(tmp_path / "l.zarr")["f"]
    assert isinstance(labels, LazyLabels)
    assert (labels.shape, labels.dtype, labels.ndim) == ((side, side), np.int32, 2)
    assert labels[8190:8194, 9000].tolist() == [0, 0, 7, 7]
    write_labels(tmp_path / "copy.zarr", {"f": labels}, 0.1)
    assert tree_bytes(tmp_path / "copy.zarr") == tree_bytes(tmp_path / "l.zarr")
    assert int(np.asarray(read_labels(tmp_path / "l.zarr").open("f", 3)).max()) == 7


def test_bundles_of_older_versions_are_read(tmp_path: Path) -> None:
    image = picture((90, 70))
    group = zarr.open_group(tmp_path / "l.zarr", mode="w", zarr_format=3)
    array = group.create_array(
        "f", shape=image.shape, dtype="int32", attributes={"pixel_size_um": 0.3}
    )
    array[...] = image
    labels = read_labels(tmp_path / "l.zarr")
    assert list(labels) == ["f"]
    assert labels.pixel_size_um("f") == 0.3
    np.testing.assert_array_equal(labels["f"], image)


def test_background_takes_no_chunk_and_removes_an_older_one(tmp_path: Path) -> None:
    writer = LabelWriter(tmp_path / "l.zarr", (1024, 2048), 0.1, "f")
    writer.write(0, 0, np.ones((1024, 2048), np.int32))
    writer.write(0, 1024, np.zeros((1024, 1024), np.int32))
    writer.build_pyramid()
    chunks = sorted((tmp_path / "l.zarr" / "f" / "0" / "c").rglob("*/*"))
    assert [chunk.name for chunk in chunks] == ["0"]
    assert np.asarray(read_labels(tmp_path / "l.zarr")["f"]).sum() == 1024**2


def test_labels_of_another_compression_are_not_continued(tmp_path: Path) -> None:
    LabelWriter(tmp_path / "l", (30, 20), 0.1, "f")
    document = tmp_path / "l" / "f" / "0" / "zarr.json"
    document.write_text(document.read_text().replace("zstd", "gzip"))
    with pytest.raises(BundleError, match="another shape or compression"):
        LabelWriter(tmp_path / "l", (30, 20), 0.1, "f")
    document.write_text("{")
    with pytest.raises(OutputError, match="cannot be written"):
        LabelWriter(tmp_path / "l", (30, 20), 0.1, "f")


@given(st.lists(st.integers(-30, 2700), min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_windows_are_read_as_zarr_reads_them(large_labels, edges: list[int]) -> None:
    image, folder = large_labels
    rows, columns = slice(edges[0], edges[1]), slice(edges[2], edges[3])
    files = find_level(folder / "field" / "0", image.shape)
    assert files is not None
    assert np.array_equal(files.read(rows, columns), image[rows, columns])
    lazy = read_labels(folder).open("field")
    assert np.array_equal(lazy[rows, columns], image[rows, columns])
    assert np.array_equal(lazy[5:2000:3, 7], image[5:2000:3, 7])  # by zarr


@pytest.fixture(scope="module")
def large_labels(tmp_path_factory) -> tuple[np.ndarray, Path]:
    image = np.zeros((2100, 2600), np.int32)
    image[:900, 1030:] = np.random.default_rng(0).integers(0, 9, (900, 1570))
    folder = tmp_path_factory.mktemp("labels") / "labels.zarr"
    write_labels(folder, {"field": image}, 0.1)
    return image, folder


def test_a_level_of_another_layout_is_left_to_zarr(large_labels, tmp_path: Path) -> None:
    image, folder = large_labels
    assert find_level(folder / "field" / "0", (2100, 2601)) is None
    assert find_level(tmp_path / "nothing", image.shape) is None
