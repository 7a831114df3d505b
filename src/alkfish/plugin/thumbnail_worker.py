"""Thumbnails made beside the window: the newest wish first, wishes out of sight dropped."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from threading import Condition, Thread
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QByteArray, QObject, QRectF, Signal
from qtpy.QtGui import QImage, QPainter
from qtpy.QtSvg import QSvgRenderer

from alkfish.errors import AlkfishError
from alkfish.plugin.thumbnails import Look, Tile, TileMaker
from alkfish.review import NucleusKey

MAX_WAITING = 1000
"""Wishes kept; more than a screen holds. Scrolling on drops the oldest."""

SAME_FIELD_AMONG = 64
"""Among so many newest wishes, about a screen, those of one field are made together."""


@dataclass(frozen=True)
class Wish:
    """A tile that is wanted: of which nucleus, where it stands in the result, how it is drawn."""

    nucleus: NucleusKey
    row: int
    look: Look


class ThumbnailWorker(QObject):
    """One thread that makes tiles of one case after another.

    Attributes
    ----------
    made : Signal
        Emits the wish, its picture (QImage) and the number of the case it belongs to; received
        in the thread of the window.
    """

    made = Signal(object, object, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wishes: OrderedDict[Wish, None] = OrderedDict()
        self._news = Condition()
        self._maker: TileMaker | None = None
        self._case, self._field = 0, ""
        self._stopped = self._is_making = False
        self._pause_until = 0.0
        self._thread: Thread | None = None

    @property
    def case(self) -> int:
        """Number of the present case; pictures of others are out of date."""
        return self._case

    @property
    def n_waiting(self) -> int:
        """Wishes that are not fulfilled yet, the one that is being made included."""
        return len(self._wishes) + self._is_making

    def set_maker(self, maker: TileMaker | None) -> None:
        """Make tiles of another case, or of the same after an edit; older wishes are dropped."""
        with self._news:
            self._maker = maker
            self._case += 1
            self._wishes.clear()

    def ask(self, wish: Wish) -> None:
        """Wish for a tile; the last wish is fulfilled first."""
        with self._news:
            if self._stopped or self._maker is None:
                return
            self._wishes[wish] = None
            self._wishes.move_to_end(wish)
            while len(self._wishes) > MAX_WAITING:
                self._wishes.popitem(last=False)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="alkfish-thumbnails", daemon=True)
                self._thread.start()
            self._news.notify()

    def pause(self, seconds: float) -> None:
        """Begin no tile before so much time has passed: something else is to be quick."""
        with self._news:
            self._pause_until = monotonic() + seconds

    def drop_wishes(self) -> None:
        """Forget what is not begun yet."""
        with self._news:
            self._wishes.clear()

    def stop(self) -> None:
        """End the thread; nothing is made afterwards."""
        with self._news:
            self._stopped = True
            self._wishes.clear()
            self._maker = None
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            wish, maker, case = taken
            try:
                picture = picture_of(maker.make(wish.row, wish.look))
            except AlkfishError:  # unreadable labels: an empty tile, the rest goes on
                picture = QImage()
            if not self._stopped:
                self.made.emit(wish, picture, case)
            self._is_making = False

    def _next(self) -> tuple[Wish, TileMaker, int] | None:
        """Wait for a wish and take it; None at the end."""
        with self._news:
            self._wait_for_wishes()
            while not self._stopped and (pause := self._pause_until - monotonic()) > 0:
                self._news.wait_for(lambda: self._stopped, timeout=pause)
                self._wait_for_wishes()  # they may have been dropped meanwhile
            if self._stopped or self._maker is None:
                return None
            self._is_making = True
            wish = self._choose()
            del self._wishes[wish]
            self._field = wish.nucleus.fov
            return wish, self._maker, self._case

    def _wait_for_wishes(self) -> None:
        self._news.wait_for(lambda: self._stopped or (self._wishes and self._maker))

    def _choose(self) -> Wish:
        """Return the newest wish of the field at hand, else the newest: fields load slowly."""
        newest = list(islice(reversed(self._wishes), SAME_FIELD_AMONG))
        return next((wish for wish in newest if wish.nucleus.fov == self._field), newest[0])


def picture_of(tile: Tile) -> QImage:
    """Return a tile as a picture of Qt, its drawing laid over it."""
    image = image_of(tile.pixels)
    if tile.marks:
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        drawing = QSvgRenderer(QByteArray(tile.marks.encode()))
        drawing.render(painter, QRectF(0, 0, image.width(), image.height()))
        painter.end()
    return image


def image_of(pixels: npt.NDArray[np.uint8]) -> QImage:
    """Return RGB pixels of shape (h, w, 3) as a picture that owns its memory."""
    height, width = pixels.shape[:2]
    data: Any = np.ascontiguousarray(pixels).tobytes()
    image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)
