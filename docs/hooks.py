"""MkDocs hook: the reference pages are generated from the code, so that they cannot go stale."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import alkfish
from alkfish import review
from alkfish.cli import app
from alkfish.config import list_settings
from alkfish.model.flags import EXCLUDING, NucleusFlag, SpotFlag
from alkfish.model.signals import NucleusRecords, SpotRecords


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {
        "reference/cli.md": cli_page,
        "reference/settings.md": settings_page,
        "reference/tables.md": tables_page,
        "reference/api.md": api_page,
    }
    for name, make in pages.items():
        files.append(File.generated(config, name, content="\n".join(make()) + "\n"))
    return files


def cli_page() -> Iterator[str]:
    """Yield the command-line reference, from the Typer application."""
    yield "# Command line\n\nThe same as `python -m alkfish`. `--help` works on every command.\n"
    yield EXIT_CODES
    yield from _command(typer.main.get_command(app), "alkfish")
    yield JSON_SHAPE


EXIT_CODES = """## Exit codes

| code | meaning |
|---|---|
| 0 | all done, every case scored |
| 1 | some case failed; the others were scored and written. Also: an unexpected error |
| 2 | usage or input error: nothing was scored |
| 3 | a control slide of a batch does not show what it must (see [Batches](../batch.md)) |
| 4 | two cases have the same picture: a sample mix-up? Cases were scored |
| 130 | stopped by Ctrl-C: finished cases are kept, nothing is half-written |

A picture that cannot be read or scored is a failed case (1). A missing file, an unknown setting, an
unknown or unconfirmed probe, and an output folder that cannot be written are found before anything
is scored (2). A result that is done and intact is kept (0); one that people have read, or that
`alkfish score` has not written, is not replaced without `--overwrite` (1).
"""

JSON_SHAPE = """## The document of `score --json`

For paths, standard output holds one JSON object; progress and errors go to standard error. Keys
may be added, never renamed. A batch (`--manifest`) prints one event per line, see
[Batches](../batch.md).

| key | value |
|---|---|
| `alkfish` | version |
| `notice` | the research-use notice |
| `cases` | list, in the order of the paths |
| `cases[].case_id`, `.path`, `.status` | `status`: `scored`, `kept` (done, intact) or `failed` |
| `cases[].why`, `.problems` | lists of texts: why it was scored again; what else went wrong |
| `cases[].report` | the report, if one was written; else empty |
| `cases[].call` | `POSITIVE`, `NEGATIVE` or `NOT_EVALUABLE` |
| `cases[].rate`, `.interval`, `.p_positive` | shares from 0 to 1 |
| `cases[].n_positive`, `.n_enumerated`, `.n_nuclei`, `.n_fields`, `.counts`, `.excluded` | counts |
| `cases[].reasons`, `.cautions` | list of texts; list of `{code, text}` |
| `cases[].bundle`, `.config_fingerprint` | folder of the result; SHA-256 of the settings |
| `cases[].error` | of a failed case: `{type, problem, where, found, allowed, remedy}` |
| `error` | instead of `cases`, when nothing could be scored (exit code 2) |
"""


def _command(command: Any, path: str) -> Iterator[str]:
    yield f"## {path}\n"
    yield _plain(command.help or "") + "\n"
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _command(child, f"{path} {name}")
        return
    visible = [item for item in command.params if not getattr(item, "hidden", False)]
    words = [_word(item) for item in visible if item.param_type_name == "argument"]
    yield f"```\n{' '.join([path, *words, '[OPTIONS]'])}\n```\n"
    yield "| parameter | default | meaning |\n|---|---|---|"
    for item in visible:
        yield f"| {_names(item)} | {_default(item)} | {_cell(_plain(item.help or ''))} |"
    yield ""


def _word(item: Any) -> str:
    return str(item.metavar or item.name.upper())


def _names(item: Any) -> str:
    if item.param_type_name == "argument":
        return f"`{_cell(_word(item))}`"
    names = ", ".join(f"`{name}`" for name in item.opts)
    value = "" if item.is_flag else _cell(item.metavar or "VALUE")
    return f"{names} `{value}`" if value else names


def _default(item: Any) -> str:
    if item.required:
        return "required"
    default = getattr(item.default, "value", item.default)
    return "" if default is None or default is False else f"`{_cell(str(default))}`"


def _plain(text: str) -> str:
    """Return help text with Rich markup as Markdown and its examples as code."""
    text = re.sub(r"\[/?bold\]|\[/\]", "**", inspect.cleandoc(text))
    lines = text.replace("\f", "").split("\n")
    return "\n".join(
        f"    {line}" if line.startswith("alkfish ") else line.replace("<", "&lt;")
        for line in lines
    )


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def settings_page() -> Iterator[str]:
    """Yield the settings reference, from `alkfish.config`."""
    yield "# Settings\n"
    yield (
        "Written in TOML, one table per stage, and given with `--config FILE` or "
        "`--set STAGE.KEY=VALUE`. `alkfish config show` prints this list as a file to start from. "
        "Unknown keys are refused. The fingerprint of all settings goes into every result.\n"
    )
    stage = ""
    for info in list_settings():
        if info.stage != stage:
            stage = info.stage
            yield f"\n## {stage}\n"
            yield "| setting | default | range | unit | meaning |\n|---|---|---|---|---|"
        limits = "" if info.low is None else f"{info.low:g} to {info.high:g}"
        yield (
            f"| `{info.name}` | `{_cell(info.default)}` | {limits} | {info.unit} | "
            f"{_cell(info.help_text)} |"
        )


def tables_page() -> Iterator[str]:
    """Yield the columns of the written tables and the flags in them."""
    yield "# Tables and flags\n"
    yield "Columns are never renamed or reordered; new ones are added at the end.\n"
    for name, kind in (("nuclei.parquet", NucleusRecords), ("spots.parquet", SpotRecords)):
        yield f"## {name}\n\n{inspect.getdoc(kind)}\n"
        yield "| column | type | unit | meaning |\n|---|---|---|---|"
        for info in kind.columns():
            dtype = "text" if info.dtype == object else info.dtype.name
            yield f"| `{info.name}` | {dtype} | {info.unit} | {_cell(info.meaning)} |"
        yield ""
    yield from _flags("Flags of nuclei", NucleusFlag)
    yield from _flags("Flags of spots", SpotFlag)


def _flags(title: str, kind: Any) -> Iterator[str]:
    of_nuclei = kind is NucleusFlag
    yield f"## {title}\n"
    yield "| flag | bit | meaning |" + (" excluded |" if of_nuclei else "")
    yield "|---|---|---|" + ("---|" if of_nuclei else "")
    for member in kind:
        bit = member.value.bit_length() - 1
        row = f"| `{member.name.lower()}` | {bit} | {_cell(member.meaning)} |"
        yield row + (f" {'yes' if member & EXCLUDING else 'no'} |" if of_nuclei else "")
    yield ""


def api_page() -> Iterator[str]:
    """Yield the Python API: the public names, documented where they live."""
    yield "# Python API\n"
    yield "`open_case` and `score_case` score pictures; `FieldOfView` and `score_fov`, your arrays."
    yield "The examples work on a case made by\n"
    yield "```text\nalkfish simulate . --seed 17 --name case_17 --fields 3 --positive-fraction 0.5"
    yield "alkfish score case_17 -o results\n```\n"
    for name in alkfish.__all__:
        if name != "__version__":
            value = getattr(alkfish, name)
            yield f"::: {value.__module__}.{name}\n"
    yield "## Review\n\nReads and their log; see [Review store](../review-store.md).\n"
    for name in ("open_store", "Store", "verify", "CaseReview", "apply_edits"):
        yield f"::: {getattr(review, name).__module__}.{name}\n"
