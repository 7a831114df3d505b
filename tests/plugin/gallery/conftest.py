"""A case with as many nuclei as wanted, made by hand, and a session that looks at it."""

from __future__ import annotations

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.model.result import (
    Call,
    CaseCall,
    CaseResult,
    ChannelQC,
    FieldQC,
    PatternCounts,
    Provenance,
)
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.report.pictures import Planes
from alkfish.review import ReadMode, open_store
from builders import PROBE, filled

PIXEL_UM, PITCH, SIDE = 0.1, 100, 60
NAMES = ("FUSED", "SPLIT", "ISOLATED_3P", "ISOLATED_5P", "")
FLAGS = {"": "clump;too_large", "SPLIT": "doubtful"}


def build_case(n_per_field=20, n_fields=2, seed=0):
    """Return a result: square nuclei in rows, one 3' and one 5' spot each, patterns in turn."""
    rng = np.random.default_rng(seed)
    n = n_per_field * n_fields
    numbers = np.tile(np.arange(1, n_per_field + 1), n_fields)
    fovs = np.repeat([f"field {k}" for k in range(n_fields)], n_per_field).astype(object)
    across = max(1, int(np.sqrt(n_per_field)))
    y = 50.0 + PITCH * ((numbers - 1) // across)
    x = 50.0 + PITCH * ((numbers - 1) % across)
    pattern = np.array([NAMES[k % 5] for k in range(n)], object)
    sure = np.round(rng.uniform(0.3, 1.0, n), 3)
    odds = {f"p_{name.lower()}": np.where(pattern == name, sure, 0.0) for name in NAMES if name}
    nuclei = filled(
        NucleusRecords, n, fov=fovs, nucleus_id=numbers, y_px=y, x_px=x, pattern=pattern,
        scorable=pattern != "", flags=np.array([FLAGS.get(p, "") for p in pattern], object),
        area_um2=rng.uniform(40, 120, n), max_separation_diam=rng.uniform(0, 9, n),
        min_snr=rng.uniform(3, 40, n), **odds,
    )  # fmt: skip
    spots = filled(
        SpotRecords, 2 * n, fov=np.repeat(fovs, 2), nucleus_id=np.repeat(numbers, 2),
        end=np.tile(np.array(["3p", "5p"], object), n), y_px=np.repeat(y, 2),
        x_px=np.repeat(x, 2) + np.tile([-8.0, 8.0], n), amplitude=900.0, diameter_um=0.5,
        spot_id=np.tile(np.arange(1, 2 * n_per_field + 1), n_fields), snr=20.0, p_real=0.99,
    )  # fmt: skip
    rows = int(np.ceil(n_per_field / across))
    labels = np.zeros((PITCH * rows, PITCH * across), np.int32)
    for k in range(n_per_field):
        top, left = 20 + PITCH * (k // across), 20 + PITCH * (k % across)
        labels[top : top + SIDE, left : left + SIDE] = k + 1
    channel = ChannelQC(n, 30.0, 100.0, 5.0, 0.0, 1.0)
    names = [f"field {k}" for k in range(n_fields)]
    counts = PatternCounts.from_patterns(pattern)
    config = Config()
    return CaseResult(
        case_id="case",
        call=CaseCall(Call.POSITIVE, counts, 0.5, (0.4, 0.6), 1.0, ("made up",), ()),
        nuclei=nuclei,
        spots=spots,
        fields=tuple(FieldQC(f, n_per_field, n_per_field, 0.8, channel, channel) for f in names),
        excluded={},
        probe=PROBE,
        provenance=Provenance("0", config.model_dump(mode="json"), config.fingerprint(), {}, ""),
        labels=dict.fromkeys(names, labels),
        pixel_size_um=dict.fromkeys(names, PIXEL_UM),
    )


class FakePictures:
    """Planes whose brightness tells the field; every cut is written down."""

    def __init__(self, available=True):
        self.available = available
        self.why_not = "" if available else "no pictures"
        self.cuts = []

    def cut(self, fov, window):
        self.cuts.append((fov, window))
        rng = np.random.default_rng(window.top + window.left)
        shape = (window.height, window.width)
        level = 100 * (1 + int(fov.split()[-1]))
        plane = (level + rng.integers(0, 50, shape)).astype(np.uint16)
        return Planes(plane, plane.copy(), plane.copy())


@pytest.fixture(scope="session")
def make_case():
    """Return ``make(n_per_field, n_fields)``: a result made by hand."""
    return build_case


@pytest.fixture
def fake_pictures():
    """Return the class of pictures that write down what is cut."""
    return FakePictures


@pytest.fixture
def make_session(tmp_path):
    """Return ``make(result, reading, blinded, full)``: a session on a store of its own."""
    from alkfish.plugin.session import ReviewSession

    stores = []

    def make(result, *, reading=False, blinded=False, full=False):
        store = open_store(tmp_path)
        stores.append(store)
        session = ReviewSession(store, result, "A. Reader")
        if reading:
            mode = ReadMode.FULL if full else ReadMode.FIFTY
            assert session.start_read(mode, blinded=blinded)
        return session

    yield make
    for store in stores:
        store.close()
