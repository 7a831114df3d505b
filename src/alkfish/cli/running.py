"""What all commands that score have in common: their options, how work is opened, how they end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import (
    ChannelsOption,
    ConfigOption,
    DebugOption,
    JsonOption,
    LabNameOption,
    OverwriteOption,
    PdfOption,
    PixelSizeOption,
    ProbeOption,
    ReportOption,
    SceneOption,
    SchedulerOption,
    SetOption,
    TileFieldsOption,
    WorkersOption,
    ZStepOption,
)
from alkfish.errors import InputError

if TYPE_CHECKING:
    from alkfish.batch import BatchOptions, BatchResult, Defaults
    from alkfish.config import Config
    from alkfish.execute import Executor


@dataclass(frozen=True)
class ScoringOptions:
    """What was given on the command line and holds for all cases.

    Each field is an option of the commands that `takes_scoring_options` is written before.
    """

    probe: ProbeOption = "vysis-alk"
    config: ConfigOption = None
    settings: SetOption = None
    channels: ChannelsOption = None
    pixel_size_um: PixelSizeOption = None
    z_step_um: ZStepOption = None
    scene: SceneOption = None
    workers: WorkersOption = 1
    scheduler: SchedulerOption = None
    tile_fields: TileFieldsOption = 1
    overwrite: OverwriteOption = False
    report: ReportOption = None
    pdf: PdfOption = False
    lab_name: LabNameOption = ""
    as_json: JsonOption = False
    debug: DebugOption = False

    def defaults(self) -> Defaults:
        """Return what holds where a case says nothing; the probe profile is checked."""
        from alkfish.batch import Defaults, Reading
        from alkfish.io.probes import load_probe, require_confirmed
        from alkfish.model.fov import PIXEL_SIZE_RANGE_UM, Z_STEP_RANGE_UM

        require_confirmed(load_probe(self.probe))
        _check_size(self.pixel_size_um, PIXEL_SIZE_RANGE_UM, "pixel size", "--pixel-size-um")
        _check_size(self.z_step_um, Z_STEP_RANGE_UM, "distance of focus planes", "--z-step-um")
        reading = Reading(
            channels=tuple(sorted((parse_roles(self.channels) or {}).items())),
            pixel_size_um=self.pixel_size_um or 0.0,
            z_step_um=self.z_step_um or 0.0,
            scene=self.scene or "",
        )
        return Defaults(self.probe, reading)

    def batch_options(self, *, report: bool) -> BatchOptions:
        """Return the options of a batch; `report` holds where neither yes nor no was said."""
        from alkfish.batch import BatchOptions, ReportPlan

        wanted = report if self.report is None else self.report
        return BatchOptions(
            config=load_config(self.config, self.settings or []),
            overwrite=self.overwrite,
            report=ReportPlan(wanted, self.pdf, self.lab_name),
            tile_fields=self.tile_fields,
        )

    def executor(self) -> AbstractContextManager[Executor]:
        """Return what does the work; see `opening_executor`."""
        return opening_executor(self.workers, self.scheduler)


def _check_size(value: float | None, limits: tuple[float, float], what: str, option: str) -> None:
    """Refuse a size that cannot be meant, before anything is opened."""
    low, high = limits
    if value is not None and not low <= value <= high:
        raise InputError(
            f"the {what} is out of range", where=option, found=value,
            allowed=f"{low:g} to {high:g} micrometres", remedy="leave it out if the file says it",
        )  # fmt: skip


def takes_scoring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ScoringOptions`; it gets them as its argument ``given``."""
    hints = get_type_hints(ScoringOptions, include_extras=True)
    extra = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=item.default if item.default is not MISSING else inspect.Parameter.empty,
            annotation=hints[item.name],
        )
        for item in fields(ScoringOptions)
    ]
    own = [
        item.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, item in inspect.signature(command, eval_str=True).parameters.items()
        if name != "given"
    ]

    @wraps(command)
    def with_options(**values: Any) -> None:
        given = {item.name: values.pop(item.name) for item in extra}
        command(**values, given=ScoringOptions(**given))

    parameters = [*own, *extra]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {item.name: item.annotation for item in parameters}
    return with_options


def opening_executor(
    workers: int = 1, scheduler: str | None = None
) -> AbstractContextManager[Executor]:
    """Begin to load what workers need; the executor is open within the ``with`` block.

    Call it before the cases are read, so that both go on at the same time.
    """
    from alkfish.execute import warm_up

    warm_up(workers, scheduler)
    return _opened_executor(workers, scheduler)


@contextmanager
def _opened_executor(workers: int, scheduler: str | None) -> Iterator[Executor]:
    from alkfish.cli.output import say
    from alkfish.execute import keep_freed_memory, open_executor
    from alkfish.preparation import prepare_kernels

    prepare_kernels(say)
    keep_freed_memory()
    with open_executor(workers, scheduler) as executor:
        yield executor


def parse_roles(channels: str | None) -> Mapping[str, int] | None:
    """Return the roles given with ``--channels``; none given leaves them to the files."""
    from alkfish.io.channels import parse_channels

    return None if channels is None else parse_channels(channels)


def load_config(path: Path | None, assignments: list[str]) -> Config:
    """Return the settings of a file, or the defaults, with assignments applied."""
    from alkfish.config import Config

    config = Config() if path is None else Config.from_toml(path)
    return config.with_settings(assignments)


def end_with_code(result: BatchResult) -> None:
    """End the command; the gravest that happened gives the exit code."""
    if result.failed_controls:
        raise typer.Exit(ExitCode.CONTROL_FAILED)
    if result.twins:
        raise typer.Exit(ExitCode.SAME_PICTURE)
    if result.failed or result.incomplete or result.problem:
        raise typer.Exit(ExitCode.CASE_FAILED)
