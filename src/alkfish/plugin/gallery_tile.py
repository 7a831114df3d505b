"""How a tile of the gallery is painted: picture, frame, shape and words of its pattern."""

from __future__ import annotations

from qtpy.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from qtpy.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath, QPen
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from alkfish.model.signals import Pattern
from alkfish.plugin.colours import look_of
from alkfish.plugin.gallery_model import PICTURE, STATE, TileState

FRAME_PX = 4
MARGIN_PX = 5
CAPTION_PX = 20
MARK_PX = 11

GROUND, CHOSEN, CURRENT = QColor("#16191d"), QColor("#33507a"), QColor("#ffffff")
INK, FAINT = QColor("#f0f0f0"), QColor("#a7adb5")


class TileDelegate(QStyledItemDelegate):
    """Paints tiles of one size.

    Parameters
    ----------
    side_px : int
        Side of the picture in pixels.
    """

    def __init__(self, side_px: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.side_px = side_px

    def cell(self) -> QSize:
        """Return the size of a tile with everything around it."""
        side = self.side_px + 2 * (FRAME_PX + MARGIN_PX)
        return QSize(side, side + CAPTION_PX)

    def sizeHint(  # noqa: N802
        self,
        _option: QStyleOptionViewItem,
        _index: QModelIndex | QPersistentModelIndex,
    ) -> QSize:
        """Return the size of every tile."""
        return self.cell()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:  # fmt: skip
        """Paint one tile; asking the model for its picture has it made."""
        state = index.data(STATE)
        if not isinstance(state, TileState):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        cell = QRect(option.rect.topLeft(), self.cell())
        _ground(painter, cell, chosen=chosen, current=state.current)
        square = QRect(
            cell.left() + FRAME_PX + MARGIN_PX, cell.top() + FRAME_PX + MARGIN_PX,
            self.side_px, self.side_px,
        )  # fmt: skip
        _picture(painter, square, index.data(PICTURE))
        _frame(painter, square, state)
        _caption(painter, square, state, self.parent())
        painter.restore()


def _ground(painter: QPainter, cell: QRect, *, chosen: bool, current: bool) -> None:
    area = QRectF(cell).adjusted(1.5, 1.5, -1.5, -1.5)
    painter.setPen(QPen(CURRENT, 2.0) if current else Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(CHOSEN) if chosen else Qt.BrushStyle.NoBrush)
    if chosen or current:
        painter.drawRoundedRect(area, 4, 4)


def _picture(painter: QPainter, square: QRect, picture: QImage | None) -> None:
    painter.fillRect(square, GROUND)
    if picture is None or picture.isNull():
        return
    size = picture.size().scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRect(0, 0, size.width(), size.height())
    place.moveCenter(square.center())
    painter.drawImage(place, picture)


def _frame(painter: QPainter, square: QRect, state: TileState) -> None:
    """Draw the frame: its colour tells the pattern, a full line that a reader has decided."""
    pen = QPen(tile_colour(state.pattern), FRAME_PX - 1)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if not state.decided:
        pen.setDashPattern([2.2, 1.6])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    half = FRAME_PX / 2
    painter.drawRect(QRectF(square).adjusted(-half, -half, half, half))


def _caption(painter: QPainter, square: QRect, state: TileState, owner: QObject | None) -> None:
    top = square.bottom() + FRAME_PX + 2
    line = QRect(square.left() - 2, top, square.width() + 4, CAPTION_PX - 2)
    mark = QRectF(line.left(), line.center().y() - MARK_PX / 2 + 0.5, MARK_PX, MARK_PX)
    if state.pattern or not state.is_open:
        draw_mark(painter, mark, state.pattern)
    font = owner.font() if isinstance(owner, QWidget) else painter.font()
    font.setPixelSize(11 if square.width() < 120 else 12)
    painter.setFont(font)
    number = f"{state.nucleus.nucleus_id}"
    width = painter.fontMetrics().horizontalAdvance(number)
    painter.setPen(FAINT)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(line, right, number)
    room = line.adjusted(MARK_PX + 5, 0, -width - (20 if state.decided else 5), 0)
    painter.setPen(INK)
    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    name = painter.fontMetrics().elidedText(state.name, Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, left, name)
    if state.decided:
        _tick(painter, QPointF(line.right() - width - 14, line.center().y() + 1))


def _tick(painter: QPainter, at: QPointF) -> None:
    path = QPainterPath(at)
    path.lineTo(at + QPointF(3.0, 3.5))
    path.lineTo(at + QPointF(9.0, -4.5))
    painter.setPen(QPen(INK, 1.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)


def tile_colour(pattern: str) -> QColor:
    """Return the colour of a pattern on dark ground; the empty text: not counted."""
    return QColor(look_of(pattern).colour)


def draw_mark(painter: QPainter, area: QRectF, pattern: str) -> None:
    """Draw the shape of a pattern: it tells patterns apart without their colour.

    Full diamond: split; full triangle: isolated 3'; hollow triangle, point down: isolated 5';
    ring: fused; cross: not counted.
    """
    colour, box = tile_colour(pattern), area.adjusted(1, 1, -1, -1)
    painter.setPen(QPen(colour, 1.8))
    full = pattern in (Pattern.SPLIT.value, Pattern.ISOLATED_3P.value)
    painter.setBrush(QBrush(colour) if full else Qt.BrushStyle.NoBrush)
    middle = box.center()
    if pattern == Pattern.FUSED.value:
        painter.drawEllipse(box)
        return
    path = QPainterPath()
    if pattern == Pattern.SPLIT.value:
        points = [(middle.x(), box.top()), (box.right(), middle.y()),
                  (middle.x(), box.bottom()), (box.left(), middle.y())]  # fmt: skip
    elif pattern == Pattern.ISOLATED_3P.value:
        points = [(middle.x(), box.top()), (box.right(), box.bottom()), (box.left(), box.bottom())]
    elif pattern == Pattern.ISOLATED_5P.value:
        points = [(box.left(), box.top()), (box.right(), box.top()), (middle.x(), box.bottom())]
    else:
        painter.drawLine(box.topLeft(), box.bottomRight())
        painter.drawLine(box.topRight(), box.bottomLeft())
        return
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    path.closeSubpath()
    painter.drawPath(path)
