"""Progress of a scoring run."""

from alkfish.cli.progress import FieldProgress


def test_progress_is_silent_without_a_terminal(capsys):
    with FieldProgress(3, enabled=True) as progress:
        progress.begin("case")
        progress.advance()
        progress.advance(2)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
