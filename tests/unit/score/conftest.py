"""Tables made by hand: spots, nuclei and scored rows with defaults for every column."""

from __future__ import annotations

import numpy as np
import pytest

from alkfish.model.nuclei import NucleusTable
from alkfish.model.signals import NucleusRecords
from alkfish.model.spots import SpotTable
from builders import filled


@pytest.fixture(scope="session")
def make_spots():
    """Return ``make(places_px, **columns)``: clear round spots of 0.5 um."""

    def make(places, **columns):
        y, x = np.array(places, float).reshape(-1, 2).T
        usual = {"snr": 30.0, "diameter_um": 0.5, "p_real": 1.0, "quality": 1.0, "amplitude": 500.0}
        return filled(SpotTable, len(y), y_px=y, x_px=x, **(usual | columns))

    return make


@pytest.fixture(scope="session")
def make_nuclei():
    """Return ``make(n, **columns)``: a nucleus table with ids from 1."""

    def make(n, **columns):
        usual = {"nucleus_id": np.arange(1, n + 1), "area_um2": 100.0, "focus": 0.8}
        return filled(NucleusTable, n, **(usual | columns))

    return make


@pytest.fixture(scope="session")
def make_records():
    """Return ``make(patterns, flags=..., **columns)``: scored nuclei; no pattern, not scorable."""

    def make(patterns, flags="", **columns):
        patterns = np.array(patterns, object)
        flags = np.full(len(patterns), flags, object) if isinstance(flags, str) else flags
        usual = {
            "fov": "field", "nucleus_id": np.arange(1, len(patterns) + 1), "focus": 0.8,
            "pattern": patterns, "scorable": patterns != "", "n_fused": patterns != "",
        }  # fmt: skip
        return filled(
            NucleusRecords, len(patterns), flags=np.array(flags, object), **(usual | columns)
        )

    return make
