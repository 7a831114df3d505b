"""The layers of the open case, kept in step with its session. Never a layer per nucleus."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QTimer

from alkfish.errors import AlkfishError
from alkfish.model.result import CaseResult
from alkfish.plugin.channel_layers import CHANNELS, ChannelLayers
from alkfish.plugin.convert import best_plane, pixel_size
from alkfish.plugin.drawing import camera_of, canvas_size, fetch_now, look_at
from alkfish.plugin.links import Links
from alkfish.plugin.mark_layers import CURRENT, ENDS, LINE, PAIRS, PATTERNS, MarkLayers
from alkfish.plugin.outline_layer import OUTLINES, OutlineLayer
from alkfish.plugin.outlines import LabelCache, Numbering
from alkfish.plugin.read_ahead import ReadAhead
from alkfish.plugin.surroundings import View, view_of
from alkfish.plugin.view_settings import ViewSettings
from alkfish.plugin.workspace import Workspace
from alkfish.review import NucleusKey

__all__ = ["CHANNELS", "CURRENT", "ENDS", "LINE", "OUTLINES", "PAIRS", "PATTERNS", "CaseLayers"]

SINGLES = ("three_prime", "five_prime", "dapi")
N_AHEAD = 3
"""Nuclei whose pixels are read before they are shown."""

AHEAD_PX = 2048
"""Reads ahead only while the window shows less than this on either side."""

VIEW_UM = 40.0
"""Height of what is shown when a case is opened: a nucleus and its neighbours, and on a screen of
1280 x 800 at least one pixel of it for each of a picture at 0.1 um."""


class CaseLayers:
    """Draws the open case in the viewer of a workspace and follows what happens to it.

    Parameters
    ----------
    workspace : Workspace
        What is open.

    Attributes
    ----------
    fov : str
        Field that is shown; empty: none.
    layers : dict
        Own layers by name of their part: channels, outlines, ends, pairs, current, patterns.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.viewer = workspace.viewer
        self.fov = ""
        self.layers: dict[str, Any] = {}
        self._drawn = ""
        self._settings = ViewSettings()
        self._channels = ChannelLayers(workspace, self.layers, self._settings)
        self._outlines = OutlineLayer(self.viewer, self.layers, self._settings)
        self._marks = MarkLayers(self.viewer, self.layers, self._settings)
        self._cache = LabelCache()
        self._ahead = ReadAhead()
        self._zoom_before = self._zoom_given = 0.0
        self._links = Links()
        self._was_hidden = self._is_new_case = self._letters_wait = False
        self._shown: tuple[object, object] = (None, None)
        workspace.session_changed.connect(self._take_session)
        for moved in (camera_of(self.viewer).events.center, camera_of(self.viewer).events.zoom):
            moved.connect(self._follow_view)
        sized = getattr(getattr(getattr(self.viewer, "canvas", None), "events", None), "size", None)
        if sized is not None:
            sized.connect(self._fit)
        self._take_session()

    @property
    def result(self) -> CaseResult:
        """The result that is drawn; only while a case is open."""
        session = self.workspace.session
        assert session is not None  # noqa: S101 - callers have looked
        return session.result

    def show_field(self, fov: str) -> None:
        """Draw a field; contrast and visibility stay as they are.

        Layers that can hold it are kept: making layers anew takes seconds.
        """
        self.fov = fov
        size = pixel_size(self.result, fov)
        self._settings.stop()
        if not all(layer in self.viewer.layers for layer in self.layers.values()):
            self._remove()  # somebody has deleted one by hand
        is_new, other = not self.layers, fov != self._drawn
        self._drawn = fov
        self._channels.show(self.result, fov, size, is_new_case=self._is_new_case)
        self._set_outlines(fov, size)
        self._marks.prepare(self.result, size)
        for part, layer in self.layers.items():
            if layer.visible != self._settings.is_visible(part):  # setting it is not cheap
                layer.visible = self._settings.is_visible(part)
            if layer.help:  # napari's "use <2> for add points", where 2 decides a nucleus
                layer.help = ""
        self._settings.follow(self.layers)
        self._fill_marks()
        self._show_current(centre=False)
        if is_new:
            self.viewer.layers.selection.active = self.layers[CURRENT]
        if other or is_new or self._is_new_case:
            self._go_to_plane()

    def repair(self) -> bool:
        """Draw the field anew if somebody has deleted a layer of it; return whether it was so."""
        present = list(self.viewer.layers)
        if not self.fov or all(layer in present for layer in self.layers.values()):
            return False
        camera = camera_of(self.viewer)
        zoom, centre = camera.zoom, camera.center  # napari shows all when the first layer comes
        self.show_field(self.fov)
        camera.zoom, camera.center = zoom, centre
        return True

    def centre(self) -> None:
        """Move the view to the current nucleus."""
        session = self.workspace.session
        if session is None or session.current is None:
            return
        row = session.rows[session.current]
        nuclei, size = self.result.nuclei, pixel_size(self.result, self.fov)
        place = (float(nuclei.y_px[row]) * size, float(nuclei.x_px[row]) * size)
        camera = camera_of(self.viewer)
        with camera.events.center.blocker(self._follow_view):  # it is followed once, below
            look_at(self.viewer, place)
        self._follow_view()
        fetch_now(self.viewer)

    def catch_up(self) -> None:
        """Draw now what was to be drawn once all has happened that happens now."""
        self._outlines.catch_up()
        if self._letters_wait:
            self._show_patterns()

    def read_ahead(self) -> None:
        """Have the pixels around the next nuclei read while this one is looked at."""
        session = self.workspace.session
        if session is None or session.current is None or len(self._outlines.levels) < 2:
            return
        size, zoom = pixel_size(self.result, self.fov), float(camera_of(self.viewer).zoom)
        height, width = canvas_size(self.viewer)
        reach = tuple(int(side / zoom / size / 2) + 1 for side in (height, width))
        if max(reach) > AHEAD_PX:
            return  # far out: coarser levels are shown, which are soon in memory
        place = session.place_of(session.current)
        keys = session.keys_in_order[max(place, 0) + 1 : place + 1 + N_AHEAD]
        rows = [session.rows[key] for key in keys if key.fov == self.fov]
        nuclei = self.result.nuclei
        places = [(float(nuclei.y_px[row]), float(nuclei.x_px[row])) for row in rows]
        channels = [self._channels.levels(self.fov, part) for part in CHANNELS]
        images = [levels[0] for levels in channels if levels and len(levels[0].shape) == 2]
        self._ahead.ask([self._outlines.levels[0], *images], places, (reach[0], reach[1]))

    def stop(self) -> None:
        """Keep the view and read nothing more: the window is closed."""
        self._settings.save()
        self._ahead.close()

    def zoom_in(self) -> None:
        """Show the current nucleus and its neighbours."""
        self._zoom_given = max(1, canvas_size(self.viewer)[0]) / VIEW_UM
        camera_of(self.viewer).zoom = self._zoom_given
        self.centre()

    def _fit(self, _: Any = None) -> None:
        """Show as much as `zoom_in` does of a canvas of another size, if nobody has zoomed."""
        if self.layers and float(camera_of(self.viewer).zoom) == self._zoom_given:
            self.zoom_in()

    def zoom_out(self) -> None:
        """Show the whole field."""
        if self.layers:
            self.viewer.reset_view()

    def turn_overview(self) -> None:
        """Show the whole field, or go back to the current nucleus."""
        camera = camera_of(self.viewer)
        if self._zoom_before:
            camera.zoom, self._zoom_before = self._zoom_before, 0.0
            self.centre()
        elif self.layers:
            self._zoom_before = float(camera.zoom)
            self.zoom_out()

    def turn_channel(self, channel: str) -> None:
        """Show or hide a channel."""
        if channel in self.layers:
            self.layers[channel].visible = not self.layers[channel].visible

    def next_single(self) -> None:
        """Show one channel alone: 3', then 5', then DAPI, then all again."""
        present = [channel for channel in SINGLES if channel in self.layers]
        if not present:
            return
        seen = [channel for channel in present if self.layers[channel].visible]
        place = present.index(seen[0]) + 1 if len(seen) == 1 else 0
        for channel in present:
            alone = place < len(present) and present[place] == channel
            self.layers[channel].visible = alone or place == len(present)

    def turn_marks(self) -> None:
        """Show or hide outlines, signals, pairs, letters and the "?"; the frame stays."""
        parts = [part for part in self.layers if part not in (*CHANNELS, CURRENT, LINE)]
        shown = any(self.layers[part].visible for part in parts)
        for part in parts:
            self.layers[part].visible = not shown
        self._marks.show_reason(not shown)

    def step_plane(self, by: int) -> None:
        """Go up or down in a focus stack."""
        dims = self.viewer.dims
        if dims.ndim > 2 and self.workspace.pictures.has(self.fov):
            last = self.workspace.pictures.n_planes(self.fov) - 1
            dims.set_current_step(0, min(max(dims.current_step[0] + by, 0), last))

    @property
    def plane(self) -> int:
        """Focus plane that is shown; -1 if none is, in single planes and without pictures."""
        pictures, dims = self.workspace.pictures, self.viewer.dims
        is_stack = pictures.has(self.fov) and pictures.n_planes(self.fov) > 1
        return int(dims.current_step[0]) if is_stack and dims.ndim > 2 else -1

    def _go_to_plane(self) -> None:
        """Show the plane of a stack in which most signals of the field lie."""
        if self.plane >= 0:
            pictures = self.workspace.pictures
            n, step = pictures.n_planes(self.fov), pictures.z_step_um(self.fov)
            self.viewer.dims.set_current_step(0, best_plane(self.result, self.fov, n, step))

    def show_line(self, way: list[tuple[float, float]]) -> None:
        """Draw the line of a tool through points of the field; none removes it."""
        layer = self.layers.get(LINE)
        if layer is not None and layer in self.viewer.layers:
            points = np.array(way, float).reshape(-1, 2)
            layer.data = np.stack([points[:-1], np.diff(points, axis=0)], axis=1)

    def data_place(self, world: Any) -> tuple[float, float]:
        """Return row and column in pixels of the field for a place of the canvas."""
        size = pixel_size(self.result, self.fov)
        return float(world[-2]) / size, float(world[-1]) / size

    def _take_session(self) -> None:
        session = self.workspace.session
        self._links.cut()
        if session is None:
            self._hide()
            self.fov, self._shown = "", (None, None)
            return
        self._links.join(session.current_changed, self._take_current)
        self._links.join(session.result_changed, self._take_result)
        self._links.join(session.values_changed, self._take_values)
        self._links.join(session.state_changed, self._take_state)
        other = self._shown[0] != (self.workspace.folder, self.workspace.results)
        if other and self.workspace.results is not None:
            self._settings.load(self.workspace.results, session.case_id)
        self._shown = ((self.workspace.folder, self.workspace.results), session.result)
        self._was_hidden = not session.may_see_machine
        self._is_new_case = other
        self.show_field(self._field_of(session.current))
        self._is_new_case = False
        if other:
            self.zoom_in()
        else:  # scored again, or another reader: the current nucleus is another one
            self.centre()

    def _field_of(self, nucleus: NucleusKey | None) -> str:
        if nucleus is not None:
            return nucleus.fov
        return self.result.fields[0].fov if self.result.fields else ""

    def _take_current(self, nucleus: NucleusKey | None) -> None:
        try:
            if nucleus is not None and nucleus.fov != self.fov:
                self.show_field(nucleus.fov)
            self._show_current(centre=True)
        except AlkfishError as error:  # the folder may have gone: never marks over other pixels
            self._remove()
            self.fov = self._drawn = ""
            self.workspace.said.emit(f"The picture cannot follow: {error}", True)

    def _take_result(self) -> None:
        self._outlines.levels = self._cache.levels(self.result, self._machine(), self.fov)
        self._number()
        self._outlines.redraw()
        self._fill_marks()
        self._show_current(centre=False)

    def _take_values(self, nuclei: tuple[NucleusKey, ...]) -> None:
        session = self.workspace.session
        if session is None or self._outlines.numbering is None:
            return
        rows = [session.rows[key] for key in nuclei if key in session.rows and key.fov == self.fov]
        if not nuclei:
            self._number()
            self._outlines.redraw()
        elif rows:
            chosen = np.array(rows)
            ids = self.result.nuclei.nucleus_id[chosen]
            self._outlines.numbering.set(ids, session.patterns[chosen], self._hidden()[chosen])
            self._outlines.redraw(ids)
        self._letters_wait = True
        QTimer.singleShot(0, self.catch_up)

    def _take_state(self) -> None:
        session = self.workspace.session
        hidden = session is not None and not session.may_see_machine
        if hidden != self._was_hidden:
            self._was_hidden = hidden
            self._number()
            self._outlines.redraw()
            self._fill_marks()
            self._show_current(centre=False)

    def _machine(self) -> CaseResult:
        session = self.workspace.session
        assert session is not None  # noqa: S101
        return session.review.machine_result

    def _hidden(self) -> npt.NDArray[np.bool_]:
        """Return the rows whose pattern must not be seen: undecided ones of a blinded read."""
        session = self.workspace.session
        assert session is not None  # noqa: S101
        if session.may_see_machine:
            return np.zeros(len(session.keys), bool)
        return ~session.decided

    def _number(self) -> None:
        session = self.workspace.session
        assert session is not None  # noqa: S101
        self._outlines.numbering = Numbering(
            self.result, self.fov, session.patterns, self._hidden()
        )

    def _hide(self) -> None:
        """Show nothing; the layers stay for the next case, since making them anew takes seconds."""
        self._settings.save()
        self._settings.stop()
        for layer in self.layers.values():
            layer.visible = False

    def _remove(self) -> None:
        self._settings.stop()
        own = list(self.layers.values())
        self.layers.clear()
        for layer in own:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def save_view(self) -> None:
        """Keep the contrast of the case for the next time."""
        self._settings.save()

    def _set_outlines(self, fov: str, size: float) -> None:
        if fov not in self.result.labels:
            self._outlines.remove()
            return
        self._outlines.levels = self._cache.levels(self.result, self._machine(), fov)
        self._number()
        self._outlines.show(size)

    def _fill_marks(self) -> None:
        session = self.workspace.session
        if session is not None:
            self._marks.fill(session, self.fov, self._view())

    def _view(self) -> View:
        """Return what the window shows of the field, in its pixels."""
        camera, size = camera_of(self.viewer), pixel_size(self.result, self.fov)
        y, x = camera.center[-2:]
        return view_of((y, x), canvas_size(self.viewer), float(camera.zoom), size)

    def _follow_view(self, _: Any = None) -> None:
        """Mark the signals that have come into view, however it was moved."""
        if self.workspace.session is not None and self.layers:
            self._marks.follow(self._view())

    def _show_current(self, *, centre: bool) -> None:
        session = self.workspace.session
        if session is not None and self._marks.show_current(session, self.fov):
            self._show_patterns()
            if centre:
                self.centre()

    def _show_patterns(self) -> None:
        session = self.workspace.session
        self._letters_wait = False
        if session is not None:
            self._marks.show_patterns(session, self._hidden())
