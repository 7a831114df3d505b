"""A result as a FHIR R4B DiagnosticReport with its observations inside, for hospital systems.

The document is checked against the published structure before it is written. It names no patient
and stays preliminary until a person has signed: the receiving system adds subject and signature.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alkfish.errors import InputError, output_errors
from alkfish.io.batch_note import read_note
from alkfish.io.bundle import folder_name, open_bundle
from alkfish.io.fingerprint import probe_fingerprint
from alkfish.model.result import Call, CaseResult
from alkfish.report.details import CaseDetails, with_note
from alkfish.report.iscn import iscn_string
from alkfish.report.review import NOT_REVIEWED, ReviewState
from alkfish.report.reviewed import review_of_bundle
from alkfish.report.wording import (
    CALL_WORDS,
    NOTICE,
    PATTERN_WORDS,
    call_meaning,
    rule_text,
    threshold_text,
)

LOINC = {
    "result": "78205-2",
    "source": "31208-2",
    "method": "81304-8",
    "cells": "78236-7",
}
"""LOINC codes seen on a published report (clinical-rules 7); a laboratory checks them."""

_UCUM = "http://unitsofmeasure.org"


def export_fhir(
    bundle_path: str | Path,
    out_dir: str | Path,
    *,
    details: CaseDetails | None = None,
    review: ReviewState | None = None,
    store: str | Path | None = None,
) -> Path:
    """Write a bundle as ``<case>_fhir.json``; an older file of the same name is replaced.

    What a batch noted of the case, as failed control slides, stands before its own cautions. Call
    and figures are those of the readers once they have called the case: `review`, or what the
    review store says, as in `alkfish.report.reviewed.review_of_bundle`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    BundleError
        If the bundle cannot be read.
    InputError
        If fhir.resources is not installed, or the result does not fit the structure.
    OutputError
        If the file cannot be written.
    StoreError
        If there is a review store that cannot be read.
    """
    note, shown = read_note(bundle_path), open_bundle(bundle_path)
    if review is None:
        shown, review = review_of_bundle(bundle_path, shown, store=store)
    result, known = with_note(shown, details or CaseDetails(), note)
    document = fhir_report(result, details=known, review=review)
    _check(document)
    target = Path(out_dir) / f"{folder_name(result.case_id)}_fhir.json"
    with output_errors("the report cannot be written", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        target.write_text(text, encoding="utf-8", newline="\n")
    return target


def fhir_report(
    result: CaseResult, *, details: CaseDetails | None = None, review: ReviewState | None = None
) -> dict[str, Any]:
    """Return the DiagnosticReport as JSON values; patients are never named in it.

    Parameters
    ----------
    result : CaseResult
        The scored case.
    details : CaseDetails, optional
        Gives probe lot and specimen type.
    review : ReviewState, optional
        Decides the status: preliminary until signed, then final.
    """
    state, known = review or ReviewState(), details or CaseDetails()
    status = "final" if state.is_signed else "preliminary"
    observations = list(_observations(result, state, known))
    for number, item in enumerate(observations, start=1):
        item.update({"resourceType": "Observation", "id": f"o{number}", "status": status})
    call = state.call(result.call.call)
    document: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "contained": observations,
        "identifier": [{"value": result.case_id}],
        "status": status,
        "code": {"text": f"{result.probe.gene} gene rearrangement by break-apart FISH"},
        "result": [{"reference": f"#{item['id']}"} for item in observations],
        "conclusion": _conclusion(result, state, call),
    }
    if result.provenance.created:
        document["issued"] = result.provenance.created
    return document


def _conclusion(result: CaseResult, state: ReviewState, call: Call) -> str:
    proposed = Call(state.machine_call) if state.machine_call else call
    parts = [
        f"{state.heading if state.is_read else NOT_REVIEWED}.",
        f"{CALL_WORDS[call]}: {call_meaning(call, result.call.counts, result.probe)}.",
        *([f"The machine had proposed {CALL_WORDS[proposed]}."] if proposed != call else []),
        *(f"{reason}." for reason in result.call.reasons),
        *(f"Caution: {caution.text}." for caution in result.call.cautions),
        NOTICE,
    ]
    return " ".join(parts)


def _observations(
    result: CaseResult, state: ReviewState, details: CaseDetails
) -> Iterator[dict[str, Any]]:
    call, counts = state.call(result.call.call), result.call.counts
    method = f"Image analysis, alkfish {result.provenance.version}"
    lot = details.get("assay.probe_lot")
    yield {
        "code": _code(f"{result.probe.gene} rearrangement", LOINC["result"]),
        "valueCodeableConcept": {"text": CALL_WORDS[call]},
        "method": {"text": method},
        "note": [
            {"text": rule_text(result.probe.separation)}, {"text": threshold_text(result.probe)},
            {"text": f"Probe: {result.probe.title}; lot: {lot or 'not stated'}"},
            {"text": f"Settings fingerprint: {result.provenance.config_fingerprint}"},
            {"text": f"Probe profile: {result.probe.name}, version {result.probe.version}, "
             f"fingerprint {probe_fingerprint(result.probe)}"},
        ],
    }  # fmt: skip
    yield {"code": _code("Scoring method", LOINC["method"]), "valueString": method}
    yield {"code": _code("Nuclei counted", LOINC["cells"]), **_nuclei(counts.n_enumerated)}
    if details.get("specimen.type"):
        source = details.get("specimen.type")
        yield {"code": _code("Specimen source", LOINC["source"]), "valueString": source}
    for name, count in counts.by_pattern().items():
        yield {"code": _code(f"Nuclei: {PATTERN_WORDS[name].name}"), **_nuclei(count)}
    if result.call.call is not Call.NOT_EVALUABLE:
        yield _rate(result)
    iscn = iscn_string(result, call) if call is result.call.call else ""
    if iscn:
        yield {
            "code": _code("ISCN, proposal, to be checked by a cytogeneticist"),
            "valueString": iscn,
        }


def _rate(result: CaseResult) -> dict[str, Any]:
    low, high = (_percent(share) for share in result.call.interval)
    return {
        "code": _code("Positive nuclei, share"),
        "valueQuantity": _percent(result.call.rate),
        "component": [
            {"code": _code("95 % interval, low"), "valueQuantity": low},
            {"code": _code("95 % interval, high"), "valueQuantity": high},
        ],
    }


def _code(text: str, loinc: str = "") -> dict[str, Any]:
    coding = {"coding": [{"system": "http://loinc.org", "code": loinc}]} if loinc else {}
    return {**coding, "text": text}


def _nuclei(count: int) -> dict[str, Any]:
    unit = {"value": count, "unit": "nuclei", "system": _UCUM, "code": "{nuclei}"}
    return {"valueQuantity": unit}


def _percent(share: float) -> dict[str, Any]:
    return {"value": round(100 * share, 3), "unit": "%", "system": _UCUM, "code": "%"}


def _check(document: dict[str, Any]) -> None:
    """Check the document against the published structure."""
    try:
        from fhir.resources.R4B.diagnosticreport import DiagnosticReport
    except ImportError as error:
        raise InputError(
            "a FHIR report needs a package that is not installed",
            found=error,
            remedy='install it with: python -m pip install "alkfish[export]"',
        ) from error
    try:
        DiagnosticReport.model_validate(document)
    except ValueError as error:
        raise InputError(
            "the result does not fit the structure of a FHIR report",
            where=document["identifier"][0]["value"],
            found=str(error).splitlines()[1:3],
        ) from error
