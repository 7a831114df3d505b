"""Flags: frozen names and bits, texts both ways, and who is excluded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.model.flags import (
    EXCLUDING,
    NucleusFlag,
    SpotFlag,
    flag_names,
    join_flags,
    parse_flags,
)

NUCLEUS_BITS = {
    "BORDER": 1 << 0,
    "TOO_SMALL": 1 << 1,
    "TOO_LARGE": 1 << 2,
    "CLUMP": 1 << 3,
    "OUT_OF_FOCUS": 1 << 4,
    "SATURATED": 1 << 5,
    "NO_SIGNAL": 1 << 6,
    "ONLY_3P": 1 << 7,
    "ONLY_5P": 1 << 8,
    "TOO_MANY_SIGNALS": 1 << 9,
    "DOUBLET_3P": 1 << 10,
    "GAIN": 1 << 11,
    "DIM_5P": 1 << 12,
    "DIM_3P": 1 << 13,
    "DOUBTFUL": 1 << 14,
    "OUTSIDE_ROI": 1 << 15,
}
SPOT_BITS = {
    "SATURATED": 1 << 0,
    "TOUCHING": 1 << 1,
    "DOUBLET": 1 << 2,
    "CROSSTALK": 1 << 3,
    "UNASSIGNED": 1 << 4,
}
INFORMING = {"DOUBLET_3P", "GAIN", "DOUBTFUL"}


@pytest.mark.parametrize(("kind", "bits"), [(NucleusFlag, NUCLEUS_BITS), (SpotFlag, SPOT_BITS)])
def test_names_and_bits_are_frozen(kind, bits):
    known = {member.name: member.value for member in kind}
    assert {name: known[name] for name in bits} == bits
    assert len(set(known.values())) == len(known)


@pytest.mark.parametrize("kind", [NucleusFlag, SpotFlag])
def test_every_flag_says_what_it_means(kind):
    for member in kind:
        assert len(member.meaning) > 10
        assert member.value.bit_count() == 1


def test_informing_flags_do_not_exclude():
    excluding = {member.name for member in NucleusFlag if member & EXCLUDING}
    assert excluding == set(NUCLEUS_BITS) - INFORMING


def test_joined_names_are_lower_case_lowest_bit_first():
    value = NucleusFlag.CLUMP | NucleusFlag.BORDER
    assert join_flags(value, NucleusFlag) == "border;clump"
    assert flag_names(int(value), NucleusFlag) == ["border", "clump"]


def test_no_flag_is_an_empty_text():
    assert join_flags(0, NucleusFlag) == ""
    assert parse_flags("", NucleusFlag) == 0
    assert parse_flags([], SpotFlag) == 0


@given(st.integers(0, sum(NUCLEUS_BITS.values())))
def test_join_and_parse_are_inverse(value):
    assert parse_flags(join_flags(value, NucleusFlag), NucleusFlag) == value


def test_unknown_name_is_refused():
    with pytest.raises(KeyError, match="BLURRED"):
        parse_flags("border;blurred", NucleusFlag)
