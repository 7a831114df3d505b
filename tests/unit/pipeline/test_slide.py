"""A slide is scored field by field, and nobody can tell from the result."""

import pickle
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

import alkfish
from alkfish.config import Config
from alkfish.errors import ReviewError
from alkfish.io.bundle import open_bundle, write_bundle
from alkfish.io.probes import load_probe
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeEnd
from alkfish.model.window import Window
from alkfish.pipeline.case import combine_fields
from alkfish.pipeline.slide import score_slide
from alkfish.pipeline.slide_sample import SlideSample
from alkfish.review import SpotAdded, SpotDeleted, SpotMoved, apply_edits
from alkfish.slides import grid
from alkfish.synthetic import simulate_field
from alkfish.synthetic.levels import LEVELS
from alkfish.synthetic.stack import simulate_stack

PIXEL_UM = 0.2


@dataclass(frozen=True, eq=False)
class ArraySlide:
    """A slide in memory, read like one on disk."""

    fov: FieldOfView = field(repr=False)
    name: str = "slide"
    notes: tuple[str, ...] = ()
    paths: tuple = ()
    n_planes: int = 1
    z_step_um: float = 0.0

    @property
    def pixel_size_um(self):
        return self.fov.pixel_size_um

    @property
    def shape(self):
        return self.fov.shape

    @property
    def levels(self):
        height, width = self.shape
        small = (height + 7) // 8, (width + 7) // 8
        return SimpleNamespace(shape=self.shape, downsample=1.0), SimpleNamespace(
            shape=small, downsample=8.0
        )

    def load_dapi(self, *, level):
        assert level == 1
        dapi = self.fov.dapi.max(axis=0) if self.fov.is_stack else self.fov.dapi
        return dapi[::8, ::8]

    def load_region(self, top, left, height, width):
        rows, columns = slice(top, top + height), slice(left, left + width)
        planes = {
            channel: np.ascontiguousarray(getattr(self.fov, channel)[..., rows, columns])
            for channel in ("dapi", "three_prime", "five_prime")
        }
        step = self.fov.z_step_um
        return FieldOfView(
            **planes, pixel_size_um=self.pixel_size_um, name=self.name, z_step_um=step
        )


@pytest.fixture(scope="module")
def simulated():
    return simulate_field(seed=5, shape=(1536, 1536), pixel_size_um=PIXEL_UM)


@pytest.fixture
def slide(simulated, monkeypatch):
    monkeypatch.setattr(grid, "CORE_PX", 512)
    monkeypatch.setattr(grid, "MIN_CORE_PX", 256)
    return ArraySlide(simulated.fov)


def score(slide, folder=None, **options):
    return score_slide(slide, probe=load_probe(), config=Config(), folder=folder, **options)


def as_bytes(result):
    tables = [
        [getattr(table, info.name).tolist() for info in table.columns()]
        for table in (result.nuclei, result.spots)
    ]
    return tables, np.asarray(result.labels).tobytes(), result.qc, result.notes


class Backwards:
    """Does the last item first, as a busy cluster might."""

    def run(self, task, items):
        for number in reversed(range(len(items))):
            yield number, task(items[number])


def test_the_result_does_not_depend_on_tiles_or_workers(slide, tmp_path):
    plain = as_bytes(score(slide))
    assert len(plain[0][0][0]) > 50
    for tile_fields in (1, 2, 5):
        options = {"tile_fields": tile_fields, "executor": Backwards()}
        assert as_bytes(score(slide, tmp_path / str(tile_fields), **options)) == plain


def test_windows_of_the_sample_are_read_where_they_are_analysed(slide):
    windows = [Window(0, 0, 512, 512), Window(1024, 512, 512, 512)]
    sample = SlideSample(slide, windows, Config())
    assert sample.load(windows[1]) is sample.load(windows[1])
    sent = replace(sample, source="slide")
    assert not pickle.loads(pickle.dumps(sent))._read  # noqa: S301 - pixels never travel
    levels = sample.learn("dapi")
    assert levels == SlideSample(slide, windows, Config()).learn("dapi")


def test_a_slide_shows_what_one_large_field_shows(slide, simulated):
    tiled, whole = score(slide), alkfish.score_fov(simulated.fov)
    tree = cKDTree(np.stack([tiled.nuclei.y_px, tiled.nuclei.x_px], axis=1))
    points = np.stack([whole.nuclei.y_px, whole.nuclei.x_px], axis=1)
    gap, partner = tree.query(points)
    found = gap < 5
    # Levels are measured on samples here, on the field itself there: dim objects may differ.
    assert found.mean() > 0.95
    assert abs(len(tiled.nuclei) - len(whole.nuclei)) <= 0.03 * len(whole.nuclei)
    same = whole.nuclei.pattern[found] == tiled.nuclei.pattern[partner[found]]
    assert same.mean() > 0.97
    assert len(np.unique(partner[found])) == found.sum()


def test_labels_and_tables_say_the_same(slide):
    result = score(slide)
    labels = np.asarray(result.labels)
    area = np.bincount(labels.ravel(), minlength=len(result.nuclei) + 1)[1:]
    assert len(area) == len(result.nuclei)
    assert np.allclose(area * PIXEL_UM**2, result.nuclei.area_um2, rtol=0.02)
    inside = result.spots.nucleus_id > 0
    y, x = (np.rint(v[inside]).astype(int) for v in (result.spots.y_px, result.spots.x_px))
    assert (labels[y, x] == result.spots.nucleus_id[inside]).mean() > 0.95


def test_a_stopped_run_goes_on_where_it_was(slide, tmp_path):
    plain = as_bytes(score(slide))

    class Stops:
        def run(self, task, items):
            is_sample = task.__name__ != "score_tile"
            for number, item in enumerate(items if is_sample else items[:4]):
                yield number, task(item)
            if not is_sample:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(slide, tmp_path, executor=Stops())
    states = []
    again = score(slide, tmp_path, on_progress=states.append)
    assert as_bytes(again) == plain
    assert states[0].resumed == states[0].fields_done == 4
    assert states[-1].fields_done == states[-1].fields_total == 9
    assert states[-1].pixels_done == states[-1].pixels_total == 1536**2


def test_fields_of_other_settings_are_not_reused(slide, tmp_path):
    score(slide, tmp_path)
    states = []
    config = Config().with_settings(["detect.min_snr=6"])
    score_slide(
        slide, probe=load_probe(), config=config, folder=tmp_path, on_progress=states.append
    )
    assert states[0].resumed == 0


def test_empty_parts_are_not_read(slide, simulated, monkeypatch):
    fov = simulated.fov
    planes = {c: getattr(fov, c).copy() for c in ("dapi", "three_prime", "five_prime")}
    rng = np.random.default_rng(0)
    for plane in planes.values():
        plane[:, 700:] = rng.normal(100, 5, plane[:, 700:].shape)
    half = ArraySlide(FieldOfView(**planes, pixel_size_um=fov.pixel_size_um))
    states = []
    result = score(half, on_progress=states.append)
    assert states[-1].fields_total == 6
    assert (result.nuclei.x_px < 720).all()


@pytest.fixture(scope="module")
def stack_case():
    """The result of a slide that is one focus stack, in four fields."""
    level = LEVELS["easy"]
    fov = simulate_stack(level, seed=21, n_planes=8, shape=(512, 512), pixel_size_um=PIXEL_UM).fov
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "CORE_PX", 512)
        patch.setattr(grid, "MIN_CORE_PX", 256)
        field = score(ArraySlide(fov, n_planes=8, z_step_um=fov.z_step_um))
    return combine_fields("case", [field], probe=load_probe(), config=Config())


def test_a_slide_of_a_stack_says_so(stack_case):
    qc = stack_case.fields[0]
    assert (qc.n_planes, qc.z_step_um) == (8, 0.4)
    codes = {caution.code for caution in stack_case.call.cautions}
    assert "single_plane" not in codes
    assert "shallow_stack" in codes, "8 planes of 0.4 um"


def test_signals_of_a_slide_of_a_stack_are_added_moved_and_deleted(stack_case, tmp_path):
    """As of a single field: at a depth, and the pattern follows."""
    result = open_bundle(write_bundle(stack_case, tmp_path))
    nuclei = result.nuclei
    row = int(np.flatnonzero(nuclei.pattern == "FUSED")[0])
    number, y, x = (
        t[row].item() for t in (nuclei.nucleus_id, nuclei.y_px, nuclei.x_px)
    )  # fmt: skip
    own = result.spots.nucleus_id == number
    depth = 4 * 0.4  # of the plane that is shown
    with pytest.raises(ReviewError, match=r"needs its depth(.|\n)*0 to 2\.8 um"):
        apply_edits(result, [SpotAdded("slide", number, ProbeEnd.THREE_PRIME, y, x)])
    far = max(
        ((y + dy, x + dx) for dy in (-12, 0, 12) for dx in (-12, 0, 12)),
        key=lambda p: np.hypot(result.spots.y_px[own] - p[0], result.spots.x_px[own] - p[1]).min(),
    )
    add = SpotAdded("slide", number, ProbeEnd.THREE_PRIME, *far, z_um=depth)
    added = apply_edits(result, [add])
    assert added.spots.z_um[-1] == pytest.approx(depth)
    assert added.nuclei.pattern[row] == "ISOLATED_3P"
    spot = int(added.spots.spot_id[-1])
    gone = apply_edits(added, [SpotDeleted("slide", spot)])
    assert gone.nuclei.pattern[row] == "FUSED"
    moved = apply_edits(added, [SpotMoved("slide", spot, 0.0, 0.0, 0)])
    assert moved.nuclei.pattern[row] == "FUSED"
    assert moved.spots.z_um[-1] == pytest.approx(depth), "it keeps its depth"


def test_an_empty_slide(slide):
    rng = np.random.default_rng(0)
    glass = rng.normal(100, 5, (1536, 1536)).astype(np.float32)
    empty = ArraySlide(
        FieldOfView(dapi=glass, three_prime=glass, five_prime=glass, pixel_size_um=PIXEL_UM)
    )
    result = score(empty)
    assert len(result.nuclei) == len(result.spots) == 0
    assert result.qc.verdict == "poor"
    assert not np.asarray(result.labels).any()
