"""Results to read (made by hand) and to score again (simulated), in a viewer without a window."""

from __future__ import annotations

import shutil
import time
import warnings

import numpy as np
import pytest

pytest.importorskip("pytestqt")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of third parties, while their modules are imported
    pytest.importorskip("napari.layers")
    pytest.importorskip("napari.components")
    pytest.importorskip("napari.viewer")

from qtpy.QtWidgets import QApplication

from alkfish.config import Config
from alkfish.io.bundle import write_bundle
from alkfish.io.images import open_case
from alkfish.io.locations import PicturePlace, remember_pictures
from alkfish.io.probes import load_probe
from alkfish.model.result import (
    Call,
    CaseCall,
    CaseResult,
    Caution,
    ChannelQC,
    FieldQC,
    PatternCounts,
    Provenance,
)
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.pipeline import score_case
from alkfish.synthetic.case import simulate_case, write_case
from builders import filled

PITCH, SIDE = 60, 40


def build_result(case_id, patterns):
    """Return a case of square nuclei in rows of ten."""
    n = len(patterns)
    number = np.arange(n)
    pattern = np.array(patterns, object)
    y, x = 30.0 + PITCH * (number // 10), 30.0 + PITCH * (number % 10)
    labels = np.zeros((PITCH * (n // 10 + 1), PITCH * 10), np.int32)
    for k in range(n):
        labels[int(y[k]) - 20 : int(y[k]) + 20, int(x[k]) - 20 : int(x[k]) + 20] = k + 1
    nuclei = filled(
        NucleusRecords, n, fov="field", nucleus_id=number + 1, y_px=y, x_px=x, pattern=pattern,
        scorable=pattern != "", flags=np.where(pattern == "", "clump", "").astype(object),
        area_um2=16.0,
    )  # fmt: skip
    counts = PatternCounts.from_patterns(pattern)
    rate = counts.n_positive / max(counts.n_enumerated, 1)
    channel, config = ChannelQC(n, 30.0, 100.0, 5.0, 0.0, 1.0), Config()
    return CaseResult(
        case_id=case_id,
        call=CaseCall(
            Call.POSITIVE if rate >= 0.15 else Call.NEGATIVE, counts, rate, (0.1, 0.4), 0.5,
            ("the machine's reason",), (Caution("borderline", "the rate is borderline"),),
        ),
        nuclei=nuclei,
        spots=filled(SpotRecords, 0),
        fields=(FieldQC("field", n, counts.n_enumerated, 0.8, channel, channel),),
        excluded={"clump": int((pattern == "").sum())},
        probe=load_probe(),
        provenance=Provenance("0", config.model_dump(mode="json"), config.fingerprint(), {}, ""),
        labels={"field": labels},
        pixel_size_um={"field": 0.1},
    )  # fmt: skip


@pytest.fixture
def made(tmp_path):
    """A folder of three results made by hand: positive, negative and nearly empty."""
    many = ["FUSED"] * 100 + [""] * 5
    for case_id, patterns in (
        ("case a", ["SPLIT"] * 30 + many), ("case b", many), ("case c", ["FUSED"] * 5),
    ):  # fmt: skip
        write_bundle(build_result(case_id, patterns), tmp_path / "made")
    return tmp_path / "made"


@pytest.fixture(scope="session")
def scored(tmp_path_factory):
    """A folder with a simulated case of two fields, scored, and its pictures."""
    folder = tmp_path_factory.mktemp("desk")
    case = simulate_case(
        "easy", seed=5, n_fields=2, case_id="small", positive_fraction=0.5, shape=(640, 640)
    )
    write_case(case, folder / "pictures")
    result = score_case(open_case(folder / "pictures" / "small"))
    write_bundle(result, folder / "results")
    return folder


@pytest.fixture
def small(scored, tmp_path):
    """A copy of the scored case to write to; it knows where its pictures lie."""
    results = tmp_path / "results"
    shutil.copytree(scored / "results", results)
    remember_pictures(results, "small", PicturePlace((scored / "pictures" / "small",)))
    return results


@pytest.fixture
def model():
    """A viewer without a window."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def workspace(qapp, model):
    """A workspace that has no window but all else."""
    from alkfish.plugin.workspace import Workspace

    space = Workspace(model)
    yield space
    space.close()


@pytest.fixture
def wait_for():
    """Return ``wait_for(condition)``: let the window work until something holds."""

    def wait(condition, seconds=30.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it took too long"
            QApplication.processEvents()
            time.sleep(0.005)
        QApplication.processEvents()

    return wait
