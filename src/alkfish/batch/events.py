"""What happens in a batch, as events: for the live view, the log file and ``--json`` lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from alkfish.errors import output_errors

LOG_NAME = "batch.log"
"""Name of the log in the folder of results; every run appends."""


class EventKind(StrEnum):
    """What can happen. Names are part of the ``--json`` format."""

    BATCH_STARTED = "batch_started"
    WATCHING = "watching"
    CASE_SEEN = "case_seen"
    CASE_STARTED = "case_started"
    CASE_PROGRESS = "case_progress"
    CASE_SCORED = "case_scored"
    CASE_KEPT = "case_kept"
    CASE_FAILED = "case_failed"
    CONTROL_CHECKED = "control_checked"
    NOTICE = "notice"
    BATCH_STOPPED = "batch_stopped"
    BATCH_FINISHED = "batch_finished"


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes
    ----------
    kind : EventKind
        What.
    text : str
        The same in words, one line, for people and the log. Never words from block or notes.
    case_id : str
        Of which case; empty for the batch.
    data : mapping
        JSON values; keys may be added to a kind, never renamed.
    cause : BaseException, optional
        The error of a case that failed, for its traceback; in no file and no JSON.
    """

    kind: EventKind
    text: str
    case_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    cause: BaseException | None = field(default=None, compare=False)

    def as_json(self) -> str:
        """Return the event as one line of JSON."""
        head = {"event": self.kind.value} | ({"case_id": self.case_id} if self.case_id else {})
        return json.dumps({**head, **self.data, "text": self.text}, ensure_ascii=False)


Tell = Callable[[Event], None]


class LogFile:
    """Appends events to the log in the folder of results; progress of slides is left out.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """

    def __init__(self, out: Path) -> None:
        with output_errors("the log cannot be written", out / LOG_NAME):
            out.mkdir(parents=True, exist_ok=True)
            self._stream: IO[str] = (out / LOG_NAME).open("a", encoding="utf-8", newline="\n")

    def __call__(self, event: Event) -> None:
        """Write one line: time in UTC, kind, case, words."""
        if event.kind is EventKind.CASE_PROGRESS:
            return
        at = datetime.now(UTC).isoformat(timespec="seconds")
        words = " ".join(f"{event.case_id}: {event.text}".removeprefix(": ").split())
        with output_errors("the log cannot be written", self._stream.name):
            self._stream.write(f"{at} {event.kind.value:<15} {words}\n")
            self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
