"""The marks over the picture: signals, pairs, letters of patterns, the frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.model.probe import ProbeEnd
from alkfish.model.result import CaseResult
from alkfish.plugin.colours import END_SYMBOLS, RING_COLOURS, colour_of_end
from alkfish.plugin.convert import (
    NO_MARKS,
    frame_size,
    letter_places,
    letters,
    near_rows,
    pair_lines,
    pixel_size,
    spot_marks,
)
from alkfish.plugin.drawing import PartOfPoints, put_points, put_words
from alkfish.plugin.quick_marks import draw_marks_quickly
from alkfish.plugin.session import ReviewSession
from alkfish.plugin.surroundings import ALL, View, inside, part_of, within
from alkfish.plugin.view_settings import ViewSettings

PAIRS, CURRENT, PATTERNS, LINE = "Pairs", "Current nucleus", "Patterns", "Line"
ENDS = {ProbeEnd.THREE_PRIME: "3' signals", ProbeEnd.FIVE_PRIME: "5' signals"}


class MarkLayers:
    """Makes the layers of marks and fills them.

    Parameters
    ----------
    viewer : napari viewer
        Where they are drawn.
    layers : dict
        The layers of the case by part; the marks are put into it.
    settings : ViewSettings
        Visibility of each.
    """

    def __init__(self, viewer: Any, layers: dict[str, Any], settings: ViewSettings) -> None:
        self.viewer, self.layers, self._settings = viewer, layers, settings
        self._shown: View = ALL
        self._parts: dict[str, PartOfPoints] = {}

    def prepare(self, result: CaseResult, size: float) -> None:
        """Make the layers if they are not there, at the pixel size of a field."""
        if CURRENT not in self.layers:
            self._add(result, size)
        for part in (*(end.value for end in ENDS), PAIRS, LINE, PATTERNS, CURRENT):
            self.layers[part].editable = False
            if not np.allclose(self.layers[part].scale[-2:], size):
                self.layers[part].scale = (size, size)
        self.show_reason(any(self._settings.is_visible(end.value) for end in ENDS))

    def _add(self, result: CaseResult, size: float) -> None:
        probe, common = result.probe, {"scale": (size, size), "units": "um"}
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
            canvas_size_limits=(0, 10000), **common,
        )  # fmt: skip
        for part in (*(end.value for end in ENDS), PATTERNS, CURRENT):
            draw_marks_quickly(self.viewer, self.layers[part], points=part != PATTERNS)

    def fill(self, session: ReviewSession, fov: str, view: View) -> None:
        """Mark the signals and pairs of a field; none that may not be seen.

        Parameters
        ----------
        session : ReviewSession
            With the result.
        fov : str
            Field.
        view : tuple of float
            What the window shows: top, left, bottom and right in pixels of the field.
        """
        shown, result = session.may_see_machine, session.result
        for end in ENDS:
            marks = spot_marks(result, fov, end) if shown else NO_MARKS
            layer = self.layers[end.value]
            put_points(layer, marks.places, marks.sizes, marks.borders)
        lines = pair_lines(result, fov)
        self.layers[PAIRS].data = lines if shown else lines[:0]
        self._choose(view)

    def follow(self, view: View) -> None:
        """Draw the marks that have come into view; of a small field all are drawn anyway.

        Parameters
        ----------
        view : tuple of float
            As for `fill`.
        """
        if not inside(view, self._shown):
            self._choose(view)

    def _choose(self, view: View) -> None:
        """Have the marks in and around a view drawn: each costs time in every picture."""
        layers = {e.value: self.layers[e.value] for e in ENDS if e.value in self.layers}
        self._shown = part_of(view, sum(len(layer.data) for layer in layers.values()))
        for part, layer in layers.items():
            chosen = None if self._shown == ALL else within(layer.data, self._shown)
            if part not in self._parts or self._parts[part].layer is not layer:
                self._parts[part] = PartOfPoints(self.viewer, layer)
            self._parts[part].draw(chosen)

    def show_current(self, session: ReviewSession, fov: str) -> bool:
        """Frame the current nucleus, and mark what its pattern hangs on; return if it is there."""
        layer = self.layers.get(CURRENT)
        if layer is None or layer not in self.viewer.layers:
            return False
        if session.current is None or session.current.fov != fov:
            layer.data = np.empty((0, 2))
            return False
        row, result = session.rows[session.current], session.result
        nuclei, side = result.nuclei, frame_size(result, fov)
        places = [[float(nuclei.y_px[row]), float(nuclei.x_px[row])]]
        sizes, texts = [side], [""]
        decisive = decisive_spot(result, row) if session.may_see_machine else -1
        if decisive >= 0:
            spots = result.spots
            reach = 1.2 * float(spots.diameter_um[decisive]) / pixel_size(result, fov)
            place = [float(spots.y_px[decisive]) - reach, float(spots.x_px[decisive]) + reach]
            places.append(place)
            sizes.append(0.01)
            texts.append("?")
        if len(layer.data) == 0:
            layer.features = {"words": np.empty(0, str)}
        borders, words = np.full(len(sizes), 0.012), ("words", np.array(texts))
        put_points(layer, np.array(places), np.array(sizes), borders, words)
        return True

    def show_reason(self, shown: bool) -> None:
        """Show or hide the "?" beside the signal that the current pattern hangs on."""
        layer = self.layers.get(CURRENT)
        if layer is not None and layer.text.visible != shown:
            layer.text.visible = shown

    def show_patterns(self, session: ReviewSession, hidden: npt.NDArray[np.bool_]) -> None:
        """Write the letters of the nuclei around the current one.

        Parameters
        ----------
        session : ReviewSession
            With the patterns.
        hidden : ndarray of bool, shape (N,)
            Rows whose pattern must not be seen.
        """
        layer = self.layers.get(PATTERNS)
        if session.current is None or layer is None or layer not in self.viewer.layers:
            return
        rows = near_rows(session.result, session.rows[session.current])
        names = letters(session.patterns[rows])
        names[hidden[rows]] = ""
        places = letter_places(session.result, rows)
        if np.array_equal(places, layer.data):
            put_words(layer, "letter", names)
        else:
            none = np.zeros(len(rows))
            put_points(layer, places, np.ones(len(rows)), none, ("letter", names))


def decisive_spot(result: CaseResult, row: int) -> int:
    """Return the row of the spot that the pattern of a nucleus hangs on; -1 if there is none."""
    nuclei, spots = result.nuclei, result.spots
    number = int(nuclei.decisive_spot[row])
    found = np.flatnonzero((spots.spot_id == number) & (spots.fov == nuclei.fov[row]))
    return int(found[0]) if number > 0 and len(found) else -1
