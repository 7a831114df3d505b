"""Ways into the review window: ``alkfish review``, and what napari's menus and files lead to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from alkfish.errors import InputError
from alkfish.io.bundle import RESULT

NOTHING: list[tuple[None]] = [(None,)]
"""What a reader returns to napari when it has opened everything itself."""

DEMO_CASE = "simulated_demo"

Layers = list[tuple[None]]


def run_review(
    results: str | Path, *, reader: str = "", images: str | Path = "", store: str = ""
) -> None:
    """Open the review window on a folder of results, and wait until it is closed.

    Parameters
    ----------
    results : path-like
        Folder of results, or the bundle of a case.
    reader, images, store
        As for `alkfish.plugin.workspace.Workspace.open`.

    Raises
    ------
    BundleError
        If there is no result.
    StoreError
        If the review store cannot be opened.
    """
    import napari

    viewer = napari.Viewer(title="alkfish review", show=False)
    viewer.window.show()
    viewer.window.resize(1280, 800)  # after showing, which takes up the size that it had last
    desk = _desk(viewer)  # keeps the size
    desk.workspace.open(results, reader=reader, images=images, store=store)
    napari.run()


def read_results(path: str | Sequence[str]) -> Callable[[Any], Layers] | None:
    """Return a function that opens a folder of results, or a bundle; None for anything else.

    This is the reader that napari asks.
    """
    if not isinstance(path, str | Path):
        return None
    folder = Path(path)
    if (folder / RESULT).is_file() or next(folder.glob(f"*/{RESULT}"), None) is not None:
        return _open_here
    return None


def _open_here(path: Any) -> Layers:
    _desk(_viewer()).workspace.open(path)
    return NOTHING


def open_demo() -> list[tuple[Any, dict[str, Any], str]]:
    """Simulate and score a small case, the same every time, and open it: napari's sample data."""
    import numpy as np
    from qtpy.QtCore import QTimer

    viewer = _viewer()
    _desk(viewer).workspace.open(make_demo(Path(tempfile.gettempdir()) / "alkfish-demo"))
    name = "Demo case opened"

    def tidy() -> None:
        if name in viewer.layers:
            viewer.layers.remove(name)

    QTimer.singleShot(0, tidy)  # napari insists on a layer; the review has its own
    return [(np.empty((0, 2)), {"name": name}, "points")]


def make_demo(folder: Path) -> Path:
    """Return the folder of results of the demo case, made if it is not there.

    Parameters
    ----------
    folder : Path
        Where pictures and results go.
    """
    from alkfish import open_case, score_case, write_bundle
    from alkfish.io.locations import PicturePlace, remember_pictures
    from alkfish.synthetic.case import simulate_case, write_case

    results = folder / "results"
    if _is_demo(results / DEMO_CASE):
        return results
    images = write_case(_demo_case(simulate_case), folder)
    result = score_case(open_case(images))
    write_bundle(result, results, overwrite=True)
    remember_pictures(results, result.case_id, PicturePlace((images,)))
    return results


def _demo_case(simulate: Callable[..., Any]) -> Any:
    return simulate(
        "typical", seed=2, n_fields=3, case_id=DEMO_CASE, positive_fraction=0.3, shape=(1280, 1280)
    )


def _is_demo(bundle: Path) -> bool:
    try:
        return bool(json.loads((bundle / RESULT).read_text("utf-8"))["case"] == DEMO_CASE)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def review_widget() -> Any:
    """Return the review dock for the present viewer, and lay the others around it.

    Where it is open already, panels that were closed are shown again.
    """
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QLabel

    from alkfish.plugin.desk import desk_of, has_desk

    viewer = _viewer()
    if not has_desk(viewer):
        return desk_of(viewer, with_review=False).review
    desk = desk_of(viewer)
    desk.show_docks()
    if not desk.has_review:
        return desk.review
    label = QLabel("The review is shown again.")  # napari insists on a panel
    QTimer.singleShot(0, partial(_undock, viewer, label))
    return label


def _undock(viewer: Any, widget: Any) -> None:
    """Take a panel away again that napari has docked; one that it has not is left alone."""
    with suppress(LookupError):
        viewer.window.remove_dock_widget(widget)


def scoring_widget() -> Any:
    """Return a dock that scores an opened or chosen picture."""
    from alkfish.plugin.scoring import ScoringDock
    from alkfish.plugin.workspace import workspace_of

    return ScoringDock(workspace_of(_viewer()))


def _viewer() -> Any:
    import napari

    viewer = napari.current_viewer()
    if viewer is None:
        raise InputError(
            "there is no napari window",
            remedy="open one with `alkfish review OUT`, or open the folder in napari",
        )
    return viewer


def _desk(viewer: Any) -> Any:
    from alkfish.plugin.desk import desk_of

    return desk_of(viewer)
