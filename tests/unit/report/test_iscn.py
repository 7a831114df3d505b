"""ISCN strings: the table of clinical-rules 7.1."""

import numpy as np
import pytest

from alkfish.model.result import Call, Caution, PatternCounts
from alkfish.report.iscn import iscn_string

CASES = [
    ("split, one allele", "SPLIT", (1, 1, 1), "(ALKx2)(3'ALK sep 5'ALKx1)"),
    ("isolated 3'", "ISOLATED_3P", (1, 1, 0), "(3'ALKx2,5'ALKx1)(3'ALK con 5'ALKx1)"),
    ("extra 3'", "ISOLATED_3P", (2, 1, 0), "(3'ALKx3,5'ALKx2)(3'ALK con 5'ALKx2)"),
    ("isolated 5'", "ISOLATED_5P", (1, 0, 1), "(3'ALKx1,5'ALKx2)(3'ALK con 5'ALKx1)"),
    ("split and gain", "SPLIT", (3, 1, 1), "(ALKx4)(3'ALK sep 5'ALKx1)"),
    ("no fused copy left", "SPLIT", (0, 2, 1), "(3'ALKx2,5'ALKx1)(3'ALK sep 5'ALKx1)"),
]  # fmt: skip


def with_signals(result, pattern, signals):
    rows = result.nuclei.pattern == pattern
    for name, value in zip(("n_fused", "n_3p", "n_5p"), signals, strict=True):
        getattr(result.nuclei, name)[rows] = value
    return result


@pytest.mark.parametrize(("name", "pattern", "signals", "text"), CASES, ids=[c[0] for c in CASES])
def test_populations(make_result, name, pattern, signals, text):
    result = with_signals(make_result([pattern] * 58 + ["FUSED"] * 42), pattern, signals)
    assert iscn_string(result, result.call.call) == f"nuc ish{text}[58/100]"


def test_negative(make_result):
    assert iscn_string(make_result(["FUSED"] * 100), Call.NEGATIVE) == "nuc ish(ALKx2)[100]"


@pytest.mark.parametrize(("split", "total", "given"), [(15, 138, False), (9, 100, True)])
def test_a_borderline_negative_is_not_written_as_normal(make_result, split, total, given):
    result = make_result(["SPLIT"] * split + ["FUSED"] * (total - split))
    assert result.call.call is Call.NEGATIVE
    assert iscn_string(result, Call.NEGATIVE) == (f"nuc ish(ALKx2)[{total}]" if given else "")


def test_two_populations_largest_first(make_result):
    result = make_result(["ISOLATED_3P"] * 15 + ["SPLIT"] * 40 + ["FUSED"] * 45)
    assert iscn_string(result, Call.POSITIVE) == (
        "nuc ish(ALKx2)(3'ALK sep 5'ALKx1)[40/100]/(3'ALKx2,5'ALKx1)(3'ALK con 5'ALKx1)[15/100]"
    )


def test_a_positive_case_always_names_its_largest_positive_pattern(make_result):
    result = make_result(["ISOLATED_3P"] * 8 + ["SPLIT"] * 10 + ["FUSED"] * 82)
    assert iscn_string(result, Call.POSITIVE) == "nuc ish(ALKx2)(3'ALK sep 5'ALKx1)[10/100]"


def test_gain(make_result):
    gain = Caution("copy_gain", "copy-number gain is frequent")
    result = make_result(["FUSED"] * 10, cautions=[gain])
    result.nuclei.n_fused[:] = np.array([3, 3, 4, 5, 3, 3, 3, 2, 2, 2])
    assert iscn_string(result, Call.NEGATIVE) == "nuc ish(ALKx3~5)[7/10]"


def test_order_of_the_ends_is_a_setting(make_result):
    result = make_result(["SPLIT"] * 100)
    text = iscn_string(result, Call.POSITIVE, three_prime_first=False)
    assert text == "nuc ish(ALKx2)(5'ALK sep 3'ALKx1)[100/100]"


@pytest.mark.parametrize("call", [Call.NOT_EVALUABLE, Call.EQUIVOCAL])
def test_no_string_without_a_verdict(make_result, call):
    assert iscn_string(make_result(["SPLIT"] * 5), call) == ""


def test_counts_in_the_string_are_those_of_the_call(positive):
    assert positive.call.counts == PatternCounts(fused=10, split=6, isolated_3p=3, isolated_5p=1)
    assert "[6/20]" in iscn_string(positive, Call.POSITIVE)
