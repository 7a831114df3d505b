"""What became of each case of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alkfish.batch.cases import BatchCase
from alkfish.errors import error_parts
from alkfish.io.fingerprint import result_fingerprint
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseCall, CaseResult


@dataclass(frozen=True)
class Figures:
    """What a summary says of a result.

    Attributes
    ----------
    fingerprint : str
        Of the result, to which reads are tied.
    config_fingerprint, version, created : str
        As in the result.
    inputs : frozenset of str
        SHA-256 of the pictures.
    excluded : mapping of str to int
        How many nuclei were not counted, by reason.
    """

    call: CaseCall
    probe: ProbeProfile
    n_nuclei: int
    n_fields: int
    fingerprint: str
    config_fingerprint: str
    version: str
    created: str
    inputs: frozenset[str] = frozenset()
    excluded: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, result: CaseResult) -> Figures:
        """Return the figures of a result."""
        return cls(
            call=result.call,
            probe=result.probe,
            n_nuclei=len(result.nuclei),
            n_fields=len(result.fields),
            fingerprint=result_fingerprint(result),
            config_fingerprint=result.provenance.config_fingerprint,
            version=result.provenance.version,
            created=result.provenance.created,
            inputs=frozenset(result.provenance.inputs.values()),
            excluded=dict(result.excluded),
        )


KEPT = "done before and intact"
"""What is told of a result that is kept."""


@dataclass(frozen=True)
class Done:
    """A case that has a result.

    Attributes
    ----------
    is_new : bool
        Whether it was scored in this run; else it was done and intact.
    why : tuple of str
        Why an older result was replaced.
    report : Path, optional
        The report of the case, if there is one.
    problems : tuple of str
        What else went wrong: a report that could not be written.
    kept : str
        Why its result stayed, if it is not new.
    """

    case: BatchCase
    figures: Figures
    bundle: Path
    is_new: bool
    why: tuple[str, ...] = ()
    report: Path | None = None
    problems: tuple[str, ...] = ()
    kept: str = KEPT

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why an older result was replaced, or kept though it is not as a batch left it."""
        return self.why if self.is_new or self.kept == KEPT else (self.kept,)


@dataclass(frozen=True)
class Failed:
    """A case without a result of this run, and why.

    Attributes
    ----------
    error : mapping of str to str
        Parts of the error: type, problem, where, found, allowed, remedy.
    has_older : bool
        Whether the folder of results still holds an older result of the case.
    """

    case: BatchCase
    error: Mapping[str, str | None]
    has_older: bool = False

    @classmethod
    def of(cls, case: BatchCase, error: BaseException, *, has_older: bool = False) -> Failed:
        """Return the failure of a case by an error."""
        return cls(case, error_parts(error), has_older)

    @property
    def reason(self) -> str:
        """Return why, in one line."""
        parts = [self.error.get("problem") or self.error.get("type") or "unknown error"]
        if self.error.get("where"):
            parts = [f"{self.error['where']}: {parts[0]}"]
        if self.error.get("found"):
            parts.append(f"found: {self.error['found']}")
        if self.error.get("remedy"):
            parts.append(f"what to do: {self.error['remedy']}")
        return " ".join("; ".join(parts).split())


@dataclass(frozen=True)
class Waiting:
    """A case that was not reached: the run was stopped."""

    case: BatchCase


Outcome = Done | Failed | Waiting
