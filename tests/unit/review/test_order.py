"""The reading order and the fingerprint it is made from."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.io.bundle import open_bundle, write_bundle
from alkfish.io.fingerprint import result_fingerprint
from alkfish.review import NucleusKey
from alkfish.review.order import draw_nuclei, order_seed, reading_order

ORDER = tuple(NucleusKey("f", number) for number in range(20))


def test_the_order_is_frozen(make_result):
    """Another order would make reads of older versions unintelligible: never change it."""
    nuclei = make_result(["FUSED"] * 8).nuclei
    assert order_seed("case", "0" * 64) == "adc6fb930a67b9c1"
    order = [key.nucleus_id for key in reading_order(nuclei, "seed")]
    assert order == [2, 1, 8, 6, 3, 4, 5, 7]


def test_the_order_holds_every_scorable_nucleus_once(mixed):
    order = reading_order(mixed.nuclei, "seed")
    scorable = mixed.nuclei.nucleus_id[mixed.nuclei.scorable]
    assert sorted(key.nucleus_id for key in order) == scorable.tolist()
    assert all(key.fov == "field" for key in order)


def test_the_order_does_not_depend_on_rows_but_on_the_seed(mixed):
    shuffled = mixed.nuclei.take(np.random.default_rng(0).permutation(len(mixed.nuclei)))
    assert reading_order(shuffled, "a") == reading_order(mixed.nuclei, "a")
    assert reading_order(mixed.nuclei, "b") != reading_order(mixed.nuclei, "a")


def test_the_order_follows_neither_ids_nor_patterns(mixed):
    """Over many seeds, the first nucleus is as often one of any tenth of the case."""
    first = [reading_order(mixed.nuclei, str(seed))[0].nucleus_id for seed in range(400)]
    tenths = np.bincount(np.array(first) // 17, minlength=10)[:9]
    assert tenths.min() > 15


def test_an_empty_case_has_an_empty_order(make_result):
    assert reading_order(make_result([""]).nuclei, "seed") == ()


@given(start=st.integers(0, 25), size=st.integers(0, 25), rejected=st.sets(st.sampled_from(ORDER)))
def test_a_draw_takes_the_next_ones_that_were_not_rejected(start, size, rejected):
    draw = draw_nuclei(ORDER, start=start, size=size, rejected=rejected)
    left = [key for key in ORDER[start:] if key not in rejected]
    assert list(draw.nuclei) == left[:size]
    assert draw.n_missing == size - len(draw.nuclei)
    later = draw_nuclei(ORDER, start=draw.next_position, size=99, rejected=rejected)
    assert set(later.nuclei).isdisjoint(draw.nuclei)
    assert list(draw.nuclei + later.nuclei) == left


def test_the_fingerprint_is_the_same_in_memory_and_on_disk(mixed, tmp_path):
    folder = write_bundle(mixed, tmp_path)
    assert result_fingerprint(open_bundle(folder)) == result_fingerprint(mixed)


def test_the_fingerprint_forgets_the_time_only(mixed, make_result):
    found = result_fingerprint(mixed)
    made = mixed.provenance
    assert len(found) == 64
    assert result_fingerprint(replace(mixed, provenance=replace(made, created="now"))) == found
    assert result_fingerprint(replace(mixed, provenance=replace(made, version="1"))) != found
    assert result_fingerprint(replace(mixed, case_id="other")) != found


@pytest.mark.parametrize("table", ["nuclei", "spots"])
def test_every_value_of_the_tables_is_in_the_fingerprint(mixed, table):
    found = result_fingerprint(mixed)
    rows = getattr(mixed, table)
    for info in type(rows).columns():
        values = getattr(rows, info.name).copy()
        values[1] = "x" if info.dtype == object else not values[1] if info.dtype == bool else 77
        changed = replace(mixed, **{table: replace(rows, **{info.name: values})})
        assert result_fingerprint(changed) != found, info.name
