"""What belongs to a whole slide, measured on a sample of windows by whoever spreads the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alkfish.config import Config
from alkfish.io.images import FieldSource
from alkfish.model.fov import FieldOfView
from alkfish.model.window import Window
from alkfish.pipeline.correction import ChannelCorrection, measure_correction
from alkfish.pipeline.field import (
    MODEL_PARTS,
    FieldFindings,
    FieldModel,
    analyse_fov,
    learn_part,
)
from alkfish.score.qc import ChannelFigures

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[tuple[int, Any]]]
"""Runs a task on items and yields number and result of each, in any order."""


@dataclass(frozen=True, eq=False)
class SlideSample:
    """Windows of a slide, read where they are looked at.

    It travels to the workers without pixels, which it keeps once they are read.
    """

    source: FieldSource
    windows: Sequence[Window]
    config: Config
    model: FieldModel = field(default_factory=FieldModel)
    _read: dict[Window, FieldOfView] = field(default_factory=dict, repr=False)

    def learn(self, part: str) -> Any:
        """Learn one part of what the fields share from all windows."""
        return learn_part(part, [self.load(w) for w in self.windows], config=self.config)

    def analyse(self, window: Window) -> FieldFindings:
        """Find the nuclei and spots of one window with what was learned."""
        origin = window.top, window.left
        return analyse_fov(
            self.load(window), config=self.config, model=self.model, origin_px=origin
        )

    def load(self, window: Window) -> FieldOfView:
        """Return the pixels of a window, which are read once."""
        if window not in self._read:
            self._read[window] = self.source.load_region(
                window.top, window.left, window.height, window.width
            )
        return self._read[window]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_read": {}}


def measure_sample(
    source: FieldSource, windows: Sequence[Window], *, config: Config, run: Run
) -> tuple[FieldModel, ChannelCorrection, tuple[ChannelFigures, ChannelFigures]]:
    """Measure what belongs to the whole slide.

    Parameters
    ----------
    source : FieldSource
        The slide.
    windows : sequence of Window
        Where it is measured; may be empty.
    config : Config
        Settings.
    run : callable
        Spreads the work; it does not change what is measured.

    Returns
    -------
    FieldModel
        What its fields are searched with.
    ChannelCorrection
        Chromatic shift and crosstalk.
    tuple of ChannelFigures
        Background and noise of the 3' and the 5' channel, medians over the windows.
    """
    sample = SlideSample(source, windows, config)
    parts = dict(run(sample.learn, MODEL_PARTS)) if windows else {}
    model = FieldModel(*(parts[number] for number in range(len(parts))))
    found = dict(run(SlideSample(source, windows, config, model, sample._read).analyse, windows))
    findings = [found[number] for number in range(len(windows))]
    return model, measure_correction(findings), _middle_figures(findings)


def _middle_figures(findings: Sequence[FieldFindings]) -> tuple[ChannelFigures, ChannelFigures]:
    def middle(all_figures: Sequence[ChannelFigures]) -> ChannelFigures:
        background = float(np.median([f.background for f in all_figures] or [0.0]))
        noise = float(np.median([f.noise for f in all_figures] or [0.0]))
        return ChannelFigures(background, noise, 0.0)

    return middle([f.figures_3p for f in findings]), middle([f.figures_5p for f in findings])
