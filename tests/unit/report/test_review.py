"""Until a person has read a case, its report says so."""

import pytest

from alkfish.errors import InputError
from alkfish.model.result import Call, PatternCounts
from alkfish.report import Read, ReviewState

READ = Read("A. Reader", PatternCounts(fused=40, split=10))


def test_a_new_case_is_not_reviewed():
    state = ReviewState()
    assert state.heading == "Machine proposal, not reviewed"
    assert not state.is_read
    assert state.call(Call.NEGATIVE) is Call.NEGATIVE


@pytest.mark.parametrize(
    ("state", "heading"),
    [
        (ReviewState(reads=(READ,)), "Read by 1 reader, not signed"),
        (ReviewState(reads=(READ, READ)), "Read by 2 readers, not signed"),
        (
            ReviewState(reads=(READ,), final_call="NEGATIVE", signed_by="Dr. B"),
            "Reviewed and signed by Dr. B",
        ),
    ],
)
def test_the_state_in_words(state, heading):
    assert state.heading == heading


def test_people_decide():
    state = ReviewState(reads=(READ,), final_call="EQUIVOCAL")
    assert state.call(Call.POSITIVE) is Call.EQUIVOCAL


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"final_call": "MAYBE", "reads": (READ,)}, "final call of the review is none"),
        ({"final_call": "POSITIVE"}, "needs at least one read"),
        ({"reads": (READ,), "signed_by": "Dr. B"}, "without a final call cannot be signed"),
    ],
)
def test_impossible_states_are_refused(values, problem):
    with pytest.raises(InputError, match=problem):
        ReviewState(**values)
