"""Batches: a sheet or a folder of cases in; results, reports and a summary out.

A case that fails never stops the others. What is done and intact is kept, what changed is scored
again, and the reason is told.
"""

from __future__ import annotations

from alkfish.batch.cases import BatchCase, Control, Reading
from alkfish.batch.controls import ControlCheck
from alkfish.batch.events import Event, EventKind
from alkfish.batch.manifest import Defaults, case_of, read_cases
from alkfish.batch.outcomes import Done, Failed, Waiting
from alkfish.batch.outlines import OutlineOptions
from alkfish.batch.paths import cases_of_paths
from alkfish.batch.run import BatchOptions, BatchResult, check_reports, run_batch
from alkfish.batch.watch import WatchOptions, watch_inbox
from alkfish.batch.work import ReportPlan

__all__ = [
    "BatchCase",
    "BatchOptions",
    "BatchResult",
    "Control",
    "ControlCheck",
    "Defaults",
    "Done",
    "Event",
    "EventKind",
    "Failed",
    "OutlineOptions",
    "Reading",
    "ReportPlan",
    "Waiting",
    "WatchOptions",
    "case_of",
    "cases_of_paths",
    "check_reports",
    "read_cases",
    "run_batch",
    "watch_inbox",
]
