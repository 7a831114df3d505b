"""What a result was made from, kept beside it: whether it is done and intact, or why not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alkfish.config import Config
from alkfish.errors import AlkfishError, output_errors
from alkfish.io.bundle import LABELS, NUCLEI, RESULT, SPOTS, open_bundle
from alkfish.io.geojson import Regions
from alkfish.io.images import Case, FieldSource
from alkfish.io.probes import probe_to_mapping
from alkfish.io.provenance import provenance, sha256_path
from alkfish.model.probe import ProbeProfile

FILE = "batch.json"
"""Name of the record in the folder of a case."""

PARTS = (RESULT, NUCLEI, SPOTS, LABELS)
_SCHEMA = 1


@dataclass(frozen=True)
class Recipe:
    """Everything the result of a case depends on.

    Attributes
    ----------
    version : str
        Of alkfish.
    config, probe, outlines, reading : str
        Fingerprints of settings, probe profile, outlined areas and options of reading.
    inputs : mapping of str to str
        SHA-256 of the picture files, as in the result.
    """

    version: str
    config: str
    probe: str
    outlines: str
    reading: str
    inputs: Mapping[str, str] = field(default_factory=dict)

    def changes_from(self, older: Recipe) -> Iterator[str]:
        """Yield in words what differs from an older recipe; nothing if the result still holds."""
        if older.version != self.version:
            yield f"alkfish {older.version} was used, this is {self.version}"
        for name, words in _WORDS.items():
            if getattr(older, name) != getattr(self, name):
                yield f"{words} changed"
        for name in sorted({*older.inputs, *self.inputs}):
            if name not in self.inputs:
                yield f"{name} is gone"
            elif name not in older.inputs:
                yield f"{name} is new"
            elif older.inputs[name] != self.inputs[name]:
                yield f"{name} changed"


_WORDS = {
    "config": "the settings",
    "probe": "the probe profile",
    "outlines": "the outlined areas",
    "reading": "how the pictures are read",
}


def make_recipe(
    case: Case, *, probe: ProbeProfile, config: Config, regions: Mapping[str, Regions],
    checksums: bool,
) -> Recipe:  # fmt: skip
    """Return the recipe of a case as it would be scored now.

    Parameters
    ----------
    checksums : bool
        Whether to read the pictures for their checksums; else there are no inputs in it.

    case, probe, config, regions
        As for `score_case`.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    made = provenance(config, case.paths if checksums else ())
    return Recipe(
        version=made.version,
        config=made.config_fingerprint,
        probe=fingerprint(probe_to_mapping(probe)),
        outlines=fingerprint({name: area.fingerprint() for name, area in regions.items()}),
        reading=fingerprint([_how_read(source) for source in case.fields]),
        inputs=made.inputs,
    )


def _how_read(source: FieldSource) -> list[Any]:
    """Return how a field is read, with files by name: a folder may move.

    The scene counts, too: one of several that is chosen gives a field of the same name as any
    other of them.
    """
    planes = {
        role: [Path(p.where).name, n, *([p.scene_index] if p.n_scenes > 1 else [])]
        for role, (p, n) in source.planes.items()
    }
    return [source.name, source.pixel_size_um, source.z_step_um, planes]


def fingerprint(data: Any) -> str:
    """Return the SHA-256 of JSON values."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write_record(bundle: Path, recipe: Recipe, *, report: str = "") -> None:
    """Write the record of a complete bundle.

    Parameters
    ----------
    bundle : Path
        The folder.
    recipe : Recipe
        What the result was made from.
    report : str
        Fingerprint of what its report shows besides the result; empty without a report.
    """
    content = {
        "schema_version": _SCHEMA,
        "recipe": vars(recipe) | {"inputs": dict(recipe.inputs)},
        "parts": {name: sha256_path(bundle / name) for name in PARTS},
        "report": report,
    }
    _write(bundle, content)


def set_report(bundle: Path, report: str) -> None:
    """Note in the record of a bundle that its report was written anew.

    Parameters
    ----------
    bundle : Path
        The folder, with a record.
    report : str
        Fingerprint of what the report shows besides the result.

    Raises
    ------
    OutputError
        If the record cannot be read or written.
    """
    with output_errors("the record of the result cannot be written", bundle / FILE):
        content = json.loads((bundle / FILE).read_text("utf-8"))
    _write(bundle, content | {"report": report})


def _write(bundle: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    with output_errors("the record of the result cannot be written", bundle / FILE):
        partial = bundle / f".{FILE}.partial"
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(bundle / FILE)


def reasons_to_score(bundle: Path, recipe: Recipe) -> tuple[str, ...]:
    """Return in words why a bundle has to be made anew; nothing if it is intact and still holds.

    Parameters
    ----------
    bundle : Path
        A folder that holds a result.
    recipe : Recipe
        What the result would be made from now.
    """
    try:
        record = json.loads((bundle / FILE).read_text("utf-8"))
        parts, older = dict(record["parts"]), Recipe(**record["recipe"])
    except (OSError, ValueError, KeyError, TypeError):
        return ("there is no record of what the result was made from",)
    changes = tuple(recipe.changes_from(older))
    return changes or tuple(_damage(bundle, parts))


def _damage(bundle: Path, parts: Mapping[str, str]) -> Iterator[str]:
    for name in PARTS:
        try:
            checksum = sha256_path(bundle / name) if (bundle / name).exists() else ""
        except AlkfishError:
            checksum = ""
        if checksum != parts.get(name):
            yield f"{name} of the result is damaged" if checksum else f"{name} is missing"


def recipe_of_result(bundle: Path, case: Case, recipe: Recipe) -> Recipe:
    """Return what a result that no batch has written was made from, as far as it says.

    It says nothing of outlined areas and channels: these are taken to be as they are now.

    Parameters
    ----------
    bundle : Path
        A folder that holds a result.
    case : Case
        The case as it is now.
    recipe : Recipe
        What the result would be made from now.

    Raises
    ------
    BundleError
        If the result is damaged.
    """
    result = open_bundle(bundle)
    now = {source.name: source.pixel_size_um for source in case.fields}
    return replace(
        recipe,
        version=result.provenance.version,
        config=result.provenance.config_fingerprint,
        probe=fingerprint(probe_to_mapping(result.probe)),
        reading=recipe.reading if dict(result.pixel_size_um) == now else "",
        inputs=result.provenance.inputs,
    )


def report_of(bundle: Path) -> str:
    """Return the fingerprint in the record of what the report shows; empty if there is none."""
    try:
        return str(json.loads((bundle / FILE).read_text("utf-8"))["report"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def is_own(bundle: Path) -> bool:
    """Whether a folder is a result that a batch has written."""
    return (bundle / FILE).is_file()
