"""Label images on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from alkfish.errors import BundleError, OutputError
from alkfish.io.labels import read_labels, write_labels


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
    array = zarr.open_array(tmp_path / "l.zarr" / "f", mode="r")
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
    chunk = tmp_path / "l.zarr" / "f" / "c" / "0" / "0"
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
