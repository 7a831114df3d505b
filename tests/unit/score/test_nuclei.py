"""Rows of nuclei and spots made from hand-placed spots: counts, flags, ids, evidence."""

from dataclasses import replace

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.io.probes import load_probe
from alkfish.model.flags import EXCLUDING, NucleusFlag, SpotFlag, parse_flags
from alkfish.model.nuclei import Nuclei, NucleusTable
from alkfish.model.probe import SeparationMeasure, SeparationRule
from alkfish.model.spots import SpotTable
from alkfish.score.nuclei import EndSpots, score_nuclei
from alkfish.score.shift import ChromaticShift

SIZE_UM = 0.1


@pytest.fixture(scope="module")
def score(make_spots, make_nuclei):
    """Return ``score(three, five, ...)``: one nucleus of 90 x 90 px, or as many as given."""

    def run(three, five, *, n=1, segment_flags=0, usual_3p=40.0, usual_5p=40.0, missed=0.0,
            unresolved=(0.0, 0.0), shift=None, settings=(), probe=None):  # fmt: skip
        labels = np.zeros((100, 100 * n), np.int32)
        for k in range(n):
            labels[5:95, 100 * k + 5 : 100 * k + 95] = k + 1
        tables = [s if isinstance(s, SpotTable) else make_spots(s) for s in (three, five)]
        ends = [
            EndSpots(table, np.full(n, usual), np.full(len(table), missed), np.full(n, odd))
            for table, usual, odd in zip(tables, (usual_3p, usual_5p), unresolved, strict=True)
        ]
        return score_nuclei(
            "f1", Nuclei(labels, make_nuclei(n, flags=segment_flags)), *ends,
            pixel_size_um=SIZE_UM, shift=shift or ChromaticShift(),
            probe=probe or load_probe("vysis-alk"), config=Config().with_settings(settings),
        )  # fmt: skip

    return run


def flags(nuclei, row=0):
    return set(nuclei.flags[row].split(";")) - {""}


# 3' and 5' places in px of 0.1 um; spots measure 0.5 um, so a gap of two diameters is 15 px.
PATTERNS = {
    "fused": ([(20, 20)], [(20, 22)], "FUSED", (1, 0, 0)),
    "two fused": ([(20, 20), (60, 60)], [(20, 22), (60, 61)], "FUSED", (2, 0, 0)),
    "split": ([(20, 20), (60, 20)], [(20, 22), (60, 60)], "SPLIT", (1, 1, 1)),
    "just fused": ([(20, 20)], [(20, 34.9)], "FUSED", (1, 0, 0)),
    "just split": ([(20, 20)], [(20, 35.1)], "SPLIT", (0, 1, 1)),
    "isolated 3'": ([(20, 20), (60, 20)], [(20, 22)], "ISOLATED_3P", (1, 1, 0)),
    "isolated 5'": ([(20, 20)], [(20, 22), (60, 20)], "ISOLATED_5P", (1, 0, 1)),
    "3' only": ([(20, 20)], [], "", (0, 1, 0)),
    "5' only": ([], [(20, 20)], "", (0, 0, 1)),
    "no signal": ([], [], "", (0, 0, 0)),
}


@pytest.mark.parametrize(("three", "five", "pattern", "counts"), PATTERNS.values(), ids=PATTERNS)
def test_patterns(score, three, five, pattern, counts):
    nuclei, spots = score(three, five)
    assert nuclei.pattern.tolist() == [pattern]
    assert (nuclei.n_fused[0], nuclei.n_3p[0], nuclei.n_5p[0]) == counts
    assert nuclei.scorable[0] == (pattern != "")
    assert len(spots) == len(three) + len(five)


@pytest.mark.parametrize(
    ("three", "five", "flag"),
    [([], [], "no_signal"), ([(20, 20)], [], "only_3p"), ([], [(20, 20)], "only_5p")],
)
def test_missing_ends_are_flagged_and_excluded(score, three, five, flag):
    nuclei, _ = score(three, five)
    assert flags(nuclei) == {flag}
    assert not nuclei.scorable[0]
    assert nuclei.p_positive[0] == nuclei.p_fused[0] == 0.0


def many(n):
    """Return n fused loci on a grid, far enough apart to keep to themselves."""
    three = [(10 + 18 * (k // 5), 10 + 18 * (k % 5)) for k in range(n)]
    return three, [(y + 1, x) for y, x in three]


@pytest.mark.parametrize(("copies", "gained"), [(2, False), (3, True)])
def test_gain_starts_at_three_copies(score, copies, gained):
    nuclei, _ = score(*many(copies))
    assert ("gain" in flags(nuclei)) is gained
    assert nuclei.scorable[0]


@pytest.mark.parametrize(("copies", "scorable"), [(8, True), (9, False)])
def test_too_many_signals_are_excluded(score, copies, scorable):
    nuclei, _ = score(*many(copies))
    assert nuclei.n_fused[0] == copies
    assert nuclei.scorable[0] == scorable
    assert ("too_many_signals" in flags(nuclei)) is not scorable


@pytest.mark.parametrize(("spots", "scorable"), [(8, True), (9, False)])
def test_a_chain_of_spots_is_not_a_doublet(score, spots, scorable):
    chain = [(20 + 6 * k, 20) for k in range(spots)]
    nuclei, _ = score([(20, 60)], [(20, 62), *chain[1:]])
    assert nuclei.n_5p[0] + nuclei.n_fused[0] == 2
    assert nuclei.scorable[0] == scorable
    assert ("too_many_signals" in flags(nuclei)) is not scorable


@pytest.mark.parametrize(
    ("unresolved", "scorable"),
    [((1.0, 1.0), True), ((1.01, 0.0), False), ((0.0, 1.01), False)],
)
def test_unresolved_signals_are_excluded(score, unresolved, scorable):
    nuclei, _ = score([(20, 20)], [(20, 22)], unresolved=unresolved)
    assert nuclei.scorable[0] == scorable
    assert flags(nuclei) == (set() if scorable else {"too_many_signals"})


@pytest.mark.parametrize(
    ("usual", "expected"),
    [
        ({"usual_3p": 6.9}, {"dim_3p"}), ({"usual_3p": 7.0}, set()),
        ({"usual_5p": 6.9}, {"dim_5p"}), ({"usual_5p": 7.0}, set()),
        ({"usual_3p": 0.0, "usual_5p": 0.0}, set()),
    ],
)  # fmt: skip
def test_dim_surroundings_are_flagged_and_excluded(score, usual, expected):
    nuclei, _ = score([(20, 20)], [(20, 22)], **usual)
    assert flags(nuclei) == expected
    assert nuclei.scorable[0] == (not expected)


@pytest.mark.parametrize("flag", [flag for flag in NucleusFlag if flag & EXCLUDING])
def test_every_excluding_flag_of_segmentation_takes_the_pattern_away(score, flag):
    nuclei, _ = score([(20, 20)], [(20, 22)], segment_flags=int(flag))
    assert flag.name.lower() in flags(nuclei)
    assert not nuclei.scorable[0]
    assert nuclei.pattern[0] == ""
    assert nuclei.n_fused[0] == 1


def test_3_5_3_is_flagged(score):
    nuclei, _ = score([(20, 20), (20, 32)], [(20, 26)])
    assert flags(nuclei) == {"doublet_3p"}
    assert nuclei.pattern[0] == "FUSED"


def test_doubtful_spot_makes_a_doubtful_nucleus(score, make_spots):
    for p_real, doubtful in ((0.95, False), (0.6, True)):
        three = make_spots([(20, 20), (60, 60)], p_real=[1.0, p_real])
        nuclei, spots = score(three, [(20, 22)])
        assert ("doubtful" in flags(nuclei)) is doubtful
        assert nuclei.pattern[0] == "ISOLATED_3P"
        assert nuclei.decisive_spot[0] == 2
        assert spots.y_px[spots.spot_id == 2].tolist() == [60.0]


def test_separation_near_the_limit_makes_a_doubtful_nucleus(score):
    nuclei, _ = score([(20, 20)], [(20, 34.9)])
    assert flags(nuclei) == {"doubtful"}
    assert 0.2 < nuclei.p_positive[0] < 0.5


def test_probabilities_of_scorable_nuclei_sum_to_one(score):
    nuclei, _ = score([(20, 20), (60, 60)], [(20, 30), (60, 80)], missed=0.2)
    total = nuclei.p_fused + nuclei.p_split + nuclei.p_isolated_3p + nuclei.p_isolated_5p
    assert total == pytest.approx(1.0)
    assert nuclei.p_positive == pytest.approx(nuclei.p_split + nuclei.p_isolated_3p)


def test_shift_moves_the_5p_spots_for_pairing_only(score):
    places = [(20, 20)], [(20, 36)]
    assert score(*places)[0].pattern[0] == "SPLIT"
    shift = ChromaticShift(0.0, 0.6, 0.01, 80, True, "")
    nuclei, spots = score(*places, shift=shift)
    assert nuclei.pattern[0] == "FUSED"
    assert nuclei.max_separation_um[0] == pytest.approx(1.0)
    assert spots.x_px.tolist() == [20.0, 36.0]


def test_separation_columns(score):
    nuclei, _ = score([(20, 20), (60, 20)], [(20, 30), (60, 60)])
    # The unpaired pair goes before the fused one; its gap is 4.0 - 0.5 um over 0.5 um.
    assert nuclei.max_separation_um[0] == pytest.approx(4.0)
    assert nuclei.max_separation_diam[0] == pytest.approx(7.0)
    fused, _ = score([(20, 20), (60, 20)], [(20, 30), (60, 22)])
    assert fused.max_separation_um[0] == pytest.approx(1.0)
    assert fused.max_separation_diam[0] == pytest.approx(1.0)


def test_spot_rows(score, make_spots):
    three = make_spots([(20, 20), (20, 27), (2, 2)], flags=[int(SpotFlag.TOUCHING), 0, 0])
    nuclei, spots = score(three, [(20, 23)], settings=["score.max_outside_um=0.1"])
    assert spots.end.tolist() == ["3p", "3p", "3p", "5p"]
    assert spots.spot_id.tolist() == [1, 2, 3, 4]
    assert spots.nucleus_id.tolist() == [1, 1, 0, 1]
    assert spots.signal_id.tolist() == [1, 1, 0, 1]
    assert spots.flags.tolist() == ["touching;doublet", "doublet", "unassigned", ""]
    assert all(parse_flags(text, SpotFlag) for text in spots.flags[:3])
    assert set(spots.fov) == set(nuclei.fov) == {"f1"}


def test_spot_beside_the_outline_belongs_to_it(score):
    for tolerance, owner in ((0.2, 1), (0.1, 0)):
        _, spots = score([(20, 3)], [], settings=[f"score.max_outside_um={tolerance}"])
        assert spots.nucleus_id.tolist() == [owner]


def test_dimmest_spot_and_limits_are_reported(score, make_spots):
    nuclei, _ = score(make_spots([(20, 20), (60, 60)], snr=[30.0, 8.0]), [(20, 22)], n=2)
    assert nuclei.min_snr.tolist() == [8.0, 0.0]
    assert nuclei.limit_3p_snr.tolist() == nuclei.limit_5p_snr.tolist() == [40.0, 40.0]


def test_each_nucleus_gets_its_own_row(score):
    nuclei, _ = score(
        [(20, 20), (20, 120), (60, 160), (20, 220)], [(20, 22), (20, 122), (20, 260)], n=4
    )
    assert nuclei.nucleus_id.tolist() == [1, 2, 3, 4]
    assert nuclei.pattern.tolist() == ["FUSED", "ISOLATED_3P", "SPLIT", ""]


def test_swapping_the_ends_swaps_the_isolated_patterns(score):
    three, five = [(20, 20), (60, 160), (20, 220)], [(20, 22), (60, 60), (60, 161), (60, 260)]
    one, other = score(three, five, n=3)[0], score(five, three, n=3)[0]
    swap = {"ISOLATED_3P": "ISOLATED_5P", "ISOLATED_5P": "ISOLATED_3P"}
    assert [swap.get(p, p) for p in one.pattern] == other.pattern.tolist()
    assert one.pattern.tolist() == ["ISOLATED_5P", "FUSED", "SPLIT"]


def test_field_without_nuclei_or_spots(make_spots):
    none = EndSpots(SpotTable.empty(), np.empty(0), np.empty(0), np.empty(0))
    some = EndSpots(make_spots([(3, 3)]), np.empty(0), np.zeros(1), np.empty(0))
    nothing = Nuclei(np.zeros((10, 10), np.int32), NucleusTable.empty())
    for three, n_spots in ((none, 0), (some, 1)):
        nuclei, spots = score_nuclei(
            "f", nothing, three, none, pixel_size_um=0.1, shift=ChromaticShift(),
            probe=load_probe("vysis-alk"), config=Config(),
        )  # fmt: skip
        assert len(nuclei) == 0
        assert spots.nucleus_id.tolist() == [0] * n_spots


def test_unpaired_pair_is_reported_before_a_wider_fused_gap(score, make_spots):
    # By centres in um, small spots can be fused across more diameters than large ones are split.
    rule = SeparationRule(SeparationMeasure.CENTRE_UM, 1.2)
    sizes = [0.3, 0.9]
    three = make_spots([(20, 20), (60, 20)], diameter_um=sizes)
    five = make_spots([(20, 31), (60, 35)], diameter_um=sizes)
    nuclei, _ = score(three, five, probe=replace(load_probe("vysis-alk"), separation=rule))
    assert nuclei.pattern[0] == "SPLIT"
    assert nuclei.max_separation_um[0] == pytest.approx(1.5)
    assert nuclei.max_separation_diam[0] == pytest.approx(0.6 / 0.9)
