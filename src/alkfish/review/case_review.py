"""The review of one case by one reader: every step is checked, written and then shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alkfish.errors import ReviewError
from alkfish.io.fingerprint import result_fingerprint
from alkfish.model.result import CaseResult
from alkfish.model.signals import Pattern
from alkfish.review.case_view import call_of_read, count, same_person
from alkfish.review.changes import changes_between
from alkfish.review.edit_words import Coverage
from alkfish.review.editing import check_edit, touched_nuclei
from alkfish.review.edits import Edit, edit_to_payload
from alkfish.review.events import Draft, Event, EventKind, checked_text
from alkfish.review.order import NucleusKey, draw_nuclei
from alkfish.review.reader_view import ReaderView
from alkfish.review.refusals import RESCORE, check_step
from alkfish.review.replay import Read, ReviewCall, counted_merges, counts_to_payload
from alkfish.review.states import CaseState, ReadMode, ReadRole


class CaseReview(ReaderView):
    """One reader at one case. A window holds one; two windows never overwrite each other.

    Parameters
    ----------
    store : Store
        Where events are kept.
    result : CaseResult
        The machine's result, as from `alkfish.open_bundle`.
    reader : str
        Who reads. The store takes the name as given: logging in is the laboratory's matter.

    Raises
    ------
    ReviewError
        If the reader has no name.
    StoreError
        If the log of the case cannot be understood.

    Notes
    -----
    Every method that writes raises `StaleError`, and writes nothing, if somebody else has written
    since the last `refresh`, or if the case was scored again.
    """

    def start_read(
        self, mode: ReadMode = ReadMode.FIFTY, *, blinded: bool = False,
        continue_read: int | None = None,
    ) -> Read:  # fmt: skip
        """Begin a read: the first, the second of an equivocal case, or a control of a called one.

        Parameters
        ----------
        mode : ReadMode
            Nuclei to cover; the second read of a case is always `FIFTY`, a control read that of
            the first read.
        blinded : bool
            Hide the machine's proposal until the read is finished.
        continue_read : int, optional
            Take over the decisions of an own earlier read of the same result, mode and role: to
            correct a called case in a new version, or to go on with an abandoned read.

        Raises
        ------
        ReviewError
            If the state does not allow it, or reader 2 is reader 1.
        """
        check_step(self.state, EventKind.READ_STARTED, where=self.case_id)
        links = [] if self._is_linked() else [self._draft(EventKind.RESULT_LINKED)]
        if self.state is not CaseState.SCORED:
            self._check_result()
        plan = self._plan(mode, blinded)
        after = plan | {"continues": self._continued(continue_read, plan)}
        self._append(*links, self._draft(EventKind.READ_STARTED, after=after))
        assert self.read is not None  # noqa: S101 - it was just begun
        return self.read

    def n_missing(self) -> int:
        """Return how many nuclei the case lacks to fill the read that could be started now.

        Such a read cannot lead to a call: the rule is defined for a fixed number of nuclei
        (clinical-rules 1.4).

        Raises
        ------
        ReviewError
            If this reader cannot make the read that is due.
        """
        plan = self._plan(ReadMode.FIFTY, blinded=False)
        start, size = plan["start"], plan["size"]
        is_second = plan["role"] == ReadRole.SECOND.value
        first = self._review.version.read_of(ReadRole.FIRST) if is_second else None
        taken = self._case.drawn_before(counted_merges(first) if first else (), start)
        return draw_nuclei(self._case.order, start=start, size=size, rejected=taken).n_missing

    def continuable(self) -> tuple[Read, ...]:
        """Return the own earlier reads that the read to be started now can take over.

        Abandoned ones, and those of earlier versions; of the same result, for the same purpose,
        with decisions or edits; the newest first.
        """
        role = _ROLE_DUE.get(self.state)
        found = [
            read
            for read in self.reads()
            if (read.abandoned or read.version < self.version)
            and read.role is role
            and same_person(read.reader, self.reader)
            and read.result == self._case.fingerprint
            and (read.decisions or read.edits)
        ]
        return () if self.is_rescored or self.awaits_another else tuple(reversed(found))

    def queue(self) -> tuple[NucleusKey, ...]:
        """Return the nuclei of the own open read in order; rejected ones are replaced already."""
        return self._case.draw(self._own_read()).nuclei

    def pending(self) -> tuple[NucleusKey, ...]:
        """Return the nuclei of the queue that are not decided yet, in order."""
        decided = self._own_read().decisions
        return tuple(key for key in self.queue() if key not in decided)

    def coverage(self) -> Coverage:
        """Return what the own open read covers now, to tell what an edit does to it."""
        read = self._own_read()
        draw = self._case.draw(read)
        is_full = read.mode is ReadMode.FULL
        return Coverage(
            drawn=draw.nuclei,
            decided=frozenset(read.decisions),
            present=frozenset(self._case.proposed(read.edits)),
            n_missing=draw.n_missing,
            covers_all=is_full,
            must_decide=not is_full or read.blinded,
        )

    def set_pattern(self, nucleus: NucleusKey, pattern: Pattern, *, why: str = "") -> Event:
        """Decide the pattern of a nucleus, be it the machine's or another one.

        Raises
        ------
        ReviewError
            If the nucleus is not one of the read.
        """
        after = {"pattern": Pattern(pattern).value}
        return self._decide(EventKind.PATTERN_SET, nucleus, after, why)

    def reject(self, nucleus: NucleusKey, why: str) -> Event:
        """Decide that a nucleus is not scorable; the next one in the order takes its place.

        Raises
        ------
        ReviewError
            If there is no reason, or the nucleus is not one of the read.
        """
        reason = checked_text(why, "reason")
        return self._decide(EventKind.NUCLEUS_REJECTED, nucleus, {"scorable": False}, reason)

    def note(self, text: str, nucleus: NucleusKey | None = None) -> Event:
        """Write a remark on a nucleus or on the case."""
        read = self._own_read(EventKind.NOTED)
        subject = {"read": read.read_id} | (nucleus._asdict() if nucleus else {})
        after = {"text": checked_text(text, "note")}
        return self._append(self._draft(EventKind.NOTED, subject=subject, after=after))[-1]

    def edit(self, edit: Edit) -> Event:
        """Edit spots or outlines; decisions on the nuclei touched have to be made again.

        Raises
        ------
        ReviewError
            If the edit cannot be done; nothing was written.
        """
        read = self._own_read(EventKind.EDITED)
        check_edit(self.result, edit)
        touched = touched_nuclei(self.result, edit)
        patterns = self._case.proposed(read.edits)
        self._case.edited((*read.edits, edit))  # fails before anything is written; kept if not
        before = {str(i): patterns[NucleusKey(edit.fov, i)] for i in touched}
        draft = self._draft(
            EventKind.EDITED,
            subject={"read": read.read_id, "fov": edit.fov, "nuclei": list(touched)},
            before={"patterns": before},
            after=edit_to_payload(edit),
        )
        return self._append(draft)[-1]

    def undo(self) -> Event:
        """Take back the last decision, edit or note of the own open read.

        Raises
        ------
        ReviewError
            If there is none.
        """
        return self._step_back(EventKind.UNDONE, self._own_read(EventKind.UNDONE).done, "undo")

    def redo(self) -> Event:
        """Do again what was taken back last; impossible after a new decision.

        Raises
        ------
        ReviewError
            If there is none.
        """
        return self._step_back(
            EventKind.REDONE, self._own_read(EventKind.REDONE).taken_back, "redo"
        )

    def finish_read(self) -> ReviewCall | None:
        """End the own read for good and apply the case rule.

        Returns
        -------
        ReviewCall or None
            The call; None after a control read, and when another reader is awaited.

        Raises
        ------
        ReviewError
            If nuclei are left that the read must decide.
        """
        read = self._own_read(EventKind.READ_FINISHED)
        left = self.pending() if read.mode is ReadMode.FIFTY or read.blinded else ()
        if left:
            raise ReviewError(
                "the read is not complete",
                where=self.case_id,
                found=f"{len(left)} nuclei without a decision",
                remedy="set the pattern of each nucleus, or reject it with a reason",
            )
        before = {"machine": counts_to_payload(self._case.machine_counts(read))}
        subject = {"read": read.read_id}
        self._append(self._draft(EventKind.READ_FINISHED, subject, before, self._outcome(read)))
        return self.call if read.role is not ReadRole.CONTROL else None

    def abandon_read(self, why: str) -> Event:
        """End the open read, one's own or another's, without counting it; it stays in the log.

        Raises
        ------
        ReviewError
            If no read is open or there is no reason.
        """
        check_step(self.state, EventKind.READ_ABANDONED, where=self.case_id)
        read = self._review.open_read
        assert read is not None  # noqa: S101 - the state is READING
        draft = self._draft(
            EventKind.READ_ABANDONED,
            subject={"read": read.read_id},
            after={"state": _STATE_BEFORE[read.role].value},
            why=checked_text(why, "reason"),
            result=read.result,
        )
        return self._append(draft)[-1]

    def sign(self, *, why: str = "") -> Event:
        """Sign the call: the case is frozen. The hash of the event belongs into the report.

        Raises
        ------
        ReviewError
            If the case is not called.
        """
        check_step(self.state, EventKind.SIGNED, where=self.case_id)
        self._check_result()
        call = self._review.version.call
        assert call is not None  # noqa: S101 - the state is CALLED
        machine = self._case.result.call
        draft = self._draft(
            EventKind.SIGNED,
            subject={"version": self.version},
            before={"machine_call": machine.call.value},
            after=_call_payload(call) | {"state": CaseState.SIGNED.value},
            why=why,
        )
        return self._append(draft)[-1]

    def open_version(self, why: str) -> Event:
        """Open a new version of a called or signed case, on the result that is open; old ones stay.

        Raises
        ------
        ReviewError
            If the state does not allow it or there is no reason.
        """
        check_step(self.state, EventKind.VERSION_OPENED, where=self.case_id)
        draft = self._draft(
            EventKind.VERSION_OPENED,
            subject={"version": self.version},
            before={"result": self._review.version.result, "state": self.state.value},
            after={"version": self.version + 1},
            why=checked_text(why, "reason"),
        )
        return self._append(draft)[-1]

    def log_rescore(self, rescored: CaseResult, why: str) -> Event:
        """Write down that the case was scored again: what was changed, and on which result it is.

        Earlier reads stay tied to the older result. Before the case is called its review goes on
        with the new result; after that a new version is opened. The bundle is not touched: see
        `alkfish.review.replace_result`.

        Raises
        ------
        ReviewError
            If a read is open, there is no reason, or it is the result of another case.
        """
        kind = self.check_rescore(rescored, why)
        opens = kind is EventKind.VERSION_OPENED
        draft = self._draft(
            kind,
            subject={"version": self.version},
            before={"result": self._case.fingerprint, "state": self.state.value},
            after={"version": self.version + opens}
            | {"rescored": changes_between(self._case.result, rescored)},
            why=checked_text(why, "reason"),
            result=result_fingerprint(rescored),
        )
        return self._append(draft)[-1]

    def check_rescore(self, rescored: CaseResult, why: str) -> EventKind:
        """Return the event that `log_rescore` would write; refuses what it would refuse."""
        checked_text(why, "reason")
        if rescored.case_id != self.case_id:
            raise ReviewError(
                "the new result is one of another case",
                where=self.case_id,
                found=rescored.case_id,
                remedy="score the pictures of this case",
            )
        opens = self.state is not CaseState.SCORED
        kind = EventKind.VERSION_OPENED if opens else EventKind.RESULT_LINKED
        check_step(self.state, kind, where=self.case_id, refused=RESCORE)
        return kind

    def _append(self, *drafts: Draft) -> tuple[Event, ...]:
        events = self._store.append(
            self.case_id, drafts, reader=self.reader, expected=self._review.seq
        )
        self._absorb(events)
        return events

    def _draft(
        self, kind: EventKind, subject: Mapping[str, Any] | None = None,
        before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
        why: str = "", result: str = "",
    ) -> Draft:  # fmt: skip
        fingerprint = result or self._case.fingerprint
        return Draft(kind, fingerprint, subject or {}, before or {}, after or {}, why)

    def _own_read(self, step: EventKind = EventKind.PATTERN_SET) -> Read:
        """Return the own open read; without one, `step` is refused."""
        read = self.read
        if read is None:
            check_step(self.state, step, where=self.case_id)
            raise ReviewError(
                "the open read belongs to another reader",
                where=self.case_id,
                remedy="wait until it is finished; a read that nobody goes on with can be "
                "abandoned, with a reason",
            )
        self._check_result()
        return read

    def _plan(self, mode: ReadMode, blinded: bool) -> dict[str, Any]:
        """Return what the event that starts a read says."""
        size = self._case.result.probe.case_rule.read_size
        role, start = ReadRole.FIRST, 0
        first = self._review.version.read_of(ReadRole.FIRST) if self._is_linked() else None
        if self.state is not CaseState.SCORED and first is not None:
            second = self.state is CaseState.EQUIVOCAL_AWAITING_SECOND
            role = ReadRole.SECOND if second else ReadRole.CONTROL
            start = first.next_position if second else first.start
            mode = first.mode
            if second and same_person(first.reader, self.reader):
                raise ReviewError(
                    "the second reader must be another person than the first",
                    where=self.case_id,
                    found=self.reader,
                    remedy="let another person make the second read",
                )
        return {
            "role": role.value, "mode": mode.value, "blinded": blinded, "start": start,
            "size": size if mode is ReadMode.FIFTY else 0, "seed": self._case.seed,
            "n_scorable": len(self._case.order),
        }  # fmt: skip

    def _continued(self, read_id: int | None, plan: Mapping[str, Any]) -> int | None:
        """Return the read to be continued, if it may be.

        A control read never takes over the first read: they would agree without having been made.
        """
        if read_id is None:
            return None
        found = [read for read in self.reads() if read.read_id == read_id]
        own = [
            read
            for read in found
            if same_person(read.reader, self.reader)
            and read.result == self._case.fingerprint
            and (read.mode, read.role) == (plan["mode"], plan["role"])
        ]
        if not own:
            raise ReviewError(
                "that read cannot be gone on with: it is another person's, of another kind, or of "
                "another result of the case",
                where=self.case_id,
                found=f"read {read_id}",
                remedy="start a read of its own",
            )
        return read_id

    def _outcome(self, read: Read) -> dict[str, Any]:
        """Return what the event that ends a read says: counts, and the call unless a control."""
        counts = count(self._case.values(read).values())
        after: dict[str, Any] = {
            "counts": counts_to_payload(counts),
            "next_position": self._case.draw(read).next_position,
            "state": CaseState.CALLED.value,
        }
        if read.role is ReadRole.CONTROL:
            return after
        first = self._review.version.read_of(ReadRole.FIRST)
        return after | _call_payload(
            call_of_read(read, counts, first, self._case.result.probe.case_rule)
        )

    def _decide(
        self, kind: EventKind, nucleus: NucleusKey, after: Mapping[str, Any], why: str
    ) -> Event:
        read = self._own_read(kind)
        key = NucleusKey(*nucleus)
        proposed = self._case.proposed(read.edits)
        inside = proposed if read.mode is ReadMode.FULL else {*self.queue(), *read.decisions}
        if key not in inside or key not in proposed:
            raise ReviewError(
                "the nucleus is not one of this read",
                where=self.case_id,
                found=f"{key.fov}, nucleus {key.nucleus_id}",
                remedy="decide the nuclei that the read has drawn; only a read of all nuclei "
                "covers every one",
            )
        earlier = read.decisions.get(key)
        before = {"machine": self._case.patterns.get(key, ""), "proposed": proposed[key]}
        if earlier is not None:
            before |= {"reader": earlier.pattern, "reason": earlier.reason}
        subject = {"read": read.read_id, **key._asdict(), **self._place(key)}
        return self._append(self._draft(kind, subject, before, after, why))[-1]

    def _place(self, key: NucleusKey) -> dict[str, Any]:
        """Return where a nucleus lies, so that the log can be read without the result."""
        table = self.result.nuclei
        rows = ((table.fov == key.fov) & (table.nucleus_id == key.nucleus_id)).nonzero()[0]
        y_px, x_px = (round(float(values[rows[0]]), 1) for values in (table.y_px, table.x_px))
        read = self.read
        position = self._case.position(key, read.edits if read else ())
        return {"y_px": y_px, "x_px": x_px, "position": position}

    def _step_back(self, kind: EventKind, events: list[int], what: str) -> Event:
        if not events:
            raise ReviewError(
                f"there is nothing to {what} in this read",
                where=self.case_id,
                remedy="decide the nucleus anew: the last decision counts",
            )
        subject = {"read": self._own_read(kind).read_id, "event": events[-1]}
        return self._append(self._draft(kind, subject))[-1]


_ROLE_DUE = {
    CaseState.SCORED: ReadRole.FIRST,
    CaseState.EQUIVOCAL_AWAITING_SECOND: ReadRole.SECOND,
    CaseState.CALLED: ReadRole.CONTROL,
}
_STATE_BEFORE = {
    ReadRole.FIRST: CaseState.SCORED,
    ReadRole.SECOND: CaseState.EQUIVOCAL_AWAITING_SECOND,
    ReadRole.CONTROL: CaseState.CALLED,
}


def _call_payload(call: ReviewCall) -> dict[str, Any]:
    """Return a call as an event holds it, with the state that it leads to."""
    awaits = CaseState.EQUIVOCAL_AWAITING_SECOND
    state = awaits if call.call.value == "EQUIVOCAL" else CaseState.CALLED
    return {
        "call": call.call.value,
        "reason": call.reason,
        "total": counts_to_payload(call.counts),
        "state": state.value,
    }
