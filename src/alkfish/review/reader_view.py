"""What a reader may see of the review of a case."""

from __future__ import annotations

from collections.abc import Mapping

from alkfish.errors import ReviewError, StaleError, StoreError
from alkfish.model.result import CaseResult
from alkfish.review.agreement import Agreement, compare
from alkfish.review.case_view import (
    NucleusValue,
    ScoredCase,
    same_person,
    with_review,
)
from alkfish.review.events import Event, EventKind, checked_text
from alkfish.review.order import NucleusKey
from alkfish.review.replay import Decision, Read, Review, ReviewCall, Version
from alkfish.review.states import CaseState, ReadMode, ReadRole
from alkfish.review.store import Store


class ReaderView:
    """One reader's view of a case: nothing of another's read before the case is called.

    Parameters
    ----------
    store : Store
        Where events are kept.
    result : CaseResult
        The machine's result, as from `alkfish.open_bundle`.
    reader : str
        Who looks.

    Raises
    ------
    ReviewError
        If the reader has no name.
    StoreError
        If the log of the case cannot be understood.
    """

    def __init__(self, store: Store, result: CaseResult, reader: str) -> None:
        self.reader = checked_text(reader, "name of the reader")
        self._store, self._case = store, ScoredCase(result)
        self._events: tuple[Event, ...] = ()
        self._review = Review()
        self.refresh()

    @property
    def case_id(self) -> str:
        """Identifier of the case."""
        return self._case.result.case_id

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the machine's result that is open."""
        return self._case.fingerprint

    @property
    def state(self) -> CaseState:
        """Where the case stands."""
        return self._review.state

    @property
    def version(self) -> int:
        """Number of the present version of the review; 1 before anything was read."""
        return len(self._review.versions) or 1

    @property
    def is_rescored(self) -> bool:
        """Whether the review was made on another result than the one that is open."""
        versions = self._review.versions
        return bool(versions) and versions[-1].result != self._case.fingerprint

    @property
    def machine_result(self) -> CaseResult:
        """The machine's result, never changed."""
        return self._case.result

    @property
    def read(self) -> Read | None:
        """The reader's own open read, if there is one. Not to be changed."""
        found = self._review.open_read
        return found if found is not None and same_person(found.reader, self.reader) else None

    @property
    def call(self) -> ReviewCall | None:
        """The call of the present version; None until there is one that this reader may see."""
        may_see = self.state in (CaseState.CALLED, CaseState.SIGNED)
        return self._review.version.call if may_see else None

    @property
    def is_blinded(self) -> bool:
        """Whether the machine's proposal is to be hidden."""
        return self.read is not None and self.read.blinded

    @property
    def awaits_another(self) -> bool:
        """Whether a second reader is awaited, and this one made the first read."""
        if self.state is not CaseState.EQUIVOCAL_AWAITING_SECOND:
            return False
        first = self._review.version.read_of(ReadRole.FIRST)
        return first is not None and same_person(first.reader, self.reader)

    def versions(self) -> tuple[Version, ...]:
        """Return the versions of the review that are called or signed, as far as visible."""
        return tuple(self._review.versions) if self._sees_all() else ()

    def reads(self) -> tuple[Read, ...]:
        """Return the reads that this reader may see: the own ones, and all once it is called."""
        return tuple(
            read for version in self._review.versions for read in version.reads if self._sees(read)
        )

    def history(self) -> tuple[Event, ...]:
        """Return the events that this reader may see, in order."""
        hidden = {
            read.read_id
            for version in self._review.versions
            for read in version.reads
            if not self._sees(read)
        }
        return tuple(e for e in self._events if e.subject.get("read") not in hidden)

    def refresh(self) -> bool:
        """Read what was written since; return whether there was anything."""
        found = self._store.events(self.case_id, after=self._review.seq)
        self._absorb(found)
        return bool(found)

    @property
    def result(self) -> CaseResult:
        """The result with the edits of the own open read; else the machine's one."""
        read = self._read_here()
        return self._case.edited(read.edits) if read else self._case.result

    def values(self) -> tuple[NucleusValue, ...]:
        """Return machine value, reader values and final value of every nucleus.

        Only reads that this reader may see are in it, and under a blinded read the machine's and
        the proposed pattern of undecided nuclei are empty.
        """
        reads = self.counted_reads()
        proposed = self._proposed_by(reads)
        keys = dict.fromkeys((*self._case.patterns, *proposed))
        return tuple(self._value(key, reads, proposed) for key in keys)

    def reviewed_result(self) -> CaseResult:
        """Return the result with the final values and the call of the review, for reports.

        In a full review outlines and spots are those that the reader edited. After reads of drawn
        nuclei they are the machine's: each reader edits a copy of its own.

        Raises
        ------
        ReviewError
            If there is no call yet.
        """
        call = self.call
        if call is None:
            raise ReviewError(
                "the case has no call of a reader yet",
                where=self.case_id,
                remedy="finish the read, and the second read where the first is equivocal",
            )
        self._check_result()
        reads = self.counted_reads()
        decisions: dict[NucleusKey, Decision] = {}
        for read in reads:
            decisions |= read.decisions
        return with_review(self._edited_by(reads), decisions, call)

    def agreements(self) -> tuple[Agreement, ...]:
        """Return the agreement of the finished reads of this version with the machine and others.

        Empty for reads that this reader may not see, and on another result.
        """
        if not self._review.versions or self.is_rescored:
            return ()
        reads = [r for r in self._review.version.reads if r.finished and self._sees(r)]
        rated = [(f"{r.role.value}: {r.reader}", self._case.ratings(r)) for r in reads]
        pairs = [compare(name, given, "machine", self._case.patterns) for name, given in rated]
        for i, (name, given) in enumerate(rated):
            found = [compare(name, given, other, theirs) for other, theirs in rated[i + 1 :]]
            pairs += [pair for pair in found if pair.n_nuclei]
        return tuple(pairs)

    def _absorb(self, events: tuple[Event, ...]) -> None:
        self._events += events
        try:
            if any(e.kind in (EventKind.UNDONE, EventKind.REDONE) for e in events):
                self._review = Review(self._events)
            else:
                self._review.extend(events)
        except (KeyError, ValueError, TypeError) as error:
            raise StoreError(
                "the log of the case cannot be understood",
                where=f"{self._store.name}, case {self.case_id}",
                found=error,
                remedy="check it with `alkfish audit`, or install a newer alkfish",
            ) from error

    def _sees_all(self) -> bool:
        return self.state in (CaseState.CALLED, CaseState.SIGNED)

    def _sees(self, read: Read) -> bool:
        return self._sees_all() or same_person(read.reader, self.reader)

    def _read_here(self) -> Read | None:
        """Return the own open read, if it was made on this result: names of nuclei hold in one."""
        return self.read if self._is_linked() else None

    def _is_linked(self) -> bool:
        return bool(self._review.versions) and not self.is_rescored

    def _check_result(self) -> None:
        if self.is_rescored:
            raise StaleError(
                "the review was made on another result of this case",
                where=self.case_id,
                found=f"result {self._case.fingerprint[:12]}",
                allowed=f"result {self._review.version.result[:12]}",
                remedy="open the older result, or abandon the read or open a new version, with a "
                "reason; earlier reads stay in the log",
            )

    def counted_reads(self) -> tuple[Read, ...]:
        """Return the reads that make up the final values of this version, as far as visible.

        While the reader has a read open it is that one alone; none on another result.
        """
        if not self._is_linked():
            return ()
        if self.read is not None:
            return (self.read,)
        roles = (ReadRole.FIRST, ReadRole.SECOND)
        found = [self._review.version.read_of(role) for role in roles]
        return tuple(read for read in found if read and read.finished and self._sees(read))

    def _proposed_by(self, reads: tuple[Read, ...]) -> Mapping[NucleusKey, str]:
        read = self._read_here() or next(
            (read for read in reads if read.mode is ReadMode.FULL), None
        )
        return self._case.proposed(read.edits if read else ())

    def _edited_by(self, reads: tuple[Read, ...]) -> CaseResult:
        full = [read for read in reads if read.mode is ReadMode.FULL]
        return self._case.edited(full[0].edits) if full else self._case.result

    def _value(
        self, key: NucleusKey, reads: tuple[Read, ...], proposed: Mapping[NucleusKey, str]
    ) -> NucleusValue:
        given = {r.role.value: r.decisions[key] for r in reads if key in r.decisions}
        hidden = self.is_blinded and not given
        last = next(reversed(given.values()), None)
        rule = "" if hidden else proposed.get(key, "")
        return NucleusValue(
            nucleus=key,
            machine="" if hidden else self._case.patterns.get(key, ""),
            proposed=rule,
            readers={role: decision.pattern for role, decision in given.items()},
            reason=last.reason if last else "",
            final=last.pattern if last else rule,
        )
