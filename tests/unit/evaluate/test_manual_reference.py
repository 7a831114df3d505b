"""From several readers to one reference."""

import pytest

from alkfish.evaluate.manual_reference import reader_pairs, references
from alkfish.evaluate.manual_sheet import ManualRead


def read(case="a", reader="R1", call="", positive=-1, counted=0, rate=-1.0):
    has_rate = rate >= 0 or counted > 0
    share = positive / counted if counted else max(rate, 0.0)
    return ManualRead(case, reader, call, has_rate, share, max(positive, 0), counted)


def test_counts_of_two_readers_are_summed():
    # ATLAS2 pp 47-48: 6 of 50 and 10 of 50 are 16 of 100.
    found = references(
        [read(call="POSITIVE", positive=6, counted=50),
         read(reader="R2", call="POSITIVE", positive=10, counted=50)]
    )["a"]  # fmt: skip
    assert (found.n_positive, found.n_counted, found.rate) == (16, 100, 0.16)
    assert (found.call, found.readers, found.remark) == ("POSITIVE", ("R1", "R2"), "")


def test_rates_are_averaged_where_counts_are_missing():
    found = references([read(positive=5, counted=50), read(reader="R2", rate=0.2)])["a"]
    assert (found.rate, found.n_counted) == (pytest.approx(0.15), 0)
    assert found.remark == "no manual call"


def test_readers_who_disagree_have_no_call():
    found = references([read(call="POSITIVE"), read(reader="", call="NEGATIVE")])["a"]
    assert found.call == ""
    assert found.remark == "the readers disagree: R1 POSITIVE, a reader NEGATIVE"


def test_a_consensus_stands_above_single_readers():
    given = [read(call="POSITIVE"), read(reader="R2", call="NEGATIVE"),
             read(reader="Consensus", call="NEGATIVE", positive=12, counted=100)]  # fmt: skip
    found = references(given)["a"]
    assert (found.call, found.n_counted, found.readers) == ("NEGATIVE", 100, ("Consensus",))


def test_readers_among_each_other():
    given = [read(case, who, call, rate=rate)
             for case, calls in zip("abcde", ("PP", "NN", "PN", "NN", "PP"), strict=True)
             for who, call, rate in (
                 ("R1", {"P": "POSITIVE", "N": "NEGATIVE"}[calls[0]], 0.2),
                 ("R2", {"P": "POSITIVE", "N": "NEGATIVE"}[calls[1]], 0.1),
             )]  # fmt: skip
    given.append(read("a", "consensus", "POSITIVE"))
    (pair,) = reader_pairs(given)
    assert (pair.first, pair.second) == ("R1", "R2")
    assert (pair.calls.accuracy.hits, pair.calls.n_definite) == (4, 5)
    assert pair.rates.bias.value == pytest.approx(-10.0)
    assert reader_pairs([read("a", "R1", "POSITIVE"), read("b", "R2", "POSITIVE")]) == ()
