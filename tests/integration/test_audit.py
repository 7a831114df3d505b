"""The command ``audit``, and the log beside a bundle on disk."""

import shutil
import sqlite3

import pytest

import alkfish as api
from alkfish.review import CaseReview, ReadMode, open_store


@pytest.fixture
def results(tmp_path, make_bundle):
    make_bundle(tmp_path, "case_1")
    with open_store(tmp_path) as store:
        review = CaseReview(store, api.open_bundle(tmp_path / "case_1"), "A. Reader")
        review.start_read(ReadMode.FULL)
        review.set_pattern(review.queue()[0], api.Pattern.SPLIT, why="seen in red alone")
        review.finish_read()
        review.sign()
    return tmp_path


@pytest.fixture(scope="session")
def make_bundle(golden_result):
    import dataclasses

    def make(folder, case_id):
        result = dataclasses.replace(golden_result, case_id=case_id)
        return api.write_bundle(result, folder, overwrite=True)

    return make


@pytest.fixture(scope="session")
def golden_result():
    """A case without pictures: 60 nuclei without a signal, but one."""
    import numpy as np

    from alkfish.config import Config
    from alkfish.io.probes import load_probe
    from alkfish.model.result import CaseResult, ChannelQC, FieldQC, Provenance
    from alkfish.model.signals import NucleusRecords, SpotRecords
    from alkfish.score.case import call_case, count_excluded

    n, columns = 60, {}
    for info in NucleusRecords.columns():
        columns[info.name] = np.full(n, "" if info.dtype == object else 0)
    columns |= {
        "fov": np.full(n, "f1", object), "nucleus_id": np.arange(1, n + 1),
        "scorable": np.full(n, True), "pattern": np.full(n, "FUSED", object),
        "n_fused": np.full(n, 2),
    }  # fmt: skip
    nuclei, qc = NucleusRecords(**columns), ChannelQC(0, 20.0, 100.0, 3.0, 0.0, 1.0)
    fields, probe, config = (FieldQC("f1", n, n, 0.9, qc, qc),), load_probe("vysis-alk"), Config()
    made = Provenance("0", config.model_dump(mode="json"), config.fingerprint(), {}, "2026")
    return CaseResult(
        "case", call_case(nuclei, fields, probe), nuclei, SpotRecords.empty(), fields,
        count_excluded(nuclei), probe, made, {}, {"f1": 0.1},
    )  # fmt: skip


def tamper(results, *statements):
    connection = sqlite3.connect(results / "review.sqlite")
    for name in ("update", "delete"):
        connection.execute(f"DROP TRIGGER alkfish_events_no_{name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_audit_lists_who_decided_what_when_and_why(alkfish, results):
    shown = alkfish("audit", results / "case_1").stdout
    for text in ("A. Reader", "SPLIT", "seen in", "signed", "the log holds together"):
        assert text in shown
    quiet = alkfish("audit", results / "case_1", "--quiet").stdout
    assert "SPLIT" not in quiet
    assert "case_1: 5 events: the log holds together; last hash" in quiet


def test_audit_as_json_and_a_noted_hash(alkfish, results):
    document = alkfish.json("audit", results / "case_1")
    assert (document["case_id"], document["intact"], document["n_events"]) == ("case_1", True, 5)
    assert [event["kind"] for event in document["events"]] == [
        "result_linked", "read_started", "pattern_set", "read_finished", "signed",
    ]  # fmt: skip
    noted = document["events"][2]["hash"]
    alkfish("audit", results / "case_1", "--head", noted[:12])
    lost = alkfish("audit", results / "case_1", "--head", "0" * 64, code=1)
    assert "no longer in the log" in lost.stdout


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE alkfish_events SET after = '{}' WHERE seq = 3",
            "event 3: its content was changed",
        ),
        ("UPDATE alkfish_events SET subject = 'x' WHERE seq = 3", "event 3: its content"),
        ("UPDATE alkfish_events SET kind = 'eaten' WHERE seq = 3", "event 3: its content"),
        ("DELETE FROM alkfish_events WHERE seq = 3", "event 4: events are missing after number 2"),
        ("DELETE FROM alkfish_events WHERE seq = 5", "event 5: the end was cut off: 1 events"),
        ("DELETE FROM alkfish_heads", "the note of the last event does not agree"),
    ],
)
def test_tampering_is_told_with_exit_code_1(alkfish, results, statement, told):
    tamper(results, statement)
    shown = alkfish("audit", results / "case_1", code=1).stdout
    assert told in shown
    assert "does NOT hold together" in shown
    assert alkfish.json("audit", results / "case_1", code=1)["intact"] is False


def test_a_store_elsewhere_and_a_case_by_its_id(alkfish, results, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    shutil.copy(results / "review.sqlite", other)
    assert "5 events" in alkfish("audit", "case_1", "--store", other, "--quiet").stdout
    unread = alkfish("audit", "case_2", "--store", other).stdout
    assert "case_2: 0 events: nothing was reviewed" in unread


def test_audit_without_a_store_is_an_input_error(alkfish, make_bundle, tmp_path):
    bundle = make_bundle(tmp_path, "case_1")
    assert "no review store" in alkfish("audit", bundle, code=2).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["case_1"]


def test_scoring_again_leaves_the_log(alkfish, results, make_bundle):
    before = alkfish.json("audit", results / "case_1")
    make_bundle(results, "case_1")
    assert alkfish.json("audit", results / "case_1") == before


def test_a_log_that_is_kept_elsewhere_is_named(alkfish, results):
    url = "postgresql://lab@server/reviews"
    (results / "review-store.txt").write_text(f"{url}\n", "utf-8")
    done = alkfish("audit", results / "case_1")
    assert f"reads are kept in {url}; add --store" in " ".join(done.stderr.split())
    assert "the log holds together" in done.stdout
    for log in results.glob("review.sqlite*"):
        log.unlink()
    done = alkfish("audit", results / "case_1", code=2)
    assert f"alkfish audit case_1 --store {url}" in " ".join(done.stderr.split())
