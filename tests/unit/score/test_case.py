"""The call of a case: reasons, failures, and every caution at its boundary."""

from dataclasses import replace

import pytest

from alkfish.evaluate.lab_profile import rule_with_cutoff
from alkfish.io.probes import load_probe
from alkfish.model.flags import EXCLUDING, NucleusFlag, flag_names
from alkfish.model.probe import LabBackground
from alkfish.model.result import Call, ChannelQC, FieldQC
from alkfish.model.signals import NucleusRecords
from alkfish.score.case import CAUTION_TEXTS, call_case, count_excluded

STACK = "12 planes projected (maximum)"


@pytest.fixture(scope="module")
def probe():
    return load_probe("vysis-alk")


@pytest.fixture(scope="module")
def case(make_records):
    """Return ``case(fused=.., split=.., iso_3p=.., iso_5p=.., excluded=[flags], flags={..})``."""

    def make(*, fused=0, split=0, iso_3p=0, iso_5p=0, excluded=(), flagged=("", 0)):
        patterns = ["FUSED"] * fused + ["SPLIT"] * split
        patterns += ["ISOLATED_3P"] * iso_3p + ["ISOLATED_5P"] * iso_5p
        flag, count = flagged
        flags = [flag if k < count else "" for k in range(len(patterns))]
        return make_records(patterns + [""] * len(excluded), flags + list(excluded))

    return make


def codes(call):
    return {caution.code for caution in call.cautions}


def field(verdict="good", *, snr_3p=20.0, snr_5p=20.0, faults=(), planes=(1, 0.0)):
    three, five = (ChannelQC(40, snr, 100.0, 5.0, 0.0, 0.9) for snr in (snr_3p, snr_5p))
    return FieldQC("f", 20, 20, 0.8, three, five, verdict=verdict, channel_faults=faults,
                   n_planes=planes[0], z_step_um=planes[1])  # fmt: skip


def test_plain_negative_case(case, probe):
    found = call_case(case(fused=98, split=2), [field("good")], probe, notes=[STACK])
    assert found.call is Call.NEGATIVE
    assert found.rate == 0.02
    assert found.interval[0] < 0.02 < found.interval[1]
    assert found.p_positive < 0.001
    assert found.reasons == ("2 of 100 nuclei are positive; they stay below 15 %",)
    assert codes(found) == {"reading"}


def test_exactly_fifteen_percent_is_positive(case, probe):
    found = call_case(case(fused=85, split=10, iso_3p=5), [], probe)
    assert found.call is Call.POSITIVE
    assert codes(found) >= {"borderline"}


def test_excluded_nuclei_are_not_in_the_rate(case, probe):
    found = call_case(case(fused=50, split=50, excluded=["border"] * 900), [], probe)
    assert found.rate == 0.5
    assert found.counts.n_enumerated == 100


def test_case_without_nuclei(probe):
    found = call_case(NucleusRecords.empty(), [], probe)
    assert found.call is Call.NOT_EVALUABLE
    assert (found.rate, found.interval) == (0.0, (0.0, 1.0))
    assert found.reasons[0] == "no nucleus of scorable shape was found"


def test_too_few_nuclei(case, probe):
    found = call_case(case(fused=20, split=29), [], probe)
    assert found.call is Call.NOT_EVALUABLE
    assert found.reasons == (
        "only 49 scorable nuclei with both probe ends; at least 50 are needed",
    )
    assert call_case(case(fused=20, split=30), [], probe).call is Call.POSITIVE


@pytest.mark.parametrize(
    ("flag", "end"), [("only_5p", "3'"), ("only_3p", "5'"), ("no_signal", "3'")]
)
def test_failed_channel_is_not_evaluable(case, probe, flag, end):
    # 9 % of 1000 nuclei show both ends, which would be enough nuclei to call.
    failed = call_case(case(fused=99, excluded=[flag] * 901), [], probe)
    assert failed.call is Call.NOT_EVALUABLE
    assert f"the {end} channel shows signals in only 9.9% of the nuclei" in failed.reasons[0]


@pytest.mark.parametrize("total", [500, 1000, 2000])
@pytest.mark.parametrize("flag", ["only_5p", "only_3p", "no_signal"])
def test_a_tenth_of_the_nuclei_is_just_enough(case, probe, flag, total):
    found = call_case(case(fused=total // 10, excluded=[flag] * (total - total // 10)), [], probe)
    assert found.call is Call.NEGATIVE


def test_border_nuclei_do_not_count_for_the_failure(case, probe):
    found = call_case(case(fused=60, excluded=["border;no_signal"] * 900), [], probe)
    assert found.call is Call.NEGATIVE


BOUNDARIES = {
    "borderline, 9 %": ("borderline", {"fused": 91, "split": 9}, False),
    "borderline, 10 %": ("borderline", {"fused": 90, "split": 10}, True),
    "borderline, 20 %": ("borderline", {"fused": 80, "split": 20}, True),
    "borderline, 21 %": ("borderline", {"fused": 79, "split": 21}, False),
    "half of the positive isolated 3'": (
        "isolated_3p_dominant", {"fused": 60, "split": 20, "iso_3p": 20}, False,
    ),
    "more than half isolated 3'": (
        "isolated_3p_dominant", {"fused": 59, "split": 20, "iso_3p": 21}, True,
    ),
    "no positive nucleus": ("isolated_3p_dominant", {"fused": 100}, False),
    "isolated 3' of a clear negative": (
        "isolated_3p_dominant", {"fused": 96, "iso_3p": 4}, False,
    ),
    "85 of 100 excluded": (
        "few_counted", {"fused": 15, "excluded": ["border"] * 85}, False,
    ),
    "86 of 100 excluded": (
        "few_counted", {"fused": 14, "excluded": ["border"] * 86}, True,
    ),
    "isolated 5' in one of one": ("five_prime_predominant", {"iso_5p": 1}, False),
    "14 % isolated 5'": ("five_prime_predominant", {"fused": 86, "iso_5p": 14}, False),
    "15 % isolated 5'": ("five_prime_predominant", {"fused": 85, "iso_5p": 15}, True),
    "3' only, 14 of 100": (
        "three_prime_only_frequent", {"fused": 86, "excluded": ["only_3p"] * 14}, False,
    ),
    "3' only, 15 of 100": (
        "three_prime_only_frequent", {"fused": 85, "excluded": ["only_3p"] * 15}, True,
    ),
    "3' only at the border": (
        "three_prime_only_frequent", {"fused": 85, "excluded": ["border;only_3p"] * 50}, False,
    ),
    "no nucleus is 3' only": ("three_prime_only_frequent", {}, False),
    "gain in 29 %": ("copy_gain", {"fused": 100, "flagged": ("gain", 29)}, False),
    "gain in 30 %": ("copy_gain", {"fused": 100, "flagged": ("gain", 30)}, True),
    "3' efficiency 40 %": (
        "low_efficiency_3p", {"fused": 80, "excluded": ["only_5p"] * 120}, False,
    ),
    "3' efficiency 39.9 %": (
        "low_efficiency_3p", {"fused": 399, "excluded": ["only_5p"] * 601}, True,
    ),
    "3' efficiency 10 %": (
        "low_efficiency_3p", {"fused": 60, "excluded": ["only_5p"] * 540}, True,
    ),
    "3' efficiency below 10 %: failed instead": (
        "low_efficiency_3p", {"fused": 60, "excluded": ["only_5p"] * 541}, False,
    ),
    "5' efficiency 40 %": (
        "low_efficiency_5p", {"fused": 80, "excluded": ["only_3p"] * 120}, False,
    ),
    "5' efficiency 39.9 %": (
        "low_efficiency_5p", {"fused": 399, "excluded": ["only_3p"] * 601}, True,
    ),
    "missing 3' is no lack of 5'": (
        "low_efficiency_5p", {"fused": 60, "excluded": ["only_5p"] * 300}, False,
    ),
    "no 3'-5'-3'": ("doublet_3p", {"fused": 100}, False),
    "one 3'-5'-3'": ("doublet_3p", {"fused": 100, "flagged": ("doublet_3p", 1)}, True),
    "3'-5'-3' in an excluded nucleus": (
        "doublet_3p", {"fused": 100, "excluded": ["border;doublet_3p"]}, False,
    ),
    "doubtful 9 %": ("doubtful", {"fused": 100, "flagged": ("doubtful", 9)}, False),
    "doubtful 10 %": ("doubtful", {"fused": 100, "flagged": ("doubtful", 10)}, True),
}  # fmt: skip


@pytest.mark.parametrize(("code", "nuclei", "given"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_caution_at_its_boundary(case, probe, code, nuclei, given):
    assert (code in codes(call_case(case(**nuclei), [], probe))) is given


@pytest.mark.parametrize(
    ("verdicts", "given"),
    [(["good", "caution"], False), (["good", "poor"], True), ([], False)],
)
def test_poor_field(case, probe, verdicts, given):
    found = call_case(case(fused=60), [field(verdict) for verdict in verdicts], probe)
    assert ("poor_field" in codes(found)) is given


@pytest.mark.parametrize(("notes", "given"), [([], True), (["cropped"], True), ([STACK], False)])
def test_single_plane(case, probe, notes, given):
    assert ("single_plane" in codes(call_case(case(fused=60), [], probe, notes=notes))) is given


@pytest.mark.parametrize(
    ("planes", "expected"),
    [
        ((1, 0.0), {"single_plane"}),
        ((16, 0.4), set()),
        ((15, 0.4), set()),
        ((14, 0.4), {"shallow_stack"}),
        ((6, 1.0), set()),
        ((6, 1.2), {"coarse_stack"}),
        ((2, 1.5), {"shallow_stack", "coarse_stack"}),
    ],
)
def test_depth_of_stacks(case, probe, planes, expected):
    found = codes(call_case(case(fused=60), [field(planes=planes)], probe))
    assert found & {"single_plane", "shallow_stack", "coarse_stack"} == expected


def test_one_single_plane_among_stacks_is_said(case, probe):
    fields = [field(planes=(16, 0.4)), field()]
    assert "single_plane" in codes(call_case(case(fused=60), fields, probe))


def test_notes_of_reading_are_given_once_each(case, probe):
    found = call_case(case(fused=60), [], probe, notes=["a", "b", "a"])
    assert [c.text for c in found.cautions if c.code == "reading"] == ["a", "b"]


def test_every_caution_has_words_and_is_tested():
    assert {code for code, *_ in BOUNDARIES.values()} | {
        "poor_field", "single_plane", "shallow_stack", "coarse_stack", "reading",
        "weak_3p", "weak_5p", "few_fused", "own_cutoff",
    } == set(CAUTION_TEXTS)  # fmt: skip
    assert all(text and not text.endswith(".") for text in CAUTION_TEXTS.values())


def own_cutoff(probe, **changes):
    """The profile with a cut-off of 7 % from 8 specimens, as `alkfish cutoff` writes it."""
    background = LabBackground(
        method="binomial", confidence=0.95, limit_percent=6.0, positive_percent=2.0,
        split_percent=1.0, isolated_3p_percent=1.0, isolated_5p_percent=1.0, n_specimens=8,
        n_nuclei=900, specimens=(), based_on="kit", config_fingerprint="f", software="s",
        created="c", **{"kit_percent": 15, "kit_borderline_percent": (10, 20)} | changes,
    )  # fmt: skip
    rule = rule_with_cutoff(probe.case_rule, 7)
    return replace(probe, case_rule=rule, background=background)


@pytest.mark.parametrize(("split", "borderline"), [(0, False), (18, True), (50, False)])
def test_an_own_cutoff_is_said_on_every_case_and_the_kits_borderline_stays(
    case, probe, split, borderline
):
    found = call_case(case(fused=100 - split, split=split), [], own_cutoff(probe))
    told = [caution.text for caution in found.cautions if caution.code == "own_cutoff"]
    assert told == [
        "the cut-off of 7 % is the laboratory's own, from 8 normal specimens, not the kit's 15 %"
    ]
    assert ("borderline" in codes(found)) is borderline


def test_who_has_an_own_cutoff(probe):
    assert not probe.has_own_cutoff
    assert not own_cutoff(probe, kit_percent=7).has_own_cutoff
    older = own_cutoff(probe, kit_percent=0)
    assert older.has_own_cutoff
    assert not replace(older, background=replace(older.background, method="none")).has_own_cutoff


def test_cautions_never_change_the_call(case, probe):
    quiet = call_case(case(fused=70, split=30), [field("good")], probe, notes=[STACK])
    loud = call_case(
        case(fused=70, split=30, flagged=("gain;doubtful;doublet_3p", 100)),
        [field("poor")], probe, notes=["x"],
    )  # fmt: skip
    assert len(loud.cautions) > len(quiet.cautions)
    assert (loud.call, loud.rate, loud.interval) == (quiet.call, quiet.rate, quiet.interval)


def test_excluded_nuclei_are_counted_under_each_flag(make_records):
    nuclei = make_records(["FUSED", "", "", ""], ["gain", "border", "border;only_3p", "no_signal"])
    found = count_excluded(nuclei)
    assert {name: n for name, n in found.items() if n} == {
        "border": 2, "only_3p": 1, "no_signal": 1,
    }  # fmt: skip
    assert list(found) == flag_names(int(EXCLUDING), NucleusFlag)
    assert not any(count_excluded(NucleusRecords.empty()).values())


@pytest.mark.parametrize(("snr", "given"), [(9.9, True), (10.0, False)])
@pytest.mark.parametrize("end", ["3p", "5p"])
def test_weak_channel(case, probe, end, snr, given):
    found = call_case(case(fused=60), [field(**{f"snr_{end}": snr})], probe)
    assert (f"weak_{end}" in codes(found)) is given
    assert found.call is Call.NEGATIVE


def test_positive_call_on_missing_signals_of_a_weak_channel_does_not_stand(case, probe):
    isolated, split = case(fused=60, iso_3p=40), case(fused=60, split=40)
    weak = [field(snr_5p=6.0)]
    found = call_case(isolated, weak, probe)
    assert found.call is Call.NOT_EVALUABLE
    assert "too weak" in found.reasons[0]
    assert call_case(split, weak, probe).call is Call.POSITIVE
    assert call_case(isolated, [field(snr_3p=6.0)], probe).call is Call.POSITIVE


def test_channels_that_cannot_be_compared_are_not_evaluable(case, probe):
    fields = [field("poor", faults=("a fault",)), field("poor", faults=("a fault",))]
    found = call_case(case(fused=60, split=40), fields, probe)
    assert found.call is Call.NOT_EVALUABLE
    assert found.reasons[0] == "a fault"
    assert found.reasons.count("a fault") == 1


@pytest.mark.parametrize(("fused", "given"), [(39, True), (40, False)])
def test_few_fused(make_records, probe, fused, given):
    n_fused = [1] * fused + [0] * (100 - fused)
    found = call_case(make_records(["SPLIT"] * 100, n_fused=n_fused), [], probe)
    assert ("few_fused" in codes(found)) is given
