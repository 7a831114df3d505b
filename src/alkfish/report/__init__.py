"""Reports of a case: one self-contained HTML page, and a PDF of it. Nothing is scored here."""

from __future__ import annotations

from alkfish.report.details import CaseDetails
from alkfish.report.options import ReportOptions
from alkfish.report.review import Read, ReviewState
from alkfish.report.write import render_html, write_report

__all__ = [
    "CaseDetails",
    "Read",
    "ReportOptions",
    "ReviewState",
    "render_html",
    "write_report",
]
