"""Review of scored cases without a window: reads, edits, signing, and a log that shows tampering.

Names are loaded on first use: the store alone needs none of the scientific libraries.

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

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alkfish.review.agreement import CATEGORIES, Agreement
    from alkfish.review.audit import AuditReport, Finding, verify
    from alkfish.review.case_review import CaseReview
    from alkfish.review.case_view import NucleusValue
    from alkfish.review.changes import changes_between, changes_in_words
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
    from alkfish.review.scored_again import (
        earlier_results,
        place_result,
        replace_result,
        stage_result,
    )
    from alkfish.review.standing import Standing, standings
    from alkfish.review.states import TRANSITIONS, CaseState, ReadMode, ReadRole
    from alkfish.review.store import Store, open_store

_HOMES = {
    "Agreement": "alkfish.review.agreement",
    "AuditReport": "alkfish.review.audit",
    "CATEGORIES": "alkfish.review.agreement",
    "CaseReview": "alkfish.review.case_review",
    "CaseState": "alkfish.review.states",
    "Edit": "alkfish.review.edits",
    "Event": "alkfish.review.events",
    "EventKind": "alkfish.review.events",
    "Finding": "alkfish.review.audit",
    "NucleiMerged": "alkfish.review.edits",
    "NucleusDeclumped": "alkfish.review.edits",
    "NucleusKey": "alkfish.review.order",
    "NucleusValue": "alkfish.review.case_view",
    "Read": "alkfish.review.replay",
    "ReadMode": "alkfish.review.states",
    "ReadRole": "alkfish.review.states",
    "ReviewCall": "alkfish.review.replay",
    "SpotAdded": "alkfish.review.edits",
    "SpotDeleted": "alkfish.review.edits",
    "SpotMoved": "alkfish.review.edits",
    "Standing": "alkfish.review.standing",
    "Store": "alkfish.review.store",
    "TRANSITIONS": "alkfish.review.states",
    "apply_edits": "alkfish.review.editing",
    "changes_between": "alkfish.review.changes",
    "changes_in_words": "alkfish.review.changes",
    "earlier_results": "alkfish.review.scored_again",
    "nucleus_at": "alkfish.review.editing",
    "open_store": "alkfish.review.store",
    "place_result": "alkfish.review.scored_again",
    "replace_result": "alkfish.review.scored_again",
    "stage_result": "alkfish.review.scored_again",
    "standings": "alkfish.review.standing",
    "verify": "alkfish.review.audit",
}

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
    "Standing",
    "Store",
    "apply_edits",
    "changes_between",
    "changes_in_words",
    "earlier_results",
    "nucleus_at",
    "open_store",
    "place_result",
    "replace_result",
    "stage_result",
    "standings",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'alkfish.review' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
