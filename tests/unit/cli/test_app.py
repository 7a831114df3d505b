"""The entry point: defects are named as such."""

import sys

import pytest

from alkfish.cli import ExitCode, main


@pytest.mark.parametrize("debug", [False, True])
def test_a_defect_is_named_without_a_traceback_unless_asked(monkeypatch, capsys, debug):
    import alkfish.io.probes

    def explode():
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(alkfish.io.probes, "list_probes", explode)
    command = ["probe", "show", "x", "--debug"] if debug else ["probe", "list"]
    monkeypatch.setattr(sys, "argv", ["alkfish", *command])
    with pytest.raises(SystemExit, match="1") as caught:
        main()
    assert caught.value.code == ExitCode.CASE_FAILED
    shown = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: a defect" in shown
    assert ("Traceback" in shown) == debug
