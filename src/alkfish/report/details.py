"""What the laboratory knows of a case and the pictures do not say: patient, specimen, assay."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alkfish.errors import InputError
from alkfish.io.batch_note import BatchNote
from alkfish.model.result import CaseResult


@dataclass(frozen=True)
class DetailField:
    """One field of the form: its place in the TOML file, its words, and whether it identifies."""

    section: str
    key: str
    label: str
    identifying: bool = False


DETAIL_FIELDS = (
    DetailField("patient", "name", "Patient", identifying=True),
    DetailField("patient", "id", "Patient number", identifying=True),
    DetailField("patient", "birth_date", "Date of birth", identifying=True),
    DetailField("patient", "sex", "Sex", identifying=True),
    DetailField("request", "requester", "Requested by", identifying=True),
    DetailField("request", "requested", "Date requested", identifying=True),
    DetailField("request", "received", "Date received", identifying=True),
    DetailField("request", "tested", "Date tested", identifying=True),
    DetailField("specimen", "block", "Block", identifying=True),
    DetailField("specimen", "type", "Specimen type"),
    DetailField("specimen", "size", "Size"),
    DetailField("specimen", "site", "Site"),
    DetailField("specimen", "fixative", "Fixative and time"),
    DetailField("specimen", "decalcification", "Decalcification"),
    DetailField("specimen", "histology", "Histology"),
    DetailField("specimen", "tumour_cellularity", "Tumour cellularity"),
    DetailField("specimen", "necrosis_inflammation", "Necrosis, inflammation"),
    DetailField("specimen", "adequacy", "Adequacy"),
    DetailField("specimen", "prior_therapy", "Prior ALK therapy"),
    DetailField("assay", "probe_lot", "Probe lot"),
    DetailField("assay", "probe_status", "Regulatory status of the probe"),
    DetailField("assay", "controls", "Control slides"),
    DetailField("assay", "section_thickness", "Section thickness"),
    DetailField("assay", "ihc", "ALK immunohistochemistry"),
    DetailField("notes", "interpretation", "Interpretation", identifying=True),
)
"""The form, in order (clinical-rules 7: ATLAS2 pp 91-94, THUN12, CAPBMK)."""

_MAX_LENGTH = 4000


@dataclass(frozen=True)
class CaseDetails:
    """Details of a case by ``section.key``; what is not stated is left out.

    Attributes
    ----------
    values : mapping of str to str
        Texts by ``section.key`` of `DETAIL_FIELDS`.
    """

    values: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {f"{item.section}.{item.key}" for item in DETAIL_FIELDS}
        strangers = sorted(set(self.values) - known)
        if strangers:
            raise InputError(
                "unknown case details",
                found=", ".join(strangers),
                allowed=", ".join(sorted(known)),
                remedy="free text goes into notes.interpretation",
            )

    @classmethod
    def from_toml(cls, path: str | Path) -> CaseDetails:
        """Read the details from a TOML file with the tables of `DETAIL_FIELDS`.

        Raises
        ------
        InputError
            If the file cannot be read, or holds unknown keys or values that are no text, number or
            date. The values themselves are never repeated in the message.
        """
        try:
            data = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            # The message of the parser may quote a patient's name.
            raise InputError(
                "the file of case details cannot be read",
                where=path,
                found=type(error).__name__,
                remedy='write TOML, for example [assay] and below it probe_lot = "123"',
            ) from None
        return cls(dict(_flat(data, where=path)))

    def get(self, name: str) -> str:
        """Return the text of ``section.key``; empty if it is not stated."""
        return self.values.get(name, "")

    def with_note(self, note: BatchNote) -> CaseDetails:
        """Return the details with lot, block and control slides as a batch noted them.

        What is stated here stands; what control slides of the batch came to is added to it.
        """
        words = {
            "assay.probe_lot": note.lot,
            "specimen.block": note.block,
            "assay.controls": note.controls_text,
        }
        told = dict(self.values)
        if told.get("assay.controls") and note.controls:
            told["assay.controls"] += f"; in this batch: {note.controls_text}"
        return CaseDetails({name: text for name, text in words.items() if text} | told)

    def without_identifiers(self) -> CaseDetails:
        """Return the details that do not identify a person."""
        keep = {f"{item.section}.{item.key}" for item in DETAIL_FIELDS if not item.identifying}
        return CaseDetails({name: text for name, text in self.values.items() if name in keep})

    def stated(self, section: str) -> list[tuple[str, str]]:
        """Return label and text of the stated fields of a section, in order."""
        return [(item.label, text) for item, text in self._section(section) if text]

    def not_stated(self, section: str) -> list[str]:
        """Return the labels of the fields of a section that are not stated."""
        return [item.label for item, text in self._section(section) if not text]

    def _section(self, section: str) -> Iterator[tuple[DetailField, str]]:
        for item in DETAIL_FIELDS:
            if item.section == section:
                yield item, self.get(f"{section}.{item.key}")


def with_note(
    result: CaseResult, details: CaseDetails, note: BatchNote
) -> tuple[CaseResult, CaseDetails]:
    """Return result and details as a page or file shows them: what the batch noted comes first."""
    cautions = (*note.cautions, *result.call.cautions)
    return replace(result, call=replace(result.call, cautions=cautions)), details.with_note(note)


def _flat(data: Mapping[str, Any], *, where: object) -> Iterator[tuple[str, str]]:
    for section, group in data.items():
        entries = group.items() if isinstance(group, dict) else [("", group)]
        for key, value in entries:
            name = f"{section}.{key}" if key else section
            plain = (str, int, float, datetime.date, datetime.time)
            if not isinstance(value, plain) or isinstance(value, bool):
                raise InputError(
                    f"case detail {name} is no text, number or date",
                    where=where,
                    found=type(value).__name__,
                )
            text = str(value).strip()
            if len(text) > _MAX_LENGTH:
                raise InputError(
                    f"case detail {name} is too long",
                    where=where,
                    found=f"{len(text)} characters",
                    allowed=f"up to {_MAX_LENGTH}",
                )
            yield name, text
