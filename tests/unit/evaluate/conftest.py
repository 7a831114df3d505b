"""Bundles with chosen patterns: every nucleus is a square in one row of a field."""

from dataclasses import replace

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.io.bundle import write_bundle
from alkfish.io.probes import load_probe
from alkfish.model.result import (
    CaseCall,
    CaseResult,
    Caution,
    ChannelQC,
    FieldQC,
    PatternCounts,
    Provenance,
)
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.score.case_rule import call_counts
from alkfish.score.statistics import wilson_interval

STEP, SIDE = 12, 10


def nuclei_table(patterns, fov, p_positive):
    n = len(patterns)
    values = {
        info.name: np.full(n, "", object) if info.dtype == object else np.zeros(n, info.dtype)
        for info in NucleusRecords.columns()
    }
    values |= {
        "fov": np.full(n, fov, object),
        "nucleus_id": np.arange(1, n + 1),
        "y_px": np.full(n, SIDE / 2 - 0.5),
        "x_px": STEP * np.arange(n) + SIDE / 2 - 0.5,
        "scorable": np.array([bool(pattern) for pattern in patterns], bool),
        "pattern": np.array(patterns, object),
        "p_positive": p_positive,
    }
    return NucleusRecords(**values)


def make_result(case_id, patterns, *, fov="field_01", p_positive=None, call="", **changes):
    """Return a result; `patterns` holds one text per nucleus, empty: not scorable."""
    likely = [0.9 if p in ("SPLIT", "ISOLATED_3P") else 0.1 if p else 0.0 for p in patterns]
    nuclei = nuclei_table(patterns, fov, np.array(likely if p_positive is None else p_positive))
    labels = np.zeros((SIDE, STEP * max(len(patterns), 1)), np.int32)
    for number in range(len(patterns)):
        labels[:, STEP * number : STEP * number + SIDE] = number + 1
    counts, probe, config = PatternCounts.from_patterns(patterns), load_probe(), Config()
    verdict, reason = call_counts(counts, probe.case_rule)
    n, positive = counts.n_enumerated, counts.n_positive
    channel = ChannelQC(9, 20.0, 100.0, 5.0, 0.0, 0.9)
    result = CaseResult(
        case_id=case_id,
        call=CaseCall(
            type(verdict)(call) if call else verdict, counts, positive / n if n else 0.0,
            wilson_interval(positive, n), 0.5, (reason,), (Caution("single_plane", "one plane"),),
        ),
        nuclei=nuclei, spots=SpotRecords.empty(),
        fields=(FieldQC(fov, len(nuclei), n, 0.7, channel, channel),),
        excluded={}, probe=probe,
        provenance=Provenance(
            "0.1.0", config.model_dump(mode="json"), config.fingerprint(), {},
            "2026-01-02T03:04:05+00:00",
        ),
        labels={fov: labels}, pixel_size_um={fov: 0.1},
    )  # fmt: skip
    return replace(result, **changes)


def patterns_of(fused=0, split=0, isolated_3p=0, isolated_5p=0, excluded=0):
    return (
        ["SPLIT"] * split + ["ISOLATED_3P"] * isolated_3p + ["ISOLATED_5P"] * isolated_5p
        + ["FUSED"] * fused + [""] * excluded
    )  # fmt: skip


@pytest.fixture
def results(tmp_path):
    """Write bundles into a folder; returns the folder."""
    folder = tmp_path / "results"

    def write(case_id, *, result=None, call="", **counts):
        made = result or make_result(case_id, patterns_of(**counts), call=call)
        write_bundle(made, folder)
        return folder

    return write


@pytest.fixture
def new_result():
    return make_result
