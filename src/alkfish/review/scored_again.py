"""A case scored again: the new bundle takes the place of the older, and the log says who and why.

The bundle is written completely beside its place first. Then it is moved there, the older one is
kept, and the event is written; if the store refuses it, the older bundle goes back.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from alkfish.errors import BundleError, ReviewError, StaleError
from alkfish.io.areas import write_areas
from alkfish.io.bundle import folder_name, open_bundle, place_bundle, write_bundle
from alkfish.io.fingerprint import result_fingerprint
from alkfish.io.geojson import Regions
from alkfish.model.result import CaseResult
from alkfish.review.case_review import CaseReview
from alkfish.review.elsewhere import store_elsewhere
from alkfish.review.store import FILE_NAME, open_store

EARLIER = ".earlier"
"""Folder within the results in which replaced bundles are kept: ``<case>/<fingerprint>``."""


def earlier_results(results: str | Path, case_id: str) -> tuple[Path, ...]:
    """Return the bundles of a case that were replaced by later ones, by name; empty for none."""
    folder = Path(results) / EARLIER / folder_name(case_id)
    return tuple(sorted(item for item in folder.glob("*") if item.is_dir()))


def keep_if_read(results: str | Path, case_id: str) -> Path | None:
    """Return where the present bundle of a case has to be kept when another one replaces it.

    None if nobody has read it, and if it is damaged. Where reads are kept in another store than the
    folder's, it may have been read.

    Parameters
    ----------
    results : path-like
        Folder of the bundles, with the review store.
    case_id : str
        Identifier of the case.
    """
    out, name = Path(results), folder_name(case_id)
    if not store_elsewhere(out) and not _has_events(out, case_id):
        return None
    try:
        older = result_fingerprint(open_bundle(out / name))
    except BundleError:
        return None
    return out / EARLIER / name / older[:12]


def _has_events(out: Path, case_id: str) -> bool:
    if not (out / FILE_NAME).is_file():
        return False
    with open_store(out, create=False) as store:
        return store.head(case_id).seq > 0


def replace_result(
    review: CaseReview,
    rescored: CaseResult,
    results: str | Path,
    *,
    why: str,
    regions: Mapping[str, Regions] | None = None,
) -> Path:
    """Put a new result of a case in the place of the older one, and log who did it and why.

    Earlier reads stay in the log, tied to the older result, whose bundle is kept in
    ``results/.earlier``.

    Parameters
    ----------
    review : CaseReview
        The review of the older result, by the person who scored again.
    rescored : CaseResult
        The new result.
    results : path-like
        Folder of the bundles.
    why : str
        The person's reason.
    regions : mapping of str to Regions, optional
        Outlined areas by field that it was scored within; kept in the bundle.

    Returns
    -------
    Path
        The bundle, now with the new result.

    Raises
    ------
    ReviewError
        If nothing changed, a read is open, or there is no reason; nothing was written.
    StaleError
        If somebody else has written to the case; the older bundle is in its place again.
    OutputError
        If the bundle cannot be written; the older one stays.
    """
    review.check_rescore(rescored, why)
    return place_result(review, stage_result(rescored, results, regions=regions), results, why=why)


def stage_result(
    rescored: CaseResult, results: str | Path, *, regions: Mapping[str, Regions] | None = None
) -> Path:
    """Write a new result of a case beside its place, for `place_result`; return where.

    The slow part of `replace_result`: it can run in a thread. What an interrupted run left there is
    replaced.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    staging = _staging(results, rescored.case_id)
    shutil.rmtree(staging, ignore_errors=True)
    try:
        bundle = write_bundle(rescored, staging)
        write_areas(bundle, regions or {})
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return bundle


def place_result(
    review: CaseReview, staged: str | Path, results: str | Path, *, why: str
) -> Path:  # fmt: skip
    """Move a staged result into its place and log it; the quick part of `replace_result`.

    Raises
    ------
    ReviewError, StaleError, OutputError
        As `replace_result`. The staged result is gone afterwards.
    """
    out, name = Path(results), folder_name(review.case_id)
    older = result_fingerprint(review.machine_result)
    kept = out / EARLIER / name / older[:12]
    try:
        rescored = open_bundle(staged)
        review.check_rescore(rescored, why)
        if result_fingerprint(open_bundle(out / name)) != older:
            raise StaleError(
                "the result of the case was replaced since it was opened",
                where=review.case_id,
                remedy="open the case again; nothing was written",
            )
        if result_fingerprint(rescored) == older:
            raise ReviewError(
                "scoring again gave the same result, so there is nothing to replace",
                where=review.case_id,
                remedy="go on with the result as it is",
            )
        placed = place_bundle(staged, out, review.case_id, keep_older=kept)
    finally:
        shutil.rmtree(_staging(out, review.case_id), ignore_errors=True)
    try:
        review.log_rescore(rescored, why)
    except BaseException:
        place_bundle(kept, out, review.case_id)
        raise
    return placed


def _staging(results: str | Path, case_id: str) -> Path:
    return Path(results) / f".{folder_name(case_id)}.rescored"
