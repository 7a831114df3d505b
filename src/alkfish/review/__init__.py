"""Review of scored cases without a window: reads, edits, signing, and a log that shows tampering.

Examples
--------
>>> import alkfish
>>> from alkfish.review import CaseReview, open_store
>>> result = alkfish.open_bundle("results/case_17")            # doctest: +SKIP
>>> with open_store("results") as store:                       # doctest: +SKIP
...     review = CaseReview(store, result, reader="A. Reader")
...     review.start_read()
...     review.set_pattern(review.queue()[0], alkfish.Pattern.SPLIT)
"""

from __future__ import annotations

from alkfish.review.agreement import CATEGORIES, Agreement
from alkfish.review.audit import AuditReport, Finding, verify
from alkfish.review.case_review import CaseReview
from alkfish.review.case_view import NucleusValue
from alkfish.review.editing import apply_edits, nucleus_at
from alkfish.review.edits import (
    Edit,
    NucleiMerged,
    NucleusDeclumped,
    SpotAdded,
    SpotDeleted,
    SpotMoved,
)
from alkfish.review.events import Event, EventKind
from alkfish.review.order import NucleusKey
from alkfish.review.replay import Read, ReviewCall
from alkfish.review.states import TRANSITIONS, CaseState, ReadMode, ReadRole
from alkfish.review.store import Store, open_store

__all__ = [
    "CATEGORIES",
    "TRANSITIONS",
    "Agreement",
    "AuditReport",
    "CaseReview",
    "CaseState",
    "Edit",
    "Event",
    "EventKind",
    "Finding",
    "NucleiMerged",
    "NucleusDeclumped",
    "NucleusKey",
    "NucleusValue",
    "Read",
    "ReadMode",
    "ReadRole",
    "ReviewCall",
    "SpotAdded",
    "SpotDeleted",
    "SpotMoved",
    "Store",
    "apply_edits",
    "nucleus_at",
    "open_store",
    "verify",
]
