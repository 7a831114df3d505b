"""The examples in the docstrings of the Python API run as they stand."""

import doctest
import inspect

import pytest

import alkfish

NEED_AN_EXAMPLE = [
    name for name in alkfish.__all__ if inspect.isfunction(getattr(alkfish, name))
] + ["Config", "FieldOfView"]


@pytest.mark.parametrize("name", NEED_AN_EXAMPLE)
def test_the_example_prints_what_it_says(name, desk, monkeypatch):
    monkeypatch.chdir(desk)
    function = getattr(alkfish, name)
    names = vars(inspect.getmodule(function)).copy()
    (example,) = doctest.DocTestFinder(recurse=False).find(function, name, globs=names)
    assert example.examples, f"{name} has no example"
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert tried
    assert not failed, "".join(said)
