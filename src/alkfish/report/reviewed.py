"""A case as its report shows it: with what the review store says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from alkfish.errors import StoreError
from alkfish.model.result import CaseResult
from alkfish.report.review import CONTROL, Read, ReviewState
from alkfish.review.case_view import patterns_of
from alkfish.review.elsewhere import store_elsewhere
from alkfish.review.events import EventKind
from alkfish.review.order import NucleusKey
from alkfish.review.reader_view import ReaderView
from alkfish.review.replay import Read as StoredRead
from alkfish.review.replay import Version
from alkfish.review.states import CaseState, ReadMode, ReadRole
from alkfish.review.store import FILE_NAME, Store, open_store

OTHER_RESULT = "the review in the store was made on another result of this case"

_PENDING = {
    CaseState.SCORED: "",
    CaseState.READING: "a read is open",
    CaseState.EQUIVOCAL_AWAITING_SECOND: "one read is finished and equivocal; a second, "
    "independent reader is awaited",
}
_ROLES = {ReadRole.FIRST: "first read", ReadRole.SECOND: "second read", ReadRole.CONTROL: CONTROL}


def review_of_bundle(
    bundle: str | Path, result: CaseResult, *, store: str | Path | None = None
) -> tuple[CaseResult, ReviewState]:
    """Return a case with its review, as `reviewed_case`, from the store beside its bundle.

    Parameters
    ----------
    bundle : path-like
        Folder of the case.
    result : CaseResult
        What `alkfish.open_bundle` gives for it.
    store : path-like or str, optional
        Another store: a folder, or the URL of a database; it must be there.

    Raises
    ------
    StoreError
        If there is a store that cannot be read, or none where one was named, or none was named and
        the reads are kept in another than the folder's.
    """
    place = Path(bundle).absolute().parent
    if store is None and (other := store_elsewhere(place)):
        raise StoreError(
            "the reads of these results are kept in another store",
            where=place,
            found=other,
            remedy="name it with --store; if it was given up, delete review-store.txt",
        )
    if store is None and not (place / FILE_NAME).is_file():
        return result, ReviewState()
    with open_store(store or place, create=False) as log:
        return reviewed_case(log, result)


def reviewed_case(store: Store, result: CaseResult) -> tuple[CaseResult, ReviewState]:
    """Return a case as the readers left it, and how far its review is.

    Until the case is called nothing of any read is given, not even counts: a second reader may see
    the report. After that the nuclei are those that the readers counted and those that were
    not scorable, with the final patterns; figures and call are those of the review.

    Parameters
    ----------
    store : Store
        Where the log of the case is.
    result : CaseResult
        The machine's result.

    Returns
    -------
    tuple of CaseResult, ReviewState
        `result` itself while there is no call on it.
    """
    view = ReaderView(store, result, "report")
    call, versions = view.call, view.versions()
    if call is None or view.is_rescored:
        told = OTHER_RESULT if view.is_rescored else _PENDING.get(view.state, "")
        return result, ReviewState(pending="; ".join(filter(None, (told, _signed_before(view)))))
    version = versions[-1]
    reads = [read for read in version.reads if read.finished]
    counted = [read for read in reads if read.role is not ReadRole.CONTROL]
    patterns, ended = patterns_of(result), _ends(view)
    shown = _counted_only(view.reviewed_result(), counted)
    return shown, ReviewState(
        reads=tuple(_read(read, patterns, ended.get(read.read_id, "")) for read in reads),
        final_call=call.call.value,
        machine_call=result.call.call.value,
        signed_by=version.signed_by,
        signed_on=_date(version.signed_at),
        signature=_signature(view, version),
        remarks=tuple(_remarks(version, counted, result, shown)),
    )


def _signed_before(view: ReaderView) -> str:
    """Return what was signed before the present version was opened; empty for nothing."""
    signed = [event for event in view.history() if event.kind is EventKind.SIGNED]
    if not signed or signed[-1].subject["version"] >= view.version:
        return ""
    last = signed[-1]
    return (
        f"version {view.version} of the review is open; version {last.subject['version']} was "
        f"signed by {last.reader} on {_date(last.at)} as {last.after['call']}"
    )


def _ends(view: ReaderView) -> dict[int, str]:
    """Return when each read was finished."""
    finished = (e for e in view.history() if e.kind is EventKind.READ_FINISHED)
    return {int(event.subject["read"]): event.at for event in finished}


def _read(read: StoredRead, patterns: dict[NucleusKey, str], ended: str) -> Read:
    changed = sum(
        decision.pattern != patterns.get(key, "") for key, decision in read.decisions.items()
    )
    remarks = ["all nuclei"] if read.mode is ReadMode.FULL else []
    remarks += ["blinded"] if read.blinded else []
    return Read(
        read.reader, read.counts, _date(ended), changed, _ROLES[read.role], ", ".join(remarks)
    )  # fmt: skip


def _counted_only(result: CaseResult, reads: list[StoredRead]) -> CaseResult:
    """Leave out scorable nuclei that no reader has counted: they were not drawn."""
    if any(read.mode is ReadMode.FULL for read in reads):
        return result
    decided = {key for read in reads for key in read.decisions}
    table = result.nuclei
    keys = zip(table.fov.tolist(), table.nucleus_id.tolist(), strict=True)
    drawn = np.array([NucleusKey(str(fov), int(n)) in decided for fov, n in keys], bool)
    return replace(result, nuclei=table.take(drawn | ~table.scorable))


def _remarks(
    version: Version, reads: list[StoredRead], machine: CaseResult, shown: CaseResult
) -> Iterator[str]:
    if version.number > 1:
        yield f"Version {version.number} of the review: {version.why}"
    if not any(read.mode is ReadMode.FULL for read in reads):
        yield (
            f"The readers counted {shown.call.counts.n_enumerated} nuclei, drawn at random from "
            f"{int(machine.nuclei.scorable.sum())} scorable ones. The drawings and pictures show "
            "these, and nuclei that were not scorable."
        )
    rejected = sum(d.is_rejection for read in reads for d in read.decisions.values())
    if rejected:
        yield f"Rejected by the readers as not scorable: {rejected}."
    missing = shown.call.counts.n_enumerated - int(shown.nuclei.scorable.sum())
    if missing > 0:
        yield f"Nuclei outlined anew by a reader, counted but not drawn here: {missing}."


def _signature(view: ReaderView, version: Version) -> str:
    """Return the hash of the event that signed a version; empty if unsigned."""
    signed = [
        event.hash
        for event in view.history()
        if event.kind is EventKind.SIGNED and event.subject.get("version") == version.number
    ]
    return signed[-1] if signed else ""


def _date(at: str) -> str:
    """Return a time in UTC as people write it; empty for none."""
    day, _, clock = at.partition("T")
    return f"{day} {clock[:5]} UTC" if clock else day
