"""A binding that loses references to None is refused before it can end the window."""

import sys

import pytest

from alkfish.errors import InputError
from alkfish.plugin.binding import CALLS, check_binding

pytest.importorskip("qtpy")


def test_the_installed_binding_is_sound():
    check_binding()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None cannot be lost there")
def test_a_binding_that_loses_none_is_refused():
    kept = [None] * (2 * CALLS)
    with pytest.raises(InputError, match=r"pip install"):
        check_binding(lambda: kept.pop() and None)
