"""Which picture is to be scored: layers of the window or a file, their channels, their scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from alkfish.errors import AlkfishError, InputError
from alkfish.io.channels import ROLES
from alkfish.io.images import Case, default_case_id
from alkfish.io.info import ImageInfo, describe
from alkfish.io.locations import PicturePlace, open_pictures
from alkfish.model.fov import PIXEL_SIZE_RANGE_UM
from alkfish.model.probe import Colour, ProbeProfile
from alkfish.plugin.dialogs import wrapped
from alkfish.plugin.layer_pictures import pixel_size_of, planes_of, usual_roles, write_picture

if TYPE_CHECKING:
    from alkfish.plugin.workspace import Workspace

UNCLEAR = "choose..."
OF_LAYERS, OF_FILE = "Layers of this window", "A file or folder"


class SourcePicker(QWidget):
    """Asks for the picture, its channels and its pixel size, filled in as far as they are known.

    Attributes
    ----------
    changed : Signal
        Another picture, or something else about it.
    """

    changed = Signal()

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self._info: ImageInfo | None = None
        self._layers: list[Any] = []
        self._kept: list[Any] = []
        self.kind, self.path = QComboBox(), QLineEdit()
        self.kind.addItems([OF_LAYERS, OF_FILE])
        self.path.setPlaceholderText("Picture, slide, or folder of one case")
        self.roles = {role: QComboBox() for role in ROLES}
        self.pixel_size = QDoubleSpinBox()
        self.pixel_size.setDecimals(4)
        self.pixel_size.setRange(0.0, PIXEL_SIZE_RANGE_UM[1])
        self.pixel_size.setSpecialValueText("unknown: please give it")
        self.pixel_size.setSuffix(" µm")
        self.note = wrapped("")
        self._lay_out()
        self._connect()
        self.show_layers()

    def _lay_out(self) -> None:
        self._file_row = QWidget()
        row = QHBoxLayout(self._file_row)
        row.setContentsMargins(0, 0, 0, 0)
        self.browse, self.browse_folder = QPushButton("File..."), QPushButton("Folder...")
        for widget in (self.path, self.browse, self.browse_folder):
            row.addWidget(widget)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Picture", self.kind)
        form.addRow(self._file_row)
        for role, combo in self.roles.items():
            form.addRow("DAPI" if role == "dapi" else role.capitalize(), combo)
        form.addRow("Pixel size", self.pixel_size)
        form.addRow(self.note)
        self._form = form

    def _connect(self) -> None:
        self.kind.currentTextChanged.connect(self._take_kind)
        self.path.editingFinished.connect(self.look)
        self.browse.clicked.connect(self._browse)
        self.browse_folder.clicked.connect(self._browse_folder)
        for combo in self.roles.values():
            combo.currentIndexChanged.connect(self.changed)
        self.pixel_size.valueChanged.connect(self.changed)
        events = self.workspace.viewer.layers.events
        for event in (events.inserted, events.removed):
            event.connect(self._take_layers)
        self.destroyed.connect(lambda: events.inserted.disconnect(self._take_layers))
        self.destroyed.connect(lambda: events.removed.disconnect(self._take_layers))

    def show_probe(self, probe: ProbeProfile) -> None:
        """Say beside each colour which probe end it labels."""
        for role in ("red", "green"):
            end = f"{probe.end_of(Colour(role)).value[0]}'"
            label = self._form.labelForField(self.roles[role])
            label.setText(f"{role.capitalize()} ({end})")  # type: ignore[attr-defined]

    @property
    def is_layers(self) -> bool:
        """Whether layers of the window are to be scored."""
        return self.kind.currentText() == OF_LAYERS

    def case_name(self) -> str:
        """Return a name for the case; empty if the picture gives none."""
        if not self.is_layers:
            return self._info.case_id if self._info is not None else ""
        paths = [layer.source.path for layer in self._layers if layer.source.path]
        return default_case_id(Path(paths[0])) if paths else ""

    def show_layers(self) -> None:
        """Offer the image layers of the window, those of the open case left out."""
        own = self.workspace.session is not None
        layers = [] if own else [x for x in self.workspace.viewer.layers if isinstance(x, Image)]
        self._layers, self._info = layers, None
        names = [layer.name for layer in layers]
        self._offer(names, usual_roles(names))
        sizes = {pixel_size_of(layer) for layer in layers}
        self.pixel_size.setValue(sizes.pop() if len(sizes) == 1 else 0.0)
        self.note.setText(_note_on(layers))
        if own:
            self.note.setText("The window shows a scored case; choose a file.")
        self._show_kind()

    def look(self) -> None:
        """Read the header of the file and offer what it says."""
        text = self.path.text().strip()
        self._info, self._layers = None, []
        if not text:
            self._offer([], {})
            return
        try:
            info = describe(text)
        except AlkfishError as error:
            self._offer([], {})
            self.note.setText(str(error))
            return
        self._info = info
        first = info.files[0]
        channels = list(first.channels)
        by_role = {c.role: k for k, c in enumerate(channels) if c.role}
        per_file = len(channels) == 1
        self._offer([c.name or f"channel {c.index}" for c in channels], by_role)
        for combo in self.roles.values():
            combo.setEnabled(not per_file)
        self.pixel_size.setValue(first.pixel_size_um)
        n = len(info.fields)
        told = [f"{n} {'field' if n == 1 else 'fields'}, {first.kind}"]
        told += ["one file per channel, by their names"] if per_file and n else []
        self.note.setText("; ".join(told) + (f"\n{info.problems[0]}" if info.problems else ""))

    def place(self) -> PicturePlace:
        """Return where the file lies and how it is read.

        Raises
        ------
        InputError
            If channels or pixel size are not clear.
        """
        if self._info is None:
            raise InputError("no picture is chosen", remedy="choose a file or a folder")
        first = self._info.files[0]
        chosen = {role: combo.currentIndex() - 1 for role, combo in self.roles.items()}
        told = {c.role: k for k, c in enumerate(first.channels) if c.role}
        by_hand = len(first.channels) > 1 and chosen != told
        if by_hand and (min(chosen.values()) < 0 or len(set(chosen.values())) < len(ROLES)):
            raise InputError("the channels are not clear", remedy="choose one channel for each")
        size = self._size()
        return PicturePlace(
            (Path(self.path.text().strip()).absolute(),),
            chosen if by_hand else {},
            0.0 if abs(size - first.pixel_size_um) < 5e-5 else size,
        )

    def keep_layers(self, results: Path, case_id: str) -> PicturePlace:
        """Write the layers as a picture into the results, and return its place.

        Raises
        ------
        InputError
            If channels or pixel size are not clear.
        OutputError
            If the picture cannot be written.
        """
        size = self._size()
        chosen = {
            role: self._layers[combo.currentIndex() - 1]
            for role, combo in self.roles.items()
            if combo.currentIndex() > 0
        }
        file = write_picture(planes_of(chosen), results, case_id, pixel_size_um=size)
        self._kept = list(chosen.values())
        return PicturePlace((file,))

    def remove_kept(self) -> None:
        """Remove the layers that were written: the open case shows the same pixels in its own."""
        layers = self.workspace.viewer.layers
        for layer in self._kept:
            if layer in layers:
                layers.remove(layer)
        self._kept = []

    def open(self, place: PicturePlace, case_id: str, probe: ProbeProfile) -> Case:
        """Open the picture; raises as `alkfish.open_case`."""
        return open_pictures(place, case_id, probe)

    def _size(self) -> float:
        low, high = PIXEL_SIZE_RANGE_UM
        if not low <= self.pixel_size.value() <= high:
            raise InputError(
                "the pixel size is not known",
                allowed=f"{low:g} to {high:g} um",
                remedy="give the width of a pixel; the microscope's software knows it",
            )
        return float(self.pixel_size.value())

    def _offer(self, names: Sequence[str], roles: dict[str, int]) -> None:
        for role, combo in self.roles.items():
            combo.blockSignals(True)
            combo.clear()
            combo.addItems([UNCLEAR, *names])
            combo.setCurrentIndex(roles.get(role, -1) + 1)
            combo.setEnabled(True)
            combo.blockSignals(False)
        self.changed.emit()

    def _take_layers(self, _: object) -> None:
        if self.is_layers:
            self.show_layers()

    def _take_kind(self) -> None:
        if self.is_layers:
            self.show_layers()
        else:
            files = {str(layer.source.path) for layer in self._layers if layer.source.path}
            if not self.path.text() and len(files) == 1:  # what the window shows, from its file
                self.path.setText(files.pop())
            self.look()
        self._show_kind()

    def _show_kind(self) -> None:
        self._file_row.setVisible(not self.is_layers)

    def _browse(self) -> None:
        self._take_path(QFileDialog.getOpenFileName(self, "Picture or slide")[0])

    def _browse_folder(self) -> None:
        self._take_path(QFileDialog.getExistingDirectory(self, "Folder of one case"))

    def _take_path(self, path: str) -> None:
        if path:
            self.path.setText(path)
            self.look()


def _note_on(layers: Sequence[Any]) -> str:
    """Return what stands against scoring the layers, and what to do; empty if nothing is seen."""
    if not layers:
        return "No image is open in the window."
    mixed = [layer.name for layer in layers if layer.rgb]
    if mixed:
        return (
            f"{mixed[0]} is a colour picture, made for display: its channels are mixed and its "
            "intensities changed. Score the file that the microscope wrote."
        )
    if len(layers) < len(ROLES):
        return (
            f"{len(layers)} of {len(ROLES)} channels {'is' if len(layers) == 1 else 'are'} open as "
            f'a layer. If the channels lie in one file, choose "{OF_FILE}" above.'
        )
    return ""
