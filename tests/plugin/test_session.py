"""The session behind the window: every step, two readers, stale windows; no window needed."""

import numpy as np
import pytest

from alkfish.model.probe import ProbeEnd
from alkfish.model.signals import Pattern
from alkfish.plugin.nucleus_words import describe_nucleus
from alkfish.plugin.session import PATTERN_ORDER, Order
from alkfish.plugin.workspace import Workspace
from alkfish.review import (
    CaseState,
    NucleiMerged,
    NucleusDeclumped,
    ReadMode,
    SpotAdded,
    SpotDeleted,
    SpotMoved,
)


@pytest.fixture
def desk(results):
    workspace = Workspace(None)
    workspace.open(results / "case_a", reader="A. Reader")
    yield workspace
    workspace.close()


@pytest.fixture
def session(desk):
    return desk.session


def heard(session):
    """Return a list that fills with what the session says."""
    found = []
    session.said.connect(lambda text, refusal: found.append((text, refusal)))
    session.test_heard = found
    return found


def read_all(session, n_positive):
    """Decide a whole read: the first `n_positive` nuclei split, the others fused."""
    assert session.start_read()
    for number, key in enumerate(session.draw):
        assert session.decide("SPLIT" if number < n_positive else "FUSED", (key,))
    assert session.finish_read()


def test_without_a_read_nothing_is_decided_and_the_reader_is_told_why(session):
    said = heard(session)
    assert not session.decide("FUSED")
    assert "start a read first" in said[-1][0]
    assert said[-1][1]
    assert not session.decided.any()


def test_a_decision_is_written_before_it_is_told(session, desk):
    session.start_read()
    told = []
    session.values_changed.connect(lambda keys: told.append((keys, len(session.review.history()))))
    before = len(session.review.history())
    first = session.current
    assert first == session.draw[0]
    assert session.decide("SPLIT")
    assert told == [((first,), before + 1)]
    assert session.patterns[session.rows[first]] == "SPLIT"
    assert session.decided[session.rows[first]]


def test_undo_and_redo_bring_the_value_back(session):
    session.start_read()
    first = session.current
    proposed = session.patterns[session.rows[first]]
    session.decide("ISOLATED_5P")
    assert session.undo()
    assert session.patterns[session.rows[first]] == proposed
    assert not session.decided.any()
    assert session.redo()
    assert session.patterns[session.rows[first]] == "ISOLATED_5P"


def test_undo_shows_the_nucleus_that_it_was_on(session):
    session.start_read()
    first = session.current
    session.decide("SPLIT")
    session.go_to_undecided()
    assert session.current != first
    session.undo()
    assert session.current == first


def test_a_rejected_nucleus_is_replaced_and_its_reason_kept(session):
    session.start_read()
    first, before = session.current, session.draw
    assert session.reject("out of focus")
    assert first not in session.draw
    assert len(session.draw) == len(before)
    assert session.reason_of(first) == "out of focus"
    assert session.patterns[session.rows[first]] == ""


def test_stepping_keeps_to_the_order_and_ends_do_not_wrap(session):
    keys = session.keys_in_order
    session.go(keys[0])
    session.step(-1)
    assert session.current == keys[0]
    session.step(3)
    assert session.current == keys[3]
    session.step(10**6)
    assert session.current == keys[-1]


@pytest.mark.parametrize("order", [Order.DOUBT, Order.PATTERN, Order.POSITION])
def test_every_order_holds_every_nucleus_once(session, order):
    session.set_order(order)
    assert sorted(session.keys_in_order) == sorted(session.keys)


def test_doubtful_nuclei_come_first_and_excluded_ones_last(session):
    session.set_order(Order.DOUBT)
    rows = [session.rows[key] for key in session.keys_in_order]
    scorable = session.result.nuclei.scorable[rows]
    n = int(scorable.sum())
    assert scorable[:n].all()
    assert not scorable[n:].any()
    assert n > 2
    assert (np.diff(certainty(session, rows[:n])) >= 0).all()


def certainty(session, rows):
    """Return the probability of the most probable pattern of each row."""
    nuclei = session.result.nuclei
    return np.max([getattr(nuclei, f"p_{p.value.lower()}")[rows] for p in Pattern], axis=0)


def test_by_pattern_positive_ones_come_first_and_in_each_the_doubtful(session):
    session.set_order(Order.PATTERN)
    rows = [session.rows[key] for key in session.keys_in_order]
    groups = [str(name) for name in session.patterns[rows]]
    assert list(dict.fromkeys(groups)) == [p for p in PATTERN_ORDER if p in groups]
    assert groups == sorted(groups, key=PATTERN_ORDER.index)
    assert PATTERN_ORDER[:2] == ("SPLIT", "ISOLATED_3P")
    for name in ("SPLIT", "FUSED"):
        sure = certainty(session, [r for r, g in zip(rows, groups, strict=True) if g == name])
        assert len(sure) > 2
        assert (np.diff(sure) >= 0).all()


def test_by_position_goes_field_by_field_and_line_by_line(session):
    session.set_order(Order.POSITION)
    nuclei = session.result.nuclei
    places = [
        (str(nuclei.fov[r]), nuclei.y_px[r], nuclei.x_px[r])
        for r in (session.rows[key] for key in session.keys_in_order)
    ]
    assert places == sorted(places)


def test_the_order_of_the_read_is_its_draw_and_counts_alone(session):
    assert session.start_read()
    assert session.order is Order.READ
    assert session.keys_in_order == session.review.queue()
    assert len(session.keys_in_order) == 50


def test_the_next_undecided_nucleus_lies_ahead_and_at_the_end_the_first(session):
    session.start_read()
    draw = session.draw
    session.decide("FUSED", (draw[3], draw[5]))
    session.go(draw[2])
    for expected in (draw[4], draw[6], draw[7]):
        assert session.go_to_undecided()
        assert session.current == expected
    session.go(draw[-1])
    session.decide("FUSED")
    assert session.go_to_undecided()
    assert session.current == draw[0]


def test_a_decision_does_not_move_nuclei_around_in_an_order(session):
    session.start_read()
    session.set_order(Order.PATTERN)
    before = session.keys_in_order
    assert session.decide("ISOLATED_5P", (session.draw[0],))
    assert session.keys_in_order == before


def test_a_blinded_reader_sees_no_proposal_and_no_doubt(session):
    assert session.start_read(blinded=True)
    assert not session.may_see_machine
    assert set(session.patterns) == {""}
    session.set_order(Order.DOUBT)
    nuclei = session.result.nuclei
    rows = np.array([session.rows[key] for key in session.keys_in_order])
    by_place = np.lexsort((nuclei.x_px, nuclei.y_px, nuclei.fov.astype(str)))
    assert (rows == by_place).all()
    session.decide("SPLIT")
    assert set(session.patterns) == {"", "SPLIT"}


def test_a_deleted_signal_changes_the_pattern_at_once(session):
    session.start_read()
    nuclei, spots = session.result.nuclei, session.result.spots
    row = next(
        k for k in range(len(nuclei))
        if nuclei.pattern[k] == "SPLIT" and nuclei.n_fused[k] == 0 and nuclei.n_5p[k] == 1
    )  # fmt: skip
    key = session.keys[row]
    own = (spots.fov == key.fov) & (spots.nucleus_id == key.nucleus_id) & (spots.end == "5p")
    told = []
    session.result_changed.connect(lambda: told.append(session.patterns[session.rows[key]]))
    assert session.edit(SpotDeleted(key.fov, int(spots.spot_id[own][0])))
    assert told == [""]  # 3' signals alone are not counted
    assert session.undo()
    assert told == ["", "SPLIT"]
    assert session.review.machine_result.spots is spots


def test_merging_nuclei_apart_is_refused_and_the_current_nucleus_stays(session):
    session.start_read()
    nuclei, here = session.result.nuclei, session.current
    own = [key for key in session.keys if key.fov == here.fov and key != here]
    row = session.rows[here]
    far = max(own, key=lambda k: abs(nuclei.y_px[session.rows[k]] - nuclei.y_px[row]))
    said, before, gone_to = heard(session), session.result, []
    session.current_changed.connect(gone_to.append)
    assert not session.edit(NucleiMerged(here.fov, (here.nucleus_id, far.nucleus_id)))
    assert "do not touch and cannot be merged" in said[-1][0]
    assert said[-1][1]
    assert session.result is before
    assert session.current == here
    assert gone_to == []


def test_parting_and_merging_tells_what_becomes_of_the_read(session):
    session.start_read()
    nuclei, here = session.result.nuclei, session.current
    row, said = session.rows[here], heard(session)
    y, x = float(nuclei.y_px[row]), float(nuclei.x_px[row])
    reach = float(np.sqrt(nuclei.area_um2[row])) / session.result.pixel_size_um[here.fov]
    assert session.edit(
        NucleusDeclumped(here.fov, here.nucleus_id, ((y, x - reach), (y, x + reach)))
    )
    assert "keeps the number" in said[-1][0]
    part = max(key for key in session.keys if key.fov == here.fov)
    session.go(part)
    assert session.edit(NucleiMerged(here.fov, (part.nucleus_id, here.nucleus_id)))
    assert "are one now" in said[-1][0]
    assert not said[-1][1]
    assert session.current == here, "the part is gone"
    assert len(session.draw) == 50
    assert here in session.undecided()


def test_no_figure_is_claimed_of_a_signal_placed_by_hand(session):
    """Nobody has measured it: an added one carries the usual SNR of others."""
    session.start_read()
    nuclei = session.result.nuclei
    row = next(
        k for k in range(len(nuclei))
        if nuclei.pattern[k] == "FUSED" and nuclei.area_um2[k] > 60 and nuclei.n_fused[k] == 2
    )  # fmt: skip
    key, y, x = session.keys[row], float(nuclei.y_px[row]), float(nuclei.x_px[row])
    spot = SpotAdded(key.fov, key.nucleus_id, ProbeEnd.THREE_PRIME, y, x)
    assert session.edit(spot)
    hangs_on = dict(describe_nucleus(session, key).lines)["Hangs on"]
    assert hangs_on == "the 3' signal marked ?: placed by hand"
    added = int(session.result.spots.spot_id[session.result.spots.fov == key.fov].max())
    assert session.edit(SpotMoved(key.fov, added, y + 3, x + 3, key.nucleus_id))
    assert dict(describe_nucleus(session, key).lines)["Hangs on"] == hangs_on
    split = next(k for k in session.keys if session.patterns[session.rows[k]] == "SPLIT")
    assert "SNR" in dict(describe_nucleus(session, split).lines)["Hangs on"]


def test_the_usual_snr_of_an_added_signal_is_not_told_as_the_dimmest(session):
    session.start_read()
    nuclei = session.result.nuclei
    brightest = int(np.argmax(np.where(nuclei.scorable, nuclei.min_snr, 0)))
    key, before = session.keys[brightest], float(nuclei.min_snr[brightest])
    assert dict(describe_nucleus(session, key).lines)["Dimmest signal"] == f"SNR {before:.1f}"
    place = float(nuclei.y_px[brightest]), float(nuclei.x_px[brightest])
    assert session.edit(SpotAdded(key.fov, key.nucleus_id, ProbeEnd.THREE_PRIME, *place))
    assert session.result.nuclei.min_snr[brightest] < before, "the usual one is dimmer"
    assert "Dimmest signal" not in dict(describe_nucleus(session, key).lines)
    other = session.keys[int(np.argmin(np.where(nuclei.min_snr > 0, nuclei.min_snr, np.inf)))]
    assert "Dimmest signal" in dict(describe_nucleus(session, other).lines)


def test_an_impossible_edit_is_said_and_changes_nothing(session):
    session.start_read()
    said, before = heard(session), session.result
    assert not session.edit(SpotAdded("field_01", 99_999, ProbeEnd.THREE_PRIME, 5.0, 5.0))
    assert said[-1][1]
    assert session.result is before


def test_two_readers_take_an_equivocal_case_to_a_signed_call(results):
    workspace = Workspace(None)
    workspace.open(results / "case_a", reader="Reader One")
    first = workspace.session
    read_all(first, n_positive=10)
    drawn = set(first.review.reads()[0].decisions)
    assert first.review.state is CaseState.EQUIVOCAL_AWAITING_SECOND
    said = heard(first)
    assert not first.start_read()
    assert "another person" in said[-1][0]
    workspace.set_reader("Reader Two")
    second = workspace.session
    assert not second.decided.any(), "nothing of the first read may show"
    assert second.review.reads() == ()
    read_all(second, n_positive=8)
    assert drawn.isdisjoint(second.review.reads()[1].decisions)
    assert second.review.call.call.value == "POSITIVE"
    assert second.review.call.counts.n_positive == 18
    assert second.sign("agreed")
    assert second.is_frozen
    assert not second.decide("FUSED")
    workspace.close()


def test_a_stale_window_is_told_and_writes_nothing(results):
    one, two = Workspace(None), Workspace(None)
    one.open(results / "case_a", reader="A. Reader")
    two.open(results / "case_a", reader="A. Reader")
    one.session.start_read()
    two.session.refresh()
    assert one.session.decide("SPLIT")
    said = heard(two.session)
    key = one.session.current
    assert not two.session.decide("FUSED", (key,))
    assert "Nothing was written" in said[-1][0]
    assert two.session.patterns[two.session.rows[key]] == "SPLIT"
    assert two.session.decide("FUSED", (key,))
    one.tick()
    assert one.session.patterns[one.session.rows[key]] == "FUSED"
    one.close()
    two.close()


def test_a_stale_bulk_step_ends_at_the_first_refusal(results):
    one, two = Workspace(None), Workspace(None)
    for desk in (one, two):
        desk.open(results / "case_a", reader="A. Reader")
    one.session.start_read()
    two.session.refresh()
    keys = one.session.draw[:3]
    assert one.session.decide("SPLIT", keys)
    assert not two.session.decide("FUSED", keys)
    assert [two.session.patterns[two.session.rows[key]] for key in keys] == ["SPLIT"] * 3
    one.close()
    two.close()


def test_a_full_read_covers_all_scorable_nuclei(session):
    assert session.start_read(ReadMode.FULL)
    assert len(session.draw) == int(session.result.nuclei.scorable.sum())


def test_decisions_of_an_older_version_do_not_show_in_a_new_one(session):
    read_all(session, n_positive=0)
    assert session.decided.sum() == 50
    assert session.open_version("wrong slide")
    assert not session.decided.any()
