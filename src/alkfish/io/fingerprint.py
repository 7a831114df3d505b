"""The fingerprint of a result: what reads are tied to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np

from alkfish.io._result_json import to_json
from alkfish.io.probes import probe_to_mapping
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult
from alkfish.model.table import Table


def result_fingerprint(result: CaseResult) -> str:
    """Return the SHA-256 of what a result says, as 64 hexadecimal digits.

    It covers ``result.json`` without its time stamp (call, settings, version, probe, checksums of
    the pictures, quality) and every value of the tables of nuclei and spots, in their order. Label
    images are not read: their nuclei enter by centroid, area and solidity. Scoring the same
    pictures again with the same version and settings gives the same fingerprint.

    Parameters
    ----------
    result : CaseResult
        In memory or from a bundle: both have the same fingerprint.
    """
    undated = replace(result, provenance=replace(result.provenance, created=""))
    content = json.dumps(json.loads(to_json(undated)), sort_keys=True)
    digest = hashlib.sha256(content.encode())
    for table in (result.nuclei, result.spots):
        _add_table(digest, table)
    return digest.hexdigest()


def probe_fingerprint(probe: ProbeProfile) -> str:
    """Return the SHA-256 of everything a probe profile says, as 64 hexadecimal digits."""
    text = json.dumps(probe_to_mapping(probe), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _add_table(digest: hashlib._Hash, table: Table) -> None:
    for info in table.columns():
        values = getattr(table, info.name)
        digest.update(f"\n{type(table).__name__}.{info.name} {len(values)}\n".encode())
        if info.dtype == object:
            digest.update(json.dumps([str(value) for value in values]).encode())
        else:
            kept = np.ascontiguousarray(values)
            digest.update(kept.astype(kept.dtype.newbyteorder("<"), copy=False).tobytes())
