"""From content and evidence to one HTML page. Nothing from a file can run in it.

Every text is escaped by the template engine, and a content security policy allows only the style
and the script of this package, by their checksums, and pictures inside the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alkfish.errors import InputError
from alkfish.report.content import Content
from alkfish.report.evidence import Evidence
from alkfish.report.options import ReportOptions

if TYPE_CHECKING:
    from jinja2 import Environment, Template

MAX_LOGO_BYTES = 2_000_000
_LOGO_KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def render_page(content: Content, evidence: Evidence, options: ReportOptions) -> str:
    """Return the page.

    Raises
    ------
    InputError
        If logo or template cannot be used, or the extra ``report`` is not installed.
    """
    template = _template(options.template)  # says first if the extra is missing
    with _as_input_error(options.template):
        return render_template(
            template,
            {
                "c": content,
                "e": evidence,
                "lab_name": options.lab_name,
                "logo": logo_uri(options.logo) if options.logo is not None else "",
            },
            script="report.js",
        )


def render_template(
    template: Template | str,
    values: Mapping[str, Any],
    *,
    styles: Sequence[str] = ("report.css",),
    script: str = "",
) -> str:
    """Return a page of this package's templates with its style, script and policy.

    Parameters
    ----------
    template : Template or str
        A template, or the name of one of this package.
    values : mapping
        What the template shows; every text of it is escaped. Besides them it sees ``style``,
        ``script``, ``policy``, and ``drawn``, which marks a drawing of this package as markup.
    styles : sequence of str
        Style sheets of this package, in order.
    script : str
        Script of this package; empty for none.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    """
    chosen = _environment(None).get_template(template) if isinstance(template, str) else template
    from markupsafe import Markup

    style = "".join(_own(name) for name in styles) + _style_of(chosen)
    code = _own(script) if script else ""
    own: dict[str, Any] = {
        "style": Markup(style),  # noqa: S704 - texts of this package and the laboratory's template
        "script": Markup(code),  # noqa: S704
        "policy": _policy(style, code),
        "drawn": Markup,
    }
    return chosen.render({**values, **own})


def logo_uri(path: Path) -> str:
    """Return a picture file as a ``data:`` address; its kind is read from its content.

    SVG is refused: it may hold scripts.

    Raises
    ------
    InputError
        If the file cannot be read, is too large, or no PNG, JPEG or GIF.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            "the logo cannot be read", where=path, found=error.strerror or error
        ) from error
    kind = next((k for head, k in _LOGO_KINDS.items() if data.startswith(head)), "")
    if not kind or len(data) > MAX_LOGO_BYTES:
        raise InputError(
            "the logo is no picture for a page",
            where=path,
            found=f"{len(data)} bytes" if kind else "another kind of file",
            allowed=f"PNG, JPEG or GIF up to {MAX_LOGO_BYTES // 1_000_000} MB",
        )
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _own(name: str) -> str:
    return (resources.files("alkfish.report") / "templates" / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    def checksum(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")

    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{checksum(style)}'; script-src 'sha256-{checksum(script)}'"
    )


def _environment(template: Path | None) -> Environment:
    try:
        import jinja2
        from jinja2.sandbox import SandboxedEnvironment
    except ImportError as error:
        raise InputError(
            "reports need packages that are not installed",
            found=error,
            remedy='install them with: python -m pip install "alkfish[report]"',
        ) from error
    loaders: list[Any] = [jinja2.PackageLoader("alkfish.report", "templates")]
    if template is not None:
        loaders.append(jinja2.FileSystemLoader(template.absolute().parent))
    return SandboxedEnvironment(
        loader=jinja2.ChoiceLoader(loaders), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def _template(path: Path | None) -> Template:
    environment = _environment(path)
    if path is None:
        return environment.get_template("report.html")
    with _as_input_error(path):
        return environment.from_string(path.read_text("utf-8"))


def _style_of(template: Template) -> str:
    """Return the style sheet of the laboratory's template; it sees nothing of the case."""
    block = template.blocks.get("lab_style")
    return "" if block is None else "".join(block(template.new_context({}))).strip()


@contextmanager
def _as_input_error(path: Path | None) -> Iterator[None]:
    """Turn what is wrong with the laboratory's template into a message; our own is a defect."""
    from jinja2 import TemplateError

    try:
        yield
    except (TemplateError, OSError, UnicodeDecodeError) as error:
        if path is None:
            raise
        raise InputError(
            "the template cannot be used",
            where=path,
            found=f"{type(error).__name__}: {error}",
            remedy='begin it with {% extends "report.html" %}; see docs/report.md for its blocks',
        ) from error
