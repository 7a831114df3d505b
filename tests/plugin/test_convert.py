"""Results as data of layers."""

from dataclasses import replace

import numpy as np
import pytest

from alkfish import open_bundle
from alkfish.model.probe import ProbeEnd
from alkfish.model.signals import Pattern
from alkfish.plugin.colours import (
    HIDDEN_CODE,
    LOOKS,
    OUT_LOOK,
    PATTERN_CODES,
    SHADES,
    code_colours,
)
from alkfish.plugin.convert import (
    best_plane,
    channel_contrast,
    letters,
    near_rows,
    pair_lines,
    spot_marks,
)
from alkfish.plugin.outlines import LazyCodes, Numbering, edges, label_levels


@pytest.fixture(scope="module")
def result(scored):
    return open_bundle(scored / "results" / "case_a")


@pytest.fixture(scope="module")
def fov(result):
    return result.fields[0].fov


def test_every_signal_of_a_nucleus_has_one_mark_of_its_end(result, fov):
    spots = result.spots
    rows = np.concatenate([spot_marks(result, fov, end).rows for end in ProbeEnd])
    assert sorted(rows) == np.flatnonzero((spots.fov == fov) & (spots.nucleus_id > 0)).tolist()
    three = spot_marks(result, fov, ProbeEnd.THREE_PRIME)
    assert set(spots.end[three.rows]) == {"3p"}
    assert np.array_equal(three.places[:, 0], spots.y_px[three.rows])


def test_lines_join_both_ends_of_every_fused_signal(result, fov):
    lines = pair_lines(result, fov)
    spots = result.spots
    own = (spots.fov == fov) & (spots.signal_id > 0)
    three = set(spots.signal_id[own & (spots.end == "3p")].tolist())
    five = spots.signal_id[own & (spots.end == "5p")]
    assert len(lines) == int(np.isin(five, list(three)).sum()) > 0
    stop = lines[:, 0] + lines[:, 1]
    places = spot_marks(result, fov, ProbeEnd.FIVE_PRIME).places
    away = np.hypot(*(stop[:, None] - places[None]).T).min(axis=0)
    assert np.allclose(away, 0)


def test_an_empty_field_has_no_marks(result):
    assert len(spot_marks(result, "no such field", ProbeEnd.FIVE_PRIME).rows) == 0
    assert pair_lines(result, "no such field").shape == (0, 2, 2)


def test_the_nearest_nuclei_carry_letters_the_current_one_first(result):
    rows = near_rows(result, 5)
    assert rows[0] == 5
    assert len(set(rows)) == len(rows)
    assert set(result.nuclei.fov[rows]) == {result.nuclei.fov[5]}


def test_letters_tell_all_patterns_apart():
    names = np.array([*(pattern.value for pattern in Pattern), ""], object)
    assert len(set(letters(names).tolist())) == len(names)


def test_colours_differ_in_brightness_too_or_by_letter():
    looks = [*LOOKS.values(), OUT_LOOK]
    assert len({look.colour for look in looks}) == len(looks)
    assert len({look.letter for look in looks}) == len(looks)


def test_every_number_of_an_outline_has_a_colour(result, fov):
    patterns = np.array(result.nuclei.pattern, object)
    numbering = Numbering(result, fov, patterns, np.zeros(len(patterns), bool))
    labels = np.asarray(result.labels[fov])
    drawn = numbering(labels)
    assert set(np.unique(drawn).tolist()) - {0} <= set(code_colours())
    row = int(np.flatnonzero((result.nuclei.fov == fov) & (patterns == "SPLIT"))[0])
    own = drawn[(labels == result.nuclei.nucleus_id[row]) & (drawn > 0)]
    assert set((own // SHADES).tolist()) == {PATTERN_CODES["SPLIT"]}
    numbering.set(result.nuclei.nucleus_id[[row]], patterns[[row]], np.array([True]))
    hidden = numbering(labels)[labels == result.nuclei.nucleus_id[row]]
    assert set((hidden[hidden > 0] // SHADES).tolist()) == {HIDDEN_CODE}


def test_outlines_are_drawn_and_insides_are_not():
    labels = np.zeros((20, 20), np.int32)
    labels[4:16, 4:16] = 1
    near = edges(labels)
    assert near[4, 8]
    assert near[5, 8]
    assert not near[8, 8]
    assert not near[0, 0]


def test_a_label_that_is_not_in_the_table_is_not_drawn(result, fov):
    numbering = Numbering(result, fov, result.nuclei.pattern, np.zeros(len(result.nuclei), bool))
    strange = np.full((9, 9), 10**6, np.int32)
    assert not numbering(strange).any()


def test_lazy_levels_number_what_is_sliced(result, fov):
    patterns = result.nuclei.pattern
    numbering = Numbering(result, fov, patterns, np.zeros(len(patterns), bool))
    (labels,) = label_levels(result, result, fov)
    lazy = LazyCodes(labels, numbering)
    assert lazy.shape == labels.shape
    assert np.array_equal(lazy[100:300, 50:400], numbering(labels[100:300, 50:400]))


def test_a_usual_signal_is_bright_but_not_white():
    pixels = np.full((50, 50), 100, np.uint16)
    low, high = channel_contrast(pixels, np.array([400.0, 500.0]), np.array([100.0, 100.0]))
    assert low == 100
    assert low + 450 < high
    low, high = channel_contrast(pixels, np.empty(0), np.empty(0))
    assert high > low


def test_a_stack_opens_where_its_signals_lie(result, fov):
    depth = np.full(len(result.spots), 2.1)
    deep = replace(result, spots=replace(result.spots, z_um=depth))
    assert best_plane(deep, fov, 9, 0.5) == 4
    assert best_plane(deep, fov, 3, 0.5) == 2, "never beyond the last plane"
    assert best_plane(deep, "another field", 9, 0.5) == 4, "the middle without signals"
