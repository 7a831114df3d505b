"""The layers of the open case, kept in step with its session. Never a layer per nucleus."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import AlkfishError
from alkfish.model.probe import ProbeEnd
from alkfish.model.result import CaseResult
from alkfish.plugin.colours import (
    COLOUR_MAPS,
    END_SYMBOLS,
    RING_COLOURS,
    colour_of_end,
)
from alkfish.plugin.convert import (
    channel_contrast,
    frame_size,
    letter_places,
    letters,
    near_rows,
    pair_lines,
    pixel_size,
    spot_marks,
)
from alkfish.plugin.drawing import (
    camera_of,
    canvas_height,
    fetch_now,
    holds,
    map_by_table,
    outline_colours,
    pattern_names,
    put_image,
    put_points,
)
from alkfish.plugin.links import Links
from alkfish.plugin.outlines import LabelCache, LazyCodes, Numbering
from alkfish.plugin.view_settings import ViewSettings
from alkfish.plugin.workspace import Workspace
from alkfish.review import NucleusKey

CHANNELS = {"dapi": "DAPI", "three_prime": "3'", "five_prime": "5'"}
OUTLINES, PAIRS, CURRENT, PATTERNS = "Nuclei", "Pairs", "Current nucleus", "Patterns"
ENDS = {ProbeEnd.THREE_PRIME: "3' signals", ProbeEnd.FIVE_PRIME: "5' signals"}
SINGLES = ("three_prime", "five_prime", "dapi")
LINE = "Line"
VIEW_UM = 60.0
"""Height of what is shown when a case is opened: a nucleus and its neighbours."""


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
        self.numbering: Numbering | None = None
        self._levels: list[npt.NDArray[Any]] = []
        self._settings = ViewSettings()
        self._cache = LabelCache()
        self._zoom_before = 0.0
        self._links = Links()
        self._was_hidden = self._is_new_case = False
        self._shown: tuple[object, object] = (None, None)
        workspace.session_changed.connect(self._take_session)
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
        is_new = not self.layers
        self._set_channels(fov, size)
        self._set_outlines(fov, size)
        self._set_marks(size)
        for part, layer in self.layers.items():
            if layer.visible != self._settings.is_visible(part):  # setting it is not cheap
                layer.visible = self._settings.is_visible(part)
        self._settings.follow(self.layers)
        self._fill_marks()
        self._show_current(centre=False)
        if is_new:
            self.viewer.layers.selection.active = self.layers[CURRENT]

    def centre(self) -> None:
        """Move the view to the current nucleus."""
        session = self.workspace.session
        if session is None or session.current is None:
            return
        row = session.rows[session.current]
        nuclei, size = self.result.nuclei, pixel_size(self.result, self.fov)
        place = (float(nuclei.y_px[row]) * size, float(nuclei.x_px[row]) * size)
        camera_of(self.viewer).center = (0.0, *place)
        fetch_now(self.viewer)

    def zoom_in(self) -> None:
        """Show the current nucleus and its neighbours."""
        height = max(1, int(canvas_height(self.viewer)))
        camera_of(self.viewer).zoom = height / VIEW_UM
        self.centre()

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
        """Show or hide outlines, signals, pairs and letters; the frame stays."""
        parts = [part for part in self.layers if part not in (*CHANNELS, CURRENT, LINE)]
        shown = any(self.layers[part].visible for part in parts)
        for part in parts:
            self.layers[part].visible = not shown

    def step_plane(self, by: int) -> None:
        """Go up or down in a focus stack."""
        dims = self.viewer.dims
        if dims.ndim > 2 and self.workspace.pictures.has(self.fov):
            last = self.workspace.pictures.n_planes(self.fov) - 1
            dims.set_current_step(0, min(max(dims.current_step[0] + by, 0), last))

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

    def _field_of(self, nucleus: NucleusKey | None) -> str:
        if nucleus is not None:
            return nucleus.fov
        return self.result.fields[0].fov if self.result.fields else ""

    def _take_current(self, nucleus: NucleusKey | None) -> None:
        if nucleus is not None and nucleus.fov != self.fov:
            self.show_field(nucleus.fov)
        self._show_current(centre=True)

    def _take_result(self) -> None:
        self._levels = self._cache.levels(self.result, self._machine(), self.fov)
        self._number()
        self._redraw_outlines()
        self._fill_marks()
        self._show_current(centre=False)

    def _take_values(self, nuclei: tuple[NucleusKey, ...]) -> None:
        session = self.workspace.session
        if session is None or self.numbering is None:
            return
        rows = [session.rows[key] for key in nuclei if key in session.rows and key.fov == self.fov]
        if not nuclei:
            self._number()
            self._redraw_outlines()
        elif rows:
            chosen = np.array(rows)
            ids = self.result.nuclei.nucleus_id[chosen]
            self.numbering.set(ids, session.patterns[chosen], self._hidden()[chosen])
            self._redraw_outlines(ids)
        self._show_patterns()

    def _take_state(self) -> None:
        session = self.workspace.session
        hidden = session is not None and not session.may_see_machine
        if hidden != self._was_hidden:
            self._was_hidden = hidden
            self._number()
            self._redraw_outlines()
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
        self.numbering = Numbering(self.result, self.fov, session.patterns, self._hidden())

    def _hide(self) -> None:
        """Show nothing; the layers stay for the next case, since making them anew takes seconds."""
        self._settings.save()
        self._settings.stop()
        for layer in self.layers.values():
            layer.visible = False

    def _remove(self) -> None:
        self._settings.stop()
        for layer in self.layers.values():
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)
        self.layers = {}

    def _drop(self, part: str) -> None:
        layer = self.layers.pop(part, None)
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def _set_channels(self, fov: str, size: float) -> None:
        for channel in CHANNELS:
            levels = self._channel_levels(fov, channel)
            if not levels:
                self._drop(channel)
                continue
            is_stack = len(levels[0].shape) == 3
            step = self.workspace.pictures.z_step_um(fov)
            scale = (step, size, size) if is_stack else (size, size)
            data = levels if len(levels) > 1 else levels[0]
            layer = self.layers.get(channel)
            if layer is not None and holds(layer, levels):
                put_image(layer, data, scale)
                if self._is_new_case:
                    layer.contrast_limits = self._limits(levels, channel)
                continue
            self._drop(channel)
            self._add_channel(channel, levels, scale)

    def _channel_levels(self, fov: str, channel: str) -> list[Any]:
        pictures = self.workspace.pictures
        if not pictures.has(fov):
            return []
        try:
            return pictures.levels(fov, channel)
        except AlkfishError as error:
            self.workspace.said.emit(str(error), True)
            return []

    def _add_channel(self, channel: str, levels: list[Any], scale: tuple[float, ...]) -> None:
        probe = self.result.probe
        colours = {
            "dapi": "blue",
            "three_prime": COLOUR_MAPS[probe.three_prime_colour],
            "five_prime": COLOUR_MAPS[probe.five_prime_colour],
        }
        colour, name = colours[channel], CHANNELS[channel]
        layer = self.viewer.add_image(
            levels if len(levels) > 1 else levels[0],
            multiscale=len(levels) > 1,
            name=name if channel == "dapi" else f"{name} ({colour})",
            colormap=colour,
            blending="additive",
            contrast_limits=self._limits(levels, channel),
            visible=self._settings.is_visible(channel),
            scale=scale,
            units="um",
        )
        self.layers[channel] = layer
        place = self.viewer.layers.index(layer)
        if place >= len(CHANNELS):  # made anew over the marks: back to the bottom
            self.viewer.layers.move(place, 0)

    def save_view(self) -> None:
        """Keep the contrast of the case for the next time."""
        self._settings.save()

    def _limits(self, levels: list[Any], channel: str) -> tuple[float, float]:
        """Return the contrast that was chosen for the case, else a usual one."""
        return self._settings.contrast(channel) or self._contrast(levels[-1], channel)

    def _contrast(self, level: Any, channel: str) -> tuple[float, float]:
        spots = self.result.spots
        ends = {"three_prime": "3p", "five_prime": "5p"}
        own = (spots.end == ends.get(channel, "")) & (spots.nucleus_id > 0)
        plane = level[level.shape[0] // 2] if len(level.shape) == 3 else level
        side = tuple(slice(n // 4, n - n // 4) for n in plane.shape)
        return channel_contrast(
            np.asarray(plane[side]), spots.amplitude[own], spots.background[own]
        )

    def _set_outlines(self, fov: str, size: float) -> None:
        if fov not in self.result.labels:
            self._drop(OUTLINES)
            return
        self._levels = self._cache.levels(self.result, self._machine(), fov)
        self._number()
        assert self.numbering is not None  # noqa: S101
        many = len(self._levels) > 1
        data = self._codes() if many else self.numbering(self._levels[0])
        layer = self.layers.get(OUTLINES)
        if layer is not None and layer.multiscale == many:
            put_image(layer, data, (size, size))
            return
        self._drop(OUTLINES)
        map_by_table()
        layer = self.viewer.add_labels(
            data,
            multiscale=many,
            name=OUTLINES,
            colormap=outline_colours(),
            opacity=1.0,
            scale=(size, size),
            units="um",
            features=pattern_names(),
            visible=self._settings.is_visible(OUTLINES),
        )
        layer.editable = False
        self.layers[OUTLINES] = layer

    def _codes(self) -> list[LazyCodes]:
        assert self.numbering is not None  # noqa: S101
        return [LazyCodes(level, self.numbering) for level in self._levels]

    def _redraw_outlines(self, ids: npt.NDArray[Any] | None = None) -> None:
        """Draw outlines anew; of a small field only where some nuclei lie, if they are given."""
        layer = self.layers.get(OUTLINES)
        if layer is None or layer not in self.viewer.layers or self.numbering is None:
            return
        if len(self._levels) > 1:
            if ids is None:
                layer.data = self._codes()
            else:  # its levels look up the numbers that were just set
                layer.refresh(extent=False, thumbnail=False)
            return
        labels = self._levels[0]
        if ids is None or labels.shape != layer.data.shape:
            layer.data = self.numbering(labels)
            return
        for number in ids.tolist():
            rows, columns = np.nonzero(labels == number)
            if len(rows):
                part = (
                    slice(max(0, rows.min() - 2), rows.max() + 3),
                    slice(max(0, columns.min() - 2), columns.max() + 3),
                )
                inside = labels[part] == number
                layer.data[part][inside] = self.numbering(labels[part])[inside]
        layer.refresh(extent=False)

    def _set_marks(self, size: float) -> None:
        if CURRENT not in self.layers:
            self._add_marks(size)
        for part in (*(end.value for end in ENDS), PAIRS, LINE, PATTERNS, CURRENT):
            self.layers[part].editable = False
            if not np.allclose(self.layers[part].scale[-2:], size):
                self.layers[part].scale = (size, size)

    def _add_marks(self, size: float) -> None:
        probe, common = self.result.probe, {"scale": (size, size), "units": "um"}
        for end, name in ENDS.items():
            self.layers[end.value] = self.viewer.add_points(
                np.empty((0, 2)),
                name=name,
                symbol=END_SYMBOLS[end],
                face_color="transparent",
                border_color=RING_COLOURS[colour_of_end(probe, end)],
                visible=self._settings.is_visible(end.value),
                **common,
            )
        self.layers[PAIRS] = self.viewer.add_vectors(
            np.empty((0, 2, 2)), name=PAIRS, edge_color="white", edge_width=0.12 / size,
            vector_style="line", opacity=0.8, visible=self._settings.is_visible(PAIRS), **common,
        )  # fmt: skip
        self.layers[LINE] = self.viewer.add_vectors(
            np.empty((0, 2, 2)), name=LINE, edge_color="yellow", edge_width=0.2 / size,
            vector_style="line", **common,
        )  # fmt: skip
        text = {"string": "{letter}", "color": "white", "size": 10, "anchor": "center"}
        self.layers[PATTERNS] = self.viewer.add_points(
            np.empty((0, 2)), name=PATTERNS, features={"letter": np.empty(0, str)}, text=text,
            face_color="transparent", border_color="transparent", size=1,
            visible=self._settings.is_visible(PATTERNS), **common,
        )  # fmt: skip
        words = {"string": "{words}", "color": "white", "size": 12, "anchor": "lower_left"}
        self.layers[CURRENT] = self.viewer.add_points(
            np.empty((0, 2)), name=CURRENT, features={"words": np.empty(0, str)}, text=words,
            symbol="square", face_color="transparent", border_color="white", border_width=0.012,
            canvas_size_limits=(2, 10000), **common,
        )  # fmt: skip

    def _fill_marks(self) -> None:
        session = self.workspace.session
        if session is None:
            return
        shown = session.may_see_machine
        for end in ENDS:
            layer = self.layers[end.value]
            marks = spot_marks(self.result, self.fov, end)
            some = slice(None) if shown else slice(0, 0)
            put_points(layer, marks.places[some], marks.sizes[some], marks.borders[some])
        lines = pair_lines(self.result, self.fov)
        self.layers[PAIRS].data = lines if shown else lines[:0]

    def _show_current(self, *, centre: bool) -> None:
        session, layer = self.workspace.session, self.layers.get(CURRENT)
        if session is None or layer is None or layer not in self.viewer.layers:
            return
        if session.current is None or session.current.fov != self.fov:
            layer.data = np.empty((0, 2))
            return
        row = session.rows[session.current]
        nuclei, side = self.result.nuclei, frame_size(self.result, self.fov)
        places = [[float(nuclei.y_px[row]), float(nuclei.x_px[row])]]
        sizes, words = [side], [""]
        decisive = self._decisive(row) if session.may_see_machine else -1
        if decisive >= 0:
            spots = self.result.spots
            reach = 1.2 * float(spots.diameter_um[decisive]) / pixel_size(self.result, self.fov)
            place = [float(spots.y_px[decisive]) - reach, float(spots.x_px[decisive]) + reach]
            places.append(place)
            sizes.append(0.01)
            words.append("?")
        layer.features = {"words": np.empty(0, str)} if len(layer.data) == 0 else layer.features
        put_points(layer, np.array(places), np.array(sizes), np.full(len(sizes), 0.012))
        layer.features = {"words": np.array(words)}
        layer.refresh_text()
        self._show_patterns()
        if centre:
            self.centre()

    def _decisive(self, row: int) -> int:
        """Return the row of the spot that a pattern hangs on; -1 if there is none."""
        nuclei, spots = self.result.nuclei, self.result.spots
        number = int(nuclei.decisive_spot[row])
        found = np.flatnonzero((spots.fov == nuclei.fov[row]) & (spots.spot_id == number))
        return int(found[0]) if number > 0 and len(found) else -1

    def _show_patterns(self) -> None:
        session, layer = self.workspace.session, self.layers.get(PATTERNS)
        if session is None or session.current is None or layer is None:
            return
        if layer not in self.viewer.layers:
            return
        rows = near_rows(self.result, session.rows[session.current])
        names = letters(session.patterns[rows])
        names[self._hidden()[rows]] = ""
        places = letter_places(self.result, rows)
        if not np.array_equal(places, layer.data):
            put_points(layer, places, np.ones(len(rows)), np.zeros(len(rows)))
        elif np.array_equal(names, layer.features["letter"]):
            return
        layer.features = {"letter": names}
        layer.refresh_text()
