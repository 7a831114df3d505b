"""The one-time preparation: said once, in two processes, and never in the way."""

import pytest

from alkfish.cli import preparation


@pytest.mark.parametrize("second_process", ["pass", "raise SystemExit(3)"])
def test_first_run_is_announced_and_survives_a_failing_helper(capsys, monkeypatch, second_process):
    warmed = []
    monkeypatch.setattr(preparation, "_is_prepared", lambda: False)
    monkeypatch.setattr(preparation, "_WARM_DETECTION", second_process)
    monkeypatch.setattr(preparation, "warm_segmentation", lambda: warmed.append(1))
    preparation.prepare_kernels()
    assert warmed == [1]
    assert capsys.readouterr().err.count("preparing, first run only") == 1


def test_later_runs_say_nothing(capsys):
    preparation.warm_segmentation()
    preparation.warm_detection()
    preparation.prepare_kernels()
    assert capsys.readouterr().err == ""
