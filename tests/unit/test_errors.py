"""Messages say where, what was found, what is allowed and what to do."""

import pytest

import alkfish.errors as errors
from alkfish.errors import AlkfishError, AlkfishWarning, ChannelError, ImageError, InputError


def test_problem_alone_is_the_message():
    assert str(AlkfishError("the file is empty")) == "the file is empty"


def test_message_has_every_part_in_order():
    error = InputError(
        "the pixel size is impossible",
        where="a.tif",
        found="0 um",
        allowed="0.02 to 2 um",
        remedy="give --pixel-size-um",
    )
    assert str(error).split("\n") == [
        "a.tif: the pixel size is impossible",
        "  found: 0 um",
        "  allowed: 0.02 to 2 um",
        "  what to do: give --pixel-size-um",
    ]


@pytest.mark.parametrize("found", [0, False, "", ()])
def test_falsy_values_are_shown(found):
    assert f"found: {found}" in str(AlkfishError("bad", found=found))


def test_parts_stay_readable_by_programs():
    error = AlkfishError("bad", where="x", found=3, allowed="1", remedy="do")
    assert (error.problem, error.where, error.found) == ("bad", "x", 3)
    assert (error.allowed, error.remedy) == ("1", "do")


@pytest.mark.parametrize("kind", [ImageError, ChannelError, errors.PixelSizeError])
def test_what_concerns_an_input_is_an_input_error(kind):
    assert issubclass(kind, InputError)


def test_every_error_is_in_one_tree():
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    ]
    assert len(kinds) >= 9
    for kind in kinds:
        assert issubclass(kind, AlkfishError) or issubclass(kind, AlkfishWarning)
