"""Batches: one outcome per job, whatever happens to the others."""

from pathlib import Path

import pytest

from alkfish.cli.batch import Failed, Job, ReadOptions, plan, run
from alkfish.errors import ImageError, InputError
from alkfish.io.probes import load_probe

OPTIONS = ReadOptions(load_probe())


def job(name):
    return Job(Path(name), name, case=None)


def test_no_job_no_outcome():
    assert list(run([], score=pytest.fail)) == []


def test_failures_take_their_place_in_the_order():
    broken = Failed(Path("b"), "b", ImageError("cannot be opened"))

    def score(item):
        if item.case_id == "c":
            raise MemoryError("too large")
        return item.case_id

    outcomes = list(run([job("a"), broken, job("c"), job("d")], score))
    assert outcomes[0] == "a"
    assert outcomes[1] is broken
    assert isinstance(outcomes[2].error, MemoryError)
    assert outcomes[3] == "d"


def test_interruption_is_no_failure_of_a_case():
    def score(_item):
        raise KeyboardInterrupt("stop")

    with pytest.raises(KeyboardInterrupt, match="stop"):
        list(run([job("a")], score))


def test_missing_paths_are_all_named(tmp_path):
    missing = [tmp_path / "one.tif", tmp_path / "two.tif"]
    with pytest.raises(InputError, match=r"one\.tif.*two\.tif"):
        plan(missing, OPTIONS)


def test_unreadable_case_becomes_a_failure(tmp_path):
    path = tmp_path / "letter.tif"
    path.write_text("no picture")
    (failed,) = plan([path], OPTIONS)
    assert isinstance(failed, Failed)
    assert failed.case_id == "letter"
    assert "letter.tif" in str(failed.error)


@pytest.mark.parametrize("names", [("x.tif", "x.png"), ("x.tif", "X.png"), ("a?.tif", "a_.tif")])
def test_cases_that_would_share_a_folder_are_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("no picture")
    with pytest.raises(InputError, match="same case id"):
        plan([tmp_path / name for name in names], OPTIONS)
