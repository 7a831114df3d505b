"""The public names of the review, and what loading them costs."""

import subprocess
import sys

import pytest

import alkfish.review as review


def loaded_after(statement):
    code = f"{statement}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_store_needs_no_scientific_library():
    loaded = loaded_after("from alkfish.review import EventKind, open_store, verify")
    assert "sqlalchemy" in loaded
    assert loaded.isdisjoint(("numpy", "scipy", "numba", "cv2", "psycopg", "pydantic"))


def test_the_whole_review_needs_no_window():
    loaded = loaded_after("import alkfish.review as r\nfor n in r.__all__: getattr(r, n)")
    assert loaded.isdisjoint(("napari", "qtpy", "PySide6", "PyQt6", "magicgui", "numba", "cv2"))


def test_public_names_resolve():
    assert set(review.__all__) == set(review._HOMES)
    assert dir(review) == sorted(review.__all__)
    for name in review.__all__:
        assert getattr(review, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'read_all'"):
        review.read_all  # noqa: B018
