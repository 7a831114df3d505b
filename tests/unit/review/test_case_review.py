"""Reads by one and by two readers, from a scored case to a signed call."""

from dataclasses import replace

import pytest

from alkfish.errors import ReviewError, StaleError, StoreError
from alkfish.model.probe import ProbeEnd
from alkfish.model.result import Call, PatternCounts
from alkfish.model.signals import Pattern
from alkfish.review import (
    CATEGORIES,
    CaseReview,
    CaseState,
    EventKind,
    NucleiMerged,
    NucleusKey,
    ReadMode,
    ReadRole,
    SpotAdded,
    SpotDeleted,
    open_store,
    verify,
)
from alkfish.review.events import Draft
from alkfish.review.states import TRANSITIONS


@pytest.fixture
def ada(local, mixed):
    return CaseReview(local, mixed, "Ada")


@pytest.fixture
def bo(local, mixed):
    return CaseReview(local, mixed, "Bo")


def first_read(review, read_all, positive):
    review.start_read()
    read_all(review, positive)
    return review.finish_read()


def test_a_case_nobody_read_is_scored_and_looking_writes_nothing(ada, local):
    assert (ada.state, ada.version, ada.read, ada.call) == (CaseState.SCORED, 1, None, None)
    assert (ada.reads(), ada.versions(), ada.history(), ada.agreements()) == ((), (), (), ())
    assert ada.result is ada.machine_result
    assert len(ada.values()) == len(ada.machine_result.nuclei)
    assert local.cases() == ()


@pytest.mark.parametrize(
    ("positive", "call"),
    [(0, Call.NEGATIVE), (4, Call.NEGATIVE), (26, Call.POSITIVE), (50, Call.POSITIVE)],
)
def test_a_clear_first_read_calls_the_case(ada, read_all, positive, call):
    found = first_read(ada, read_all, positive)
    assert (found.call, found.counts.n_positive, found.counts.n_enumerated) == (call, positive, 50)
    assert ada.state is CaseState.CALLED
    assert ada.call == found


@pytest.mark.parametrize(
    ("first", "second", "call"),
    [
        (5, 9, Call.NEGATIVE), (5, 10, Call.POSITIVE), (14, 0, Call.NEGATIVE),
        (15, 0, Call.POSITIVE), (25, 50, Call.POSITIVE),
    ],
)  # fmt: skip
def test_an_equivocal_read_needs_a_second_reader_and_the_sum_decides(
    ada, bo, read_all, first, second, call
):
    assert first_read(ada, read_all, first) is None
    assert ada.state is CaseState.EQUIVOCAL_AWAITING_SECOND
    bo.refresh()
    found = first_read(bo, read_all, second)
    assert (found.call, found.counts.n_positive) == (call, first + second)
    assert found.counts.n_enumerated == 100
    ada.refresh()
    one, two = ada.reads()
    assert (one.role, two.role) == (ReadRole.FIRST, ReadRole.SECOND)
    assert one.decisions.keys().isdisjoint(two.decisions.keys())
    assert two.start == one.next_position


@pytest.mark.parametrize("name", ["Ada", " ada ", "ADA", "Ａｄａ"])
def test_the_second_reader_must_be_another_person(ada, local, mixed, read_all, name):
    first_read(ada, read_all, 10)
    with pytest.raises(ReviewError, match="must be another person than the first"):
        CaseReview(local, mixed, name).start_read()


def test_the_second_reader_sees_nothing_of_the_first_read(ada, bo, read_all):
    ada.start_read()
    ada.note("looks odd")
    ada.edit(SpotDeleted("field", 1))
    read_all(ada, 10)
    ada.finish_read()
    bo.refresh()
    assert (bo.reads(), bo.versions(), bo.call, bo.agreements()) == ((), (), None, ())
    kinds = [event.kind for event in bo.history()]
    assert kinds == [EventKind.RESULT_LINKED, EventKind.READ_STARTED]
    assert all(not value.readers for value in bo.values())
    bo.start_read()
    assert bo.result is bo.machine_result
    assert [read.reader for read in bo.reads()] == ["Bo"]
    assert all(not value.readers for value in bo.values())
    assert ada.reads()[0].notes[0].text == "looks odd"
    read_all(bo, 10)
    bo.finish_read()
    assert [read.reader for read in bo.reads()] == ["Ada", "Bo"]
    assert len(bo.history()) == bo.history()[-1].seq


def test_the_order_is_fixed_and_recorded(ada, bo, local, mixed):
    read = ada.start_read()
    queue = ada.queue()
    assert len(queue) == len(set(queue)) == 50
    rows = {NucleusKey("field", int(i)) for i in mixed.nuclei.nucleus_id[mixed.nuclei.scorable]}
    assert set(queue) < rows
    started = local.events("case")[1]
    assert started.after["seed"] == read.seed
    assert started.after["n_scorable"] == len(rows) == 155
    again = CaseReview(local, mixed, "Ada")
    assert again.read.read_id == read.read_id
    assert again.queue() == queue


def test_a_rejected_nucleus_is_replaced_by_the_next_in_order(ada):
    ada.start_read()
    order = ada._case.order
    assert ada.queue() == order[:50]
    ada.reject(order[3], "torn")
    assert ada.queue() == (*order[:3], *order[4:51])
    ada.reject(order[50], "overlapping")
    assert ada.queue() == (*order[:3], *order[4:50], order[51])
    ada.undo()
    assert ada.queue()[-1] == order[50]
    ada.set_pattern(order[3], Pattern.FUSED)
    assert ada.queue() == order[:50]


def test_the_second_read_begins_after_the_replacements(ada, bo, read_all):
    ada.start_read()
    order = ada._case.order
    for nucleus in order[:7]:
        ada.reject(nucleus, "no tumour")
    read_all(ada, 10)
    ada.finish_read()
    bo.refresh()
    bo.start_read()
    assert bo.queue() == order[57:107]


def test_a_reason_is_needed_to_reject(ada):
    ada.start_read()
    with pytest.raises(ReviewError, match="the reason is missing"):
        ada.reject(ada.queue()[0], "  ")


def test_nuclei_outside_the_read_are_refused(ada):
    ada.start_read()
    with pytest.raises(ReviewError, match=r"not one of this read\n.*field, nucleus"):
        ada.set_pattern(ada._case.order[60], Pattern.SPLIT)
    with pytest.raises(ReviewError, match="nucleus 9999"):
        ada.set_pattern(NucleusKey("field", 9999), Pattern.SPLIT)


def test_an_incomplete_read_is_not_finished(ada):
    ada.start_read()
    ada.set_pattern(ada.queue()[0], Pattern.FUSED)
    with pytest.raises(ReviewError, match="49 nuclei without a decision"):
        ada.finish_read()


def test_a_case_with_too_few_nuclei_is_not_evaluable(local, make_result, read_all):
    review = CaseReview(local, make_result(["FUSED"] * 30), "Ada")
    found = first_read(review, read_all, 30)
    assert found.call is Call.NOT_EVALUABLE
    assert "30 of the 50" in found.reason


def test_the_probe_profile_sets_the_figures(local, make_result, read_all):
    result = make_result(["FUSED"] * 30)
    rule = replace(result.probe.case_rule, read_size=10, equivocal_counts=(2, 3))
    result = replace(result, probe=replace(result.probe, case_rule=rule))
    review = CaseReview(local, result, "Ada")
    review.start_read()
    assert len(review.queue()) == 10
    read_all(review, 4)
    assert review.finish_read().call is Call.POSITIVE


def test_undo_and_redo_are_events(ada, local):
    ada.start_read()
    one, two = ada.queue()[:2]
    ada.set_pattern(one, Pattern.FUSED)
    ada.set_pattern(one, Pattern.SPLIT)
    ada.reject(two, "blurred")
    ada.undo()
    assert two not in ada.read.decisions
    ada.undo()
    assert ada.read.decisions[one].pattern == "FUSED"
    ada.redo()
    assert ada.read.decisions[one].pattern == "SPLIT"
    ada.redo()
    assert ada.read.decisions[two].reason == "blurred"
    with pytest.raises(ReviewError, match="nothing to redo"):
        ada.redo()
    ada.undo()
    ada.note("new", one)
    with pytest.raises(ReviewError, match="nothing to redo"):
        ada.redo()
    kinds = [event.kind for event in local.events("case")]
    assert kinds.count(EventKind.UNDONE) == 3
    assert kinds.count(EventKind.REDONE) == 2
    assert kinds.count(EventKind.PATTERN_SET) == 2


def test_everything_can_be_undone_and_no_more(ada):
    ada.start_read()
    ada.set_pattern(ada.queue()[0], Pattern.FUSED)
    ada.note("case")
    ada.edit(SpotDeleted("field", 1))
    for _ in range(3):
        ada.undo()
    assert (ada.read.decisions, ada.read.edits, ada.read.notes) == ({}, [], [])
    assert ada.result.nuclei.pattern.tolist() == ada.machine_result.nuclei.pattern.tolist()
    with pytest.raises(ReviewError, match="nothing to undo"):
        ada.undo()


def test_a_reopened_window_shows_the_same(ada, local, mixed):
    ada.start_read()
    one, two, three = ada.queue()[:3]
    ada.set_pattern(one, Pattern.SPLIT)
    ada.set_pattern(two, Pattern.SPLIT)
    ada.undo()
    ada.reject(three, "torn")
    ada.note("round", one)
    again = CaseReview(local, mixed, "Ada")
    assert again.read == ada.read
    assert again.queue() == ada.queue()
    assert again.values() == ada.values()


def test_a_stale_window_is_told_and_goes_on_after_a_refresh(ada, local, mixed):
    ada.start_read()
    other = CaseReview(local, mixed, "Ada")
    nucleus = ada.queue()[0]
    other.set_pattern(nucleus, Pattern.SPLIT)
    with pytest.raises(StaleError, match=r"somebody else has written(.|\n)*refresh the case"):
        ada.set_pattern(nucleus, Pattern.FUSED)
    assert ada.refresh()
    assert ada.read.decisions[nucleus].pattern == "SPLIT"
    ada.set_pattern(nucleus, Pattern.FUSED)
    assert not ada.refresh()


def test_only_one_read_is_open_and_only_its_reader_writes(ada, bo):
    ada.start_read()
    bo.refresh()
    assert bo.read is None
    with pytest.raises(ReviewError, match="no read can be started: a read of it is open"):
        bo.start_read()
    with pytest.raises(ReviewError, match="belongs to another reader"):
        bo.set_pattern(ada.queue()[0], Pattern.FUSED)


def test_an_abandoned_read_stays_in_the_log_and_can_be_continued(ada, bo, read_all):
    read = ada.start_read()
    ada.set_pattern(ada.queue()[0], Pattern.SPLIT)
    bo.refresh()
    bo.abandon_read("Ada is ill")
    assert bo.state is CaseState.SCORED
    ada.refresh()
    assert ada.reads()[0].abandoned
    again = ada.start_read(continue_read=read.read_id)
    assert again.decisions == read.decisions
    assert len(ada.pending()) == 49


def test_only_own_reads_are_continued(ada, bo, read_all):
    read = ada.start_read()
    ada.abandon_read("tired")
    bo.refresh()
    for number in (read.read_id, 999):
        with pytest.raises(ReviewError, match="cannot be gone on with"):
            bo.start_read(continue_read=number)
    with pytest.raises(ReviewError, match="cannot be gone on with"):
        ada.start_read(ReadMode.FULL, continue_read=read.read_id)


def test_a_continued_read_takes_over_decisions_edits_and_notes(ada):
    read = ada.start_read()
    ada.edit(SpotDeleted("field", 1))
    ada.note("torn", ada.queue()[1])
    ada.reject(ada.queue()[1], "torn")
    ada.abandon_read("tired")
    again = ada.start_read(continue_read=read.read_id)
    kept = (read.decisions, read.edits, read.notes)
    assert (again.decisions, again.edits, again.notes) == kept
    assert all(kept)
    with pytest.raises(ReviewError, match="nothing to undo"):
        ada.undo()  # the earlier read is over


def test_a_control_read_takes_over_neither_anothers_read_nor_the_first(ada, bo, read_all):
    """Once the case is called all reads can be seen: agreement with a copy would be worthless."""
    first_read(ada, read_all, 30)
    bo.refresh()
    (first,) = bo.reads()
    for reader in (bo, ada):
        assert reader.continuable() == ()
        with pytest.raises(ReviewError, match="cannot be gone on with"):
            reader.start_read(continue_read=first.read_id)


def test_anothers_control_read_is_not_taken_over(ada, bo, read_all):
    first_read(ada, read_all, 30)
    bo.refresh()
    read = bo.start_read()
    bo.set_pattern(bo.queue()[0], Pattern.SPLIT)
    bo.abandon_read("called away")
    ada.refresh()
    assert read.read_id in [each.read_id for each in ada.reads()]
    assert ada.continuable() == ()
    with pytest.raises(ReviewError, match="cannot be gone on with"):
        ada.start_read(continue_read=read.read_id)
    assert bo.start_read(continue_read=read.read_id).decisions == read.decisions


def test_a_read_of_another_result_is_not_taken_over(ada, local, make_result, read_all):
    """Its numbers name other nuclei."""
    first_read(ada, read_all, 30)
    other = CaseReview(local, make_result(["FUSED"] * 120), "Ada")
    other.open_version("scored again")
    (old,) = other.reads()
    assert other.continuable() == ()
    with pytest.raises(ReviewError, match="cannot be gone on with"):
        other.start_read(continue_read=old.read_id)


def test_no_read_is_added_to_the_review_of_another_result(ada, local, make_result, read_all):
    first_read(ada, read_all, 10)
    late = CaseReview(local, make_result(["FUSED"] * 120), "Bo")
    before = len(local.events("case"))
    with pytest.raises(StaleError, match="made on another result"):
        late.start_read()
    assert len(local.events("case")) == before


def test_a_read_is_abandoned_for_a_reason_only(ada, local):
    ada.start_read()
    with pytest.raises(ReviewError, match="the reason is missing"):
        ada.abandon_read("  ")
    assert ada.state is CaseState.READING
    assert len(local.events("case")) == 2


def test_only_the_first_reader_waits_for_another(ada, bo, read_all):
    assert not ada.awaits_another
    first_read(ada, read_all, 10)
    bo.refresh()
    assert (ada.awaits_another, bo.awaits_another) == (True, False)
    first_read(bo, read_all, 10)
    ada.refresh()
    assert (ada.awaits_another, bo.awaits_another) == (False, False)


def test_an_abandoned_second_read_leaves_the_case_equivocal(ada, bo, read_all):
    first_read(ada, read_all, 10)
    bo.refresh()
    bo.start_read()
    bo.abandon_read("telephone")
    assert bo.state is CaseState.EQUIVOCAL_AWAITING_SECOND
    assert first_read(bo, read_all, 10).call is Call.POSITIVE


def test_signing_freezes_the_case(ada, local, read_all):
    with pytest.raises(ReviewError, match="cannot be signed: nobody is reading"):
        ada.sign()
    first_read(ada, read_all, 30)
    event = ada.sign(why="seen with H&E")
    assert event.after["call"] == "POSITIVE"
    assert event.before["machine_call"] == ada.machine_result.call.call.value
    assert (ada.state, ada.versions()[0].signed_by) == (CaseState.SIGNED, "Ada")
    for step in (ada.sign, ada.start_read, lambda: ada.note("x"), lambda: ada.abandon_read("x")):
        with pytest.raises(ReviewError, match="signed and frozen"):
            step()
    assert verify(local, "case", expected_head=event.hash).is_intact


def test_a_later_change_is_a_new_version_with_a_reason(ada, read_all):
    first_read(ada, read_all, 30)
    ada.sign()
    with pytest.raises(ReviewError, match="the reason is missing"):
        ada.open_version("")
    ada.open_version("nucleus 7 was a macrophage")
    assert (ada.state, ada.version, ada.call) == (CaseState.SCORED, 2, None)
    old = ada.reads()[0]
    ada.start_read(continue_read=old.read_id)
    assert ada.pending() == ()
    ada.set_pattern(ada.queue()[0], Pattern.FUSED, why="macrophage")
    assert ada.finish_read().counts.n_positive == 29
    ada.sign()
    one, two = ada.versions()
    assert (one.call.counts.n_positive, two.call.counts.n_positive) == (30, 29)
    assert (one.signed_by, two.signed_by, two.why) == ("Ada", "Ada", "nucleus 7 was a macrophage")


def test_rescoring_destroys_no_read_and_is_told(ada, local, mixed, make_result, read_all):
    ada.start_read()
    ada.set_pattern(ada.queue()[0], Pattern.SPLIT)
    other = make_result(["FUSED"] * 120)
    late = CaseReview(local, other, "Ada")
    assert late.is_rescored
    with pytest.raises(StaleError, match="made on another result"):
        late.set_pattern(NucleusKey("field", 1), Pattern.SPLIT)
    late.abandon_read("scored again with other settings")
    assert late.state is CaseState.SCORED
    first_read(late, read_all, 0)
    assert late.reads()[0].result != late.reads()[1].result
    assert late.reads()[0].decisions == ada.read.decisions
    again = CaseReview(local, mixed, "Ada")
    with pytest.raises(StaleError, match="made on another result"):
        again.sign()
    assert again.is_rescored
    again.open_version("back to the first settings")
    assert not again.is_rescored


def test_an_open_read_shows_nothing_on_another_result(ada, local, make_result):
    """A number names another nucleus there: a decision or an edit would land on the wrong one."""
    ada.start_read()
    first = ada.queue()[0]
    spot = int(ada.result.spots.spot_id[ada.result.spots.nucleus_id == first.nucleus_id][0])
    ada.edit(SpotDeleted(first.fov, spot))
    ada.set_pattern(first, Pattern.SPLIT)
    other = make_result(["FUSED"] * 120)
    late = CaseReview(local, other, "Ada")
    assert late.is_rescored
    assert late.result is other
    assert late.counted_reads() == ()
    assert not any(value.readers for value in late.values())
    assert {value.final for value in late.values()} == {"FUSED"}


def test_scoring_the_same_again_is_not_another_result(ada, local, make_result, mixed):
    ada.start_read()
    created = replace(mixed.provenance, created="2030-01-01T00:00:00+00:00")
    same = replace(mixed, provenance=created)
    assert not CaseReview(local, same, "Ada").is_rescored


def test_a_full_review_counts_all_nuclei_with_the_readers_values(ada):
    ada.start_read(ReadMode.FULL)
    assert len(ada.queue()) == 155
    ada.set_pattern(NucleusKey("field", 1), Pattern.FUSED, why="overlap")
    ada.reject(NucleusKey("field", 2), "torn")
    ada.set_pattern(NucleusKey("field", 31), Pattern.SPLIT, why="seen in single colour")
    found = ada.finish_read()
    assert found.counts == PatternCounts(fused=126, split=9, isolated_3p=10, isolated_5p=10)
    assert found.call is Call.NEGATIVE
    assert found.reason.startswith("full review of the case: 19 of 155")
    assert found.reason.endswith("; 153 of these 155 were left as the machine proposed them")
    values = {value.nucleus.nucleus_id: value for value in ada.values()}
    assert (values[1].machine, values[1].readers, values[1].final) == (
        "SPLIT", {"first": "FUSED"}, "FUSED",
    )  # fmt: skip
    assert (values[2].machine, values[2].final, values[2].reason) == ("SPLIT", "", "torn")
    assert (values[31].machine, values[31].final) == ("", "SPLIT")
    assert (values[3].readers, values[3].final) == ({}, "SPLIT")


def test_in_a_full_review_the_tables_and_the_call_agree(local, crowded):
    """Also where edits make nuclei scorable or take them out."""
    ada = CaseReview(local, crowded, "Ada")
    ada.start_read(ReadMode.FULL)
    lone = ada.machine_result.nuclei.nucleus_id == 31
    y, x = (float(getattr(ada.machine_result.nuclei, name)[lone][0]) for name in ("y_px", "x_px"))
    ada.edit(SpotAdded("field", 31, ProbeEnd.THREE_PRIME, y - 20, x))
    ada.edit(SpotAdded("field", 31, ProbeEnd.FIVE_PRIME, y + 20, x))
    spots = ada.machine_result.spots
    for spot_id in spots.spot_id[spots.nucleus_id == 160]:
        ada.edit(SpotDeleted("field", int(spot_id)))
    ada.edit(NucleiMerged("field", (157, 158)))
    ada.reject(NucleusKey("field", 1), "torn")
    found = ada.finish_read()
    assert found.counts == PatternCounts(fused=123, split=10, isolated_3p=10, isolated_5p=10)
    assert PatternCounts.from_patterns(ada.reviewed_result().nuclei.pattern) == found.counts


def test_a_blinded_read_hides_the_machine_and_must_decide_all(ada, read_all):
    ada.start_read(ReadMode.FULL, blinded=True)
    assert ada.is_blinded
    assert all(
        (value.machine, value.proposed, value.final) == ("", "", "") for value in ada.values()
    )
    ada.set_pattern(NucleusKey("field", 1), Pattern.FUSED)
    shown = [value for value in ada.values() if value.final]
    assert [(value.nucleus.nucleus_id, value.machine) for value in shown] == [(1, "SPLIT")]
    with pytest.raises(ReviewError, match="154 nuclei without a decision"):
        ada.finish_read()
    read_all(ada, 0)
    ada.finish_read()
    assert not ada.is_blinded
    assert any(value.machine for value in ada.values())


def test_an_edit_changes_the_proposal_and_asks_for_a_new_decision(ada):
    ada.start_read()
    nucleus = next(key for key in ada.queue() if ada._case.patterns[key] == "FUSED")
    ada.set_pattern(nucleus, Pattern.FUSED)
    rows = ada.machine_result.nuclei.nucleus_id == nucleus.nucleus_id
    y, x = (float(v[rows][0]) for v in (ada.machine_result.nuclei.y_px,
                                        ada.machine_result.nuclei.x_px))  # fmt: skip
    event = ada.edit(SpotAdded("field", nucleus.nucleus_id, ProbeEnd.THREE_PRIME, y + 30, x + 30))
    assert event.before == {"patterns": {str(nucleus.nucleus_id): "FUSED"}}
    assert nucleus in ada.pending()
    value = next(value for value in ada.values() if value.nucleus == nucleus)
    assert (value.machine, value.proposed, value.final) == ("FUSED", "ISOLATED_3P", "ISOLATED_3P")
    ada.undo()
    assert nucleus not in ada.pending()
    assert ada.machine_result.nuclei.pattern[rows][0] == "FUSED"


def test_an_impossible_edit_writes_nothing(ada, local):
    ada.start_read()
    with pytest.raises(ReviewError, match="no such signal"):
        ada.edit(SpotDeleted("field", 99999))
    assert len(local.events("case")) == 2


def test_a_control_read_measures_agreement_and_changes_no_call(ada, bo, read_all):
    first_read(ada, read_all, 30)
    bo.refresh()
    read = bo.start_read(ReadMode.FULL, blinded=True)
    assert (read.role, read.mode) == (ReadRole.CONTROL, ReadMode.FIFTY)
    assert bo.queue() == bo._case.order[:50]
    read_all(bo, 20)
    assert bo.finish_read() is None
    assert bo.state is CaseState.CALLED
    assert (bo.call.call, bo.call.counts.n_positive) == (Call.POSITIVE, 30)
    found = {(item.first, item.second): item for item in bo.agreements()}
    both = found["first: Ada", "control: Bo"]
    assert (both.n_nuclei, both.n_agreed) == (50, 40)
    assert both.kappa == pytest.approx(8 / 13)
    assert {("first: Ada", "machine"), ("control: Bo", "machine")} < set(found)


def test_rejections_count_in_the_agreement(ada, read_all):
    ada.start_read()
    gone = ada.queue()[0]
    ada.reject(gone, "torn")
    read_all(ada, 30)
    ada.finish_read()
    (with_machine,) = ada.agreements()
    assert with_machine.n_nuclei == 51
    row = CATEGORIES.index("NOT_SCORABLE")
    assert sum(with_machine.confusion[row]) == 1
    assert with_machine.confusion[row][CATEGORIES.index(ada._case.patterns[gone])] == 1


def test_the_reviewed_result_carries_final_values_and_the_call(ada, read_all):
    with pytest.raises(ReviewError, match="no call of a reader yet"):
        ada.reviewed_result()
    first_read(ada, read_all, 30)
    result = ada.reviewed_result()
    assert result.call.call is Call.POSITIVE
    assert (result.call.rate, result.call.counts.n_positive) == (0.6, 30)
    decided = {key: d.pattern for key, d in ada.reads()[0].decisions.items()}
    for fov, number, pattern in zip(
        result.nuclei.fov, result.nuclei.nucleus_id, result.nuclei.pattern, strict=True
    ):
        key = NucleusKey(fov, int(number))
        assert pattern == decided.get(key, ada._case.patterns[key])
    assert ada.machine_result.call.counts.n_positive == 20


def test_the_machines_doubt_about_a_case_stays_in_the_reasons(local, mixed, read_all):
    doubted = replace(
        mixed, call=replace(mixed.call, call=Call.NOT_EVALUABLE, reasons=("probe failed",))
    )
    review = CaseReview(local, doubted, "Ada")
    first_read(review, read_all, 30)
    reasons = review.reviewed_result().call.reasons
    assert reasons[1] == "the machine held the case not evaluable: probe failed"


def test_both_readers_to_a_signed_call_on_every_store(store, mixed, read_all, place):
    ada, bo = (CaseReview(store, mixed, name) for name in ("Ada", "Bo"))
    first_read(ada, read_all, 8)
    with open_store(place) as second:
        bo = CaseReview(second, mixed, "Bo")
        assert first_read(bo, read_all, 7).call is Call.POSITIVE
        bo.sign()
    with pytest.raises(StaleError, match="somebody else"):
        ada._append(Draft(EventKind.SIGNED, ada._case.fingerprint))
    ada.refresh()
    assert ada.state is CaseState.SIGNED
    assert ada.call.counts.n_positive == 15
    assert verify(store, "case").is_intact


def test_a_log_that_makes_no_sense_is_told(local, mixed):
    draft = Draft(EventKind.SIGNED, "f" * 64, after={"state": "signed"})
    local.append("case", [draft], reader="Ada", expected=0)
    with pytest.raises(StoreError, match=r"cannot be understood(.|\n)*alkfish audit"):
        CaseReview(local, mixed, "Ada")


@pytest.mark.parametrize("state", ["signed", "scored"])
def test_a_log_cannot_lead_where_the_table_does_not(ada, local, mixed, read_all, state):
    """Somebody with a valid chain wrote that a finished read signs the case, or undoes it."""
    ada.start_read()
    after = {"counts": {}, "next_position": 50, "state": state}
    subject = {"read": ada.read.read_id}
    draft = Draft(EventKind.READ_FINISHED, ada.fingerprint, subject, {"machine": {}}, after)
    local.append("case", [draft], reader="Ada", expected=2)
    with pytest.raises(StoreError, match="cannot lead from reading to"):
        CaseReview(local, mixed, "Ada")


def test_a_reader_needs_a_name(local, mixed):
    with pytest.raises(ReviewError, match="the name of the reader is missing"):
        CaseReview(local, mixed, " ")


def test_every_step_outside_the_table_is_refused():
    """The table is frozen: adding a step is a decision about the protocol."""
    steps = {(s.value, k.value) for s, kinds in TRANSITIONS.items() for k in kinds}
    within = {"pattern_set", "nucleus_rejected", "edited", "noted", "undone", "redone"}
    assert steps == {
        ("scored", "result_linked"), ("scored", "read_started"),
        *(("reading", kind) for kind in within),
        ("reading", "read_finished"), ("reading", "read_abandoned"),
        ("equivocal_awaiting_second", "read_started"),
        ("equivocal_awaiting_second", "version_opened"),
        ("called", "read_started"), ("called", "signed"), ("called", "version_opened"),
        ("signed", "version_opened"),
    }  # fmt: skip
    assert set(TRANSITIONS) == set(CaseState)
