"""What a batch knows of a case and its own result does not say: a file in the bundle of the case.

Reports and exports made later read it, so that a failed control slide is not lost on the way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from alkfish.errors import BundleError, output_errors
from alkfish.model.result import Caution

FILE = "batch-note.json"
"""Name of the file in the bundle; it stays when the case is scored again."""

CONTROL_FAILED, NO_CONTROL, SAME_PICTURE = "control_failed", "no_control", "same_picture"
"""Codes of the cautions that a batch adds to those of a result."""

_SCHEMA = 1


@dataclass(frozen=True)
class ControlShown:
    """A control slide that speaks for a case: negative or positive, its id, whether it passed."""

    kind: str
    case_id: str
    passed: bool

    @property
    def words(self) -> str:
        """What it came to; without its name if that is left out."""
        end = "passed" if self.passed else "FAILED"
        return " ".join(filter(None, (self.kind, "control", self.case_id, end)))


@dataclass(frozen=True)
class BatchNote:
    """What the batch says of one case.

    Attributes
    ----------
    twins : tuple of str
        Other cases that have a picture of this one.
    controls : tuple of ControlShown
        What the control slides of its probe and lot came to.
    missing_controls : str
        Which control slides it lacks, in words; empty if none.
    is_control : str
        ``negative`` or ``positive`` if the case is itself a control slide; else empty.
    lot, block : str
        As in the sheet.
    """

    twins: tuple[str, ...] = ()
    controls: tuple[ControlShown, ...] = ()
    missing_controls: str = ""
    is_control: str = ""
    lot: str = ""
    block: str = ""

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Cautions that stand before those of the result."""
        return tuple(Caution(code, text) for code, text in self._texts() if text)

    @property
    def controls_text(self) -> str:
        """What the control slides came to, in words; empty if none was reached."""
        if self.is_control:
            return f"this is a {self.is_control} control"
        return "; ".join(control.words for control in self.controls)

    def without_names(self) -> BatchNote:
        """Return the note without ids of other cases and words of the laboratory."""
        return replace(
            self,
            twins=("",) * len(self.twins),
            controls=tuple(replace(control, case_id="") for control in self.controls),
            block="",
        )

    def added_to(self, older: BatchNote) -> BatchNote:
        """Return an older note with the twins of this one: of a run that knows no controls."""
        return replace(older, twins=self.twins or older.twins)

    def keeping(self, older: BatchNote) -> BatchNote:
        """Return this note with the failed controls of an older one that were not checked again.

        Controls of another lot, where both name one, speak no more for the case.
        """
        lots = {"".join(lot.split()).casefold() for lot in (self.lot, older.lot) if lot}
        if len(lots) > 1:
            return self
        again = {control.case_id for control in self.controls}
        failed = (c for c in older.controls if not c.passed and c.case_id not in again)
        return replace(self, controls=(*self.controls, *failed))

    def _texts(self) -> Iterator[tuple[str, str]]:
        if self.twins:
            yield SAME_PICTURE, f"same picture as {_others(self.twins)}: sample mix-up?"
        failed = [control.case_id for control in self.controls if not control.passed]
        if failed and not self.is_control:
            names = ", ".join(filter(None, failed))
            named = f" ({names})" if names else ""
            yield (
                CONTROL_FAILED,
                f"a control slide of this batch failed{named}: do not report before this is "
                "explained",
            )
        yield NO_CONTROL, self.missing_controls


def _others(names: tuple[str, ...]) -> str:
    """Return other cases in words: by name, or their number if they have none."""
    if not all(names):
        return "another case" if len(names) == 1 else f"{len(names)} other cases"
    return f"{'case' if len(names) == 1 else 'cases'} {', '.join(names)}"


NO_NOTE = BatchNote()


def write_note(bundle: str | Path, note: BatchNote) -> None:
    """Write what the batch says of a case into its bundle; an empty note is no file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    file = Path(bundle) / FILE
    with output_errors("the note of the batch cannot be written", file):
        if note == NO_NOTE:
            file.unlink(missing_ok=True)
            return
        content = {"schema_version": _SCHEMA, **asdict(note)}
        text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        if file.is_file() and file.read_bytes() == text.encode():
            return
        partial = file.with_name(f".{FILE}.partial")
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(file)


def read_note(bundle: str | Path) -> BatchNote:
    """Return what the batch said of a case; `NO_NOTE` where no batch left a note.

    Raises
    ------
    BundleError
        If there is a note that cannot be read: it may tell of a failed control slide.
    """
    file = Path(bundle) / FILE
    try:
        return _note_of(json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return NO_NOTE
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            "what the batch noted of the case cannot be read",
            where=file,
            found=type(error).__name__,
            remedy="run the batch again: it writes the note anew",
        ) from error


def _note_of(data: Mapping[str, Any]) -> BatchNote:
    if data["schema_version"] != _SCHEMA:
        raise ValueError("written by another version")
    return BatchNote(
        twins=tuple(str(name) for name in data["twins"]),
        controls=tuple(
            ControlShown(str(c["kind"]), str(c["case_id"]), bool(c["passed"]))
            for c in data["controls"]
        ),
        missing_controls=str(data["missing_controls"]),
        is_control=str(data["is_control"]),
        lot=str(data["lot"]),
        block=str(data["block"]),
    )
