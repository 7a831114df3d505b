"""What differs between two results of a case, for the log and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alkfish.io.probes import probe_to_mapping
from alkfish.model.result import CaseResult


def changes_between(older: CaseResult, newer: CaseResult) -> dict[str, Any]:
    """Return what a later scoring of a case changed, as plain JSON values.

    Parameters
    ----------
    older, newer : CaseResult
        Two results of one case.

    Returns
    -------
    dict
        ``settings``: older and newer value per setting that differs, ``stage.name``; ``probe``:
        the same per figure of the profile; ``notes``: newer notes of the fields where they
        differ, which name the outlined areas; ``version``: of alkfish, where it differs;
        ``config_fingerprint`` of the newer result; ``call`` and ``counts``: older and newer. Parts
        without a difference are left out.
    """
    settings = dict(_differences(older.provenance.config, newer.provenance.config))
    probe = dict(_differences(probe_to_mapping(older.probe), probe_to_mapping(newer.probe)))
    notes = {
        fov: list(newer.notes.get(fov, ()))
        for fov in dict.fromkeys((*older.notes, *newer.notes))
        if older.notes.get(fov, ()) != newer.notes.get(fov, ())
    }
    versions = older.provenance.version, newer.provenance.version
    found: dict[str, Any] = {
        "settings": settings,
        "probe": probe,
        "notes": notes,
        "version": [] if versions[0] == versions[1] else list(versions),
    }
    told = {name: value for name, value in found.items() if value}
    return told | {
        "config_fingerprint": newer.provenance.config_fingerprint,
        "call": [older.call.call.value, newer.call.call.value],
        "counts": [older.call.counts.by_pattern(), newer.call.counts.by_pattern()],
    }


def changes_in_words(changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the changes of `changes_between` that somebody made, one short sentence each."""
    words = [f"{name}: {old} -> {new}" for name, (old, new) in changes.get("settings", {}).items()]
    words += [
        f"probe profile, {name}: {old} -> {new}"
        for name, (old, new) in changes.get("probe", {}).items()
    ]
    words += [
        f"{fov}: {'; '.join(notes) or 'no outlined areas any more'}"
        for fov, notes in changes.get("notes", {}).items()
    ]
    if changes.get("version"):
        words.append("alkfish {} -> {}".format(*changes["version"]))
    return tuple(words)


def _differences(
    older: Mapping[str, Any], newer: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the dotted name and both values of every leaf that differs; None: not there."""
    for name in dict.fromkeys((*older, *newer)):
        one, two, place = older.get(name), newer.get(name), f"{path}{name}"
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            yield from _differences(one, two, f"{place}.")
        elif one != two:
            yield place, [one, two]
