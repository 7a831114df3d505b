"""Small results built by hand: every nucleus is a square with its spots inside."""

import numpy as np
import pytest

from alkfish.config import Config
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
from builders import filled

SIDE, STEP = 400, 60
SIGNALS = {
    "FUSED": (1, 0, 0),
    "SPLIT": (1, 1, 1),
    "ISOLATED_3P": (1, 1, 0),
    "ISOLATED_5P": (1, 0, 1),
    "": (0, 1, 0),
}


def nuclei_table(patterns, fov, certainty):
    n = len(patterns)
    place = np.arange(n)
    counts = np.array([SIGNALS[p] for p in patterns]).reshape(n, 3)
    own = {
        f"p_{p.lower()}": np.where(np.array(patterns) == p, certainty, 0.0) for p in SIGNALS if p
    }
    return filled(
        NucleusRecords, n, fov=np.full(n, fov, object), nucleus_id=place + 1,
        y_px=40.0 + STEP * (place // 6), x_px=40.0 + STEP * (place % 6),
        scorable=np.array([bool(p) for p in patterns]), pattern=np.array(patterns, object),
        flags=np.array(["" if p else "only_3p" for p in patterns], object),
        n_fused=counts[:, 0], n_3p=counts[:, 1], n_5p=counts[:, 2],
        max_separation_diam=np.where(np.array(patterns) == "SPLIT", 3.0, 0.2),
        max_separation_um=np.where(np.array(patterns) == "", 0.0, 1.5), **own,
    )  # fmt: skip


def spot_table(nuclei):
    rows = []
    for k in range(len(nuclei)):
        y, x, nucleus = nuclei.y_px[k], nuclei.x_px[k], nuclei.nucleus_id[k]
        fused, three, five = (int(getattr(nuclei, c)[k]) for c in ("n_fused", "n_3p", "n_5p"))
        if fused:
            rows += [(nucleus, "3p", y, x, 10 * k + 1), (nucleus, "5p", y, x + 1, 10 * k + 1)]
        rows += [(nucleus, "3p", y - 8, x - 8, 10 * k + 2)] * three
        rows += [(nucleus, "5p", y + 8, x + 8, 10 * k + 3)] * five
    nucleus, end, y, x, signal = zip(*rows, strict=True) if rows else ((),) * 5
    n = len(rows)
    return filled(
        SpotRecords, n, fov=np.full(n, nuclei.fov[0] if len(nuclei) else "", object),
        nucleus_id=nucleus, end=np.array(end, object), y_px=y, x_px=x, signal_id=signal,
        spot_id=np.arange(1, n + 1), diameter_um=np.full(n, 0.5), amplitude=np.full(n, 900.0),
    )  # fmt: skip


def label_image(nuclei):
    labels = np.zeros((SIDE, SIDE), np.int32)
    for y, x, name in zip(nuclei.y_px, nuclei.x_px, nuclei.nucleus_id, strict=True):
        labels[int(y) - 20 : int(y) + 20, int(x) - 20 : int(x) + 20] = name
    return labels


def build(
    patterns, *, call=None, case_id="case_17", fov="field_01", notes=(), cautions=(),
    certainty=0.95, inputs=None,
):  # fmt: skip
    nuclei = nuclei_table(patterns, fov, certainty)
    counts = PatternCounts.from_patterns(nuclei.pattern)
    n, positive = counts.n_enumerated, counts.n_positive
    reached = positive * 100 >= 15 * n
    verdict = call or (Call.POSITIVE if reached else Call.NEGATIVE)
    channel = ChannelQC(9, 20.0, 100.0, 5.0, 0.0, 0.9)
    qc = FieldQC(fov, len(nuclei), n, 0.7, channel, channel, reasons=tuple(notes))
    config = Config()
    return CaseResult(
        case_id=case_id,
        call=CaseCall(
            verdict, counts, positive / n if n else 0.0, (0.1, 0.4), 0.5,
            (f"{positive} of {n} nuclei are positive",), tuple(cautions),
        ),
        nuclei=nuclei,
        spots=spot_table(nuclei),
        fields=(qc,),
        excluded={"only_3p": sum(not p for p in patterns), "border": 0},
        probe=load_probe(),
        provenance=Provenance(
            "0.1.0", config.model_dump(mode="json"), config.fingerprint(),
            {"field_01.ome.tif": "ab" * 32} if inputs is None else inputs,
            "2026-01-02T03:04:05+00:00",
        ),
        labels={fov: label_image(nuclei)},
        pixel_size_um={fov: 0.1},
        notes={fov: tuple(notes)} if notes else {},
    )  # fmt: skip


@pytest.fixture
def make_result():
    return build


@pytest.fixture
def positive():
    return build(["SPLIT"] * 6 + ["ISOLATED_3P"] * 3 + ["ISOLATED_5P"] + ["FUSED"] * 10 + [""] * 2)


@pytest.fixture
def caution():
    return Caution("borderline", "the rate lies in the borderline range")
