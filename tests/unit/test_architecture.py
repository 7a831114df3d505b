"""The rooms of the package may import each other in one direction only (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

import alkfish

ROOT = Path(alkfish.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

BASE = {"_version", "errors", "model"}
STAGES = {"segment", "detect", "score"}
ALLOWED = {
    "_version": set(),
    "errors": set(),
    "model": {"errors"},
    "config": {"errors"},
    "compiled": set(),
    "segment": {*BASE, "config", "compiled"},
    "detect": {*BASE, "config", "compiled"},
    "score": {*BASE, "config"},
    "io": {*BASE, "config", "compiled"},
    "synthetic": {*BASE, "config", "io", "score"},
    "evaluate": {*BASE, "config", "io", "review", "score", "synthetic"},
    "slides": {*BASE, "io", "compiled"},
    "pipeline": {*BASE, *STAGES, "config", "io", "slides"},
    "preparation": {*BASE, "segment", "detect", "synthetic"},
    "review": {*BASE, *STAGES, "config", "io"},
    "execute": {*BASE, "config", "io", "pipeline"},
    "report": {*BASE, "config", "evaluate", "io", "review", "score"},
    "batch": {
        *BASE,
        "config",
        "io",
        "slides",
        "pipeline",
        "execute",
        "report",
        "review",
    },
    "cli": {
        *BASE,
        "batch",
        "preparation",
        "config",
        "io",
        "pipeline",
        "plugin",
        "execute",
        "report",
        "review",
        "synthetic",
        "evaluate",
    },
}
"""What each room may import besides itself; `plugin` may import everything."""

PURE = ("score/pattern.py", "score/case_rule.py")
GUI = {"napari", "qtpy", "magicgui", "PySide6", "PyQt6"}
NOT_RUNTIME = {"pandas", "skimage", "matplotlib", "pytest"}
OPTIONAL = {("evaluate/operating_output.py", "matplotlib")}
"""Imported inside a function that says which extra to install."""


def imported(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            module = node.module or ""
            whole = module == "alkfish"
            found |= {f"alkfish.{alias.name}" for alias in node.names} if whole else {module}
    return found


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_rooms_import_only_what_they_may(path):
    room = room_of(path)
    if room in {"__init__", "__main__", "plugin"}:
        return
    rooms = {name.split(".")[1] for name in imported(path) if name.startswith("alkfish.")}
    assert rooms - {room, "__version__"} <= ALLOWED[room]


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_only_the_plugin_imports_a_gui_and_nobody_test_tools(path):
    tops = {name.split(".")[0] for name in imported(path)}
    assert {(label(path), top) for top in tops & NOT_RUNTIME} <= OPTIONAL
    assert room_of(path) == "plugin" or tops.isdisjoint(GUI)


@pytest.mark.parametrize("name", PURE)
def test_the_rules_use_the_standard_library_and_the_model_only(name):
    import sys

    path = ROOT / name
    assert path.is_file(), f"{name} is named by the design; change both together"
    for module in imported(path):
        top, _, rest = module.partition(".")
        assert (
            top in sys.stdlib_module_names
            or rest.split(".")[0] in {"model", "errors"}
            or (rest.startswith("score."))
        ), module
