"""Merging and parting nuclei within reads: as many nuclei as before, none twice, told in words."""

import pytest

from alkfish.errors import ReviewError
from alkfish.model.probe import ProbeEnd
from alkfish.model.result import PatternCounts
from alkfish.model.signals import Pattern
from alkfish.review import (
    CaseReview,
    NucleiMerged,
    NucleusDeclumped,
    NucleusKey,
    ReadMode,
    SpotAdded,
)
from alkfish.review.edit_words import edit_in_words

UNSCORABLE = range(31, 36)
N = 160


@pytest.fixture
def ada(local, crowded):
    found = CaseReview(local, crowded, "Ada")
    found.start_read()
    return found


def key(number):
    return NucleusKey("field", number)


def beside(number):
    """Return the nuclei that touch one, in rows of 13."""
    left = [number - 1] if (number - 1) % 13 else []
    right = [number + 1] if number % 13 else []
    return [n for n in (number - 13, *left, *right, number + 13) if 1 <= n <= N]


def pair(smaller, larger):
    """Return two nuclei that touch, one of each group, the first with the smaller number."""
    groups = ({k.nucleus_id for k in group} for group in (smaller, larger))
    ones, others = groups
    return next((a, b) for a in sorted(ones) for b in beside(a) if b in others and a < b)


def edit_told(review, edit):
    """Make an edit; return what is said of it."""
    before = review.coverage()
    review.edit(edit)
    return edit_in_words(edit, before, review.coverage())


def merge(review, *numbers):
    return edit_told(review, NucleiMerged("field", numbers))


def decide_all(review, pattern=Pattern.FUSED):
    for nucleus in review.pending():
        review.set_pattern(nucleus, pattern)


def outside(review):
    return [k for k in review._case.order if k not in review.queue()]


def test_two_nuclei_of_a_read_become_one_and_the_next_comes_in(ada):
    queue, after = ada.queue(), ada._case.order[50]
    one, other = pair(queue, queue)
    decide_all(ada)
    words = merge(ada, one, other)
    assert ada.pending() == (key(one), after)
    assert len(ada.queue()) == len(set(ada.queue())) == 50
    assert key(other) not in ada.queue()
    assert words == (
        f"Nuclei {one} and {other} are one now: nucleus {one}. It counts once, at the first of "
        f"their places in this read, and is to be decided again. Nucleus {after.nucleus_id} came "
        "in, so that the read covers 50 nuclei."
    )
    with pytest.raises(ReviewError, match="not one of this read"):
        ada.set_pattern(key(other), Pattern.FUSED)


@pytest.mark.parametrize("other_half", ["outside the draw", "not scorable"])
def test_a_nucleus_stays_in_its_read_whatever_its_number_is_afterwards(ada, other_half):
    """The smaller number is kept; the half that was drawn had the larger one."""
    queue = ada.queue()
    halves = outside(ada) if other_half == "outside the draw" else [key(n) for n in UNSCORABLE]
    half, drawn = pair(halves, queue)
    decide_all(ada)
    words = merge(ada, half, drawn)
    now = ada.queue()
    assert now == tuple(key(half) if k == key(drawn) else k for k in queue), "at the same place"
    assert ada.pending() == (key(half),)
    assert f"It counts once, at the place of nucleus {drawn} in this read" in words
    assert "came in" not in words
    event = ada.set_pattern(key(half), Pattern.SPLIT)
    assert event.subject["position"] == queue.index(key(drawn))
    ada.finish_read()
    read = ada.reads()[-1]
    assert read.counts == PatternCounts(split=1, fused=49)
    assert read.machine_counts.n_enumerated == 50, "the machine counted the half that was drawn"


def test_a_half_from_outside_the_draw_is_taken_in(ada):
    queue = ada.queue()
    drawn, half = pair(queue, outside(ada))
    words = merge(ada, drawn, half)
    assert ada.queue() == queue
    assert words.endswith(f"now: nucleus {drawn}. It counts once, and is to be decided.")


def test_nuclei_outside_of_a_read_stay_outside(ada):
    queue = ada.queue()
    one, other = pair(outside(ada), outside(ada))
    assert merge(ada, one, other).endswith("not one of the nuclei of this read and is not counted.")
    assert ada.queue() == queue


def test_merging_a_rejected_half_brings_its_place_back(ada):
    queue = ada.queue()
    one, other = pair(queue, queue)
    ada.reject(key(one), "cut in two")
    ada.reject(key(other), "cut in two")
    replacements = ada.queue()[-2:]
    words = merge(ada, one, other)
    assert len(ada.queue()) == 50
    assert f"Nucleus {replacements[1].nucleus_id} left the read" in words
    assert replacements[0] in ada.queue()
    ada.undo()
    assert ada.queue()[-2:] == replacements


def second_read(ada, local, crowded, positive=8):
    for number, nucleus in enumerate(ada.pending()):
        ada.set_pattern(nucleus, Pattern.SPLIT if number < positive else Pattern.FUSED)
    ada.finish_read()
    bo = CaseReview(local, crowded, "Bo")
    assert bo.n_missing() == 0
    bo.start_read()
    return bo


def test_what_the_first_reader_merged_the_second_one_does_not_read_again(ada, local, crowded):
    order = ada._case.order
    drawn, half = pair(ada.queue(), order[50:100])
    merge(ada, drawn, half)
    bo = second_read(ada, local, crowded)
    assert key(half) not in bo.queue()
    assert bo.queue() == tuple(k for k in order[50:] if k != key(half))[:50]
    assert not any(set(event.subject.get("nuclei", ())) & {half} for event in bo.history())
    others = [n for n in beside(half) if key(n) in bo.queue() and n != drawn]
    if others:
        merge(bo, half, others[0])
        assert len(bo.queue()) == 50
        assert key(min(half, others[0])) not in bo.queue()


def test_a_merged_nucleus_that_was_rejected_is_free_for_the_second_reader(ada, local, crowded):
    drawn, half = pair(ada.queue(), ada._case.order[52:100])
    merge(ada, drawn, half)
    ada.reject(key(drawn), "torn")
    bo = second_read(ada, local, crowded)
    assert key(half) in bo.queue()


def test_the_second_reader_does_not_count_a_nucleus_of_the_first(ada, local, crowded):
    first = ada.queue()
    bo = second_read(ada, local, crowded)
    drawn, had = pair(bo.queue(), first)
    after = bo._case.order[100]
    words = merge(bo, drawn, had)
    assert key(drawn) not in bo.queue()
    assert len(bo.queue()) == 50
    assert words == (
        f"Nuclei {drawn} and {had} are one now: nucleus {drawn}. A part of it was among the nuclei "
        f"of the first read: not counted again. Nucleus {after.nucleus_id} came in, so that the "
        "read covers 50 nuclei."
    )


def test_a_second_read_is_told_short_where_the_first_one_merged(local, make_result, crowded):
    """100 scorable nuclei are enough for two readers; one less after a merge is not."""
    case = make_result(["FUSED"] * 100, pitch=90)
    ada = CaseReview(local, case, "Ada")
    ada.start_read()
    rows = {k.nucleus_id for k in ada.queue()}
    one = next(n for n in sorted(rows) if n % 10 and n + 1 not in rows)
    merge(ada, one, one + 1)
    for number, nucleus in enumerate(ada.pending()):
        ada.set_pattern(nucleus, Pattern.SPLIT if number < 8 else Pattern.FUSED)
    ada.finish_read()
    assert CaseReview(local, case, "Bo").n_missing() == 1


def test_a_merge_that_leaves_too_few_nuclei_says_so(local, make_result):
    ada = CaseReview(local, make_result(["FUSED"] * 50, pitch=90), "Ada")
    ada.start_read()
    words = merge(ada, 1, 2)
    assert words.endswith("No other nucleus is left to come in: the read covers only 49 nuclei.")
    assert ada.coverage().n_missing == 1


def cut(crowded, number, shift=5.0):
    row = int((crowded.nuclei.nucleus_id == number).nonzero()[0][0])
    y, x = float(crowded.nuclei.y_px[row]) + shift, float(crowded.nuclei.x_px[row])
    return NucleusDeclumped("field", number, ((y, x - 60), (y, x + 60)))


def test_of_a_parted_nucleus_the_largest_part_keeps_the_place(ada, crowded):
    queue = ada.queue()
    decide_all(ada)
    number = queue[3].nucleus_id
    words = edit_told(ada, cut(crowded, number))
    assert ada.queue() == queue
    assert ada.pending() == (key(number),)
    assert words == (
        f"Nucleus {number} is parted into nuclei {number} and 161. The largest part keeps the "
        f"number {number} and its place in this read, and is to be decided again. Nucleus 161 was "
        "not drawn and is not counted."
    )
    with pytest.raises(ReviewError, match="not one of this read"):
        ada.set_pattern(key(161), Pattern.FUSED)
    merge(ada, number, 161)
    assert ada.queue() == queue
    far = next(k.nucleus_id for k in outside(ada))
    assert edit_told(ada, cut(crowded, far)).endswith("no part is counted.")


def test_in_a_full_read_every_part_counts_and_a_merged_nucleus_once(local, crowded):
    ada = CaseReview(local, crowded, "Ada")
    ada.start_read(ReadMode.FULL)
    assert edit_told(ada, cut(crowded, 100)).endswith("Each counts by itself.")
    place = crowded.nuclei.take(crowded.nuclei.nucleus_id == 100)
    y, x = float(place.y_px[0]), float(place.x_px[0])
    assert key(161) not in ada.queue(), "it has no signal"
    ada.set_pattern(key(161), Pattern.FUSED)
    assert key(161) in ada.queue(), "a decision counts, whatever the rules say"
    ada.edit(SpotAdded("field", 100, ProbeEnd.FIVE_PRIME, y - 1, x))
    n = len(ada.queue())
    assert "with the pattern that is shown unless" in merge(ada, 31, 18)
    assert len(ada.queue()) == n
    assert ada.queue().count(key(18)) == 1
    finished = ada.finish_read()
    assert finished.counts.n_enumerated == n


def test_an_unscorable_half_with_the_smaller_number_takes_no_nucleus_out_of_a_full_read(
    local, crowded
):
    """Flags of both halves stay; the nucleus is still one that the reader has to look at."""
    ada = CaseReview(local, crowded, "Ada")
    ada.start_read(ReadMode.FULL, blinded=True)
    half, larger = pair([key(n) for n in UNSCORABLE], ada.queue())
    n = len(ada.queue())
    assert "is to be decided." in merge(ada, half, larger)
    assert len(ada.queue()) == n
    assert key(half) in ada.pending()


def test_the_number_of_a_nucleus_that_was_merged_away_is_not_given_again(ada, crowded):
    """Nucleus 160 is drawn or not by its place in the order; a new part must not inherit that."""
    merge(ada, 159, 160)
    ada.edit(cut(crowded, 80))
    numbers = ada.result.nuclei.nucleus_id.tolist()
    assert 160 not in numbers
    assert 161 in numbers


def test_a_reopened_window_draws_the_same(ada, local, crowded):
    half, drawn = pair(outside(ada), ada.queue())
    merge(ada, half, drawn)
    again = CaseReview(local, crowded, "Ada")
    assert again.queue() == ada.queue()
    assert again.pending() == ada.pending()
