"""Checksums and times."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alkfish import _version
from alkfish.config import Config
from alkfish.errors import InputError
from alkfish.io.provenance import Checksums, is_scored_file, provenance, sha256_path


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_path(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_sha256_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        sha256_path(tmp_path / "none")


def test_provenance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.tif").write_text(folder)
    (tmp_path / "own.tif").write_text("own")
    config = Config().with_settings(["detect.min_snr=7"])
    files = [tmp_path / "own.tif", tmp_path / "y" / "same.tif", tmp_path / "x" / "same.tif"]
    made = provenance(config, [*files, files[0]])
    assert made.version == _version.__version__
    assert made.config["detect"]["min_snr"] == 7
    assert made.config_fingerprint == config.fingerprint()
    assert made.created == "1970-01-01T00:00:00+00:00"
    assert set(made.inputs) == {"own.tif", files[1].as_posix(), files[2].as_posix()}
    assert made.inputs["own.tif"] == sha256_path(files[0])


def test_without_inputs_and_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    made = provenance(Config())
    assert made.inputs == {}
    age = datetime.now(UTC) - datetime.fromisoformat(made.created)
    assert 0 <= age.total_seconds() < 60


@pytest.mark.parametrize("epoch", ["yesterday", "", "1e9", "9" * 30])
def test_bad_epoch(monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH"):
        provenance(Config())


def test_checksum_of_a_folder_covers_names_and_contents(tmp_path):
    folder = tmp_path / "image.zarr"
    (folder / "c" / "0").mkdir(parents=True)
    (folder / "zarr.json").write_text("{}")
    (folder / "c" / "0" / "0").write_bytes(b"pixels")
    first = sha256_path(folder)
    lines = "".join(f"{sha256_path(folder / name)}  {name}\n" for name in ("c/0/0", "zarr.json"))
    (tmp_path / "lines").write_text(lines)
    assert first == sha256_path(tmp_path / "lines")
    (folder / "c" / "0" / "0").rename(folder / "c" / "0" / "1")
    assert sha256_path(folder) != first


def test_checksums_made_beside_the_work_are_the_same(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("a.tif", "folder/b.tif"):
        (tmp_path / name).write_bytes(name.encode() * 300_000)
    paths = [tmp_path / "a.tif", tmp_path / "folder"]
    with Checksums([*paths, "https://host/c.zarr"]) as checksums:
        assert [checksums.of(path) for path in paths] == [sha256_path(path) for path in paths]
        assert provenance(Config(), paths, checksums=checksums).inputs == {
            "a.tif": checksums.of(paths[0]),
            "folder": checksums.of(paths[1]),
        }


def test_a_file_that_changes_meanwhile_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"one")
    with Checksums([path]) as checksums:
        assert checksums.of(path)
        path.write_bytes(b"other")
        with pytest.raises(InputError, match="changed while it was worked on"):
            checksums.of(path)


def test_a_missing_file_is_named_when_its_checksum_is_asked_for(tmp_path):
    with (
        Checksums([tmp_path / "gone.tif"]) as checksums,
        pytest.raises(InputError, match="cannot be read"),
    ):
        checksums.of(tmp_path / "gone.tif")


def test_a_scored_file_is_known_by_its_name_and_else_by_its_checksum_alone():
    inputs = {"one.tif": "1", "a/x.tif": "2", "b/x.tif": "3"}
    assert is_scored_file(inputs, "one.tif", "1")
    assert not is_scored_file(inputs, "one.tif", "2")
    assert is_scored_file(inputs, "x.tif", "2")
    assert is_scored_file(inputs, "x.tif", "3")
    assert not is_scored_file(inputs, "x.tif", "1")
    assert is_scored_file(inputs, "renamed.tif", "1")
    assert not is_scored_file(inputs, "renamed.tif", "4")
