"""CZI, LIF and ND2 files with known pixels, from the header to the scored case."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from alkfish import open_bundle, score_fov
from alkfish.errors import AlkfishError, ImageError
from alkfish.io.images import open_case
from alkfish.synthetic.levels import LEVELS
from alkfish.synthetic.stack import simulate_stack

sys.path.insert(0, str(Path(__file__).parent))
try:
    from microscope_writers import LifImage, write_czi, write_lif, write_nd2
finally:
    sys.path.pop(0)

pytest.importorskip("liffile")
nd2 = pytest.importorskip("nd2")
pytest.importorskip("pylibCZIrw")

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "formats"
NAMES = ("FITC", "DAPI", "SpectrumOrange")
LEICA = ("Leica/FITC", "Leica/DAPI", "Leica/SpectrumOrange")
IN_FIELD = {"five_prime": 0, "dapi": 1, "three_prime": 2}


@pytest.fixture
def pixels() -> np.ndarray:
    """Return two pictures of four planes, shape (2, 4, 3, 33, 46), no two pixels alike."""
    return np.arange(2 * 4 * 3 * 33 * 46, dtype=np.uint16).reshape(2, 4, 3, 33, 46)


def write(kind: str, folder: Path, pixels: np.ndarray, *, step: float = 0.3) -> Path:
    if kind == "nd2":
        return write_nd2(folder / "a.nd2", pixels, NAMES, pixel_size_um=0.13, z_step_um=step)
    if kind == "czi":
        return write_czi(folder / "a.czi", pixels, NAMES, pixel_size_um=0.13, z_step_um=step)
    images = [
        LifImage(name, one, dyes=LEICA, pixel_size_um=0.13, z_step_um=step)
        for name, one in zip(("first", "second"), pixels, strict=False)
    ]
    return write_lif(folder / "a.lif", images)


def assert_pixels(field, expected: np.ndarray) -> None:
    for name, channel in IN_FIELD.items():
        np.testing.assert_array_equal(getattr(field, name), expected[:, channel].squeeze())


@pytest.mark.parametrize("kind", ["czi", "lif", "nd2"])
def test_every_pixel_of_every_scene_comes_through(kind, tmp_path, pixels):
    fields = list(open_case(write(kind, tmp_path, pixels)))
    assert len(fields) == 2
    for field, expected in zip(fields, pixels, strict=True):
        assert_pixels(field, expected)
        assert field.dapi.dtype == np.uint16
        assert field.pixel_size_um == pytest.approx(0.13, rel=1e-6)
        assert field.z_step_um == pytest.approx(0.3, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "scene"), [("czi", "scene 1"), ("lif", "second"), ("nd2", "position 1")]
)
def test_one_scene_by_name_or_number(kind, scene, tmp_path, pixels):
    path = write(kind, tmp_path, pixels)
    for chosen in (scene, 1):
        (field,) = open_case(path, scene=chosen)
        assert_pixels(field, pixels[1])
    with pytest.raises(AlkfishError, match="third"):
        open_case(path, scene="third")


@pytest.mark.parametrize("kind", ["czi", "lif", "nd2"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_single_plane_of_any_depth_of_pixels(kind, dtype, tmp_path, pixels):
    plane = pixels[:1, :1].astype(dtype)
    (field,) = open_case(write(kind, tmp_path, plane))
    assert not field.is_stack
    assert field.dapi.dtype == dtype
    assert_pixels(field, plane[0])


def test_nd2_without_calibration_has_no_size(tmp_path, pixels, alkfish):
    path = write_nd2(tmp_path / "a.nd2", pixels[:1], NAMES, calibrated=False, z_step_um=0.0)
    (file,) = alkfish.json("info", path, code=1)["paths"][0]["files"]
    assert file["pixel_size_um"] == 0
    assert file["z_step_um"] == 0
    assert file["pixel_size_source"] == "ND2 without calibration"


def test_nd2_with_times_is_refused_also_as_one_scene(tmp_path, pixels):
    path = write_nd2(tmp_path / "a.nd2", pixels, NAMES, n_times=2)
    for scene in (None, 0):
        with pytest.raises(ImageError, match="T: 2"):
            open_case(path, scene=scene)


def test_lif_channels_by_the_filters_of_a_camera(tmp_path, pixels):
    image = LifImage("one", pixels[0], filters=("FITC", "DAPI", "TX2 TexasRed"))
    (field,) = open_case(write_lif(tmp_path / "a.lif", [image]))
    assert_pixels(field, pixels[0])


@pytest.mark.parametrize("filters", [(), ("DAPI", "FITC"), ("FITC", "DAPI", "TRITC", "CY5")])
def test_lif_channels_without_names_are_not_guessed_from_colours(filters, tmp_path, pixels):
    image = LifImage("one", pixels[0], filters=filters, luts=("Blue", "Red", "Green"))
    path = write_lif(tmp_path / "a.lif", [image])
    with pytest.raises(AlkfishError, match="--channels"):
        open_case(path)
    (field,) = open_case(path, channels={"dapi": 1, "red": 2, "green": 0})
    assert_pixels(field, pixels[0])


@pytest.mark.parametrize("kind", ["czi", "lif", "nd2"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_truncated_files_are_refused(kind, share, tmp_path, pixels):
    path = write(kind, tmp_path, pixels)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=r"a\.(czi|lif|nd2)"):
        list(open_case(path))


@pytest.mark.parametrize("kind", ["czi", "lif", "nd2"])
def test_scored_as_the_same_pixels_in_memory(kind, tmp_path, alkfish):
    field = simulate_stack(LEVELS["easy"], seed=21, shape=(384, 384), positive_fraction=0.6).fov
    stack = np.stack([field.five_prime, field.dapi, field.three_prime], axis=1)[None]
    if kind == "nd2":
        path = write_nd2(tmp_path / "a.nd2", stack, NAMES, pixel_size_um=field.pixel_size_um)
    elif kind == "czi":
        path = write_czi(tmp_path / "a.czi", stack, NAMES, pixel_size_um=field.pixel_size_um)
    else:
        image = LifImage("one", stack[0], dyes=LEICA, pixel_size_um=field.pixel_size_um)
        path = write_lif(tmp_path / "a.lif", [image])
    (file,) = alkfish.json("info", path)["paths"][0]["files"]
    assert (file["kind"], file["n_planes"]) == (kind.upper(), len(stack[0]))
    assert [channel["role"] for channel in file["channels"]] == ["green", "dapi", "red"]
    alkfish("score", path, "-o", tmp_path / "out")
    nuclei = open_bundle(tmp_path / "out" / "a").nuclei
    expected = score_fov(field).nuclei
    assert len(expected) > 0
    np.testing.assert_array_equal(nuclei.pattern, expected.pattern)
    np.testing.assert_allclose(nuclei.n_3p, expected.n_3p)


@pytest.mark.skipif(not SHARED.exists(), reason="no shared pictures")
def test_frames_of_a_microscope_come_as_its_package_reads_them(tmp_path):
    """A real ND2; it has times, so that only the reader beneath the refusal can be shown."""
    from alkfish.io import _nd2
    from alkfish.io._vendor import make_header
    from alkfish.model.window import Window

    path = SHARED / "nd2" / "cluster.nd2"
    with pytest.raises(ImageError, match="T: 3"):
        open_case(path)
    with nd2.ND2File(path) as file:
        pixels, sizes = file.asarray(), dict(file.sizes)
    del sizes["T"]
    header = make_header(
        path, kind="ND2", reader="nd2", sizes=sizes, dtype=pixels.dtype, names=(),
        size=_nd2.PixelSize(), step=_nd2.PixelSize(),
    )  # fmt: skip
    reader = _nd2.open_reader(header)
    window = Window(5, 7, 20, 30)
    for plane in range(sizes["Z"]):
        for channel in range(sizes["C"]):
            found = reader.read(channel, plane, 0, window, keep=False)
            # The reader keeps one frame for each plane: that of the last time.
            np.testing.assert_array_equal(found, pixels[-1, plane, channel, 5:25, 7:37])
    reader.close()
