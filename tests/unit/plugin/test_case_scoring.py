"""Scoring with progress and a real stop; previews compare like with like."""

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.io.images import open_case
from alkfish.io.probes import load_probe
from alkfish.model.result import PatternCounts
from alkfish.pipeline import score_case
from alkfish.plugin.case_scoring import ScoringPlan, field_names, score_plan
from alkfish.plugin.preview import Preview, PreviewTask, make_preview, preview_window, words_of
from alkfish.report.pictures import Window
from alkfish.synthetic.case import simulate_case, write_case


class Teller:
    """Writes down what it is told; ends the work after some fields."""

    def __init__(self, stop_after=99):
        self.told, self.parts, self.stop_after = [], [], stop_after

    def tell(self, done, total, words):
        self.told.append((done, total, words))

    def give(self, part):
        self.parts.append(part.fov)
        if len(self.parts) >= self.stop_after:
            raise RuntimeError("stopped")

    def check(self):
        """Never stopped."""


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    made = simulate_case(
        "easy", seed=5, n_fields=3, case_id="small", positive_fraction=0.5, shape=(512, 512)
    )
    return open_case(write_case(made, tmp_path_factory.mktemp("scoring")))


@pytest.fixture(scope="module")
def result(case):
    return score_case(case)


def plan_of(case, **options):
    return ScoringPlan(case, "small", load_probe(), Config(), **options)


def test_the_result_is_that_of_the_command_line(case, result):
    teller = Teller()
    found = score_plan(plan_of(case), teller)
    assert found.nuclei.pattern.tolist() == result.nuclei.pattern.tolist()
    assert found.provenance.inputs == result.provenance.inputs
    assert teller.parts == list(field_names(case))
    assert [(done, total) for done, total, _ in teller.told if total == 3][-1] == (3, 3)


def test_whatever_the_teller_raises_ends_the_work(case):
    teller = Teller(stop_after=2)
    with pytest.raises(RuntimeError, match="stopped"):
        score_plan(plan_of(case), teller)
    assert len(teller.parts) == 2


def test_the_same_settings_show_no_change(case, result):
    source = case.fields[0]
    window = preview_window(source.shape, 0, 0)
    assert window == Window(0, 0, 512, 512)
    preview = make_preview(PreviewTask(source, window, load_probe(), Config()), result, Teller())
    assert preview.n_nuclei == preview.n_nuclei_before > 0
    assert preview.n_spots == pytest.approx(preview.n_spots_before, abs=1)


def test_other_settings_show_other_figures(case, result):
    source = case.fields[0]
    config = Config().with_settings(["detect.min_brightness=1.0", "detect.min_snr=50"])
    task = PreviewTask(source, preview_window(source.shape, 0, 0), load_probe(), config)
    preview = make_preview(task, result, Teller())
    assert preview.n_spots < preview.n_spots_before
    assert "signals" in words_of(preview)


def test_a_part_of_a_large_field_is_compared_without_its_margin(case, result):
    source = case.fields[0]
    window = Window(0, 0, 400, 500)
    preview = make_preview(PreviewTask(source, window, load_probe(), Config()), result, Teller())
    nuclei = result.nuclei
    margin = round(15.0 / source.pixel_size_um)
    inside = (
        (nuclei.fov == source.name)
        & (nuclei.y_px >= margin) & (nuclei.y_px < 400 - margin)
        & (nuclei.x_px >= margin) & (nuclei.x_px < 500 - margin)
    )  # fmt: skip
    assert preview.n_nuclei_before == int(inside.sum())


@pytest.mark.parametrize(
    ("point", "corner"),
    [((0, 0), (0, 0)), ((5000, 6000), (4360, 5360)), ((9999, 9999), (8720, 8720))],
)
def test_the_part_of_a_slide_lies_around_what_is_looked_at(point, corner):
    window = preview_window((10_000, 10_000), *point)
    assert (window.top, window.left, window.height, window.width) == (*corner, 1280, 1280)


def test_changes_in_words():
    preview = Preview(
        "f", Window(0, 0, 1, 1), None, PatternCounts(fused=9, split=1), PatternCounts(fused=9), 12,
        12, 20, 25,
    )  # fmt: skip
    assert words_of(preview) == (
        "nuclei 12, counted 9 \u2192 10, positive 0 \u2192 1, signals 25 \u2192 20"
    )
    same = Preview(
        "f", Window(0, 0, 1, 1), None, PatternCounts(), PatternCounts(), 1, 1, 2, 2
    )  # fmt: skip
    assert words_of(same).startswith("no change in number")
    assert np.isfinite(preview.n_nuclei)
