"""Tumour areas: drawn in the picture, kept beside the result, and scored within."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QFileDialog, QGridLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from alkfish.errors import AlkfishError
from alkfish.io.areas import areas_of, drawn_areas, scored_areas, write_drawn
from alkfish.io.geojson import Regions, read_regions
from alkfish.plugin.area_shapes import areas_of_shapes, shapes_of_regions
from alkfish.plugin.dialogs import breakable, wrapped
from alkfish.plugin.links import Links
from alkfish.plugin.rescoring import Rescorer
from alkfish.plugin.timers import once_after

if TYPE_CHECKING:
    from alkfish.plugin.session import ReviewSession
    from alkfish.plugin.workspace import Workspace

INSIDE, OUTSIDE = "Tumour area", "Area to leave out"
"""Names of the two layers."""

_COLOURS = {INSIDE: "#ffffff", OUTSIDE: "#ff4fd8"}
_LETTERS = {INSIDE: "count", OUTSIDE: "leave out"}
_SAVE_MS = 800


class AreaTools(QWidget):
    """Draw areas, keep them, score only inside.

    Parameters
    ----------
    workspace : Workspace
        What is open.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.rescorer = Rescorer(workspace, self)
        self.choose_file = self._choose_file
        self._session: ReviewSession | None = None
        self._bundle: Path | None = None
        self._fov = ""
        self._layers: dict[str, Any] = {}
        self._known: dict[str, Regions] = {}
        self._loading = False
        self._links, self._own = Links(), Links()
        self._later = once_after(self, _SAVE_MS, self.save)
        self._before: Any = None
        self._drawn_one = once_after(self, 0, self._take_drawn)
        self._make()
        self._own.join(workspace.session_changed, self._take_session)
        for end in (self._links.cut, self._own.cut):
            self.destroyed.connect(end)
        self._take_session()

    def _make(self) -> None:
        self.words, self.message = wrapped(""), wrapped("")
        self.draw = QPushButton("Draw area")
        self.draw.setToolTip("Draw a tumour area with the mouse: press, go round, release")
        self.leave = QPushButton("Draw area to leave out")
        self.load, self.clear = QPushButton("Load GeoJSON..."), QPushButton("Clear")
        self.clear.setToolTip("Remove the areas of this field from the picture")
        self.apply, self.stop = QPushButton("Score only inside..."), QPushButton("Stop")
        self.progress = QProgressBar()
        self.draw.clicked.connect(partial(self.begin, INSIDE))
        self.leave.clicked.connect(partial(self.begin, OUTSIDE))
        self.load.clicked.connect(self._load)
        self.clear.clicked.connect(self._clear)
        self.apply.clicked.connect(self._apply)
        self.stop.clicked.connect(self.rescorer.stop)
        self.rescorer.changed.connect(self._show_run)
        self.rescorer.said.connect(lambda text: self.message.setText(breakable(text)))
        layout, grid = QVBoxLayout(self), QGridLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for place, button in enumerate((self.draw, self.leave, self.load, self.clear)):
            grid.addWidget(button, place // 2, place % 2)
        layout.addWidget(self.words)
        layout.addLayout(grid)
        for widget in (self.apply, self.progress, self.stop, self.message):
            layout.addWidget(widget)

    def begin(self, name: str, *_: object) -> None:
        """Let the reader draw in a layer; it is made if it is missing."""
        active = self.workspace.viewer.layers.selection.active
        layer = self._layer(name)
        if active not in self._layers.values():
            self._before = active
        if layer is not None:
            self.workspace.viewer.layers.selection.active = layer
            layer.mode = "add_polygon_lasso"

    def regions(self, fov: str = "") -> Regions:
        """Return the areas of the field that is shown, or those kept of another one.

        Raises
        ------
        InputError
            If an outline crosses itself.
        """
        if self._session is None or self._bundle is None:
            return Regions(())
        name = fov or self._fov
        if name not in self._known:  # outlines are checked once, not at every look
            self._known[name] = self._shown() if name == self._fov else self._kept(name)
        return self._known[name]

    def _shown(self) -> Regions:
        """Return the areas that are drawn in the field that is shown."""
        shape = self._shape()
        inside, outside = (
            areas_of_shapes(layer.data, layer.shape_type, shape=shape) if layer is not None else ()
            for layer in (self._layers.get(INSIDE), self._layers.get(OUTSIDE))
        )
        return Regions(inside, outside)

    def save(self) -> None:
        """Keep the areas of the field that is shown beside the result."""
        self._later.stop()
        if self._session is None or self._bundle is None or not self._fov:
            return
        if self._session.look():  # nothing is made where the folder was
            self.message.setText(self._session.blocked)
            return
        try:
            write_drawn(self._bundle, self._fov, self.regions())
            self.message.clear()
        except AlkfishError as error:
            self.message.setText(str(error))
        self._tell()

    def _take_session(self) -> None:
        if self._later.isActive():
            self.save()
        self._links.cut()
        self._remove_layers()
        self._session, self._bundle = self.workspace.session, self.workspace.folder
        self._fov, self._known = "", {}
        if self._session is not None:
            self._links.join(self._session.current_changed, self._take_current)
            self._links.join(self._session.state_changed, self._show_run)
            current = self._session.current
            fields = self._session.result.fields
            self._show_field(current.fov if current else fields[0].fov if fields else "")
        self._show_run()

    def _take_current(self, nucleus: Any) -> None:
        if nucleus is not None and nucleus.fov != self._fov:
            if self._later.isActive():
                self.save()
            self._remove_layers()
            self._show_field(nucleus.fov)

    def _show_field(self, fov: str) -> None:
        """Show what was drawn in a field, or what it was scored within."""
        for name in (self._fov, fov):  # what was shown is read from its file, and the other way
            self._known.pop(name, None)
        self._fov = fov
        if self._session is None or self._bundle is None or not fov:
            return
        try:
            self._fill(self._kept(fov))
        except AlkfishError as error:
            self.message.setText(str(error))
        self._tell()

    def _kept(self, fov: str) -> Regions:
        """Return what was drawn in a field, else what it was scored within."""
        if self._session is None or self._bundle is None:
            return Regions(())
        scored = areas_of(self._bundle, self._session.review.machine_result)
        return drawn_areas(self._bundle, fov, default=scored.get(fov, Regions(())))

    def _fill(self, regions: Regions) -> None:
        active = self.workspace.viewer.layers.selection.active
        self._loading = True
        for name, polygons in zip((INSIDE, OUTSIDE), shapes_of_regions(regions), strict=True):
            layer = self._layer(name) if polygons or name in self._layers else None
            if layer is not None:
                layer.data = []
                if polygons:
                    layer.add_polygons(polygons)
        self._loading = False
        self._known.pop(self._fov, None)
        if active is not None and active in self.workspace.viewer.layers:
            self.workspace.viewer.layers.selection.active = active

    def _layer(self, name: str) -> Any:
        """Return a layer of areas of the field that is shown, made if it is missing."""
        viewer = self.workspace.viewer
        layer = self._layers.get(name)
        if layer is not None and layer in viewer.layers:
            return layer
        if self._session is None or not self._fov:
            return None
        size = float(self._session.result.pixel_size_um.get(self._fov, 1.0))
        layer = viewer.add_shapes(
            name=name, ndim=2, scale=(size, size), units="um", edge_color=_COLOURS[name],
            face_color="transparent", edge_width=1.0 / size,
            features={"what": np.empty(0, object)}, feature_defaults={"what": _LETTERS[name]},
            text={"string": "{what}", "color": _COLOURS[name], "size": 10},
        )  # fmt: skip
        layer.events.data.connect(self._take_shapes)
        self._layers[name] = layer
        return layer

    def _remove_layers(self) -> None:
        layers = self.workspace.viewer.layers
        for layer in self._layers.values():
            layer.events.data.disconnect(self._take_shapes)
            if layer in layers:
                layers.remove(layer)
        self._layers = {}

    def _take_shapes(self, _: object = None) -> None:
        """Tell of a change of the drawing at once, and keep it shortly after the last one."""
        self._known.pop(self._fov, None)
        if not self._loading:
            self._later.start()
            self._drawn_one.start()

    def _take_drawn(self) -> None:
        """Put the tool away when an area is closed, so that the next click goes to a nucleus."""
        viewer = self.workspace.viewer
        if any(getattr(layer, "_is_creating", False) for layer in self._layers.values()):
            return
        for layer in self._layers.values():
            if str(layer.mode).startswith("add_") and len(layer.data):
                layer.mode = "pan_zoom"
                if self._before is not None and self._before in viewer.layers:
                    viewer.layers.selection.active = self._before
        self._tell()

    def _shape(self) -> tuple[int, int]:
        session, pictures = self._session, self.workspace.pictures
        assert session is not None  # noqa: S101 - callers have looked
        if pictures.has(self._fov):
            return pictures.shape(self._fov)
        labels = session.review.machine_result.labels[self._fov]
        return int(labels.shape[0]), int(labels.shape[1])

    def _tell(self) -> None:
        """Say how many nuclei lie inside; of a blinded read too, because it tells no pattern."""
        session = self._session
        if session is None:
            return
        try:
            regions = self.regions()
        except AlkfishError as error:
            self.message.setText(str(error))
            return
        scored = scored_areas(session.review.machine_result)
        words = [f"The case was scored only inside areas of {', '.join(scored)}." if scored else ""]
        if regions.include or regions.exclude:
            nuclei = session.review.machine_result.nuclei
            own = nuclei.fov == self._fov
            inside = int(regions.contains(nuclei.y_px[own], nuclei.x_px[own]).sum())
            n, out = len(regions.include), len(regions.exclude)
            words.append(
                f"{self._fov}: {n} {'area' if n == 1 else 'areas'}"
                + (f", {out} left out" if out else "")
                + f"; {inside} of {int(own.sum())} nuclei lie inside."
            )
        elif self._drawn():
            words.append(f"{self._fov}: no area is drawn, all of this field counts.")
        elif not scored:
            words.append("No area is drawn: all of the case counts.")
        self.words.setText(" ".join(filter(None, words)))
        self._show_run()

    def _show_run(self) -> None:
        running = self.rescorer.is_running
        for widget in (self.progress, self.stop):
            widget.setVisible(running)
        self.progress.setMaximum(max(self.rescorer.total, 1))
        self.progress.setValue(self.rescorer.done)
        self.progress.setFormat(self.rescorer.words)
        why_not = self.rescorer.why_not()
        self.apply.setEnabled(not why_not and not running)
        drawn = self._drawn()
        self.apply.setText("Score only inside..." if drawn else "Score all of the case...")
        self.apply.setToolTip(why_not or "Nuclei outside are kept, flagged, and not counted.")
        self.apply.setVisible(self._differs(drawn))

    def _drawn(self) -> dict[str, Regions]:
        """Return the areas of all fields that have some."""
        if self._session is None:
            return {}
        found = {}
        for qc in self._session.review.machine_result.fields:
            try:
                regions = self.regions(qc.fov)
            except AlkfishError:
                continue
            if regions.include or regions.exclude:
                found[qc.fov] = regions
        return found

    def _differs(self, drawn: dict[str, Regions]) -> bool:
        if self._session is None:
            return False
        scored = scored_areas(self._session.review.machine_result)
        found = {fov: regions.fingerprint() for fov, regions in drawn.items()}
        return found != {fov: checksum for fov, (_, checksum) in scored.items()}

    def _apply(self) -> None:
        self.save()
        session, bundle = self._session, self._bundle
        if session is None or bundle is None:
            return
        nothing = Regions(())
        drawn = {fov: drawn_areas(bundle, fov, default=nothing) for fov in self._drawn()}
        self.rescorer.begin(regions=drawn)

    def _clear(self) -> None:
        self._fill(Regions(()))
        self.save()

    def _load(self) -> None:
        path = self.choose_file()
        if not path or self._session is None:
            return
        try:
            self._fill(read_regions(path, shape=self._shape()))
        except AlkfishError as error:
            self.message.setText(str(error))
            return
        self.save()

    def _choose_file(self) -> str:
        return QFileDialog.getOpenFileName(
            self, "Outlined areas", "", "GeoJSON (*.geojson *.json *.geojson.gz)"
        )[0]
