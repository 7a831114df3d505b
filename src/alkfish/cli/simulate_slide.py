"""``alkfish simulate --slide``: one simulated slide, with progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import typer


@dataclass(frozen=True, kw_only=True)
class SlideOptions:
    """What the command line says of a simulated slide."""

    out: Path
    side: int
    level: str
    seed: int
    tissue: float
    pyramid: bool
    positive_fraction: float | None
    pixel_size_um: float
    separation: str
    probe: str
    name: str


def simulate_slide(options: SlideOptions, *, as_json: bool) -> None:
    """Simulate a slide, write it, and print where it is and what is true of it."""
    from alkfish.cli.output import print_json
    from alkfish.io.probes import load_probe
    from alkfish.synthetic.slide import default_workers, plan_slide, write_slide

    plan = plan_slide(
        options.level,
        seed=options.seed,
        shape=(options.side, options.side),
        tissue=options.tissue,
        pixel_size_um=options.pixel_size_um,
        positive_fraction=options.positive_fraction,
        separation=options.separation,
        three_prime_colour=load_probe(options.probe).three_prime_colour,
        case_id=options.name,
    )
    with _Bar(enabled=not as_json) as bar:
        slide = write_slide(
            plan,
            options.out,
            pyramid=options.pyramid,
            workers=default_workers(),
            on_progress=bar.show,
        )
    if as_json:
        print_json({"images": str(slide.path), "truth": slide.truth})
        return
    typer.echo(f"simulated slide: {slide.path}\n{truth_line(slide.truth)}")


def truth_line(truth: Mapping[str, Any]) -> str:
    """Return one line on the truth of a simulated case, from its ``truth.json``."""
    from alkfish.cli.output import percent

    counts = truth["counts"]
    positive = counts["SPLIT"] + counts["ISOLATED_3P"]
    return (
        f"truth: {truth['n_nuclei']} nuclei, {truth['n_scorable']} scorable, "
        f"{positive} positive ({percent(truth['true_rate'])})"
    )


class _Bar:
    """Progress bar on standard error, shown only on a terminal."""

    def __init__(self, *, enabled: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("simulating"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} blocks"),
            TimeRemainingColumn(),
            console=console,
            disable=not (enabled and console.is_terminal),
            transient=True,
        )
        self._task = self._bar.add_task("simulating", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total)
