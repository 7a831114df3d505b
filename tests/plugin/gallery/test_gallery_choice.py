from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish import Pattern
from alkfish.plugin.gallery_choice import Choice, Doubt, GalleryTable, Sort, Standing
from alkfish.review import ReadMode


@pytest.fixture
def table(make_case, make_session):
    return GalleryTable(make_session(make_case()))


FILTERS = {
    "all": (Choice(), lambda _: True),
    "split": (Choice(patterns=frozenset({"SPLIT"})), lambda n: n["pattern"] == "SPLIT"),
    "two patterns": (
        Choice(patterns=frozenset({"FUSED", ""})), lambda n: n["pattern"] in ("FUSED", ""),
    ),
    "not counted": (Choice(patterns=frozenset({""})), lambda n: not n["scorable"]),
    "flag": (Choice(flag="clump"), lambda n: "clump" in n["flags"]),
    "unknown flag": (Choice(flag="border"), lambda _: False),
    "field": (Choice(fov="field 1"), lambda n: n["fov"] == "field 1"),
    "number": (Choice(text="#17 "), lambda n: n["nucleus_id"] == 17),
    "words": (Choice(text="FIELD doubt"), lambda n: n["flags"] == "doubtful"),
    "no such word": (Choice(text="zebra"), lambda _: False),
    "several": (
        Choice(patterns=frozenset({"SPLIT"}), fov="field 0", text="#2"),
        lambda n: n["pattern"] == "SPLIT" and n["fov"] == "field 0"
        and str(n["nucleus_id"]).startswith("2"),
    ),
    "undecided": (Choice(standing=Standing.UNDECIDED), lambda _: True),
    "decided": (Choice(standing=Standing.DECIDED), lambda _: False),
    "in the read, without one": (Choice(standing=Standing.READ), lambda _: False),
}  # fmt: skip
NAMES = ("pattern", "scorable", "flags", "fov", "nucleus_id")


@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_what_they_say(table, name):
    choice, wanted = FILTERS[name]
    nuclei = table.result.nuclei
    columns = [{name: getattr(nuclei, name)[row] for name in NAMES} for row in range(len(nuclei))]
    expected = [row for row, values in enumerate(columns) if wanted(values)]
    assert sorted(table.rows(choice).tolist()) == expected


def test_doubt_parts_the_counted_nuclei(table):
    doubtful = set(table.rows(Choice(doubt=Doubt.DOUBTFUL)).tolist())
    sure = set(table.rows(Choice(doubt=Doubt.SURE)).tolist())
    assert doubtful | sure == set(np.flatnonzero(table.result.nuclei.scorable).tolist())
    assert not doubtful & sure
    assert all(table.certainty[row] >= 0.9 for row in sure)
    assert all("doubtful" not in table.reasons(row) for row in sure)


SORTED_BY = {
    Sort.SEPARATION: lambda n: -n.max_separation_diam,
    Sort.SNR: lambda n: n.min_snr,
    Sort.AREA: lambda n: -n.area_um2,
}


@pytest.mark.parametrize("sort", SORTED_BY)
def test_sorting_by_a_figure(table, sort):
    figures = SORTED_BY[sort](table.result.nuclei)[table.rows(Choice(sort=sort))]
    assert (np.diff(figures) >= 0).all()


def test_doubtful_first_puts_nuclei_that_are_not_counted_last(table):
    rows = table.rows(Choice(sort=Sort.DOUBT))
    scorable = table.result.nuclei.scorable[rows]
    n_counted = int(scorable.sum())
    assert scorable[:n_counted].all()
    assert (np.diff(table.certainty[rows[:n_counted]]) >= 0).all()


def test_by_pattern_puts_positive_patterns_first(table):
    shown = table.patterns[table.rows(Choice(sort=Sort.PATTERN))].tolist()
    order = ["SPLIT", "ISOLATED_3P", "ISOLATED_5P", "FUSED", ""]
    assert [order.index(name) for name in shown] == sorted(order.index(name) for name in shown)


def test_by_position_goes_field_by_field_and_line_by_line(table):
    rows = table.rows(Choice(sort=Sort.POSITION))
    assert rows.tolist() == list(range(len(table)))


def test_as_in_the_review_follows_the_session(make_case, make_session):
    session = make_session(make_case(40), reading=True)
    table = GalleryTable(session)
    rows = table.rows(Choice(standing=Standing.READ))
    assert [session.keys[row] for row in rows] == list(session.draw)


CHOICES = st.builds(
    Choice,
    patterns=st.frozensets(st.sampled_from(["SPLIT", "ISOLATED_3P", "ISOLATED_5P", "FUSED", ""])),
    standing=st.sampled_from(Standing), doubt=st.sampled_from(Doubt), sort=st.sampled_from(Sort),
    flag=st.sampled_from(["", "clump", "doubtful", "border"]),
    fov=st.sampled_from(["", "field 0", "field 9"]),
    text=st.sampled_from(["", "1", "#3", "field", "clump 1"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def tables(make_case, tmp_path_factory):
    """Tables of a session without a read, and of one with decisions in an open read."""
    from alkfish.plugin.session import ReviewSession
    from alkfish.review import open_store

    found, stores = [], []
    for reading in (False, True):
        store = open_store(tmp_path_factory.mktemp("store"))
        stores.append(store)
        session = ReviewSession(store, make_case(40), "A. Reader")
        if reading:
            session.start_read(ReadMode.FULL)
            session.decide(Pattern.FUSED, session.draw[:5])
            session.reject("overlap", session.draw[5:8])
        found.append(GalleryTable(session))
    yield found
    for store in stores:
        store.close()


@settings(max_examples=60, deadline=None)
@given(choice=CHOICES, which=st.integers(0, 1))
def test_sorting_never_loses_doubles_or_adds_a_nucleus(tables, choice, which):
    table = tables[which]
    rows = table.rows(choice)
    assert sorted(rows.tolist()) == np.flatnonzero(table.mask(choice)).tolist()
    plain = table.rows(replace(choice, sort=Sort.POSITION))
    assert set(rows.tolist()) == set(plain.tolist())


@settings(max_examples=60, deadline=None)
@given(choice=CHOICES, which=st.integers(0, 1))
def test_counts_of_patterns_are_what_each_button_would_show(tables, choice, which):
    table = tables[which]
    counts = table.counts(choice)
    for name, count in counts.items():
        assert len(table.rows(replace(choice, patterns=frozenset({name})))) == count
    assert sum(counts.values()) == len(table.rows(replace(choice, patterns=frozenset())))


def test_decisions_are_followed_nucleus_by_nucleus(make_case, make_session):
    session = make_session(make_case(40), reading=True)
    table = GalleryTable(session)
    first, second = session.draw[:2]
    assert session.decide(Pattern.SPLIT, (first,))
    assert session.reject("overlap", (second,))
    changed = table.update((first, second, session.draw[2]))
    assert {session.keys[row] for row in changed} == {first, second}
    assert table.patterns[session.rows[first]] == "SPLIT"
    assert (
        table.rows(Choice(standing=Standing.DECIDED)).tolist()
        == table.rows(Choice(standing=Standing.DECIDED, text="field")).tolist()
    )
    decided = {session.keys[row] for row in table.rows(Choice(standing=Standing.DECIDED))}
    assert decided == {first, second}
    left = {session.keys[row] for row in table.rows(Choice(standing=Standing.UNDECIDED))}
    assert left == set(session.undecided())
    assert first not in left
    assert second not in left


def test_a_rejected_nucleus_stays_in_the_read_that_is_shown(make_case, make_session):
    session = make_session(make_case(40), reading=True)
    gone = session.draw[0]
    session.reject("overlap", (gone,))
    table = GalleryTable(session)
    assert gone not in session.draw
    assert table.in_read[session.rows[gone]]


def test_overruled_are_those_decided_otherwise_than_proposed(make_case, make_session):
    session = make_session(make_case(40), reading=True)
    machine = dict(zip(session.keys, session.result.nuclei.pattern, strict=True))
    fused = [key for key in session.draw if machine[key] == "FUSED"][:2]
    session.decide(Pattern.FUSED, (fused[0],))
    session.decide(Pattern.SPLIT, (fused[1],))
    table = GalleryTable(session)
    rows = table.rows(Choice(standing=Standing.OVERRULED))
    assert [session.keys[row] for row in rows] == [fused[1]]


class TestBlinded:
    @pytest.fixture
    def blind(self, make_case, make_session):
        return make_session(make_case(60), reading=True, blinded=True)

    def test_only_nuclei_of_the_read_and_no_pattern(self, blind):
        table = GalleryTable(blind)
        assert table.blinded
        assert {blind.keys[row] for row in table.rows(Choice())} == set(blind.draw)
        assert set(table.patterns) == {""}
        assert table.n_allowed == len(blind.draw)
        assert table.flags == ()
        assert all(table.reasons(row) == [] for row in range(len(table)))

    @pytest.mark.parametrize(
        "choice",
        [
            Choice(flag="doubtful"), Choice(doubt=Doubt.DOUBTFUL), Choice(doubt=Doubt.SURE),
            Choice(sort=Sort.DOUBT), Choice(sort=Sort.PATTERN), Choice(sort=Sort.SEPARATION),
            Choice(sort=Sort.SNR), Choice(sort=Sort.AREA),
        ],
    )  # fmt: skip
    def test_nothing_that_the_machine_found_filters_or_sorts(self, blind, choice):
        table = GalleryTable(blind)
        assert table.rows(choice).tolist() == table.rows(Choice()).tolist()

    def test_words_do_not_find_flags(self, blind):
        assert len(GalleryTable(blind).rows(Choice(text="doubtful"))) == 0

    def test_own_decisions_are_shown(self, blind):
        table = GalleryTable(blind)
        key = blind.draw[3]
        blind.decide(Pattern.ISOLATED_3P, (key,))
        assert [blind.keys[row] for row in table.update((key,))] == [key]
        assert table.counts(Choice())["ISOLATED_3P"] == 1

    def test_the_columns_are_made_anew_when_the_read_ends(self, blind):
        table = GalleryTable(blind)
        assert table.is_of(blind)
        blind.abandon_read("wrong case")
        assert not table.is_of(blind)
