"""Every error of alkfish survives the way between processes."""

import pickle

import pytest

import alkfish.errors as errors
from alkfish.errors import AlkfishError
from alkfish.execute.worker import portable_error

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AlkfishError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_alkfish_errors_are_the_same_after_pickling(kind):
    error = kind("bad", where="x", found=3, allowed="1", remedy="do")
    error.add_note("with a note")
    assert portable_error(error) is error
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), str(copy), vars(copy)) == (kind, str(error), vars(error))


def test_an_error_that_holds_what_cannot_be_pickled_is_replaced():
    told = portable_error(ValueError(lambda: 0))
    assert str(told).startswith("a task failed with an error that cannot be sent")
    assert "ValueError" in str(told)
