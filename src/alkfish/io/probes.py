"""Probe profiles: read from TOML, checked, and written back.

A profile says which colour labels which probe end, when two signals are split, when a case is
positive, and where each figure comes from. Adding a kit means adding a file, never code.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from alkfish.errors import ProbeError
from alkfish.io._probe_schema import (
    SETTINGS,
    SOURCED,
    SOURCED_IF_DECLARED,
    UNFILLED,
    checked_profile,
)
from alkfish.model.probe import LabBackground, ProbeProfile

DEFAULT_PROBE = "vysis-alk"
"""Profile used when none is named."""

TEMPLATE_PROBE = "generic-break-apart"
"""Unconfirmed profile that users copy and fill."""


def list_probes() -> list[ProbeProfile]:
    """Return the shipped probe profiles, the default first, then by name.

    Examples
    --------
    >>> [profile.name for profile in list_probes()]
    ['vysis-alk', 'generic-break-apart']
    """
    folder = resources.files("alkfish") / "probes"
    names = sorted(
        item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")
    )
    return [_shipped(name) for name in sorted(names, key=lambda name: name != DEFAULT_PROBE)]


def load_probe(name_or_path: str | Path = DEFAULT_PROBE) -> ProbeProfile:
    """Return a shipped profile by name, or read one from a TOML file.

    Parameters
    ----------
    name_or_path : str or path-like
        Name of a shipped profile, or path of a file. A text that ends in ``.toml`` or holds a path
        separator is a path; a shipped name wins over a file of the same name.

    Returns
    -------
    ProbeProfile
        Checked, but not necessarily confirmed: see `require_confirmed`.

    Raises
    ------
    ProbeError
        If there is no such profile, the file cannot be read, or a setting is missing, unknown or
        out of its range. All problems of a file are reported at once.

    Examples
    --------
    >>> profile = load_probe("vysis-alk")
    >>> profile.gene, profile.three_prime_colour.value, profile.five_prime_colour.value
    ('ALK', 'red', 'green')
    """
    text = str(name_or_path)
    names = [profile.name for profile in list_probes()]
    if text in names:
        return _shipped(text)
    looks_like_path = text.endswith(".toml") or "/" in text or "\\" in text
    if not (looks_like_path or Path(text).is_file()):
        raise ProbeError(
            "there is no such probe profile",
            where=text,
            allowed=f"{', '.join(names)}, or the path of a TOML file",
            remedy=f"write your own: alkfish probe show {TEMPLATE_PROBE} > my.toml",
        )
    return _from_text(_read(Path(name_or_path)), where=text)


def require_confirmed(profile: ProbeProfile) -> ProbeProfile:
    """Return `profile` if a person has confirmed it.

    Raises
    ------
    ProbeError
        If it is not confirmed; the message says how to make a confirmed copy.
    """
    if profile.confirmed:
        return profile
    raise ProbeError(
        "the probe profile is not confirmed, so nothing is scored with it",
        where=profile.name,
        found="confirmed = false",
        allowed="a profile whose colours and figures a person has checked against the kit's "
        "data sheet and the laboratory's validation",
        remedy=f"copy it with `alkfish probe show {profile.name} > my.toml`, fill it, set "
        "confirmed = true, and score with --probe my.toml",
    )


def unsourced_figures(profile: ProbeProfile) -> tuple[str, ...]:
    """Return the figures of a profile whose source is missing or still that of the template.

    Such a profile can be scored with once it is confirmed, but a reviewer should know.
    """
    declared = SOURCED if profile.controls is None else (*SOURCED, *SOURCED_IF_DECLARED)
    return tuple(
        name for name in declared if profile.sources.get(name, UNFILLED).startswith(UNFILLED)
    )


def probe_from_mapping(data: Mapping[str, Any], *, where: str = "probe profile") -> ProbeProfile:
    """Make a profile from nested mappings, as read from TOML or JSON.

    Raises
    ------
    ProbeError
        If a setting is missing, unknown or out of its range; all problems at once.
    """
    if not isinstance(data, Mapping):
        raise ProbeError("the probe profile is not a table of settings", where=where, found=data)
    return checked_profile(data, where=where)


def probe_to_mapping(profile: ProbeProfile) -> dict[str, Any]:
    """Return a profile as nested plain values; the inverse of `probe_from_mapping`."""
    rule = profile.case_rule
    controls = {} if profile.controls is None else {"controls": vars(profile.controls).copy()}
    version = {} if profile.version == 1 else {"version": profile.version}
    measured = profile.background
    background = {} if measured is None else {"background": _background(measured)}
    return {
        "name": profile.name,
        "title": profile.title,
        "gene": profile.gene,
        **version,
        "confirmed": profile.confirmed,
        "colours": {
            "three_prime": profile.three_prime_colour.value,
            "five_prime": profile.five_prime_colour.value,
        },
        "separation": {
            "measure": profile.separation.measure.value,
            "limit": profile.separation.limit,
        },
        "case_rule": {
            "positive_percent": rule.positive_percent,
            "min_nuclei": rule.min_nuclei,
            "borderline_percent": list(rule.borderline_percent),
            "read_size": rule.read_size,
            "equivocal_counts": list(rule.equivocal_counts),
        },
        **controls,
        **background,
        "sources": dict(profile.sources),
    }


def _background(measured: LabBackground) -> dict[str, Any]:
    """Return a background; the kit's figures only if they were written down."""
    values = vars(measured) | {"specimens": list(measured.specimens)}
    values["kit_borderline_percent"] = list(measured.kit_borderline_percent)
    if not measured.kit_percent:
        del values["kit_percent"], values["kit_borderline_percent"]
    return values


def probe_to_toml(profile: ProbeProfile) -> str:
    """Return a profile as commented TOML text; `load_probe` reads it back unchanged."""
    data = probe_to_mapping(profile)
    lines: list[str] = []
    for key, value in data.items():
        if not isinstance(value, Mapping):
            lines += [f"# {SETTINGS[key]}", f"{key} = {_toml(value)}"]
    for table, values in data.items():
        if isinstance(values, Mapping):
            lines += ["", f"# {SETTINGS[table]}", f"[{table}]"]
            for key, value in values.items():
                comment = SETTINGS.get(f"{table}.{key}")
                lines += [f"# {comment}"] if comment else []
                lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # JSON's texts, booleans, numbers and lists are also TOML's. Only DEL needs an escape.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


@cache
def _shipped(name: str) -> ProbeProfile:
    text = (resources.files("alkfish") / "probes" / f"{name}.toml").read_text("utf-8")
    return _from_text(text, where=name)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ProbeError(
            "the probe profile cannot be read",
            where=path,
            found=reason,
            remedy=f"write one with: alkfish probe show {TEMPLATE_PROBE} > my.toml",
        ) from error


def _from_text(text: str, *, where: str) -> ProbeProfile:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProbeError(
            "the probe profile is not valid TOML",
            where=where,
            found=error,
            remedy=f"start from: alkfish probe show {TEMPLATE_PROBE} > my.toml",
        ) from error
    return probe_from_mapping(data, where=where)
