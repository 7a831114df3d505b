"""Simulated slides: seamless, the same however they are cut, and with truth that adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from alkfish.errors import InputError, OutputError
from alkfish.evaluate import evaluate_bundle
from alkfish.io.labels import read_labels
from alkfish.io.slide_writer import BLOCK_PX
from alkfish.io.tables import read_table
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.synthetic import optics
from alkfish.synthetic.levels import LEVELS
from alkfish.synthetic.slide import SimulatedSlide, plan_slide, write_slide
from alkfish.synthetic.slide_layout import SlideLayout, SlidePlan, draw_tissue
from alkfish.synthetic.slide_light import TEXTURE_PX, expose, periodic_grain
from alkfish.synthetic.truth import TruthNuclei

SHAPE = (BLOCK_PX + 400, BLOCK_PX + 300)


def plan(**changes: object) -> SlidePlan:
    settings = {"seed": 4, "shape": SHAPE, "pixel_size_um": 0.3, "case_id": "s", "tissue": 0.7}
    return plan_slide("easy", **{**settings, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSlide:
    return write_slide(plan(), tmp_path_factory.mktemp("slide"))


@pytest.fixture(scope="module")
def planes(slide: SimulatedSlide) -> np.ndarray:
    return tifffile.imread(slide.path, level=0)


@pytest.fixture(scope="module")
def labels(slide: SimulatedSlide) -> np.ndarray:
    return np.asarray(read_labels(slide.truth_dir / "labels.zarr")["s"])


@pytest.fixture(scope="module")
def nuclei(slide: SimulatedSlide) -> NucleusRecords:
    return read_table(NucleusRecords, slide.truth_dir / "nuclei.parquet")


def test_picture_is_a_pyramid_with_names_and_scale(slide, planes):
    assert slide.path.name == "s.ome.tif"
    with tifffile.TiffFile(slide.path) as tiff:
        assert [level.shape for level in tiff.series[0].levels] == [
            (3, *SHAPE), (3, 1224, 1174), (3, 612, 587),
        ]  # fmt: skip
        for words in ("DAPI", "SpectrumOrange", 'PhysicalSizeX="0.3"', "not a specimen"):
            assert words in tiff.ome_metadata
    assert planes.dtype == np.uint16


def test_truth_counts_what_the_labels_hold(slide, labels, nuclei):
    area = np.bincount(labels.ravel())
    assert np.flatnonzero(area[1:]).tolist() == (nuclei.nucleus_id - 1).tolist()
    np.testing.assert_allclose(nuclei.area_um2, area[nuclei.nucleus_id] * 0.09)
    for row in range(0, len(nuclei), 97):
        y, x = np.nonzero(labels == nuclei.nucleus_id[row])
        assert (nuclei.y_px[row], nuclei.x_px[row]) == pytest.approx((y.mean(), x.mean()))
    edges = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    on_border = np.array(["border" in flags.split(";") for flags in nuclei.flags])
    assert set(nuclei.nucleus_id[on_border]) == set(edges.tolist()) - {0}
    told = json.loads((slide.truth_dir / "truth.json").read_text())
    assert told["n_nuclei"] == len(nuclei) > 500
    assert told["n_scorable"] == nuclei.scorable.sum() > 200
    assert told["fields"] == ["s"]
    assert "repeat every" in told["slide"]["simplified"]


def test_nuclei_go_on_across_blocks(labels, nuclei):
    ids = set(nuclei.nucleus_id.tolist())
    for upper, lower in (
        (labels[BLOCK_PX - 1], labels[BLOCK_PX]), (labels[:, BLOCK_PX - 1], labels[:, BLOCK_PX])
    ):  # fmt: skip
        both = set(np.unique(upper)) & set(np.unique(lower)) & ids
        assert len(both) > 10
        assert np.mean(upper == lower) > 0.95


def test_no_seam_in_the_pictures(planes):
    for plane in planes.astype(np.float64):
        steps = np.abs(np.diff(plane, axis=0)).mean(axis=1)
        across = np.abs(np.diff(plane, axis=1)).mean(axis=0)
        for one in (steps, across):
            near = np.delete(one[BLOCK_PX - 30 : BLOCK_PX + 30], 29)
            assert abs(one[BLOCK_PX - 1] - near.mean()) < 5 * near.std() + 0.02 * near.mean()


def test_spots_lie_where_the_picture_is_bright(slide, planes, nuclei):
    spots = read_table(SpotRecords, slide.truth_dir / "spots.parquet")
    assert spots.spot_id.tolist() == list(range(1, len(spots) + 1))
    assert set(spots.nucleus_id) <= {0, *nuclei.nucleus_id}
    for end, plane in (("3p", planes[1]), ("5p", planes[2])):
        of_end = spots.take(spots.end == end)
        y, x = np.rint(of_end.y_px).astype(int), np.rint(of_end.x_px).astype(int)
        expected = of_end.background + of_end.amplitude
        assert np.median(plane[y, x] / expected) == pytest.approx(1.0, abs=0.1)


def test_tables_tell_the_same_nuclei(slide, nuclei):
    biology = read_table(TruthNuclei, slide.truth_dir / "biology.parquet")
    np.testing.assert_array_equal(biology.nucleus_id, nuclei.nucleus_id)
    seen = nuclei.scorable & np.isin(nuclei.pattern, ["SPLIT"])
    assert (biology.fate[seen] == "split").mean() > 0.95


def test_truth_evaluated_against_itself_is_perfect(slide, tmp_path):
    result = tmp_path / "s"
    result.symlink_to(slide.truth_dir)
    (slide.truth_dir / "result.json").write_text('{"call": "x"}')
    try:
        figures = evaluate_bundle(result, slide.truth_dir)
    finally:
        (slide.truth_dir / "result.json").unlink()
    assert figures.nuclei.f1 == figures.spots["both"].f1 == 1.0
    assert figures.nuclei.tp == slide.truth["n_nuclei"]
    assert figures.mean_rate_error == 0.0


def test_glass_is_dark_and_empty(planes, labels):
    weight = draw_tissue(4, SHAPE, 0.7)
    y, x = np.indices((SHAPE[0] // 16, SHAPE[1] // 16)) * 16
    inside = weight.at(y, x) >= 0.5
    assert inside.mean() == pytest.approx(0.7, abs=0.06)
    clear = np.ascontiguousarray(weight.at(y, x) == 0)
    assert clear.mean() > 0.02
    assert (labels[y, x][clear] > 0).mean() < 0.02
    background = labels[y, x] == 0
    for plane in planes[1:]:
        glass = np.median(plane[y, x][clear & background])
        tissue = np.median(plane[y, x][inside & background])
        assert tissue - 100 > 2 * (glass - 100) > 0


def files(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(root)), path.read_bytes()


def test_threads_do_not_change_a_byte(slide, tmp_path):
    write_slide(plan(), tmp_path, workers=1)
    assert dict(files(tmp_path)) == dict(files(slide.path.parent.parent))


def test_layout_leaves_no_overlaps_across_blocks():
    level = LEVELS["easy"].with_(touching_share=0.0)
    slide_plan = plan_slide(level, seed=1, shape=SHAPE, pixel_size_um=0.3, tissue=1.0)
    layout = SlideLayout(slide_plan)
    layout.fill_row()
    layout.fill_row()
    layout.fill_row()
    placed = layout.row(0) + layout.row(1)
    assert [one.group.nucleus_id for one in placed] == list(range(1, len(placed) + 1))
    y, x = np.array([(one.nucleus.y, one.nucleus.x) for one in placed]).T
    reach = np.array([one.nucleus.profile_radius * one.nucleus.visible_share for one in placed])
    for i in range(len(placed)):
        distance = np.hypot(y - y[i], x - x[i])
        distance[i] = np.inf
        assert (distance > 0.75 * np.minimum(reach, reach[i]) * 2).all()


def test_no_tissue_gives_an_empty_slide(tmp_path):
    slide = write_slide(plan(tissue=0.0, shape=(700, 600)), tmp_path, pyramid=False)
    assert slide.truth["n_nuclei"] == 0
    assert slide.truth["true_call"] == "NOT_EVALUABLE"
    assert len(read_table(SpotRecords, slide.truth_dir / "spots.parquet")) == 0


def test_fast_exposure_has_the_statistics_of_the_exact_one():
    level = LEVELS["typical"].with_(hot_pixels=0.0, camera_gain=2.0)
    photons = np.full((700, 700), 12.0, np.float32)
    rng = np.random.default_rng(0)
    fast, exact = (f(rng, photons, level).astype(np.float64) for f in (expose, optics.expose))
    assert fast.mean() == pytest.approx(exact.mean(), abs=0.1)
    assert fast.std() == pytest.approx(exact.std(), rel=0.02)
    for share in (0.001, 0.01, 0.5, 0.99, 0.999):
        assert np.quantile(fast, share) == pytest.approx(np.quantile(exact, share), abs=2.0)


def test_textures_are_periodic_waves_of_unit_spread():
    for sigma in (4.0, 50.0):
        wave = periodic_grain(np.random.default_rng(0), TEXTURE_PX // 2, sigma)
        assert wave.std() == pytest.approx(1.0, abs=0.25)
        seam = np.abs(wave[0] - wave[-1]).mean()
        assert seam == pytest.approx(np.abs(np.diff(wave, axis=0)).mean(), rel=0.3)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"shape": (100, 5000)}, "size of a simulated slide"),
        ({"tissue": 1.5}, "share of tissue"),
        ({"positive_fraction": -0.1}, "positive fraction"),
    ],
)
def test_impossible_slides(changes, match):
    with pytest.raises(InputError, match=match):
        plan(**changes)


def test_existing_case_is_not_overwritten(slide):
    before = slide.path.stat()
    with pytest.raises(OutputError, match="cannot be written"):
        write_slide(plan(), slide.path.parent.parent)
    assert slide.path.stat() == before
