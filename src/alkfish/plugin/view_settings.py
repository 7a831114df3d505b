"""Contrast and visible channels of each case, kept from day to day without being asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VIEWS = "views.json"
"""Name of the file in the folder of results; nothing but display hangs on it."""

CHANNELS = ("dapi", "three_prime", "five_prime")


class ViewSettings:
    """How the open case is displayed; `save` writes it if something was changed."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._case_id = ""
        self._contrast: dict[str, tuple[float, float]] = {}
        self._visible: dict[str, bool] = {}
        self._kept: dict[str, tuple[float, float]] = {}
        self._joined: list[tuple[Any, Any]] = []

    def load(self, results: Path, case_id: str) -> None:
        """Take up what was kept of a case, after keeping what was changed of the last one."""
        self.save()
        self._file, self._case_id = results / VIEWS, case_id
        told = _read(self._file).get(case_id, {})
        self._contrast = {
            name: (float(limits[0]), float(limits[1]))
            for name, limits in told.items()
            if name in CHANNELS and isinstance(limits, list) and len(limits) == 2
        }
        self._kept = dict(self._contrast)

    def contrast(self, channel: str) -> tuple[float, float] | None:
        """Return the contrast limits of a channel that a person has chosen; None: nobody has."""
        return self._contrast.get(channel)

    def is_visible(self, part: str) -> bool:
        """Whether a layer was visible when the last field was shown."""
        return self._visible.get(part, True)

    def follow(self, layers: Mapping[str, Any]) -> None:
        """Note every change of contrast and visibility of the layers of a field."""
        self.stop()
        for part, layer in layers.items():

            def note_visible(_: Any = None, part: str = part, layer: Any = layer) -> None:
                self._visible[part] = bool(layer.visible)

            self._join(layer.events.visible, note_visible)
            if part in CHANNELS:

                def note_contrast(_: Any = None, part: str = part, layer: Any = layer) -> None:
                    low, high = layer.contrast_limits
                    self._contrast[part] = (float(low), float(high))

                self._join(layer.events.contrast_limits, note_contrast)

    def stop(self) -> None:
        """Follow no layers any more."""
        for emitter, slot in self._joined:
            emitter.disconnect(slot)
        self._joined = []

    def _join(self, emitter: Any, slot: Any) -> None:
        emitter.connect(slot)
        self._joined.append((emitter, slot))

    def save(self) -> None:
        """Write what was changed; a folder that cannot be written keeps nothing."""
        if self._file is None or self._contrast == self._kept:
            return
        views = _read(self._file)
        views[self._case_id] = {name: list(limits) for name, limits in self._contrast.items()}
        partial = self._file.with_name(f".{VIEWS}.partial")
        try:
            partial.write_text(json.dumps(views, indent=1) + "\n", encoding="utf-8", newline="\n")
            partial.replace(self._file)
        except OSError:
            return
        self._kept = dict(self._contrast)


def _read(file: Path) -> dict[str, Any]:
    try:
        views = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return views if isinstance(views, dict) else {}
