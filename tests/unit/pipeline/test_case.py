"""From simulated fields to calls: agreement with the truth, refusals, and what must not matter."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.errors import InputError, ProbeError
from alkfish.io.probes import load_probe
from alkfish.model.flags import EXCLUDING, NucleusFlag, parse_flags
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import Colour
from alkfish.model.result import Call, PatternCounts
from alkfish.pipeline import Spread, iter_case, score_case, score_fov
from alkfish.pipeline.case import _refuse_copies
from alkfish.synthetic import LEVELS, simulate_field

# Small tumour nuclei, close together, so that a small picture holds enough to call.
DENSE = LEVELS["easy"].with_(
    name="dense", coverage=0.45, tumour_diam_um=(9.5, 0.6), lymphocyte_share=0.0
)
SIZE_UM = 0.2


def simulate(seed, *, level=DENSE, shape=(560, 560), **options):
    options = {"pixel_size_um": SIZE_UM, "positive_fraction": 0.5, "name": f"f{seed}"} | options
    return simulate_field(level, seed=seed, shape=shape, **options)


@pytest.fixture(scope="module")
def fields():
    return [simulate(seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def fovs(fields):
    return [field.fov for field in fields]


@pytest.fixture(scope="module")
def case(fovs):
    return score_case(fovs, case_id="simulated")


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).normal(120, 6, (560, 560)).astype(np.uint16)


def given_labels(labels):
    """Return a segmenter that knows the answer, so that only the scoring is put to the test."""

    def segment(dapi, *, pixel_size_um):
        return labels

    return segment


def columns(table):
    return {info.name: getattr(table, info.name) for info in table.columns()}


def assert_same_table(one, other, *, but=()):
    for name, values in columns(one).items():
        if name not in but:
            assert np.array_equal(values, getattr(other, name)), name


# --- against the truth -----------------------------------------------------------------------


def test_patterns_agree_with_the_truth(fields):
    right = total = 0
    for field in fields:
        found = score_fov(field.fov, segmenter=given_labels(field.labels)).nuclei
        truth = field.nuclei
        assert np.array_equal(found.nucleus_id, truth.nucleus_id)
        both = found.scorable & truth.scorable
        assert both.sum() >= 0.85 * truth.scorable.sum()
        right += (found.pattern[both] == truth.pattern[both]).sum()
        total += both.sum()
    assert total > 50
    assert right / total >= 0.93


def test_positive_and_negative_cases_are_called(case):
    assert case.call.call is Call.POSITIVE
    negative = score_case([simulate(seed, positive_fraction=0.0).fov for seed in (11, 12)])
    assert negative.call.call is Call.NEGATIVE
    assert negative.call.rate < 0.1 < 0.3 < case.call.rate


def test_scorable_and_excluded_are_all(case):
    nuclei = case.nuclei
    bits = np.array([parse_flags(text, NucleusFlag) for text in nuclei.flags])
    assert np.array_equal(nuclei.scorable, (bits & int(EXCLUDING)) == 0)
    assert np.array_equal(nuclei.scorable, nuclei.pattern != "")
    assert case.call.counts.n_enumerated == nuclei.scorable.sum()
    assert nuclei.scorable.sum() + (~nuclei.scorable).sum() == len(nuclei)
    assert 0 < nuclei.scorable.sum() < len(nuclei)
    carried = Counter(name for text in nuclei.flags for name in text.split(";") if name)
    assert {name: n for name, n in case.excluded.items() if n} == {
        name: n for name, n in carried.items() if NucleusFlag[name.upper()] & EXCLUDING
    }


def test_case_is_the_sum_of_its_fields(case, fovs):
    results = list(iter_case(fovs))
    assert sum((r.counts for r in results), PatternCounts()) == case.call.counts
    assert [r.qc for r in results] == list(case.fields)
    assert list(case.labels) == [fov.name for fov in fovs]
    for result in results:
        rows = case.nuclei.fov == result.fov
        assert_same_table(result.nuclei, case.nuclei.take(rows))
        assert np.array_equal(result.labels, case.labels[result.fov])
        assert set(result.nuclei.nucleus_id) == set(np.unique(result.labels)) - {0}


def test_spots_belong_to_nuclei_of_their_field(case):
    for name, labels in case.labels.items():
        spots = case.spots.take(case.spots.fov == name)
        assert set(spots.nucleus_id) <= set(np.unique(labels))
        assert sorted(spots.spot_id) == list(range(1, len(spots) + 1))
        assert ((spots.signal_id > 0) == (spots.nucleus_id > 0)).all()
        decisive = case.nuclei.decisive_spot[case.nuclei.fov == name]
        assert set(decisive) <= {0, *spots.spot_id}


def test_what_a_result_carries(case, fovs):
    assert case.case_id == "simulated"
    assert case.pixel_size_um == {fov.name: SIZE_UM for fov in fovs}
    assert case.notes == {fov.name: ("simulated, not a specimen",) for fov in fovs}
    assert case.provenance.config_fingerprint == Config().fingerprint()
    assert case.probe == load_probe("vysis-alk")
    assert "reading" in {caution.code for caution in case.call.cautions}


# --- one field, many fields ------------------------------------------------------------------


def test_one_field_alone_is_scored_as_a_case_of_one(fovs):
    alone, (in_case,) = score_fov(fovs[0]), iter_case(fovs[:1])
    assert_same_table(alone.nuclei, in_case.nuclei)
    assert_same_table(alone.spots, in_case.spots)
    assert alone.qc == in_case.qc


def test_fields_come_one_at_a_time_and_in_order(fovs):
    seen = []
    analysed = []
    score_case(
        fovs[::-1],
        on_field=lambda result: seen.append(result.fov),
        spread=Spread(on_analysed=analysed.append),
    )
    assert sorted(analysed) == sorted(fov.name for fov in fovs)
    assert seen == [fov.name for fov in fovs[::-1]]
    running = iter_case(iter(fovs))
    assert next(running).fov == fovs[0].name
    running.close()


def test_order_of_fields_does_not_matter(case, fovs):
    other = score_case(fovs[::-1])
    assert other.call == case.call
    for fov in fovs:
        one, two = (c.nuclei.take(c.nuclei.fov == fov.name) for c in (case, other))
        assert_same_table(one, two)


def test_order_of_many_fields_does_not_matter():
    # More fields than the corrections are measured on, and clear shift and crosstalk to measure.
    level = DENSE.with_(shift_um=0.3, red_into_green=0.05, green_into_red=0.04)
    fovs = [
        simulate(20 + k, level=level, shape=(260, 260), shift_seed=1, name=f"part_{k:02d}").fov
        for k in range(11)
    ]
    shuffled = [fovs[k] for k in np.random.default_rng(3).permutation(11)]
    one, other = (sorted(iter_case(f), key=lambda r: r.fov) for f in (fovs, shuffled))
    assert one[0].qc.shift_applied
    for a, b in zip(one, other, strict=True):
        assert a.qc == b.qc
        assert_same_table(a.nuclei, b.nuclei)
        assert_same_table(a.spots, b.spots)


def test_same_input_gives_the_same_result(case, fovs):
    again = score_case(fovs, case_id="simulated")
    assert again.call == case.call
    assert again.fields == case.fields
    assert_same_table(again.nuclei, case.nuclei)
    assert_same_table(again.spots, case.spots)


# --- what cannot be evaluated ----------------------------------------------------------------


@pytest.mark.parametrize(("channel", "end"), [("three_prime", "3'"), ("five_prime", "5'")])
def test_failed_channel_is_not_evaluable(fovs, noise, channel, end):
    found = score_case([replace(fov, **{channel: noise}) for fov in fovs])
    assert found.call.call is Call.NOT_EVALUABLE
    assert found.call.counts.n_enumerated == 0
    assert f"the {end} channel shows signals in only 0.0% of the nuclei" in found.call.reasons[0]
    assert {qc.verdict for qc in found.fields} == {"poor"}


def test_both_channels_failed(fovs, noise):
    found = score_case([replace(fov, three_prime=noise, five_prime=noise) for fov in fovs])
    assert found.call.call is Call.NOT_EVALUABLE
    assert len(found.call.reasons) == 4
    assert "hold the same picture" in found.call.reasons[0]


@pytest.mark.parametrize("level", [0, 300])
@pytest.mark.parametrize("shape", [(1, 1), (64, 48), (300, 300)])
def test_empty_pictures_are_not_evaluable(level, shape):
    plane = np.full(shape, level, np.uint16)
    fov = FieldOfView(dapi=plane, three_prime=plane, five_prime=plane, pixel_size_um=0.1)
    found = score_case([fov])
    assert found.call.call is Call.NOT_EVALUABLE
    assert found.call.reasons[0] == "no nucleus of scorable shape was found"
    assert (len(found.nuclei), len(found.spots)) == (0, 0)
    assert found.call.interval == (0.0, 1.0)
    assert found.fields[0].verdict == "poor"


def test_pictures_of_noise_are_not_evaluable(noise):
    fov = FieldOfView(dapi=noise, three_prime=noise, five_prime=noise, pixel_size_um=0.1)
    assert score_case([fov]).call.call is Call.NOT_EVALUABLE


def test_too_few_nuclei_are_not_evaluable(fovs):
    planes = ("dapi", "three_prime", "five_prime")
    crop = {name: getattr(fovs[0], name)[:300, :300] for name in planes}
    found = score_case([replace(fovs[0], **crop)])
    assert 0 < found.call.counts.n_enumerated < 50
    assert found.call.call is Call.NOT_EVALUABLE
    assert "at least 50 are needed" in found.call.reasons[-1]


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "score",
    [
        lambda fovs, probe: score_fov(fovs[0], probe=probe),
        lambda fovs, probe: next(iter_case(fovs, probe=probe)),
        lambda fovs, probe: score_case(fovs, probe=probe),
    ],
    ids=["score_fov", "iter_case", "score_case"],
)
def test_unconfirmed_probe_is_refused(fovs, score):
    with pytest.raises(ProbeError, match="nobody has confirmed"):
        score(fovs, replace(load_probe("vysis-alk"), confirmed=False))


def test_two_fields_of_one_name_are_refused():
    plane = np.zeros((8, 8), np.uint16)
    fov = FieldOfView(dapi=plane, three_prime=plane, five_prime=plane, pixel_size_um=0.1)
    with pytest.raises(InputError, match="a name of its own for each"):
        score_case([fov, fov])


def test_case_without_fields_is_refused():
    with pytest.raises(InputError, match="at least one field"):
        score_case([])
    assert list(iter_case([])) == []


# --- what must not matter --------------------------------------------------------------------


@pytest.fixture(scope="module")
def usual(fields):
    return score_fov(fields[0].fov, segmenter=given_labels(fields[0].labels))


def moved(field, move):
    """Return the result of a field whose planes and labels went through `move`."""
    planes = {
        name: np.ascontiguousarray(move(getattr(field.fov, name)))
        for name in ("dapi", "three_prime", "five_prime")
    }
    labels = np.ascontiguousarray(move(field.labels))
    return score_fov(replace(field.fov, **planes), segmenter=given_labels(labels))


MOVES = {
    "upside down": np.flipud,
    "mirrored": np.fliplr,
    "turned by 90 degrees": np.rot90,
    "turned by 180 degrees": lambda p: np.rot90(p, 2),
    "turned by 270 degrees": lambda p: np.rot90(p, 3),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_flips_and_turns(fields, usual, move):
    found = moved(fields[0], move)
    assert np.array_equal(found.nuclei.nucleus_id, usual.nuclei.nucleus_id)
    both = found.nuclei.scorable & usual.nuclei.scorable
    # Of about thirty nuclei one may hang on a spot at its limit.
    assert (found.nuclei.scorable != usual.nuclei.scorable).sum() <= 1
    assert (found.nuclei.pattern[both] != usual.nuclei.pattern[both]).sum() <= 1


@pytest.mark.parametrize("gain", [0.25, 2.0, 16.0])
def test_gain_of_float_pictures(fields, gain):
    one, other = (
        moved(fields[0], lambda p, g=g: p if p.dtype == np.int32 else p.astype(np.float32) * g)
        for g in (1.0, gain)
    )
    assert one.counts == other.counts
    assert_same_table(
        one.nuclei, other.nuclei,
        but={info.name for info in one.nuclei.columns() if info.dtype == np.float64},
    )  # fmt: skip


def test_offset_of_the_camera(fields, usual):
    found = moved(fields[0], lambda p: p if p.dtype == np.int32 else p + np.uint16(500))
    assert found.counts == usual.counts


def test_padding_with_more_background(fields, usual):
    rng = np.random.default_rng(0)

    def pad(plane, width=60):
        if plane.dtype == np.int32:
            return np.pad(plane, width)
        edge = np.percentile(plane, 5)
        padded = rng.normal(edge, np.sqrt(edge / 2), np.add(plane.shape, 2 * width))
        padded = padded.astype(plane.dtype)
        padded[width:-width, width:-width] = plane
        return padded

    found = moved(fields[0], pad)
    inside = ["border" not in text for text in usual.nuclei.flags]
    both = found.nuclei.scorable & usual.nuclei.scorable
    assert both.sum() >= usual.nuclei.scorable.sum() - 2
    assert (found.nuclei.pattern[both] != usual.nuclei.pattern[both]).sum() <= 1
    assert np.array_equal(found.nuclei.area_um2[inside], usual.nuclei.area_um2[inside])


def test_swapping_the_ends_swaps_the_isolated_patterns(fields, usual):
    fov = fields[0].fov
    swapped = replace(fov, three_prime=fov.five_prime, five_prime=fov.three_prime)
    found = score_fov(swapped, segmenter=given_labels(fields[0].labels)).nuclei
    swap = {"ISOLATED_3P": "ISOLATED_5P", "ISOLATED_5P": "ISOLATED_3P"}
    expected = np.array([swap.get(p, p) for p in usual.nuclei.pattern], object)
    assert {"ISOLATED_3P", "SPLIT", "FUSED"} <= set(usual.nuclei.pattern)
    assert np.array_equal(found.scorable, usual.nuclei.scorable)
    assert np.array_equal(found.pattern, expected)


def test_colours_of_the_kit_do_not_reach_the_call(fields, usual):
    probe = replace(
        load_probe("vysis-alk"),
        name="ros1-like", three_prime_colour=Colour.GREEN, five_prime_colour=Colour.RED,
    )  # fmt: skip
    green = simulate(1, three_prime_colour=Colour.GREEN)
    found = score_fov(green.fov, probe=probe, segmenter=given_labels(green.labels))
    assert_same_table(found.nuclei, usual.nuclei)
    assert_same_table(found.spots, usual.spots)


def test_own_segmenter_is_used(fovs):
    labels = np.zeros((560, 560), np.int32)
    labels[100:160, 100:160] = 5
    found = score_fov(fovs[0], segmenter=given_labels(labels))
    assert found.nuclei.nucleus_id.tolist() == [5]
    assert np.array_equal(found.labels, labels)


def test_settings_are_used(fovs):
    strict = Config().with_settings(["scorable.min_diam_um=20"])
    found = score_fov(fovs[0], config=strict)
    assert not found.nuclei.scorable.any()
    assert ["too_small" in text for text in found.nuclei.flags].count(True) > 10


def test_corrections_are_reported_in_words(case):
    shift, into_5p, into_3p = case.fields[0].corrections
    assert shift.startswith("chromatic shift ")
    assert into_5p.startswith("crosstalk from 3' into 5' ")
    assert into_3p.startswith("crosstalk from 5' into 3' ")
    assert ("not corrected" not in shift) == case.fields[0].shift_applied


def test_one_channel_in_two_roles_is_not_evaluable(fovs):
    found = score_case([replace(fov, five_prime=fov.three_prime) for fov in fovs])
    assert found.call.call is Call.NOT_EVALUABLE
    assert "both probe channels hold the same picture" in found.call.reasons[0]


def test_misregistered_channels_are_not_evaluable(fovs):
    size = fovs[0].pixel_size_um
    step = round(1.5 / size)
    found = score_case([replace(f, five_prime=np.roll(f.five_prime, step, axis=1)) for f in fovs])
    assert found.call.call is Call.NOT_EVALUABLE
    assert "do not lie on each other" in found.call.reasons[0]


def test_a_picture_that_stands_twice_is_refused():
    with pytest.raises(InputError, match="hold the same picture, so its nuclei would count twice"):
        _refuse_copies("case", {"a.tif": "1", "b.tif": "2", "a - Copy.tif": "1"})
