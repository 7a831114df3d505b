"""``result.json``: everything of a case result but tables and label images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from alkfish.errors import BundleError, ProbeError
from alkfish.io.labels import LabelFolder
from alkfish.io.probes import probe_from_mapping, probe_to_mapping
from alkfish.model.result import (
    Call,
    CaseCall,
    CaseResult,
    Caution,
    FieldQC,
    PatternCounts,
    Provenance,
)
from alkfish.model.signals import NucleusRecords, Pattern, SpotRecords

SCHEMA_VERSION = 2
"""Layout of the bundle; raised whenever an older reader would misread a newer bundle.

2: label images are OME-Zarr labels with a pyramid; 1: a bare array per field."""

READABLE_VERSIONS = (1, SCHEMA_VERSION)
"""Layouts that are read."""

KEYS = (
    "schema_version", "case", "call", "rate", "interval", "p_positive", "n_nuclei", "n_scorable",
    "n_enumerated", "counts", "excluded", "reasons", "cautions", "fields", "notes", "probe",
    "config", "config_fingerprint", "version", "inputs", "created",
)  # fmt: skip
"""Keys of ``result.json``, in order."""


def to_json(result: CaseResult) -> str:
    """Return the text of ``result.json``.

    Raises
    ------
    BundleError
        If a number is NaN or infinite.
    ProbeError
        If the probe profile could not be read back.
    """
    where = f"probe profile of case {result.case_id}"
    probe_from_mapping(probe_to_mapping(result.probe), where=where)
    try:
        return json.dumps(_content(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        raise BundleError(
            "the result holds NaN or infinite numbers", where=result.case_id, found=error
        ) from error


def from_json(
    text: str, *, where: Path, nuclei: NucleusRecords, spots: SpotRecords, labels: LabelFolder
) -> CaseResult:
    """Return the result that `text` and the parts of its bundle describe.

    Raises
    ------
    BundleError
        If the text is damaged, of another layout, or contradicts the tables.
    """
    data = _parsed(text, where)
    problems = []
    if data["n_nuclei"] != len(nuclei):
        problems.append(f"n_nuclei is {data['n_nuclei']}, the table has {len(nuclei)} rows")
    if data["n_scorable"] != int(nuclei.scorable.sum()):
        problems.append(f"n_scorable is {data['n_scorable']}, in the table {nuclei.scorable.sum()}")
    if problems:
        raise _damaged(where, "; ".join(problems))
    try:
        return _result(data, nuclei, spots, labels)
    except (ValidationError, ProbeError, ValueError, TypeError, KeyError) as error:
        raise _damaged(where, _short(error)) from error


def _content(result: CaseResult) -> dict[str, Any]:
    call, made = result.call, result.provenance
    content = {
        "schema_version": SCHEMA_VERSION,
        "case": result.case_id,
        "call": call.call.value,
        "rate": float(call.rate),
        "interval": [float(bound) for bound in call.interval],
        "p_positive": float(call.p_positive),
        "n_nuclei": len(result.nuclei),
        "n_scorable": int(result.nuclei.scorable.sum()),
        "n_enumerated": call.counts.n_enumerated,
        "counts": call.counts.by_pattern(),
        "excluded": {name: int(count) for name, count in result.excluded.items()},
        "reasons": list(call.reasons),
        "cautions": [asdict(caution) for caution in call.cautions],
        "fields": [_field(qc, result.pixel_size_um) for qc in result.fields],
        "notes": {name: list(notes) for name, notes in result.notes.items()},
        "probe": probe_to_mapping(result.probe),
        "config": dict(made.config),
        "config_fingerprint": made.config_fingerprint,
        "version": made.version,
        "inputs": dict(made.inputs),
        "created": made.created,
    }
    assert tuple(content) == KEYS  # noqa: S101 - the order is part of the format
    return content


def _field(qc: FieldQC, sizes: Mapping[str, float]) -> dict[str, Any]:
    size = {"pixel_size_um": float(sizes[qc.fov])} if qc.fov in sizes else {}
    values = asdict(qc)
    if qc.shift_z_um == 0.0:  # fingerprints of older results stay
        del values["shift_z_um"]
    return values | size


def _parsed(text: str, where: Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _damaged(where, str(error)) from error
    if not isinstance(data, dict):
        raise _damaged(where, "no JSON object")
    if data.get("schema_version") not in READABLE_VERSIONS:
        raise BundleError(
            "the bundle has another layout than this version of alkfish reads",
            where=where,
            found=f"schema_version {data.get('schema_version')!r}",
            allowed=" or ".join(map(str, READABLE_VERSIONS)),
            remedy="read it with the version that wrote it, or score the case again",
        )
    missing = [key for key in KEYS if key not in data]
    if missing:
        raise _damaged(where, f"no {', '.join(missing)}")
    return data


def _result(
    data: Mapping[str, Any], nuclei: NucleusRecords, spots: SpotRecords, labels: LabelFolder
) -> CaseResult:
    fields = TypeAdapter(tuple[FieldQC, ...]).validate_python(data["fields"])
    sizes = {
        item["fov"]: float(item["pixel_size_um"])
        for item in data["fields"]
        if "pixel_size_um" in item
    }
    return CaseResult(
        case_id=TypeAdapter(str).validate_python(data["case"]),
        call=_call(data),
        nuclei=nuclei,
        spots=spots,
        fields=fields,
        excluded=TypeAdapter(dict[str, int]).validate_python(data["excluded"]),
        probe=probe_from_mapping(data["probe"]),
        provenance=TypeAdapter(Provenance).validate_python(
            {key: data[key] for key in
             ("version", "config", "config_fingerprint", "inputs", "created")}
        ),
        labels=labels,
        pixel_size_um=sizes,
        notes=TypeAdapter(dict[str, tuple[str, ...]]).validate_python(data["notes"]),
    )  # fmt: skip


def _call(data: Mapping[str, Any]) -> CaseCall:
    counts = data["counts"]
    return CaseCall(
        call=Call(data["call"]),
        counts=PatternCounts(
            fused=counts[Pattern.FUSED.value],
            split=counts[Pattern.SPLIT.value],
            isolated_3p=counts[Pattern.ISOLATED_3P.value],
            isolated_5p=counts[Pattern.ISOLATED_5P.value],
        ),
        rate=float(data["rate"]),
        interval=TypeAdapter(tuple[float, float]).validate_python(data["interval"]),
        p_positive=float(data["p_positive"]),
        reasons=TypeAdapter(tuple[str, ...]).validate_python(data["reasons"]),
        cautions=TypeAdapter(tuple[Caution, ...]).validate_python(data["cautions"]),
    )


def _damaged(where: Path, found: str) -> BundleError:
    return BundleError(
        "the result of the bundle is damaged",
        where=where,
        found=found,
        remedy="score the case again, or restore the bundle from a copy",
    )


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        items = error.errors()
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in items[:5])
    return f"{type(error).__name__}: {error}"
