"""Nuclei that explain a disagreement: which are chosen, why, and that nothing is said if so."""

import numpy as np

from alkfish.evaluate.nuclei_to_see import MAX_NUCLEI, nuclei_behind_rate


def overlooked(new_result, chances=(), gaps=(), flags=()):
    """A case of 60 fused and 3 excluded nuclei; columns are set from their beginning."""
    result = new_result("c", ["FUSED"] * 60 + [""] * 3, p_positive=[0.001] * 60 + [0.0] * 3)
    result.nuclei.p_positive[: len(chances)] = chances
    result.nuclei.max_separation_diam[10 : 10 + len(gaps)] = gaps
    for number, text in flags:
        result.nuclei.flags[number - 1] = text
    return nuclei_behind_rate(result, machine_higher=False)


def test_a_case_that_readers_call_positive_shows_what_may_have_been_overlooked(new_result):
    flags = [(30, "gain;doublet_3p"), (61, "border;only_3p"), (62, "only_3p"), (63, "border")]
    found = overlooked(new_result, [0.3, 0.4], [1.9, 0.5, 1.2], flags)
    assert [(n.nucleus_id, n.why) for n in found.nuclei] == [
        (2, "may be positive"), (11, "widest gap 1.9 diameters"), (30, "3'-5'-3' doublet"),
        (62, "left out: 3' signals only"), (1, "may be positive"),
        (13, "widest gap 1.2 diameters"), (61, "left out: 3' signals only"),
        (12, "widest gap 0.5 diameters"),
    ]  # fmt: skip
    assert [n.machine for n in found.nuclei if n.nucleus_id > 60] == ["", ""]
    assert found.note == ""


def test_that_nothing_is_doubtful_is_said(new_result):
    found = overlooked(new_result)
    assert found.nuclei == ()
    assert found.note == "The machine takes none of its negative nuclei for doubtful."


def test_no_nucleus_stands_twice_and_there_are_not_too_many(new_result):
    found = overlooked(new_result, np.linspace(0.5, 0.1, 40), np.linspace(1.9, 0.1, 40))
    numbers = [n.nucleus_id for n in found.nuclei]
    assert len(numbers) == len(set(numbers)) == MAX_NUCLEI


def test_positive_nuclei_that_are_all_certain(new_result):
    certain = [0.999] * 20 + [0.0] * 40
    result = new_result("c", ["SPLIT"] * 20 + ["FUSED"] * 40, p_positive=certain)
    found = nuclei_behind_rate(result, machine_higher=True)
    assert len(found.nuclei) == MAX_NUCLEI
    assert {n.machine for n in found.nuclei} == {"SPLIT"}
    assert found.note == "The machine takes none of its positive nuclei for doubtful."
