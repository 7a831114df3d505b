"""Edits by mouse: one tool at a time, for one edit; without a tool a click goes to a nucleus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from psygnal import Signal

from alkfish.errors import AlkfishError
from alkfish.model.probe import ProbeEnd
from alkfish.plugin.convert import pixel_size
from alkfish.plugin.drawing import camera_of
from alkfish.plugin.layers import CaseLayers
from alkfish.plugin.session import ReviewSession
from alkfish.plugin.tools import Tool
from alkfish.report.marks import RING_UM
from alkfish.review import (
    Edit,
    NucleiMerged,
    NucleusDeclumped,
    NucleusKey,
    SpotAdded,
    SpotDeleted,
    SpotMoved,
    nucleus_at,
)

Place = tuple[float, float]

CLICK_PX = 4.0
"""A pointer that moved less on the screen has clicked, not dragged."""

_ENDS = {Tool.ADD_3P: ProbeEnd.THREE_PRIME, Tool.ADD_5P: ProbeEnd.FIVE_PRIME}


class Editor:
    """Turns clicks and drags in the picture into steps of the session.

    Parameters
    ----------
    layers : CaseLayers
        Layers of the viewer.

    Attributes
    ----------
    tool : Tool
        What the next click or drag does.
    is_trying : callable
        Returns whether the picture shows something else than the case.
    tool_changed : Signal
        Emits the tool.
    """

    tool_changed = Signal(Tool)

    def __init__(self, layers: CaseLayers) -> None:
        self.layers = layers
        self.workspace = layers.workspace
        self.tool = Tool.NONE
        self.is_trying: Callable[[], bool] = lambda: False
        layers.viewer.mouse_drag_callbacks.append(self._drag)
        self.workspace.session_changed.connect(lambda: self.take(Tool.NONE))

    def take(self, tool: Tool) -> None:
        """Take a tool for one edit; the same one again, or `Tool.NONE`, puts it away."""
        chosen = Tool.NONE if tool is self.tool else tool
        if chosen is not Tool.NONE and not self._may_edit(chosen):
            chosen = Tool.NONE
        self.tool = chosen
        camera_of(self.layers.viewer).mouse_pan = chosen is Tool.NONE
        self.layers.show_line([])
        self.tool_changed.emit(chosen)

    def use(self, way: list[Place]) -> bool:
        """Do what the tool does along a way of the pointer; return whether it was written.

        Parameters
        ----------
        way : list of (y, x)
            From press to release, in pixels of the field that is shown.
        """
        session, tool = self.workspace.session, self.tool
        if session is None or not way:
            return False
        if tool is Tool.NONE:
            return self._go(session, way[-1])
        if self.is_trying():  # the trial came while the tool was in hand
            self.take(Tool.NONE)
            return False
        try:
            edit = self._edit_of(session, tool, way)
        except AlkfishError as error:
            session.said.emit(str(error), True)
            return False
        done = isinstance(edit, str) or session.edit(edit)
        if isinstance(edit, str):
            session.said.emit(edit, True)
            return False
        if done:
            self.take(Tool.NONE)
        return done

    def _may_edit(self, tool: Tool) -> bool:
        session = self.workspace.session
        if session is None:
            return False
        if session.blocked or not session.is_reading:
            text = "Start a read first: edits belong to a read."
            session.said.emit(session.blocked or text, True)
            return False
        if self.is_trying():
            return False
        if not session.may_see_machine and tool not in (Tool.DECLUMP, Tool.MERGE):
            text = "In a blinded read signals are hidden and not edited: decide the pattern."
            session.said.emit(text, True)
            return False
        return True

    def _go(self, session: ReviewSession, place: Place) -> bool:
        number = nucleus_at(session.result, self.layers.fov, *place)
        if number:
            session.go(NucleusKey(self.layers.fov, number))
        return bool(number)

    def _edit_of(self, session: ReviewSession, tool: Tool, way: list[Place]) -> Edit | str:
        """Return the edit, or what keeps it from being one."""
        fov, place = self.layers.fov, way[-1]
        if tool in _ENDS:
            number = nucleus_at(session.result, fov, *place)
            if not number:
                return "That place lies in no nucleus: click inside an outline."
            plane, step = self.layers.plane, self.workspace.pictures.z_step_um
            depth = plane * step(fov) if plane >= 0 else -1.0
            return SpotAdded(fov, number, _ENDS[tool], *place, z_um=depth)
        if tool is Tool.DECLUMP:
            return self._declump(session, way)
        if tool is Tool.MERGE:
            return self._merge(session, place)
        spot = self._spot_at(session, way[0])
        if spot < 0:
            return "There is no signal at that place: click the mark of one."
        number = int(session.result.spots.spot_id[spot])
        if tool is Tool.DELETE:
            return SpotDeleted(fov, number)
        return SpotMoved(fov, number, *place, nucleus_at(session.result, fov, *place))

    def _declump(self, session: ReviewSession, way: list[Place]) -> Edit | str:
        labels = session.result.labels[self.layers.fov]
        found: Counter[int] = Counter()
        for (y0, x0), (y1, x1) in pairwise(way):
            steps = max(2, int(np.hypot(y1 - y0, x1 - x0)))
            for share in np.linspace(0.0, 1.0, steps):
                y, x = round(y0 + share * (y1 - y0)), round(x0 + share * (x1 - x0))
                if 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]:
                    found[int(np.asarray(labels[y : y + 1, x : x + 1])[0, 0])] += 1
        found.pop(0, None)
        if not found:
            return (
                "The line crosses no nucleus: draw it from outside through one to the other side."
            )
        return NucleusDeclumped(self.layers.fov, found.most_common(1)[0][0], tuple(way))

    def _merge(self, session: ReviewSession, place: Place) -> Edit | str:
        fov, current = self.layers.fov, session.current
        number = nucleus_at(session.result, fov, *place)
        if current is None or current.fov != fov:
            return (
                "The current nucleus lies in another field: put the tool away, click one part, "
                "then merge."
            )
        if not number or number == current.nucleus_id:
            return "That is no other nucleus: click the part that lies beside the current one."
        return NucleiMerged(fov, tuple(sorted((current.nucleus_id, number))))

    def _spot_at(self, session: ReviewSession, place: Place) -> int:
        """Return the row of the spot whose mark is under the pointer; -1 if there is none."""
        spots, fov = session.result.spots, self.layers.fov
        own = np.flatnonzero((spots.fov == fov) & (spots.nucleus_id > 0))
        if not len(own):
            return -1
        away = np.hypot(spots.y_px[own] - place[0], spots.x_px[own] - place[1])
        nearest = int(np.argmin(away))
        reach = 1.5 * RING_UM / pixel_size(session.result, fov)
        return int(own[nearest]) if away[nearest] <= reach else -1

    def _drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Follow the pointer from press to release."""
        if event.button != 1 or not self.layers.fov:
            return
        start = np.array(event.pos, float)
        way = [self.layers.data_place(event.position)]
        dragged = False
        yield
        while event.type == "mouse_move":
            dragged = dragged or float(np.abs(np.array(event.pos) - start).max()) > CLICK_PX
            way.append(self.layers.data_place(event.position))
            if self.tool in (Tool.DECLUMP, Tool.MOVE):
                self.layers.show_line(way if self.tool is Tool.DECLUMP else [way[0], way[-1]])
            yield
        way.append(self.layers.data_place(event.position))  # quick moves tell of the end only here
        self.layers.show_line([])
        if self.tool is Tool.NONE and dragged:
            return
        self.use(way)
