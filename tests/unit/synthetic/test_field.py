import numpy as np
import pytest

from alkfish.errors import InputError
from alkfish.model.flags import EXCLUDING, NucleusFlag, parse_flags
from alkfish.model.probe import Colour
from alkfish.synthetic import LEVELS, PatternMix, simulate_field
from alkfish.synthetic.rule import Point, classify

SMALL = {"shape": (400, 360), "pixel_size_um": 0.1625}


@pytest.fixture(scope="module")
def field():
    return simulate_field("typical", seed=11, **SMALL)


def planes(field):
    return field.fov.dapi, field.fov.three_prime, field.fov.five_prime


def test_shapes_and_dtypes(field):
    for plane in planes(field):
        assert plane.shape == (400, 360)
        assert plane.dtype == np.uint16
    assert field.labels.dtype == np.int32
    assert field.fov.pixel_size_um == 0.1625
    assert "simulated" in field.fov.notes[0]


def test_same_seed_same_bytes_other_seed_other_picture(field):
    again = simulate_field("typical", seed=11, **SMALL)
    for a, b in zip(planes(field), planes(again), strict=True):
        assert a.tobytes() == b.tobytes()
    assert np.array_equal(field.labels, again.labels)
    other = simulate_field("typical", seed=12, **SMALL)
    assert not np.array_equal(field.labels, other.labels)


def test_truth_rows_are_the_labels(field):
    ids, counts = np.unique(field.labels[field.labels > 0], return_counts=True)
    assert np.array_equal(ids, field.nuclei.nucleus_id)
    np.testing.assert_allclose(counts * 0.1625**2, field.nuclei.area_um2)
    assert np.array_equal(field.biology.nucleus_id, ids)


def test_scorable_nuclei_have_a_pattern_and_no_excluding_flag(field):
    for row in range(len(field.nuclei)):
        bits = parse_flags(field.nuclei.flags[row], NucleusFlag)
        assert field.nuclei.scorable[row] == (not bits & int(EXCLUDING))
        assert bool(field.nuclei.pattern[row]) == field.nuclei.scorable[row]


def test_patterns_follow_from_the_spots_in_the_table():
    field = simulate_field("hard", seed=3, shape=(700, 700))
    shift = np.array(field.shift_um)
    checked = 0
    for row in np.flatnonzero(field.nuclei.scorable):
        number = field.nuclei.nucleus_id[row]
        sides = []
        for end, back in (("3p", 0.0), ("5p", 1.0)):
            mine = (field.spots.nucleus_id == number) & (field.spots.end == end)
            y = field.spots.y_px[mine] * 0.1 - back * shift[0]
            x = field.spots.x_px[mine] * 0.1 - back * shift[1]
            triples = zip(y, x, field.spots.diameter_um[mine], strict=True)
            sides.append([Point(*triple) for triple in triples])
        reading = classify(*sides)
        assert reading.pattern == field.nuclei.pattern[row]
        assert reading.max_distance == pytest.approx(field.nuclei.max_separation_um[row])
        checked += 1
    assert checked >= 4


def test_spots_appear_where_the_truth_says():
    field = simulate_field("easy", seed=2, shape=(500, 500))
    assert len(field.spots) >= 6
    for row in range(len(field.spots)):
        y, x = round(field.spots.y_px[row]), round(field.spots.x_px[row])
        plane = field.fov.three_prime if field.spots.end[row] == "3p" else field.fov.five_prime
        around = plane[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].astype(float)
        expected = field.spots.background[row] + field.spots.amplitude[row]
        assert around.mean() == pytest.approx(expected, rel=0.2)


def test_signal_ids_join_pairs_within_one_nucleus(field):
    for number in np.unique(field.spots.signal_id):
        members = field.spots.nucleus_id[field.spots.signal_id == number]
        assert len(set(members.tolist())) == 1


def test_border_and_lymphocyte_flags(field):
    on_edge = set(np.unique(np.concatenate([field.labels[0], field.labels[:, -1]]))) - {0}
    for row, number in enumerate(field.nuclei.nucleus_id):
        names = field.nuclei.flags[row].split(";")
        if number in on_edge:
            assert "border" in names
        diameter = 2 * np.sqrt(field.nuclei.area_um2[row] / np.pi)
        assert ("too_small" in names) == (diameter < 7.5)


def test_empty_level_is_empty():
    field = simulate_field("empty", seed=0, shape=(200, 200))
    assert len(field.nuclei) == len(field.spots) == len(field.biology) == 0
    assert not field.labels.any()


def test_haze_has_nuclei_but_no_spots():
    field = simulate_field("haze", seed=0, shape=(400, 400))
    assert len(field.nuclei) > 3
    assert len(field.spots) == 0
    assert not field.nuclei.scorable.any()


def test_failed_five_prime_leaves_nothing_scorable():
    field = simulate_field("failed_five_prime", seed=0, shape=(500, 500))
    assert set(field.spots.end) == {"3p"}
    assert not field.nuclei.scorable.any()
    assert any("only_3p" in flags for flags in field.nuclei.flags)


def test_positive_fraction_sets_the_rate():
    level = LEVELS["easy"].with_(lymphocyte_share=0.0, coverage=0.4)
    mix = PatternMix(isolated_5p=0.0)
    field = simulate_field(
        level, seed=4, shape=(1100, 1100), pixel_size_um=0.25, positive_fraction=0.6, mix=mix
    )
    scorable = field.nuclei.scorable
    rate = field.nuclei.p_positive[scorable].mean()
    assert scorable.sum() > 80
    assert rate == pytest.approx(0.6, abs=0.12)


def test_bleed_follows_the_colours_not_the_ends():
    level = LEVELS["easy"].with_(red_into_green=0.5)
    red_3p = simulate_field(level, seed=5, **SMALL)
    green_3p = simulate_field(level, seed=5, three_prime_colour=Colour.GREEN, **SMALL)
    assert red_3p.clean["five_prime"].mean() > 1.2 * green_3p.clean["five_prime"].mean()
    assert green_3p.clean["three_prime"].mean() > 1.2 * red_3p.clean["three_prime"].mean()


def test_brightness_per_area_does_not_depend_on_the_pixel():
    fine, coarse = (
        simulate_field("easy", seed=6, shape=shape, pixel_size_um=size)
        for shape, size in (((400, 400), 0.1), ((200, 200), 0.2))
    )
    assert len(fine.nuclei) == len(coarse.nuclei)
    light = [f.clean["dapi"].mean() / f.fov.pixel_size_um**2 for f in (fine, coarse)]
    assert light[0] == pytest.approx(light[1], rel=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (8, 100)}, "too small"),
        ({"positive_fraction": 1.5}, "must be a share"),
        ({"level": "nonsense"}, "unknown level"),
    ],
)
def test_impossible_arguments_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        simulate_field(**{"seed": 0, "shape": (64, 64), **changes})
