"""Stores that cannot be written, that go away, and results that others replace."""

import pytest

from alkfish.batch.reviews import keep_older, warnings_of
from alkfish.errors import StoreError
from alkfish.io.bundle import open_bundle, write_bundle
from alkfish.io.fingerprint import result_fingerprint
from alkfish.model.signals import Pattern
from alkfish.review import CaseReview, CaseState, earlier_results, open_store
from alkfish.review.view_store import can_be_written, open_view


@pytest.fixture
def review(tmp_path, mixed):
    """A read that is open, with a decision."""
    with open_store(tmp_path) as store:
        made = CaseReview(store, open_bundle(write_bundle(mixed, tmp_path)), "Ada")
        made.start_read()
        made.set_pattern(made.queue()[0], Pattern.SPLIT)
        yield made


def test_a_view_shows_what_is_there_and_follows_it(review, tmp_path):
    with open_view(tmp_path) as view:
        looked = CaseReview(view, review.machine_result, "Ada")
        assert len(looked.read.decisions) == 1
        review.set_pattern(review.queue()[1], Pattern.FUSED)
        assert looked.refresh()
        assert len(looked.read.decisions) == 2
        with pytest.raises(StoreError, match="View only"):
            looked.set_pattern(looked.queue()[2], Pattern.FUSED)
    assert len(review.read.decisions) == 2


def test_a_view_of_no_store_is_empty_and_makes_none(tmp_path, mixed):
    with open_view(tmp_path) as view:
        assert CaseReview(view, mixed, "Ada").state is CaseState.SCORED
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_ones_own_can_be_written(review, tmp_path):
    before = sorted(tmp_path.iterdir())
    assert can_be_written(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    assert not can_be_written(tmp_path / "missing")


def test_a_store_that_has_gone_is_told_and_none_is_made_in_its_place(review, tmp_path):
    file, away = tmp_path / "review.sqlite", tmp_path / "away.sqlite"
    file.rename(away)
    with pytest.raises(StoreError, match=r"cannot be reached(.|\n)*nothing that was decided"):
        review.set_pattern(review.queue()[1], Pattern.FUSED)
    assert not file.exists()
    away.rename(file)
    review.refresh()
    review.set_pattern(review.queue()[1], Pattern.FUSED)
    assert len(review.read.decisions) == 2


def test_a_result_that_was_read_is_kept_when_it_is_replaced(review, tmp_path, make_result):
    older = result_fingerprint(review.machine_result)
    (text,) = warnings_of(tmp_path, ["case", "another"])
    assert text.startswith("warning: case is being read")
    newer = make_result(["FUSED"])
    write_bundle(newer, tmp_path, overwrite=True, keep_older=keep_older(tmp_path, "case"))
    (kept,) = earlier_results(tmp_path, "case")
    assert result_fingerprint(open_bundle(kept)) == older
    later = CaseReview(review._store, open_bundle(tmp_path / "case"), "Ada")
    assert later.is_rescored
    assert len(later.read.decisions) == 1


def test_results_that_nobody_has_read_are_not_kept(tmp_path, mixed):
    write_bundle(mixed, tmp_path)
    assert keep_older(tmp_path, "case") is None
    with open_store(tmp_path):
        assert keep_older(tmp_path, "case") is None
    assert warnings_of(tmp_path, ["case"]) == ()


def test_fewer_nuclei_than_a_read_needs_are_counted_before_it_begins(tmp_path, make_result):
    with open_store(tmp_path) as store:
        assert CaseReview(store, make_result(["FUSED"] * 12), "Ada").n_missing() == 38
        enough = CaseReview(store, make_result(["FUSED"] * 60, case_id="b"), "Ada")
        assert enough.n_missing() == 0
