"""Messages and tables of the command line."""

import pytest
from rich.console import Console

from alkfish.cli.output import error_as_json, make_table, percent, print_error, print_json
from alkfish.errors import ImageError


def plain(renderable, *, encoding="utf-8", width=80):
    import io

    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=stream, width=width).print(renderable)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0 %"), (0.15, "15.0 %"), (1, "100.0 %"), (2 / 3, "66.7 %")]
)
def test_percent(share, text):
    assert percent(share) == text


def test_error_as_json_has_every_part_as_text():
    error = ImageError("bad", where=("a", 1), found=3, allowed=None, remedy="mend it")
    assert error_as_json(error) == {
        "type": "ImageError",
        "problem": "bad",
        "where": "('a', 1)",
        "found": "3",
        "allowed": None,
        "remedy": "mend it",
    }


def test_other_errors_are_named_too():
    assert error_as_json(KeyError("x")) == {"type": "KeyError", "problem": "'x'"}


def test_messages_keep_square_brackets(capsys):
    print_error(ImageError("shape [3, 4] is odd", where="[bold].tif"))
    assert capsys.readouterr().err == "error: [bold].tif: shape [3, 4] is odd\n"


def test_unexpected_errors_are_called_defects(capsys):
    print_error(ZeroDivisionError("division by zero"))
    shown = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in shown
    assert "--debug" in shown


def test_debug_adds_the_traceback(capsys):
    try:
        raise ImageError("bad")
    except ImageError as error:
        print_error(error, debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_json_carries_the_version(capsys):
    import json

    print_json({"a": [1]})
    document = json.loads(capsys.readouterr().out)
    assert document["a"] == [1]
    assert document["alkfish"]


def test_long_cells_fold_and_brackets_stay():
    shown = plain(make_table("", ("name",), [("[red]" + "x" * 120,)]), width=40)
    assert shown.count("x") == 120
    assert "[red]" in shown


def test_tables_fall_back_to_ascii():
    shown = plain(make_table("t", ("a",), [("b",)]), encoding="cp1252")
    assert shown.isascii()
