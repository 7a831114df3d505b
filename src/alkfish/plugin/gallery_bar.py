"""The controls above the gallery: which nuclei, in which order, shown how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QPainter, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QToolButton,
    QWidget,
)
from superqt import QFlowLayout

from alkfish.plugin.gallery_choice import SHOWN_BLINDED, Choice, Doubt, Sort, Standing
from alkfish.plugin.gallery_tile import draw_mark
from alkfish.plugin.session import PATTERN_ORDER
from alkfish.plugin.thumbnails import View
from alkfish.plugin.timers import once_after
from alkfish.report.wording import flag_meaning, words_of

SIDES_PX = {"Small": 72, "Medium": 104, "Large": 176}
"""Sides of tiles."""

_VIEW_WORDS = {
    View.ALL: ("All", "All channels together"),
    View.THREE_PRIME: ("3'", "Only the 3' channel"),
    View.FIVE_PRIME: ("5'", "Only the 5' channel"),
    View.DAPI: ("DAPI", "Only DAPI"),
}
_MOST_WORDS = 34
_TOGGLE_STYLE = (
    "QToolButton { border: 1px solid #5a626c; border-radius: 3px; padding: 3px 7px; }"
    "QToolButton:checked { background: #3f6199; border-color: #a9c7f5; font-weight: bold; }"
    "QToolButton:focus { border-color: #ffffff; }"
)
_TYPING_MS = 200
_LIST_PX = 230


class GalleryBar(QWidget):
    """Filters, order and looks. It holds no data; it says when the reader wants something else.

    Attributes
    ----------
    choice_changed, look_changed : Signal
        Other nuclei or another order is wanted; tiles are to be drawn otherwise.
    """

    choice_changed = Signal()
    look_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QFlowLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.patterns = {name: _pattern_button(name) for name in PATTERN_ORDER}
        self.standing, self.doubt, self.sort = (_list(kind) for kind in (Standing, Doubt, Sort))
        self.flag, self.fov = _box(), _box()
        self.text = QLineEdit()
        self.views = QButtonGroup(self)
        self.marks, self.size_list = QCheckBox("Marks"), _box()
        self.more = _toggle("More filters", "Certainty, flag, field, words")
        self._typing = once_after(self, _TYPING_MS, self.choice_changed.emit)
        self._blinded = False
        self._set_up()
        for widget in self._widgets():
            layout.addWidget(widget)
        self._connect()
        self._show_more()

    def choice(self) -> Choice:
        """Return what the reader wants to see."""
        return Choice(
            patterns=frozenset(name for name, b in self.patterns.items() if b.isChecked()),
            standing=Standing(self.standing.currentData()),
            doubt=Doubt(self.doubt.currentData()),
            sort=Sort(self.sort.currentData()),
            flag=str(self.flag.currentData() or ""),
            fov=str(self.fov.currentData() or ""),
            text=self.text.text(),
        )

    @property
    def view(self) -> View:
        """Channels that tiles show."""
        return list(View)[max(self.views.checkedId(), 0)]

    @property
    def side_px(self) -> int:
        """Side of tiles in pixels."""
        return int(self.size_list.currentData())

    def offer(self, *, fovs: Iterable[str], flags: Iterable[str], blinded: bool) -> None:
        """Offer what the case has; under a blinded read nothing of the machine."""
        _fill(self.fov, "All fields", {name: name for name in fovs})
        _fill(self.flag, "Any flag", {name: _short(flag_meaning(name)) for name in flags})
        self._blinded = blinded
        self._show_more()
        for number, sort in enumerate(Sort):
            _enable(self.sort, number, enabled=not blinded or sort in SHOWN_BLINDED)
        _enable(self.standing, list(Standing).index(Standing.OVERRULED), enabled=not blinded)
        if blinded and Sort(self.sort.currentData()) not in SHOWN_BLINDED:
            self.sort.setCurrentIndex(0)

    def show_counts(self, counts: Mapping[str, int], *, blinded: bool) -> None:
        """Show how many nuclei each pattern has; under a blinded read those decided so far."""
        for name, button in self.patterns.items():
            button.setText(f"{words_of(name).name}  {counts.get(name, 0):,}")
            button.setVisible(bool(name) or not blinded)

    def _show_more(self) -> None:
        """Show or hide the filters that are needed less; say how many of them are in use."""
        shown = self.more.isChecked()
        self.text.setVisible(shown)
        self.fov.setVisible(shown and self.fov.count() > 2)
        self.flag.setVisible(shown and not self._blinded and self.flag.count() > 1)
        self.doubt.setVisible(shown and not self._blinded)
        lists = (self.fov,) if self._blinded else (self.fov, self.flag, self.doubt)
        used = sum(box.currentIndex() > 0 for box in lists) + bool(self.text.text().strip())
        self.more.setText(f"More filters ({used})" if used else "More filters")

    def set_standing(self, standing: Standing) -> None:
        """Show nuclei by what has been decided."""
        self.standing.setCurrentIndex(list(Standing).index(standing))

    def reset(self) -> None:
        """Show all nuclei again, in the same order."""
        for button in self.patterns.values():
            button.setChecked(False)
        for each in (self.standing, self.doubt, self.flag, self.fov):
            each.setCurrentIndex(0)
        self.text.clear()
        self.choice_changed.emit()

    def _set_up(self) -> None:
        self.text.setPlaceholderText("Find number or words")
        self.text.setClearButtonEnabled(True)
        self.text.setFixedWidth(140)
        self.standing.setToolTip("Which nuclei, by what has been decided")
        self.doubt.setToolTip("Which nuclei, by how certain the machine is")
        self.flag.setToolTip("Only nuclei with this flag")
        self.fov.setToolTip("Only nuclei of this field")
        self.sort.setToolTip("In which order the tiles stand")
        self.marks.setChecked(True)
        self.marks.setToolTip("Draw outline and signals: circle 3', square 5', dashed: fused")
        for number, view in enumerate(View):
            words, tip = _VIEW_WORDS[view]
            self.views.addButton(_toggle(words, tip), number)
        self.views.button(0).setChecked(True)
        for name, side in SIDES_PX.items():
            self.size_list.addItem(name, side)
        self.size_list.setMinimumContentsLength(6)
        self.size_list.setCurrentIndex(1)
        self.size_list.setToolTip("Size of the tiles")

    def _widgets(self) -> list[QWidget]:
        looks = [*self.views.buttons(), self.marks, self.size_list]
        less = [self.doubt, self.flag, self.fov, self.text]
        return [*self.patterns.values(), self.standing, self.sort, *looks, self.more, *less]

    def _connect(self) -> None:
        for button in self.patterns.values():
            button.toggled.connect(lambda _on: self.choice_changed.emit())
        for each in (self.standing, self.doubt, self.flag, self.fov, self.sort):
            each.currentIndexChanged.connect(lambda _number: self.choice_changed.emit())
        self.text.textChanged.connect(lambda _text: self._typing.start())
        self.more.toggled.connect(lambda _on: self._show_more())
        self.choice_changed.connect(self._show_more)
        self.views.idClicked.connect(lambda _number: self.look_changed.emit())
        self.marks.toggled.connect(lambda _on: self.look_changed.emit())
        self.size_list.currentIndexChanged.connect(lambda _number: self.look_changed.emit())


def pattern_icon(pattern: str, side_px: int = 14) -> QIcon:
    """Return the shape of a pattern as an icon."""
    pixmap = QPixmap(2 * side_px, 2 * side_px)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill("transparent")
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_mark(painter, QRectF(0, 0, side_px, side_px), pattern)
    painter.end()
    return QIcon(pixmap)


def _toggle(words: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(words)
    button.setToolTip(tip)
    button.setCheckable(True)
    button.setStyleSheet(_TOGGLE_STYLE)
    return button


def _pattern_button(pattern: str) -> QToolButton:
    words = words_of(pattern)
    button = _toggle(words.name, f"Show only: {words.name} ({words.meaning})")
    button.setIcon(pattern_icon(pattern))
    button.setIconSize(QSize(14, 14))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


def _list(kind: type[Standing | Doubt | Sort]) -> QComboBox:
    box = _box()
    for member in kind:
        box.addItem(member.words, member.value)
    return box


def _box() -> QComboBox:
    """Return a list as wide as what is chosen, not as its longest entry."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(9)
    box.view().setMinimumWidth(_LIST_PX)
    return box


def _fill(box: QComboBox, first: str, items: Mapping[str, str]) -> None:
    """Put items into a list, keeping what is chosen if it is still there."""
    wanted = [("", first), *items.items()]
    present = [(box.itemData(k), box.itemText(k)) for k in range(box.count())]
    if wanted == present:
        return
    chosen = box.currentData()
    box.blockSignals(True)
    box.clear()
    for value, words in wanted:
        box.addItem(words, value)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    box.blockSignals(False)


def _enable(box: QComboBox, number: int, *, enabled: bool) -> None:
    item = box.model().item(number)  # type: ignore[attr-defined]
    item.setEnabled(enabled)


def _short(words: str) -> str:
    first = words.split(":")[0]
    return first if len(first) <= _MOST_WORDS else f"{first[: _MOST_WORDS - 1]}…"
