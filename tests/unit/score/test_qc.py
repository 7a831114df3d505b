"""Quality of a field: each figure, and each reason just within and just beyond its limit."""

import numpy as np
import pytest

from alkfish.model.result import ChannelQC
from alkfish.model.signals import NucleusRecords
from alkfish.score.qc import ChannelFigures, channel_qc, field_qc, scorable_shape
from alkfish.score.shift import ChromaticShift

FIGURES = ChannelFigures(background=120.0, noise=6.0, saturated=0.0)
MISSING_3P = ("no_signal", "only_5p")


def channel(**changes):
    usual = {
        "n_spots": 40, "median_snr": 20.0, "background": 100.0, "noise": 5.0, "saturated": 0.0,
        "efficiency": 0.9,
    }  # fmt: skip
    return ChannelQC(**(usual | changes))


def quality(nuclei, three=None, five=None):
    return field_qc(
        "f", nuclei, three or channel(), five or channel(), shift=ChromaticShift(),
        crosstalk=(0.0, 0.0),
    )  # fmt: skip


def test_shape_flags_decide_and_signal_flags_do_not(make_records):
    flags = ["", "border", "too_small;gain", "clump", "out_of_focus", "saturated", "too_large",
             "only_3p", "no_signal;dim_5p", "gain;doubtful"]  # fmt: skip
    nuclei = make_records([""] * len(flags), flags)
    assert scorable_shape(nuclei).tolist() == [
        True, False, False, False, False, False, False, True, True, True,
    ]  # fmt: skip


def test_no_nuclei_have_no_shape():
    found = scorable_shape(NucleusRecords.empty())
    assert found.shape == (0,)
    assert found.dtype == bool


def test_channel_figures(make_records, make_spots):
    nuclei = make_records(
        ["FUSED", "", "", "", ""], ["", "only_5p", "no_signal", "border;no_signal", "only_3p"]
    )
    spots = make_spots([(1, 1), (2, 2), (3, 3)], snr=[5.0, 9.0, 50.0])
    found = channel_qc(FIGURES, spots.snr, nuclei, MISSING_3P)
    assert found == ChannelQC(3, 9.0, 120.0, 6.0, 0.0, efficiency=2 / 4)


def test_channel_without_spots_or_nuclei():
    found = channel_qc(FIGURES, np.empty(0), NucleusRecords.empty(), MISSING_3P)
    assert (found.n_spots, found.median_snr, found.efficiency) == (0, 0.0, 0.0)


def test_good_field(make_records):
    found = quality(make_records(["FUSED"] * 10))
    assert (found.verdict, found.reasons) == ("good", ())
    assert (found.n_nuclei, found.n_scorable, found.focus) == (10, 10, 0.8)


def test_field_without_nuclei_is_poor():
    found = quality(NucleusRecords.empty())
    assert found.verdict == "poor"
    assert found.reasons == ("no nucleus found",)
    assert found.focus == 0.0


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"efficiency": 0.099}, "poor", "signals in only 10% of the nuclei: probe failure?"),
        ({"efficiency": 0.10}, "caution", "signals in only 10% of the nuclei"),
        ({"efficiency": 0.399}, "caution", "signals in only 40% of the nuclei"),
        ({"efficiency": 0.40}, "good", ""),
        ({"median_snr": 7.9}, "caution", "signals are dim (median SNR 7.9)"),
        ({"median_snr": 8.0}, "good", ""),
        ({"n_spots": 0, "median_snr": 0.0}, "good", ""),
        ({"saturated": 0.0011}, "caution", "channel is saturated in 0.1% of its pixels"),
        ({"saturated": 0.001}, "good", ""),
    ],
)
@pytest.mark.parametrize("end", ["3'", "5'"])
def test_limits_of_a_channel(make_records, changes, verdict, reason, end):
    sides = {"three" if end == "3'" else "five": channel(**changes)}
    found = quality(make_records(["FUSED"] * 12), **sides)
    assert found.verdict == verdict
    assert found.reasons == ((f"{end} {reason}",) if reason else ())


@pytest.mark.parametrize(
    ("n", "focus", "verdict", "reason"),
    [
        (9, 0.8, "caution", "only 9 nuclei"),
        (10, 0.8, "good", ""),
        (10, 0.34, "caution", "nuclei look out of focus (median focus 0.34)"),
        (10, 0.35, "good", ""),
    ],
)
def test_limits_of_a_field(make_records, n, focus, verdict, reason):
    found = quality(make_records(["FUSED"] * n, focus=focus))
    assert found.verdict == verdict
    assert found.reasons == ((reason,) if reason else ())


def test_measured_corrections_are_passed_on(make_records):
    shift = ChromaticShift(0.2, -0.1, 0.01, 80, True, "measured on 80 pairs")
    found = field_qc(
        "f", make_records(["FUSED"] * 12), channel(), channel(), shift=shift, crosstalk=(0.03, 0.0)
    )
    assert found.shift_um == (0.2, -0.1)
    assert found.shift_applied
    assert found.crosstalk == (0.03, 0.0)
