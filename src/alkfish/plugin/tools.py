"""The tools for editing, by name; no Qt."""

from __future__ import annotations

from enum import StrEnum


class Tool(StrEnum):
    """What a click or a drag in the picture does."""

    NONE = "none"
    """A click goes to the nucleus, a drag moves the picture."""
    ADD_3P = "add_3p"
    ADD_5P = "add_5p"
    MOVE = "move"
    DELETE = "delete"
    DECLUMP = "declump"
    MERGE = "merge"


TOOL_WORDS = {
    Tool.NONE: "",
    Tool.ADD_3P: "Click where the 3' signal lies. Esc leaves.",
    Tool.ADD_5P: "Click where the 5' signal lies. Esc leaves.",
    Tool.MOVE: "Drag a signal to its place. Esc leaves.",
    Tool.DELETE: "Click the signal that is none. Esc leaves.",
    Tool.DECLUMP: "Drag a line from outside through the nucleus to the other side. Esc leaves.",
    Tool.MERGE: "Click the nucleus that belongs to the current one. Esc leaves.",
}
"""What is shown while a tool is taken."""
