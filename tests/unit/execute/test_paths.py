"""What lies at a path is told apart: a file of a size, a folder, nothing."""

from alkfish.execute.paths import FOLDER, MISSING, is_missing, local_paths, sizes_of


def test_sizes(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"12345")
    found = sizes_of([str(tmp_path / "a.bin"), str(tmp_path), str(tmp_path / "gone")])
    assert found == [5, FOLDER, MISSING]
    assert [is_missing(size) for size in found] == [False, False, True]


def test_a_path_through_a_file_is_missing(tmp_path):
    (tmp_path / "a.bin").touch()
    assert [is_missing(size) for size in sizes_of([str(tmp_path / "a.bin" / "b")])] == [True]


def test_urls_are_left_out(tmp_path):
    assert local_paths([tmp_path, "https://host/x.zarr", "rel/y"]) == [str(tmp_path), "rel/y"]
