"""A result without names: what could identify a person is replaced by numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from alkfish.model.result import CaseResult, Caution, FieldQC
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.table import Array
from alkfish.report.review import ReviewState

R = TypeVar("R", NucleusRecords, SpotRecords)

_MIN_NAME = 3


@dataclass(frozen=True)
class Aliases:
    """What stands for the names of a case.

    Attributes
    ----------
    case : str
        Alias of the case id: from the checksums of its pictures, which nobody can guess from a
        name.
    fields, files : mapping of str to str
        Alias by field and by file name.
    """

    case_id: str
    case: str
    fields: Mapping[str, str]
    files: Mapping[str, str]

    @classmethod
    def of(cls, result: CaseResult) -> Aliases:
        """Return the aliases of a case."""
        names = dict.fromkeys([*(qc.fov for qc in result.fields), *result.labels])
        sums = "".join(sorted(result.provenance.inputs.values()))
        digest = hashlib.sha256(sums.encode()).hexdigest()[:8] if sums else ""
        return cls(
            case_id=result.case_id,
            case=f"case {digest}".strip(),
            fields={name: f"field {k}" for k, name in enumerate(names, start=1)},
            files={name: f"file {k}" for k, name in enumerate(result.provenance.inputs, start=1)},
        )

    def clean(self, text: str) -> str:
        """Return a text with every name in it replaced, longer names first.

        Names of one or two characters and bare numbers are left in free texts: replacing them
        would spoil the figures.
        """
        pairs = {**self.fields, **self.files, self.case_id: self.case}
        for name in sorted(pairs, key=len, reverse=True):
            if len(name) >= _MIN_NAME and not name.isdigit():
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", pairs[name], text)
        return text


class _Renamed(Mapping[str, Any]):
    """A mapping by field name under the aliases of the fields; nothing is loaded for it."""

    def __init__(self, inner: Mapping[str, Any], aliases: Mapping[str, str]) -> None:
        self._inner = inner
        self._names = {aliases[name]: name for name in inner if name in aliases}

    def __getitem__(self, name: str) -> Any:
        return self._inner[self._names[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def rename_fields(inner: Mapping[str, Any], aliases: Aliases) -> Mapping[str, Any]:
    """Return a mapping by field name as one by alias."""
    return _Renamed(inner, aliases.fields)


def anonymous_result(result: CaseResult, aliases: Aliases) -> CaseResult:
    """Return the result with aliases for case, field and file names, and without its date."""
    call = result.call
    made = result.provenance
    return replace(
        result,
        case_id=aliases.case,
        call=replace(
            call,
            reasons=tuple(aliases.clean(text) for text in call.reasons),
            cautions=tuple(Caution(c.code, aliases.clean(c.text)) for c in call.cautions),
        ),
        nuclei=_renamed_table(result.nuclei, aliases),
        spots=_renamed_table(result.spots, aliases),
        fields=tuple(_renamed_qc(qc, aliases) for qc in result.fields),
        labels=rename_fields(result.labels, aliases),
        pixel_size_um=rename_fields(result.pixel_size_um, aliases),
        notes={
            aliases.fields.get(name, "field"): tuple(aliases.clean(text) for text in notes)
            for name, notes in result.notes.items()
        },
        provenance=replace(
            made,
            inputs={aliases.files[name]: checksum for name, checksum in made.inputs.items()},
            created="",
        ),
    )


def _renamed_table(table: R, aliases: Aliases) -> R:
    names: Array = np.array([aliases.fields.get(str(fov), "field") for fov in table.fov], object)
    return replace(table, fov=names)


def _renamed_qc(qc: FieldQC, aliases: Aliases) -> FieldQC:
    return replace(
        qc,
        fov=aliases.fields[qc.fov],
        reasons=tuple(aliases.clean(text) for text in qc.reasons),
        corrections=tuple(aliases.clean(text) for text in qc.corrections),
        channel_faults=tuple(aliases.clean(text) for text in qc.channel_faults),
    )


def anonymous_review(review: ReviewState) -> ReviewState:
    """Return the review without names, dates and free words."""
    return replace(
        review,
        reads=tuple(
            replace(read, reader=f"reader {k}", date="") for k, read in enumerate(review.reads, 1)
        ),
        signed_by="a pathologist" if review.is_signed else "",
        signed_on="",
        comment="",
        signature="",
        remarks=(),
    )
