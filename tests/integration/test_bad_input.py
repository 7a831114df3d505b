"""Bad input: one message with place, value and remedy; right exit code; nothing half-written."""

import numpy as np
import pytest
import tifffile

SHAPE = (3, 64, 64)


def write_ome(path, data, **changes):
    metadata = {
        "axes": "CYX",
        "Channel": {"Name": ["DAPI", "SpectrumOrange", "SpectrumGreen"]},
        "PhysicalSizeX": 0.1,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.1,
        "PhysicalSizeYUnit": "µm",
    }
    tifffile.imwrite(path, data, photometric="minisblack", metadata={**metadata, **changes})


def good(dtype=np.uint16):
    return np.random.default_rng(0).integers(0, 200, SHAPE).astype(dtype)


def truncated(path):
    write_ome(path, np.zeros((3, 256, 256), np.uint16))
    path.write_bytes(path.read_bytes()[:4000])


def not_a_picture(path):
    path.write_text("Dear pathologist, this is a letter.")


def empty_file(path):
    path.write_bytes(b"")


def wrong_channel_count(path):
    write_ome(path, good()[:2], Channel={"Name": ["DAPI", "SpectrumOrange"]})


def not_a_number(path):
    data = good(np.float32)
    data[1, 3, 3] = np.nan
    write_ome(path, data)


def one_bit(path):
    tifffile.imwrite(path, np.ones((64, 64), bool), photometric="minisblack")


def no_pixel_size(path):
    names = {"Channel": {"Name": ["DAPI", "SpectrumOrange", "SpectrumGreen"]}}
    metadata = {"axes": "CYX", **names}
    tifffile.imwrite(path, good(), photometric="minisblack", metadata=metadata)


def no_channel_names(path):
    write_ome(path, good(), Channel={"Name": ["a", "b", "c"]})


BAD = [
    (truncated, ()),
    (not_a_picture, ()),
    (empty_file, ()),
    (wrong_channel_count, ()),
    (not_a_number, ()),
    (one_bit, ()),
    (no_pixel_size, ("pixel size",)),
    (no_channel_names, ("--channels",)),
]


@pytest.mark.parametrize(("make", "words"), BAD, ids=[make.__name__ for make, _ in BAD])
def test_unreadable_picture_fails_its_case_with_file_and_remedy(alkfish, tmp_path, make, words):
    path = tmp_path / "bad.ome.tif"
    make(path)
    out = tmp_path / "out"
    done = alkfish("score", path, "-o", out, code=1)
    assert done.stderr.count("FAILED") == 1
    assert "bad" in done.stderr
    assert "what to do" in done.stderr
    for word in words:
        assert word in done.stderr
    assert {item.name for item in out.iterdir()} == {"batch.log", ".batch.lock"}


def test_all_black_picture_is_not_evaluable(alkfish, tmp_path):
    path = tmp_path / "black.ome.tif"
    write_ome(path, np.zeros(SHAPE, np.uint16))
    (scored,) = alkfish.json("score", path, "-o", tmp_path / "out")["cases"]
    assert scored["call"] == "NOT_EVALUABLE"
    assert (scored["n_nuclei"], scored["rate"], scored["interval"]) == (0, 0.0, [0.0, 1.0])
    assert scored["reasons"]


def test_tiny_picture_is_scored_or_refused_never_a_crash(alkfish, tmp_path):
    path = tmp_path / "tiny.ome.tif"
    write_ome(path, np.ones((3, 3, 2), np.uint16))
    (scored,) = alkfish.json("score", path, "-o", tmp_path / "out")["cases"]
    assert scored["call"] == "NOT_EVALUABLE"


def test_zero_size_array_is_refused():
    import alkfish

    empty = np.zeros((0, 10), np.uint16)
    with pytest.raises(alkfish.AlkfishError, match="2-D picture with pixels"):
        alkfish.FieldOfView(dapi=empty, three_prime=empty, five_prime=empty, pixel_size_um=0.1)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "good.ome.tif"
    write_ome(path, good())
    return path


USAGE = {
    "missing file": (["{dir}/none.tif"], "no such file"),
    "unknown key": (["{good}", "--set", "detect.min_snrr=7"], "unknown setting"),
    "not an assignment": (["{good}", "--set", "min_snr"], "stage.key=value"),
    "value out of range": (["{good}", "--set", "detect.min_snr=-1"], "detect.min_snr"),
    "missing settings file": (["{good}", "--config", "{dir}/none.toml"], "cannot be read"),
    "unknown probe": (["{good}", "--probe", "nobody"], "no such probe"),
    "unconfirmed probe": (["{good}", "--probe", "generic-break-apart"], "not confirmed"),
    "bad channels": (["{good}", "--channels", "dapi=zero"], "dapi"),
    "unknown role": (["{good}", "--channels", "blue=0,red=1,green=2"], "blue"),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage_errors_end_with_2_before_anything_is_written(alkfish, tmp_path, picture, name):
    arguments, words = USAGE[name]
    filled = [item.format(dir=tmp_path, good=picture) for item in arguments]
    out = tmp_path / "out"
    done = alkfish("score", *filled, "-o", out, code=2)
    assert words in done.stderr.replace("\n", " ")
    assert "what to do" in done.stderr
    assert done.stdout == ""
    assert not out.exists()


def test_usage_errors_are_json_with_json(alkfish, tmp_path, picture):
    document = alkfish.json("score", picture, "-o", tmp_path, "--set", "no.such=1", code=2)
    assert document["error"]["type"] == "ConfigError"
    assert document["error"]["remedy"]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_output_that_cannot_be_written_is_found_first(alkfish, tmp_path, picture, place):
    (tmp_path / "file").write_text("I am a file")
    done = alkfish("score", picture, "-o", tmp_path / place, code=2)
    assert "file" in done.stderr
    assert "-o" in done.stderr


def test_a_folder_of_something_else_is_not_replaced(alkfish, tmp_path, picture):
    taken = tmp_path / "out" / "good"
    taken.mkdir(parents=True)
    (taken / "thesis.txt").write_text("ten years of work")
    done = alkfish("score", picture, "-o", tmp_path / "out", "--overwrite", code=1)
    assert "taken by something else" in done.stderr
    assert (taken / "thesis.txt").read_text() == "ten years of work"


@pytest.mark.parametrize("size", ["0", "-1", "50", "nan"])
def test_impossible_pixel_size_is_an_error(alkfish, tmp_path, picture, size):
    from typer.testing import CliRunner

    from alkfish.cli import app

    arguments = ["score", str(picture), "-o", str(tmp_path / "out"), "--pixel-size-um", size]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "pixel size is out of range" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["score"], ["score", "x"], ["nonsense"], ["info"]])
def test_incomplete_commands_end_with_2(alkfish, arguments):
    alkfish(*arguments, code=2)
