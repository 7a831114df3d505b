"""The list of cases: where each stands, and nothing that a second reader must not know."""

import pytest

from alkfish.review import CaseReview, CaseState, standings


@pytest.fixture
def reviews(local, make_result):
    def make(case_id, reader):
        return CaseReview(local, make_result(["SPLIT"] * 30 + ["FUSED"] * 90, case_id), reader)

    return make


def test_each_case_has_its_state_and_readers(local, reviews, read_all):
    reviews("open", "Ada").start_read(blinded=True)
    for case, positive in (("doubt", 10), ("called", 2), ("signed", 40)):
        review = reviews(case, "Ada")
        review.start_read()
        read_all(review, positive)
        review.finish_read()
    reviews("signed", "Bo").sign()
    found = standings(local)
    assert {case: found[case].state for case in found} == {
        "open": CaseState.READING,
        "doubt": CaseState.EQUIVOCAL_AWAITING_SECOND,
        "called": CaseState.CALLED,
        "signed": CaseState.SIGNED,
    }
    assert (found["open"].reader, found["open"].readers) == ("Ada", ())
    assert found["open"].hides_machine_from("ADA ")
    assert not found["open"].hides_machine_from("Bo")
    assert (found["doubt"].readers, found["doubt"].call) == (("Ada",), None)
    assert found["called"].call.counts.n_positive == 2
    assert (found["signed"].signed_by, found["signed"].version) == ("Bo", 1)
    assert found["signed"].last_at == found["signed"].signed_at


def test_a_second_and_a_control_read_and_a_new_version(local, reviews, read_all):
    for reader in ("Ada", "Bo"):
        review = reviews("case", reader)
        review.start_read()
        read_all(review, 10)
        review.finish_read()
    assert standings(local)["case"].readers == ("Ada", "Bo")
    reviews("case", "Cy").start_read()
    standing = standings(local)["case"]
    assert (standing.state, standing.reader, standing.call) == (CaseState.READING, "Cy", None)
    reviews("case", "Bo").abandon_read("not needed")
    assert standings(local)["case"].call is not None
    reviews("case", "Bo").open_version("other block")
    standing = standings(local)["case"]
    assert (standing.state, standing.version, standing.readers) == (CaseState.SCORED, 2, ())


def test_a_store_without_cases_has_no_standings(local):
    assert standings(local) == {}


def test_standings_are_those_of_the_whole_log(store, make_result, read_all):
    review = CaseReview(store, make_result(["FUSED"] * 120), "Ada")
    review.start_read()
    review.reject(review.queue()[0], "torn")
    review.undo()
    read_all(review, 1)
    review.finish_read()
    standing = standings(store)["case"]
    assert (standing.state, standing.call) == (review.state, review.call)
