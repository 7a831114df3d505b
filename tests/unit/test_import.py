"""Importing alkfish must stay cheap, and its public interface small and complete."""

import subprocess
import sys

import pytest

import alkfish

HEAVY = ("numba", "cv2", "pyarrow", "zarr", "scipy", "tifffile", "rich", "pydantic", "sqlalchemy")
FOREIGN = ("napari", "qtpy", "magicgui", "PySide6", "PyQt6", "pandas", "skimage", "matplotlib")


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_import_loads_nothing_heavy():
    assert loaded_after("import alkfish").isdisjoint((*HEAVY, *FOREIGN, "numpy"))


def test_import_of_everything_public_loads_nothing_foreign():
    loaded = loaded_after("import alkfish\nfor n in alkfish.__all__: getattr(alkfish, n)")
    assert "numpy" in loaded
    assert loaded.isdisjoint(FOREIGN)


def test_import_of_the_command_line_loads_nothing_heavy():
    heavy_but_rich = set(HEAVY) - {"rich"}
    loaded = loaded_after("import alkfish.cli")
    assert "typer" in loaded
    assert loaded.isdisjoint((*heavy_but_rich, *FOREIGN, "numpy"))


def test_public_names_resolve_and_are_few():
    assert len(alkfish.__all__) <= 25
    assert alkfish.__all__ == sorted(set(alkfish.__all__), key=alkfish.__all__.index)
    for name in alkfish.__all__:
        assert getattr(alkfish, name) is not None
    assert dir(alkfish) == sorted(alkfish.__all__)


def test_public_names_are_the_ones_of_their_home():
    from alkfish.model.fov import FieldOfView

    assert alkfish.FieldOfView is FieldOfView


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'score_everything'"):
        alkfish.score_everything  # noqa: B018
