"""The one-time preparation: said once, in two processes, and never in the way."""

import pytest

from alkfish import preparation


@pytest.mark.parametrize("second_process", ["pass", "raise SystemExit(3)"])
def test_first_run_is_announced_and_survives_a_failing_helper(monkeypatch, second_process):
    warmed, said = [], []
    monkeypatch.setattr(preparation, "_is_prepared", lambda: False)
    monkeypatch.setattr(preparation, "_WARM_DETECTION", second_process)
    monkeypatch.setattr(preparation, "warm_segmentation", lambda: warmed.append(1))
    preparation.prepare_kernels(said.append)
    assert warmed == [1]
    assert len(said) == 1
    assert said[0].startswith("preparing, first run only")


def test_later_runs_say_nothing():
    said = []
    preparation.warm_segmentation()
    preparation.warm_detection()
    preparation.prepare_kernels(said.append)
    assert said == []
