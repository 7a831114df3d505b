"""Make the pictures of ``docs/review.md``: ``python docs/make_review_images.py``.

Simulates and scores three cases, opens them in a real napari window of 1280 x 800, reads as a
person would, and photographs the window and its docks. Needs the extra ``napari``, and Xvfb where
there is no screen. Stops if the canvas is empty: that is what drawing without OpenGL looks like.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

IMAGES = Path(__file__).parent / "images"
SIZE = (1280, 800)
WAIT_S = 60.0
CASES = {
    "case_01": {"seed": 5, "positive_fraction": 0.5},
    "case_02": {"seed": 8, "positive_fraction": 0.0},
    "case_03": {"seed": 11, "positive_fraction": 0.25},
}
FOLDER_PX = 28
"""Height of the line below the worklist that names the folder, a temporary one here."""

MIN_DRAWN = 0.05
"""Least share of the canvas that must not be black."""


def main() -> None:
    """Make the cases, open the window, take the pictures."""
    if not os.environ.get("DISPLAY") and sys.platform.startswith("linux"):
        screen = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]
        os.execvp(screen[0], [*screen, sys.executable, *sys.argv])  # noqa: S606
    with tempfile.TemporaryDirectory() as name:
        take_pictures(make_results(Path(name)))


def make_results(folder: Path) -> Path:
    """Return the results of three simulated cases."""
    from alkfish.synthetic import simulate_case, write_case

    for case_id, options in CASES.items():
        write_case(
            simulate_case("typical", n_fields=6, case_id=case_id, **options), folder / "images"
        )
    cases = [str(folder / "images" / case_id) for case_id in CASES]
    command = [sys.executable, "-m", "alkfish", "score", *cases, "-o", str(folder / "results")]
    subprocess.run([*command, "--json"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return folder / "results"


def take_pictures(results: Path) -> None:
    """Open the window and photograph it and its docks."""
    from alkfish import Pattern
    from alkfish.review import ReadMode

    window = Window(results)
    session = window.workspace.session
    window.save_dock("Cases", "review_cases.png")
    session.start_read(ReadMode.FIFTY)
    for _ in range(21):
        window.press("agree")
    session.decide(Pattern.SPLIT)
    window.press("next_undecided")
    window.save("review_window.png")
    window.save_dock("Review", "review_dock.png")
    window.save_dock("Case", "review_case.png")
    window.save_dock("Settings", "review_settings.png")
    window.save_gallery("review_gallery.png", "READ")
    window.save_gallery("review_gallery_split.png", "ALL", pattern="SPLIT", view="5p")
    session.abandon_read("pictures for the guide")
    session.start_read(ReadMode.FIFTY, blinded=True)
    session.decide(Pattern.FUSED)
    window.press("next_undecided")
    window.save("review_blinded.png")
    window.close()


class Window:
    """The review window, driven as a reader would.

    Parameters
    ----------
    results : Path
        Folder of results.
    """

    def __init__(self, results: Path) -> None:
        import napari
        from qtpy.QtWidgets import QApplication

        from alkfish.plugin.desk import desk_of

        self.viewer = napari.Viewer(title="alkfish review", show=False)
        self.viewer.window.show()
        self.viewer.window.resize(*SIZE)
        self.desk = desk_of(self.viewer)
        self.workspace = self.desk.workspace
        self.workspace.open(results, reader="A. Reader")
        self.app = QApplication.instance()
        if sys.platform.startswith("linux") and self.app.platformName() != "xcb":
            raise SystemExit("the canvas is only drawn on a real screen")
        self.settle()
        self.desk.arrange()
        self.settle()

    def press(self, action: str) -> None:
        """Press the key of an action."""
        from alkfish.plugin.keys import BY_NAME

        self.desk.press(BY_NAME[action])
        self.app.processEvents()

    def settle(self) -> None:
        """Wait until tiles are made and nothing is drawn any more."""
        start = quiet = time.monotonic()
        while time.monotonic() - quiet < 1.0 and time.monotonic() - start < WAIT_S:
            self.app.processEvents()
            time.sleep(0.01)
            if self.desk.gallery.worker.n_waiting:
                quiet = time.monotonic()

    def save(self, name: str) -> None:
        """Photograph the whole window; the canvas must not be empty."""
        self.settle()
        canvas = self.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        drawn = float((canvas.max(axis=-1) > 30).mean())
        if drawn < MIN_DRAWN:
            raise SystemExit(f"{name}: only {drawn:.1%} of the canvas is drawn")
        self._raise("Review")
        self.settle()
        picture = self.viewer.screenshot(canvas_only=False, flash=False)[..., :3]
        if picture.shape[:2] != SIZE[::-1]:
            raise SystemExit(f"{name}: the window is {picture.shape[1]} x {picture.shape[0]}")
        write(name, picture)

    def _raise(self, dock: str) -> Any:
        """Bring a dock to the front of its tabs; return what is in it."""
        widget = self.desk.review if dock == "Review" else self.desk.docks[dock].widget()
        frame = widget
        while frame is not None and not hasattr(frame, "setFloating"):
            frame = frame.parentWidget()
        frame.raise_()
        return widget

    def save_dock(self, dock: str, name: str) -> None:
        """Photograph one dock as it stands in the window."""
        widget = self._raise(dock)
        self.settle()
        foot = FOLDER_PX if dock == "Cases" else 0
        area = widget.rect().adjusted(0, 0, 0, -foot)
        widget.grab(area).save(str(IMAGES / name))

    def save_gallery(
        self, name: str, standing: str, *, pattern: str = "", view: str = "all"
    ) -> None:
        """Photograph the gallery, taller than in the window, with other filters."""
        from alkfish.plugin.gallery_choice import Standing
        from alkfish.plugin.thumbnails import View

        gallery = self.desk.gallery
        dock = self.desk.docks["Gallery"]
        dock.setFloating(True)
        dock.resize(930, 520)
        gallery.bar.set_standing(Standing[standing])
        for key, button in gallery.bar.patterns.items():
            button.setChecked(key == pattern and bool(pattern))
        gallery.bar.views.button(list(View).index(View(view))).click()
        self.settle()
        picture = gallery.grab()
        picture.save(str(IMAGES / name))
        for button in gallery.bar.patterns.values():
            button.setChecked(False)
        gallery.bar.views.button(0).click()
        dock.setFloating(False)
        self.desk.arrange()
        self.settle()

    def close(self) -> None:
        """Close the window."""
        self.viewer.close()


def write(name: str, pixels: Any) -> None:
    """Write a picture into the folder of the documentation."""
    import cv2

    cv2.imwrite(str(IMAGES / name), np.ascontiguousarray(pixels[..., ::-1]))


if __name__ == "__main__":
    main()
