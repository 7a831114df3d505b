"""Progress and the announcement of the one-time preparation."""

import numba

from alkfish.cli.progress import FieldProgress, announce_preparation


def test_progress_is_silent_without_a_terminal(capsys):
    with FieldProgress(3, enabled=True) as progress:
        progress.begin("case")
        progress.advance()
        progress.advance(2)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_compiling_is_announced_once(capsys):
    with announce_preparation():
        for _ in range(2):
            numba.njit(lambda x: x + 1)(1)
    assert capsys.readouterr().err.count("preparing, first run only") == 1


def test_nothing_is_announced_when_all_is_compiled(capsys):
    function = numba.njit(lambda x: x + 1)
    function(1)
    with announce_preparation():
        function(2)
    assert capsys.readouterr().err == ""
