"""The one table of keys: window, dock and documentation read it here. No Qt.

A key is an action of a `Desk`, which is what a window offers; tests offer their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from alkfish.model.signals import Pattern
from alkfish.plugin.tools import Tool
from alkfish.report.wording import words_of

REASONS = (
    "nuclei overlap or touch",
    "nucleus is cut or damaged",
    "out of focus",
    "signals too weak or missing",
    "background or artefact",
    "no tumour cell",
    "outline is wrong",
)
"""Why a nucleus is not scorable, as the reader chooses it; another one can be written."""


class Desk(Protocol):
    """What keys act on: the window of one viewer."""

    workspace: Any
    layers: Any
    editor: Any

    def decide(self, pattern: Pattern) -> None:
        """Decide the current nucleus and go on."""

    def agree(self) -> None:
        """Decide the current nucleus as it is shown and go on."""

    def ask_reason(self) -> None:
        """Ask why the current nucleus is not scorable, and go on."""

    def write_note(self) -> None:
        """Put the cursor into the note."""

    def show_keys(self) -> None:
        """Show or hide the table of keys."""


class Group(StrEnum):
    """Headings of the table of keys."""

    DECIDE = "Decide"
    GO = "Go"
    VIEW = "View"
    EDIT = "Edit"


@dataclass(frozen=True)
class KeyAction:
    """One line of the table.

    Attributes
    ----------
    name : str
        Of the action.
    keys : tuple of str
        The first is shown; as Qt writes them.
    words : str
        What it does.
    group : Group
        Heading.
    do : callable
        Takes the desk.
    repeats : bool
        Whether a key that is held down acts again and again; nothing that writes does.
    pattern : Pattern or None
        The pattern that it decides, if it does.
    """

    name: str
    keys: tuple[str, ...]
    words: str
    group: Group
    do: Callable[[Any], object]
    repeats: bool = False
    pattern: Pattern | None = None


def _pattern(key: str, pattern: Pattern) -> KeyAction:
    words = words_of(pattern.value)
    return KeyAction(
        pattern.value.lower(), (key,), words.name, Group.DECIDE,
        lambda desk: desk.decide(pattern), pattern=pattern,
    )  # fmt: skip


def _tool(key: str, tool: Tool, words: str) -> KeyAction:
    return KeyAction(
        tool.value, (key,), words, Group.EDIT, lambda desk: desk.editor.take(tool)
    )  # fmt: skip


def _session(step: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return an action that does a step of the session, if a case is open."""

    def do(desk: Any) -> object:
        session = desk.workspace.session
        return None if session is None else step(session)

    return do


KEYS = (
    _pattern("1", Pattern.FUSED),
    _pattern("2", Pattern.SPLIT),
    _pattern("3", Pattern.ISOLATED_3P),
    _pattern("4", Pattern.ISOLATED_5P),
    KeyAction("not_scorable", ("0", "X"), "Not scorable, with a reason", Group.DECIDE,
              lambda desk: desk.ask_reason()),
    KeyAction("agree", ("Return", "Enter"), "Agree with what is shown", Group.DECIDE,
              lambda desk: desk.agree()),
    KeyAction("undo", ("U", "Ctrl+Z"), "Undo", Group.DECIDE,
              _session(lambda session: session.undo())),
    KeyAction("redo", ("Shift+U", "Ctrl+Shift+Z", "Ctrl+Y"), "Redo", Group.DECIDE,
              _session(lambda session: session.redo())),
    KeyAction("next", ("Right", "."), "Next nucleus", Group.GO,
              _session(lambda session: session.step(1)), repeats=True),
    KeyAction("previous", ("Left", ","), "Previous nucleus", Group.GO,
              _session(lambda session: session.step(-1)), repeats=True),
    KeyAction("next_undecided", ("N",), "Next undecided nucleus of the read", Group.GO,
              _session(lambda session: session.go_to_undecided())),
    KeyAction("whole_field", ("F",), "Whole field, and back", Group.GO,
              lambda desk: desk.layers.turn_overview()),
    KeyAction("note", ("T",), "Write a note", Group.GO, lambda desk: desk.write_note()),
    KeyAction("dapi", ("Q",), "DAPI on and off", Group.VIEW,
              lambda desk: desk.layers.turn_channel("dapi")),
    KeyAction("three_prime", ("W",), "3' channel on and off", Group.VIEW,
              lambda desk: desk.layers.turn_channel("three_prime")),
    KeyAction("five_prime", ("E",), "5' channel on and off", Group.VIEW,
              lambda desk: desk.layers.turn_channel("five_prime")),
    KeyAction("single", ("C",), "One channel alone: 3', 5', DAPI, all", Group.VIEW,
              lambda desk: desk.layers.next_single()),
    KeyAction("marks", ("M",), "Marks and outlines on and off", Group.VIEW,
              lambda desk: desk.turn_marks()),
    KeyAction("plane_up", ("Up",), "Focus plane up (stacks)", Group.VIEW,
              lambda desk: desk.layers.step_plane(1), repeats=True),
    KeyAction("plane_down", ("Down",), "Focus plane down (stacks)", Group.VIEW,
              lambda desk: desk.layers.step_plane(-1), repeats=True),
    _tool("A", Tool.ADD_3P, "Add a 3' signal: click the place"),
    _tool("S", Tool.ADD_5P, "Add a 5' signal: click the place"),
    _tool("V", Tool.MOVE, "Move a signal: drag it"),
    _tool("D", Tool.DELETE, "Delete a signal: click it"),
    _tool("L", Tool.DECLUMP, "Declump: draw a line through the nucleus"),
    _tool("J", Tool.MERGE, "Merge with the current nucleus: click the other one"),
    KeyAction("leave", ("Escape",), "Leave the tool", Group.EDIT,
              lambda desk: desk.editor.take(Tool.NONE)),
    KeyAction("keys", ("H",), "Show or hide the keys", Group.VIEW, lambda desk: desk.show_keys()),
)  # fmt: skip
"""All keys of the review window."""

BY_NAME = {action.name: action for action in KEYS}


def key_words(key: str) -> str:
    """Return a key as it stands on the keyboard."""
    names = {"Return": "Enter", "Right": "→", "Left": "←", "Up": "↑", "Down": "↓", "Escape": "Esc"}
    return names.get(key, key)


def keys_table() -> str:
    """Return the table of keys in Markdown, as the documentation shows it."""
    lines = ["| key | does |", "|---|---|"]
    for group in Group:
        lines.append(f"| **{group.value}** | |")
        for action in (a for a in KEYS if a.group is group):
            shown = ", ".join(f"`{key_words(k)}`" for k in action.keys if k != "Enter")
            lines.append(f"| {shown} | {action.words} |")
    return "\n".join(lines) + "\n"
