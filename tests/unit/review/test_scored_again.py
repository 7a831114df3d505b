"""A case scored again: the older bundle is kept, the log says who, why and what was changed."""

from dataclasses import replace

import numpy as np
import pytest

from alkfish.config import Config
from alkfish.errors import BundleError, InputError, ReviewError, StaleError
from alkfish.io.areas import areas_of, read_regions, write_areas, write_regions
from alkfish.io.bundle import open_bundle, write_bundle
from alkfish.io.fingerprint import result_fingerprint
from alkfish.io.geojson import Area, Regions
from alkfish.model.signals import Pattern
from alkfish.review import (
    CaseReview,
    CaseState,
    EventKind,
    changes_between,
    changes_in_words,
    earlier_results,
    replace_result,
    verify,
)
from alkfish.review.elsewhere import note_elsewhere
from alkfish.review.scored_again import keep_if_read

SQUARE = np.array([[10, 10], [10, 300.25], [300.5, 300.25], [300.5, 10], [10, 10]], float)


def scored_with(result, **settings):
    """Return a result as if it had been scored with other settings of detection."""
    config = Config.from_mapping({"detect": settings})
    made = replace(
        result.provenance,
        config=config.model_dump(mode="json"),
        config_fingerprint=config.fingerprint(),
    )
    return replace(result, provenance=made)


@pytest.fixture
def case(tmp_path, local, mixed):
    """The review of a bundle in the folder of the store."""
    return CaseReview(local, open_bundle(write_bundle(mixed, tmp_path)), "Ada")


def first_read(review, read_all, positive):
    review.start_read()
    read_all(review, positive)
    review.finish_read()


def test_the_older_bundle_is_kept_and_the_log_says_who_why_and_what(case, local, tmp_path):
    older = result_fingerprint(case.machine_result)
    again = scored_with(case.machine_result, min_snr=7.0)
    placed = replace_result(case, again, tmp_path, why="dim probe lot")
    assert placed == tmp_path / "case"
    assert result_fingerprint(open_bundle(placed)) == result_fingerprint(again)
    (kept,) = earlier_results(tmp_path, "case")
    assert result_fingerprint(open_bundle(kept)) == older
    assert not list(tmp_path.glob(".*rescored"))
    (event,) = local.events("case")
    assert (event.kind, event.reader, event.why) == (
        EventKind.RESULT_LINKED, "Ada", "dim probe lot",
    )  # fmt: skip
    assert event.result == result_fingerprint(again)
    assert event.before["result"] == older
    assert event.after["rescored"]["settings"] == {"detect.min_snr": [4.2, 7.0]}
    assert changes_in_words(event.after["rescored"]) == ("detect.min_snr: 4.2 -> 7.0",)
    assert verify(local, "case").is_intact


def test_a_called_case_gets_a_new_version_and_its_reads_stay(case, local, tmp_path, read_all):
    first_read(case, read_all, 2)
    case.sign()
    again = scored_with(case.machine_result, min_snr=7.0)
    replace_result(case, again, tmp_path, why="dim probe lot")
    later = CaseReview(local, open_bundle(tmp_path / "case"), "Bo")
    assert (later.state, later.version, later.is_rescored) == (CaseState.SCORED, 2, False)
    assert later.call is None
    first_read(later, read_all, 30)
    one, two = later.versions()
    assert one.reads[0].result == result_fingerprint(case.machine_result)
    assert len(one.reads[0].decisions) == 50
    assert (one.signed_by, one.call.counts.n_positive) == ("Ada", 2)
    assert (two.why, two.call.counts.n_positive) == ("dim probe lot", 30)
    assert two.reads[0].result == result_fingerprint(again)


def test_nothing_is_replaced_while_a_read_is_open(case, tmp_path):
    case.start_read()
    before = result_fingerprint(case.machine_result)
    with pytest.raises(ReviewError, match="finish or abandon the read"):
        replace_result(case, scored_with(case.machine_result, min_snr=7.0), tmp_path, why="x")
    assert result_fingerprint(open_bundle(tmp_path / "case")) == before
    assert earlier_results(tmp_path, "case") == ()


def test_the_same_result_no_reason_and_another_case_are_refused(case, local, tmp_path):
    again = scored_with(case.machine_result, min_snr=7.0)
    with pytest.raises(ReviewError, match="gave the same result"):
        replace_result(case, case.machine_result, tmp_path, why="to be sure")
    with pytest.raises(ReviewError, match="the reason is missing"):
        replace_result(case, again, tmp_path, why=" ")
    with pytest.raises(ReviewError, match="one of another case"):
        replace_result(case, replace(again, case_id="other"), tmp_path, why="x")
    assert local.events("case") == ()


def test_a_stale_window_puts_the_older_bundle_back(case, local, mixed, tmp_path):
    before = result_fingerprint(case.machine_result)
    (tmp_path / "case" / "remarks.txt").write_text("mine")
    CaseReview(local, mixed, "Bo").start_read()
    with pytest.raises(StaleError, match="somebody else has written"):
        replace_result(case, scored_with(case.machine_result, min_snr=7.0), tmp_path, why="x")
    assert result_fingerprint(open_bundle(tmp_path / "case")) == before
    assert (tmp_path / "case" / "remarks.txt").read_text() == "mine"
    assert len(local.events("case")) == 2


def test_a_bundle_that_was_replaced_meanwhile_is_not_replaced_again(case, local, tmp_path):
    theirs = scored_with(case.machine_result, min_snr=9.0)
    write_bundle(theirs, tmp_path, overwrite=True)
    with pytest.raises(StaleError, match="replaced since it was opened"):
        replace_result(case, scored_with(case.machine_result, min_snr=7.0), tmp_path, why="x")
    assert result_fingerprint(open_bundle(tmp_path / "case")) == result_fingerprint(theirs)
    assert local.events("case") == ()


def test_a_bundle_that_cannot_be_read_is_left_alone(case, local, tmp_path):
    (tmp_path / "case" / "result.json").write_text("{}")
    with pytest.raises(BundleError, match=r"damaged|layout"):
        replace_result(case, scored_with(case.machine_result, min_snr=7.0), tmp_path, why="x")
    assert (tmp_path / "case" / "nuclei.parquet").is_file()
    assert local.events("case") == ()


def test_there_and_back_again_keeps_both_results_once(case, local, tmp_path):
    first = case.machine_result
    for value in (7.0, 4.2, 7.0):
        review = CaseReview(local, open_bundle(tmp_path / "case"), "Ada")
        replace_result(review, scored_with(first, min_snr=value), tmp_path, why="compare")
    assert len(earlier_results(tmp_path, "case")) == 2
    assert len(local.events("case")) == 3


def within(result, regions):
    return replace(result, notes={"field": (regions.in_words(),)})


def test_outlines_are_kept_in_the_bundle_and_found_again(case, tmp_path):
    write_regions(Regions((Area("", (SQUARE,)),)), tmp_path / "tumour.geojson")
    regions = read_regions(tmp_path / "tumour.geojson")
    assert np.array_equal(regions.include[0].rings[0], SQUARE)
    again = within(case.machine_result, regions)
    placed = replace_result(case, again, tmp_path, why="tumour only", regions={"field": regions})
    found = areas_of(placed, open_bundle(placed))["field"]
    assert found.in_words() == regions.in_words()
    assert found.name == "tumour.geojson"
    assert "only nuclei within" in changes_in_words(changes_between(case.machine_result, again))[0]


def test_areas_to_leave_out_stay_so(tmp_path, mixed):
    regions = Regions((), (Area("", (SQUARE,)),))
    write_areas(tmp_path, {"field": regions})
    found = areas_of(tmp_path, within(mixed, regions))["field"]
    assert (len(found.include), len(found.exclude)) == (0, 1)
    write_areas(tmp_path, {})
    assert not (tmp_path / "areas").exists()


@pytest.mark.parametrize("has_file", [False, True])
def test_outlines_that_are_not_at_hand_are_asked_for(tmp_path, mixed, has_file):
    if has_file:
        write_areas(tmp_path, {"field": Regions((Area("", (SQUARE + 1,)),))})
    with pytest.raises(InputError, match="outlines that are not at hand"):
        areas_of(tmp_path, within(mixed, Regions((Area("", (SQUARE,)),))))


def test_a_result_scored_whole_has_no_outlines(tmp_path, mixed):
    assert areas_of(tmp_path, mixed) == {}


def test_changes_name_every_figure_that_differs(mixed, make_result):
    rule = replace(mixed.probe.separation, limit=1.5)
    other = replace(mixed, probe=replace(mixed.probe, separation=rule))
    changes = changes_between(mixed, other)
    assert changes["probe"] == {"separation.limit": [2.0, 1.5]}
    assert "settings" not in changes
    newer = replace(mixed, provenance=replace(mixed.provenance, version="9"))
    assert changes_in_words(changes_between(mixed, newer)) == ("alkfish 0 -> 9",)
    assert changes_in_words(changes_between(mixed, mixed)) == ()
    fewer = changes_between(mixed, make_result([Pattern.FUSED.value] * 60))
    assert fewer["call"] == [mixed.call.call.value, "NEGATIVE"]


def test_the_audit_says_in_words_what_was_changed(case, tmp_path):
    from typer.testing import CliRunner

    from alkfish.cli.app import app

    again = scored_with(case.machine_result, min_snr=7.0)
    replace_result(case, again, tmp_path, why="dim probe lot")
    done = CliRunner().invoke(app, ["audit", str(tmp_path / "case")], env={"COLUMNS": "400"})
    assert done.exit_code == 0
    for part in ("again;", "4.2 ->", "Ada"):
        assert part in done.output, part
    assert "config_fing" not in done.output


def test_a_result_that_may_have_been_read_elsewhere_is_kept(tmp_path, mixed):
    write_bundle(mixed, tmp_path)
    assert keep_if_read(tmp_path, mixed.case_id) is None
    note_elsewhere(tmp_path, "postgresql://lab@server/reviews")
    assert keep_if_read(tmp_path, mixed.case_id).parent.parent == tmp_path / ".earlier"
