"""Signed reviews as manual reads: final calls, counts and single decisions of a review store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alkfish.errors import InputError
from alkfish.evaluate.manual_sheet import ManualNucleus, ManualRead, ManualReads
from alkfish.review.agreement import NOT_SCORABLE
from alkfish.review.replay import Read, Review, Version
from alkfish.review.store import open_store

REVIEWED = "signed review"
"""Reader under whose name the final call of a review stands."""


def signed_reads(where: str | Path) -> ManualReads:
    """Return the last signed version of each reviewed case.

    Its call and summed counts stand for the case. Every nucleus that a reader of that version
    decided on stands under the reader's name; nuclei that a reader left as proposed do not.

    Parameters
    ----------
    where : path-like or str
        Folder of results, store, or URL, as for `open_store`; nothing is made or changed.

    Raises
    ------
    StoreError
        If the store is missing or cannot be read.
    InputError
        If no case is signed.
    """
    cases, nuclei, seen_proposal = [], [], 0
    with open_store(where, create=False) as store:
        for case_id in store.cases():
            signed = [v for v in Review(store.events(case_id)).versions if v.signed_by and v.call]
            if not signed:
                continue
            version = signed[-1]
            cases.append(_read(case_id, version))
            finished = [read for read in version.reads if read.finished]
            nuclei += [item for read in finished for item in _decided(case_id, read)]
            seen_proposal += any(not read.blinded for read in finished)
        if not cases:
            raise InputError(
                "the review store holds no signed case",
                where=store.name,
                remedy="sign cases first, or compare with a sheet of manual reads",
            )
    remark = (
        "Signed reviews are reads of the machine's own nuclei: they cannot show what it missed. In "
        f"{seen_proposal} of {len(cases)} of these cases a reader saw the machine's proposals."
    )
    return ManualReads(tuple(cases), tuple(nuclei), (remark,))


def _read(case_id: str, version: Version) -> ManualRead:
    if version.call is None:  # only signed versions come here, and they have one
        raise AssertionError
    counts = version.call.counts
    n, positive = counts.n_enumerated, counts.n_positive
    return ManualRead(
        case_id, REVIEWED, version.call.call.value, n > 0, positive / n if n else 0.0, positive, n
    )


def _decided(case_id: str, read: Read) -> Iterator[ManualNucleus]:
    for key, decision in read.decisions.items():
        yield ManualNucleus(
            case_id, key.fov, decision.pattern or NOT_SCORABLE, key.nucleus_id,
            reader=read.reader, result=read.result,
        )  # fmt: skip
