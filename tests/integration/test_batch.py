"""Batches: one bad case stops no other, what is done is kept, and a killed run goes on."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alkfish.cli import ExitCode

NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, alkfish):
    """Folder with three small cases of one field each."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed, name in enumerate(NAMES):
        size = ("--fields", 1, "--size", 384, "--level", "easy")
        alkfish("simulate", folder, "--seed", seed, *size, "--name", name)
    return folder


@pytest.fixture
def lab(tmp_path, pictures):
    """A writable copy of the cases with a sheet for them."""
    for name in NAMES:
        shutil.copytree(pictures / name, tmp_path / name)
    write_sheet(tmp_path, [(name, name) for name in NAMES])
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory, alkfish, pictures):
    """The results of the three cases, made once."""
    folder = tmp_path_factory.mktemp("finished")
    sheet = write_sheet(folder, [(name, str(pictures / name)) for name in NAMES])
    out = folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        alkfish("score", "--manifest", sheet, "-o", out, "--no-report")
    return out


@pytest.fixture
def done(lab, finished):
    """A lab whose batch has been run."""
    shutil.copytree(finished, lab / "out")
    return lab


def write_sheet(folder, rows, header="case_id,images"):
    lines = [header, *(",".join(row) for row in rows)]
    (folder / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "cases.csv"


def run(alkfish, lab, *arguments, code=0, sheet="cases.csv", report="--no-report"):
    """Run the batch with ``--json`` and return its events."""
    done = alkfish(
        "score", "--manifest", lab / sheet, "-o", lab / "out", report, "--json", *arguments,
        code=code,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_kind(events, kind):
    return {event["case_id"]: event for event in events if event["event"] == kind}


def summary(lab):
    text = (lab / "out" / "summary.csv").read_text("utf-8-sig")
    return {row["case_id"]: row for row in csv.DictReader(text.splitlines())}


def test_a_batch_leaves_bundles_summary_and_log(alkfish, lab):
    events = run(alkfish, lab)
    assert [event["event"] for event in events[:2]] == ["notice", "batch_started"]
    assert events[-1]["event"] == "batch_finished"
    assert (events[-1]["scored"], events[-1]["failed"]) == (3, 0)
    rows = summary(lab)
    assert list(rows) == list(NAMES)
    for name in NAMES:
        told = json.loads((lab / "out" / name / "result.json").read_text("utf-8"))
        assert rows[name]["call"] == told["call"]
        assert rows[name]["n_counted"] == str(told["n_enumerated"])
        assert rows[name]["config_fingerprint"] == told["config_fingerprint"]
        assert rows[name]["review"] == "not reviewed"
    left = {item.name for item in (lab / "out").iterdir()}
    assert left == {
        *NAMES, "summary.csv", "summary.html", "batch.log", "pictures.json", ".batch.lock",
    }  # fmt: skip
    log = (lab / "out" / "batch.log").read_text("utf-8")
    assert log.count("case_scored") == 3


def test_one_bad_case_stops_no_other(alkfish, lab):
    (lab / "bad").mkdir()
    (lab / "bad" / "x.tif").write_text("no picture")
    write_sheet(lab, [("one", "one"), ("bad", "bad"), ("two", "two")])
    events = run(alkfish, lab, code=ExitCode.CASE_FAILED)
    assert set(of_kind(events, "case_scored")) == {"one", "two"}
    assert "damaged" in of_kind(events, "case_failed")["bad"]["error"]["problem"]
    row = summary(lab)["bad"]
    assert (row["status"], row["call"]) == ("failed", "")
    assert "x.tif" in row["reason"]
    assert not (lab / "out" / "bad").exists()


def test_what_is_done_and_intact_is_kept_and_what_changed_is_redone(alkfish, done):
    before = (done / "out" / "two" / "result.json").read_bytes()
    events = run(alkfish, done)
    assert set(of_kind(events, "case_kept")) == set(NAMES)
    shutil.copy(done / "three" / "field_01.ome.tif", done / "one" / "field_01.ome.tif")
    shutil.rmtree(done / "three")
    shutil.copytree(done / "two", done / "three")
    events = run(alkfish, done, code=ExitCode.SAME_PICTURE)
    started = of_kind(events, "case_started")
    assert set(started) == {"one", "three"}
    assert started["one"]["why"] == ["field_01.ome.tif changed"]
    assert set(of_kind(events, "case_kept")) == {"two"}
    assert (done / "out" / "two" / "result.json").read_bytes() == before


def test_a_damaged_result_is_made_anew(alkfish, done):
    (done / "out" / "three" / "nuclei.parquet").write_bytes(b"damaged")
    (done / "out" / "two" / "labels.zarr" / "zarr.json").unlink()
    started = of_kind(run(alkfish, done), "case_started")
    assert started["three"]["why"] == ["nuclei.parquet of the result is damaged"]
    assert started["two"]["why"] == ["labels.zarr of the result is damaged"]
    assert set(of_kind(run(alkfish, done), "case_kept")) == set(NAMES)


def test_other_settings_score_everything_again(alkfish, done):
    assert set(of_kind(run(alkfish, done), "case_kept")) == set(NAMES)
    events = run(alkfish, done, "--set", "detect.min_snr=6")
    assert {tuple(event["why"]) for event in of_kind(events, "case_started").values()} == {
        ("the settings changed",)
    }


def test_a_failing_redo_says_that_the_older_result_is_still_there(alkfish, done):
    (done / "one" / "field_01.ome.tif").write_bytes(b"cut off")
    events = run(alkfish, done, code=ExitCode.CASE_FAILED)
    assert of_kind(events, "case_failed")["one"]["has_older_result"] is True
    page = (done / "out" / "summary.html").read_text("utf-8")
    assert "still holds an older result" in page
    assert summary(done)["one"]["call"] == ""


def test_a_result_of_a_single_case_is_kept_by_a_batch(alkfish, lab):
    alkfish("score", lab / "one", "-o", lab / "out")
    assert set(of_kind(run(alkfish, lab), "case_kept")) == {"one"}


def test_a_result_that_no_batch_wrote_is_not_replaced(alkfish, lab):
    alkfish("score", lab / "one", "-o", lab / "out")
    (lab / "out" / "one" / "batch.json").unlink()
    events = run(alkfish, lab, code=ExitCode.CASE_FAILED)
    assert "no batch has written" in of_kind(events, "case_failed")["one"]["error"]["problem"]
    assert set(of_kind(run(alkfish, lab, "--overwrite"), "case_scored")) == set(NAMES)


def test_a_case_that_people_have_read_is_not_scored_again(alkfish, done):
    import alkfish as api
    from alkfish.review import CaseReview, ReadMode, open_store

    out = done / "out"
    with open_store(out) as store:
        review = CaseReview(store, api.open_bundle(out / "one"), reader="A. Reader")
        review.start_read(ReadMode.FULL)
        review.finish_read()
    run(alkfish, done)
    assert summary(done)["one"]["review"].startswith("read, not signed, called ")
    events = run(alkfish, done, "--set", "detect.min_snr=6", code=ExitCode.CASE_FAILED)
    error = of_kind(events, "case_failed")["one"]["error"]
    assert "people have read" in error["problem"]
    assert set(of_kind(events, "case_scored")) == {"two", "three"}


def test_overwriting_what_people_have_read_is_told_and_keeps_the_older_result(alkfish, done):
    read_by_a_person(done / "out" / "one")
    events = run(alkfish, done, "--overwrite")
    told = [
        e["text"] for e in events if e["event"] == "notice" and "replaced all the same" in e["text"]
    ]
    assert len(told) == 1
    assert "one is read, not signed." in told[0]
    assert len(list((done / "out" / ".earlier" / "one").iterdir())) == 1


def test_workers_and_a_folder_of_cases_give_the_same_results(alkfish, lab, finished, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in NAMES:
        (lab / "cases" / name).parent.mkdir(exist_ok=True)
        shutil.move(lab / name, lab / "cases" / name)
    run(alkfish, lab, "--workers", 2, sheet="cases")
    assert checksums(lab / "out") == checksums(finished)


def checksums(out):
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for name in NAMES
        for path in (out / name).rglob("*")
        if path.is_file()
    }


def test_a_run_killed_in_the_middle_goes_on_to_the_same_results(
    alkfish, lab, finished, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with start(lab) as batch:
        while json.loads(batch.stdout.readline())["event"] != "case_scored":
            pass
        batch.send_signal(signal.SIGKILL)
    events = run(alkfish, lab)
    kept, scored = of_kind(events, "case_kept"), of_kind(events, "case_scored")
    assert "one" in kept
    assert "three" in {*kept, *scored}
    assert checksums(lab / "out") == checksums(finished)
    assert [item.name for item in (lab / "out").glob(".batch-work")] == []


def start(lab):
    command = [sys.executable, "-m", "alkfish", "score", "--manifest", lab / "cases.csv"]
    return subprocess.Popen(
        [*command, "-o", lab / "out", "--no-report", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_ends_cleanly_and_the_summary_says_what_was_not_reached(lab):
    with start(lab) as batch:
        while json.loads(batch.stdout.readline())["event"] != "case_scored":
            pass
        batch.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in batch.stdout.read().splitlines()]
        assert batch.wait(60) == ExitCode.INTERRUPTED
    assert rest[-1]["event"] == "batch_stopped"
    statuses = {name: row["status"] for name, row in summary(lab).items()}
    assert statuses["one"] == "scored"
    assert "not reached" in statuses.values()
    assert not (lab / "out" / ".batch-work").exists()


def test_two_batches_in_one_folder_are_refused(alkfish, lab):
    from alkfish.batch.lock import locked

    with locked(lab / "out"):
        done = alkfish("score", "--manifest", lab / "cases.csv", "-o", lab / "out", code=2)
    assert "another batch is working" in done.stderr


def test_all_problems_of_the_sheet_are_told_before_anything_is_scored(alkfish, lab):
    rows = [("one", "one", "negative"), ("one", "nowhere", ""), ("a/b", "two", "neg")]
    write_sheet(lab, rows, "case_id,images,contol")
    done = alkfish("score", "--manifest", lab / "cases.csv", "-o", lab / "out", code=2)
    for text in ("did you mean control?", "row 3, column case_id", "row 3, column images",
                 "row 4, column case_id"):  # fmt: skip
        assert text in done.stderr
    assert not (lab / "out").exists()


def test_what_is_wrong_is_one_line_of_json_for_pipelines(alkfish, lab):
    write_sheet(lab, [("one", "nowhere")])
    (line,) = run(alkfish, lab, code=ExitCode.USAGE)
    assert line["event"] == "error"
    assert "row 2, column images" in line["error"]["found"]


def test_a_summary_that_cannot_be_written_loses_no_result(alkfish, done):
    for name in ("summary.csv", "summary.html"):
        (done / "out" / name).unlink()
        (done / "out" / name).mkdir()
    events = run(alkfish, done, code=ExitCode.CASE_FAILED)
    assert set(of_kind(events, "case_kept")) == set(NAMES)
    notices = [event["text"] for event in events if event["event"] == "notice"]
    assert any("the summary cannot be written" in text for text in notices)


def test_paths_and_sheet_exclude_each_other(alkfish, lab):
    both = alkfish("score", lab / "one", "--manifest", lab / "cases.csv", "-o", "x", code=2)
    assert "given twice" in both.stderr
    assert "no cases are given" in alkfish("score", "-o", lab / "x", code=2).stderr
    assert "column roi" in alkfish(
        "score", "--manifest", lab / "cases.csv", "-o", "x", "--roi", "a.geojson", code=2
    ).stderr  # fmt: skip


def test_reports_are_written_and_renewed_when_the_details_change(alkfish, lab):
    write_sheet(lab, [("one", "one", "L1")], "case_id,images,lot")
    run(alkfish, lab, report="--report")
    report = lab / "out" / "one" / "report.html"
    assert "L1" in report.read_text("utf-8")
    result = (lab / "out" / "one" / "result.json").stat().st_mtime_ns
    write_sheet(lab, [("one", "one", "L2")], "case_id,images,lot")
    events = run(alkfish, lab, report="--report")
    assert set(of_kind(events, "case_kept")) == {"one"}
    assert "L2" in report.read_text("utf-8")
    assert (lab / "out" / "one" / "result.json").stat().st_mtime_ns == result
    assert summary(lab)["one"]["report"] == "one/report.html"


def probe_for_small_cases(folder, negative_below=10):
    """Write a profile by which a handful of nuclei is evaluable."""
    from alkfish.io.probes import load_probe, probe_to_toml

    text = probe_to_toml(load_probe()).replace("min_nuclei = 50", "min_nuclei = 1")
    limits = f"[controls]\nnegative_below_percent = {negative_below}\npositive_from_percent = 50\n"
    file = Path(folder) / "small.toml"
    file.write_text(text.replace("[sources]", f"{limits}\n[sources]"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def controls(tmp_path_factory, alkfish):
    folder = tmp_path_factory.mktemp("controls")
    for name, share in (("nc", 0.0), ("pc", 1.0)):
        size = ("--fields", 1, "--size", 512, "--level", "easy", "--seed", 3)
        alkfish("simulate", folder, *size, "--positive-fraction", share, "--name", name)
    return folder


def test_controls_that_show_what_they_must_pass(alkfish, lab, controls):
    probe = probe_for_small_cases(lab)
    rows = [("one", "one", ""), ("N", str(controls / "nc"), "negative"),
            ("P", str(controls / "pc"), "positive")]  # fmt: skip
    write_sheet(lab, rows, "case_id,images,control")
    events = run(alkfish, lab, "--probe", probe)
    assert {k: v["passed"] for k, v in of_kind(events, "control_checked").items()} == {
        "N": True,
        "P": True,
    }
    started = list(of_kind(events, "case_started"))
    assert started.index("one") == 2  # controls come first
    assert "failed" not in summary(lab)["one"]["cautions"]


def test_failed_controls_are_loud_and_caution_the_patients(alkfish, lab, controls):
    probe = probe_for_small_cases(lab)
    rows = [("one", "one", "", "L1"), ("N", str(controls / "pc"), "negative", "L1"),
            ("two", "two", "", "L2")]  # fmt: skip
    write_sheet(lab, rows, "case_id,images,control,lot")
    events = run(alkfish, lab, "--probe", probe, code=ExitCode.CONTROL_FAILED)
    assert of_kind(events, "control_checked")["N"]["passed"] is False
    rows = summary(lab)
    assert rows["N"]["control_passed"] == "no"
    assert "a control slide of this batch failed (N)" in rows["one"]["cautions"]
    assert "a control slide" not in rows["two"]["cautions"]  # another lot
    told = json.loads((lab / "out" / "one" / "result.json").read_text("utf-8"))
    assert "control" not in json.dumps(told["cautions"])
    assert "no positive and no negative control" in rows["two"]["cautions"]
    page = (lab / "out" / "summary.html").read_text("utf-8")
    assert "Control slides failed" in page


def test_reports_know_of_controls_and_are_renewed_when_these_change(alkfish, lab, controls):
    probe = probe_for_small_cases(lab)
    header, good = "case_id,images,control", ("N", str(controls / "nc"), "negative")
    write_sheet(lab, [("one", "one", ""), good], header)
    run(alkfish, lab, "--probe", probe, report="--report")
    report = lab / "out" / "one" / "report.html"
    assert "negative control N passed" in report.read_text("utf-8")
    write_sheet(lab, [("one", "one", ""), ("N", str(controls / "pc"), "negative")], header)
    events = run(alkfish, lab, "--probe", probe, code=ExitCode.CONTROL_FAILED, report="--report")
    assert set(of_kind(events, "case_kept")) == {"one"}
    text = report.read_text("utf-8")
    assert "negative control N FAILED" in text
    assert 'data-code="control_failed"' in text
    assert set(of_kind(run(alkfish, lab, "--probe", probe, code=ExitCode.CONTROL_FAILED,
                           report="--report"), "case_kept")) == {"one", "N"}  # fmt: skip


def test_the_same_picture_under_two_ids_is_loud(alkfish, lab):
    shutil.copy(lab / "one" / "field_01.ome.tif", lab / "two" / "field_01.ome.tif")
    write_sheet(lab, [("one", "one"), ("two", "two")])
    events = run(alkfish, lab, report="--report", code=ExitCode.SAME_PICTURE)
    assert events[-1]["same_picture"] == 2
    told = [event for event in events if event["event"] == "notice" and "case_id" in event]
    assert [event["text"] for event in told] == [
        "same picture as case two: sample mix-up?",
        "same picture as case one: sample mix-up?",
    ]
    for name in ("one", "two"):
        assert "same_picture" in summary(lab)[name]["caution_codes"]
        report = (lab / "out" / name / "report.html").read_text("utf-8")
        assert 'data-code="same_picture"' in report


def test_a_failed_control_weighs_more_than_a_shared_picture_and_this_more_than_a_failure(
    alkfish, lab
):
    shutil.copy(lab / "one" / "field_01.ome.tif", lab / "two" / "field_01.ome.tif")
    (lab / "three" / "field_01.ome.tif").write_bytes(b"cut off")
    write_sheet(lab, [(name, name, "") for name in NAMES], "case_id,images,control")
    run(alkfish, lab, code=ExitCode.SAME_PICTURE)
    write_sheet(lab, [(name, name, "negative") for name in NAMES], "case_id,images,control")
    run(alkfish, lab, code=ExitCode.CONTROL_FAILED)


def report_of(alkfish, bundle, *arguments):
    """Write the report of a case by hand and return its text."""
    file = bundle.parent / "by hand.html"
    alkfish("report", bundle, "-o", file, "--overwrite", *arguments)
    return file.read_text("utf-8")


def read_by_a_person(bundle):
    import alkfish as api
    from alkfish.review import CaseReview, ReadMode, open_store

    with open_store(bundle.parent) as store:
        review = CaseReview(store, api.open_bundle(bundle), reader="A. Reader")
        review.start_read(ReadMode.FULL)
        review.finish_read()


def test_a_report_by_hand_knows_what_the_batch_noted_also_of_a_read_case(alkfish, lab, controls):
    """The control fails only after a person has read the case: its own report stays as it is."""
    probe = probe_for_small_cases(lab)
    header, one = "case_id,images,control,lot", ("one", "one", "", "L-77")
    write_sheet(lab, [one, ("N", str(controls / "nc"), "negative", "L-77")], header)
    run(alkfish, lab, "--probe", probe)
    bundle = lab / "out" / "one"
    text = report_of(alkfish, bundle)
    assert "negative control N passed" in text
    assert "L-77" in text
    assert 'data-code="control_failed"' not in text
    read_by_a_person(bundle)
    write_sheet(lab, [one, ("N", str(controls / "pc"), "negative", "L-77")], header)
    run(alkfish, lab, "--probe", probe, code=ExitCode.CONTROL_FAILED)
    text = report_of(alkfish, bundle)
    assert 'data-code="control_failed"' in text
    assert "A control slide of this batch failed (N)" in text
    hidden = report_of(alkfish, bundle, "--anonymous")
    assert "A control slide of this batch failed: do not report" in hidden
    assert "negative control FAILED" in hidden


def test_a_later_run_of_one_case_keeps_what_the_batch_noted(alkfish, lab, controls):
    probe = probe_for_small_cases(lab)
    rows = [("one", "one", ""), ("N", str(controls / "pc"), "negative")]
    write_sheet(lab, rows, "case_id,images,control")
    run(alkfish, lab, "--probe", probe, code=ExitCode.CONTROL_FAILED)
    again = ("score", lab / "one", "-o", lab / "out", "--probe", probe)
    for more in ((), ("--set", "detect.min_snr=6")):
        document = alkfish.json(*again, *more)
        assert document["cases"][0]["cautions"][0]["code"] == "control_failed"
    assert 'data-code="control_failed"' in report_of(alkfish, lab / "out" / "one")
    exported = alkfish("export", lab / "out" / "one", "--fhir").stdout.strip()
    assert "Caution: a control slide of this batch failed (N)" in Path(exported).read_text("utf-8")


def test_a_failed_control_is_not_forgotten_by_a_later_sheet_without_it(alkfish, lab, controls):
    probe = probe_for_small_cases(lab)
    rows = [("one", "one", "", "L1"), ("N", str(controls / "pc"), "negative", "L1")]
    header = "case_id,images,control,lot"
    write_sheet(lab, rows, header)
    run(alkfish, lab, "--probe", probe, code=ExitCode.CONTROL_FAILED, report="--report")
    bundle = lab / "out" / "one"

    def tells():
        page = (bundle / "report.html").read_text("utf-8")
        return tuple(
            'data-code="control_failed"' in text for text in (page, report_of(alkfish, bundle))
        )

    for lot in ("", "l 1"):
        write_sheet(lab, [("one", "one", "", lot)], header)
        run(alkfish, lab, "--probe", probe, report="--report")
        assert tells() == (True, True)
    write_sheet(
        lab, [("one", "one", "", "L1"), ("N", str(controls / "nc"), "negative", "L1")], header
    )
    run(alkfish, lab, "--probe", probe, report="--report")
    assert tells() == (False, False)  # the same control slide shows now what it must


def test_a_note_that_is_not_true_any_more_goes(alkfish, lab):
    write_sheet(lab, [("one", "one", "L1")], "case_id,images,lot")
    run(alkfish, lab)
    note = lab / "out" / "one" / "batch-note.json"
    assert "no positive and no negative control" in note.read_text("utf-8")
    note.write_text("{", "utf-8")
    done = alkfish("report", lab / "out" / "one", "-o", lab / "x.html", code=2)
    assert "run the batch again" in done.stderr
    write_sheet(lab, [("one", "one", "")], "case_id,images,lot")
    run(alkfish, lab)
    assert not note.exists()


def test_a_damaged_result_file_is_made_anew(alkfish, done):
    (done / "out" / "one" / "result.json").write_text("{", encoding="utf-8")
    (done / "out" / "two" / "result.json").unlink()
    started = of_kind(run(alkfish, done), "case_started")
    assert started["one"]["why"] == ["result.json of the result is damaged"]
    assert started["two"]["why"] == ["result.json is missing"]
    assert set(of_kind(run(alkfish, done), "case_kept")) == set(NAMES)


def test_notes_and_blocks_are_on_pages_only(alkfish, lab):
    write_sheet(lab, [("one", "one", "Block-77", "Mr. Secret")], "case_id,images,block,notes")
    done = alkfish("score", "--manifest", lab / "cases.csv", "-o", lab / "out", "--no-report")
    log = (lab / "out" / "batch.log").read_text("utf-8")
    for text in (done.stdout, done.stderr, log):
        assert "Secret" not in text
        assert "Block-77" not in text
    assert summary(lab)["one"]["notes"] == "Mr. Secret"
    assert "Mr. Secret" in (lab / "out" / "summary.html").read_text("utf-8")
