"""The review of one case as a window shows it: the current nucleus, the order, every step.

No Qt here: docks and layers listen to the signals and call the steps, and tests do the same. What
is decided is written by `alkfish.review` before a signal says so.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from alkfish.errors import AlkfishError, StaleError
from alkfish.model.result import CaseResult
from alkfish.model.signals import Pattern
from alkfish.review import (
    CaseReview,
    CaseState,
    Edit,
    NucleiMerged,
    NucleusKey,
    Read,
    ReadMode,
    Store,
)
from alkfish.review.case_view import patterns_of
from alkfish.review.edit_words import edit_in_words

PATTERN_ORDER = ("SPLIT", "ISOLATED_3P", "ISOLATED_5P", "FUSED", "")
"""Patterns as lists show them: what can make a case positive first."""


class Order(StrEnum):
    """In which order nuclei are stepped through."""

    READ = "read"
    """The draw of the open read: the only order that counts towards a read."""
    DOUBT = "doubt"
    PATTERN = "pattern"
    POSITION = "position"


class ReviewSession:
    """One reader at one case.

    Parameters
    ----------
    store : Store
        Where events are kept.
    result : CaseResult
        The machine's result.
    reader : str
        Who reads.
    hindrance : callable, optional
        Returns why nothing can be written now, in words; empty if it can. Asked before each step.

    Attributes
    ----------
    review : CaseReview
        The rules behind the steps.
    blocked : str
        Why nothing can be written, as found at the last look; empty if it can.
    result_changed : Signal
        Outlines or spots are others than before: after an edit, or undoing one.
    values_changed : Signal
        Emits the nuclei (tuple of NucleusKey) whose pattern may have changed; empty: all.
    current_changed : Signal
        Emits the current NucleusKey, or None.
    state_changed : Signal
        The case, the read or the order stands elsewhere.
    said : Signal
        Emits a text for the reader, and whether it is a refusal.
    """

    result_changed = Signal()
    values_changed = Signal(tuple)
    current_changed = Signal(object)
    state_changed = Signal()
    said = Signal(str, bool)

    def __init__(
        self, store: Store, result: CaseResult, reader: str,
        hindrance: Callable[[], str] = lambda: "",
    ) -> None:  # fmt: skip
        self.review = CaseReview(store, result, reader)
        self._hindrance = hindrance
        self.blocked = hindrance()
        self.order = Order.READ if self.review.read else Order.DOUBT
        self.current: NucleusKey | None = None
        self._shown_result = self.review.result
        self.current = next(iter(self.undecided() or self.keys_in_order), None)

    @property
    def case_id(self) -> str:
        """Identifier of the case."""
        return self.review.case_id

    @property
    def result(self) -> CaseResult:
        """The result as edited by the reader so far."""
        return self._shown_result

    @property
    def is_reading(self) -> bool:
        """Whether the reader has a read open: decisions can be made."""
        return self.review.read is not None

    @property
    def may_start(self) -> bool:
        """Whether nobody reads and this reader can begin a read that leads to the call."""
        waits = (CaseState.SCORED, CaseState.EQUIVOCAL_AWAITING_SECOND)
        may = self.review.state in waits and not self.review.awaits_another
        fits = self.review.state is CaseState.SCORED or not self.review.is_rescored
        return may and fits and not self.blocked

    @property
    def to_continue(self) -> Read | None:
        """The own earlier read that the read to be started can take over; None without one."""
        found = () if self.blocked else self.review.continuable()
        return found[0] if found else None

    def look(self) -> str:
        """Look whether steps can be written; return why not, empty if they can."""
        found = self._hindrance()
        if found != self.blocked:
            self.blocked = found
            self.state_changed.emit()
        return found

    @property
    def may_see_machine(self) -> bool:
        """Whether the machine's proposal may be shown."""
        return not self.review.is_blinded

    @cached_property
    def rows(self) -> dict[NucleusKey, int]:
        """Row in the result's table of every nucleus."""
        table = self.result.nuclei
        pairs = zip(table.fov.tolist(), table.nucleus_id.tolist(), strict=True)
        return {NucleusKey(str(fov), int(number)): row for row, (fov, number) in enumerate(pairs)}

    @cached_property
    def keys(self) -> tuple[NucleusKey, ...]:
        """All nuclei, in the order of the table."""
        return tuple(self.rows)

    @cached_property
    def patterns(self) -> npt.NDArray[np.object_]:
        """Pattern per row of the table as it may be shown: decided, else proposed unless blinded.

        Empty: not scorable, rejected, or hidden from a blinded reader.
        """
        shown = np.array(self.result.nuclei.pattern, object)
        if not self.may_see_machine:
            shown[:] = ""
        for value in self._reader_values().items():
            key, pattern = value
            if key in self.rows:
                shown[self.rows[key]] = pattern
        return shown

    @cached_property
    def decided(self) -> npt.NDArray[np.bool_]:
        """Per row of the table, whether a reader has decided on the nucleus."""
        done = np.zeros(len(self.keys), bool)
        done[[self.rows[key] for key in self._reader_values() if key in self.rows]] = True
        return done

    @cached_property
    def draw(self) -> tuple[NucleusKey, ...]:
        """The nuclei of the open read, in the order of its draw; empty without one.

        A read of another result of the case has none here: it can be abandoned, not continued.
        """
        return self.review.queue() if self.is_reading and not self.review.is_rescored else ()

    @cached_property
    def keys_in_order(self) -> tuple[NucleusKey, ...]:
        """The nuclei that are stepped through, in the present order."""
        if self.order is Order.READ and self.draw:
            return self.draw
        return tuple(self.keys[row] for row in self._sorted_rows())

    def undecided(self) -> tuple[NucleusKey, ...]:
        """Return the nuclei of the open read without a decision, in the order of its draw."""
        return self._undecided

    @cached_property
    def _undecided(self) -> tuple[NucleusKey, ...]:
        rows, done = self.rows, self.decided.tolist()
        return tuple(key for key in self.draw if key in rows and not done[rows[key]])

    @cached_property
    def machine_patterns(self) -> dict[NucleusKey, str]:
        """Pattern of every nucleus as the machine proposed it; empty: not scorable."""
        return patterns_of(self.review.machine_result)

    def reason_of(self, nucleus: NucleusKey) -> str:
        """Return why a reader took a nucleus out of the count; empty if none did."""
        return self._reasons().get(nucleus, "")

    def place_of(self, nucleus: NucleusKey) -> int:
        """Return the place of a nucleus in the present order, from 0; -1 if it is not in it."""
        return self._places.get(nucleus, -1)

    def set_order(self, order: Order) -> None:
        """Step through the nuclei in another order; the current one stays."""
        self.order = Order(order)
        self._forget("keys_in_order", "_places")
        self.state_changed.emit()

    def go(self, nucleus: NucleusKey) -> None:
        """Make a nucleus the current one; one that is not there is left alone."""
        if nucleus in self.rows and nucleus != self.current:
            self.current = nucleus
            self.current_changed.emit(nucleus)

    def step(self, by: int = 1) -> None:
        """Go to the next nucleus in the present order, or back; the ends do not wrap."""
        keys = self.keys_in_order
        if not keys:
            return
        try:
            place = self._places[self.current] + by if self.current else 0
        except KeyError:
            place = 0
        self.go(keys[min(max(place, 0), len(keys) - 1)])

    def go_to_undecided(self) -> bool:
        """Go to the next nucleus of the read without a decision; return whether there is one."""
        left = self.undecided()
        if not left:
            return False
        places = {key: place for place, key in enumerate(self.draw)}
        here = places.get(self.current, -1) if self.current else -1
        self.go(next((key for key in left if places[key] > here), left[0]))
        return True

    def decide(self, pattern: Pattern, nuclei: tuple[NucleusKey, ...] = ()) -> bool:
        """Decide the pattern of nuclei, by default of the current one."""
        return self._each(nuclei, lambda key: self.review.set_pattern(key, pattern))

    def reject(self, why: str, nuclei: tuple[NucleusKey, ...] = ()) -> bool:
        """Take nuclei out of the count, by default the current one, for a reason."""
        return self._each(nuclei, lambda key: self.review.reject(key, why))

    def note(self, text: str) -> bool:
        """Write a remark on the current nucleus."""
        return self._do(lambda: self.review.note(text, self.current), ())

    def edit(self, edit: Edit) -> bool:
        """Edit spots or outlines; patterns follow, and what became of the read is said."""
        before = self.current
        words: list[str] = []

        def write() -> None:
            coverage = self.review.coverage()
            self.review.edit(edit)
            words.append(edit_in_words(edit, coverage, self.review.coverage()))
            if isinstance(edit, NucleiMerged):  # the parts are gone but for this one
                self.current = NucleusKey(edit.fov, min(edit.nucleus_ids))

        done = self._do(write)
        if self.current != before:
            self.current_changed.emit(self.current)
        for text in filter(None, words):
            self.said.emit(text, False)
        return done

    def undo(self) -> bool:
        """Take back the last step of the read, and show the nucleus it was on."""
        read = self.review.read
        return self._back(self.review.undo, read.done if read else [])

    def redo(self) -> bool:
        """Do again what was taken back, and show the nucleus it was on."""
        read = self.review.read
        return self._back(self.review.redo, read.taken_back if read else [])

    def start_read(
        self, mode: ReadMode = ReadMode.FIFTY, *, blinded: bool = False,
        continue_read: int | None = None,
    ) -> bool:  # fmt: skip
        """Begin a read, and go to its first nucleus; arguments as `CaseReview.start_read`."""
        review = self.review
        if not self._do(
            lambda: review.start_read(mode, blinded=blinded, continue_read=continue_read)
        ):
            return False
        self.set_order(Order.READ)
        for first in self.undecided()[:1]:
            self.go(first)
        return True

    def continue_read(self) -> bool:
        """Begin a read that takes over the decisions of the own earlier one."""
        read = self.to_continue
        if read is None:
            self.said.emit("There is no read of yours to go on with: start a read.", True)
            return False
        return self.start_read(read.mode, blinded=read.blinded, continue_read=read.read_id)

    def finish_read(self) -> bool:
        """End the read and apply the case rule."""
        return self._do(self.review.finish_read)

    def abandon_read(self, why: str) -> bool:
        """End the open read without counting it."""
        return self._do(lambda: self.review.abandon_read(why))

    def sign(self, why: str = "") -> bool:
        """Sign the call; the case is frozen."""
        return self._do(lambda: self.review.sign(why=why))

    def open_version(self, why: str) -> bool:
        """Open a new version of a called or signed case."""
        return self._do(lambda: self.review.open_version(why))

    def refresh(self) -> bool:
        """Take up what others have written; return whether there was anything."""
        if not self.review.refresh():
            return False
        self._changed(None)
        return True

    @property
    def is_frozen(self) -> bool:
        """Whether the case is signed."""
        return self.review.state is CaseState.SIGNED

    def _each(self, nuclei: tuple[NucleusKey, ...], write: Callable[[NucleusKey], object]) -> bool:
        chosen = nuclei or ((self.current,) if self.current else ())
        done = []
        for key in chosen:
            refused = self._attempt(partial(write, key))
            if isinstance(refused, StaleError):  # the rest was chosen on what is no longer so
                break
            if refused is None:
                done.append(key)
        self._changed(tuple(done))
        return len(done) == len(chosen) > 0

    def _back(self, write: Callable[[], object], line: list[int]) -> bool:
        """Step back or forth, and go to the nucleus of the step that stands last in line."""
        number = line[-1] if line else 0
        done = self._do(write)
        if done:
            subject = next(e.subject for e in self.review.history() if e.seq == number)
            numbers = subject.get("nuclei", [subject.get("nucleus_id", 0)])  # of an edit: several
            keys = [NucleusKey(str(subject.get("fov", "")), int(each)) for each in numbers]
            if self.current not in keys:
                for key in [key for key in keys if key in self.rows][:1]:
                    self.go(key)
        return done

    def _do(
        self, write: Callable[[], object], touched: tuple[NucleusKey, ...] | None = None
    ) -> bool:
        done = self._attempt(write) is None
        self._changed(touched)
        return done

    def _attempt(self, write: Callable[[], object]) -> AlkfishError | None:
        """Write; what is refused is said, changes nothing and is returned."""
        problem = self.look()
        if problem:
            self.said.emit(problem, True)
            return StaleError(problem)
        try:
            write()
        except StaleError as error:
            self.review.refresh()
            self.said.emit(f"{error}\nNothing was written. The case is shown anew.", True)
            return error
        except AlkfishError as error:
            self.said.emit(str(error), True)
            return error
        return None

    def _changed(self, touched: tuple[NucleusKey, ...] | None) -> None:
        """Tell the listeners; ``touched`` None: everything may be different.

        What depends on the result alone is kept while the result is: decisions stay quick with
        many nuclei. Orders by doubt and by pattern stay as they were until one is chosen anew, so
        that a decision never moves the nuclei around under the reader.
        """
        edited = self.review.result is not self._shown_result
        self._shown_result = self.review.result
        self._forget("patterns", "decided", "draw", "_undecided")
        if edited:
            self._forget("rows", "keys")
        if edited or touched is None or self.order is Order.READ:
            self._forget("keys_in_order", "_places")
        if self.current not in self.rows:
            self.current = next(iter(self.keys_in_order), None)
            self.current_changed.emit(self.current)
        if edited:
            self.result_changed.emit()
        self.values_changed.emit(touched or ())
        self.state_changed.emit()

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)

    @cached_property
    def _places(self) -> dict[NucleusKey, int]:
        return {key: place for place, key in enumerate(self.keys_in_order)}

    def _reader_values(self) -> dict[NucleusKey, str]:
        """Return what the reads that count decided."""
        found: dict[NucleusKey, str] = {}
        for each in self.review.counted_reads():
            found |= {key: decision.pattern for key, decision in each.decisions.items()}
        return found

    def _reasons(self) -> dict[NucleusKey, str]:
        """Return why nuclei were taken out of the count, as far as this reader may see it."""
        found: dict[NucleusKey, str] = {}
        for each in self.review.counted_reads():
            found |= {key: d.reason for key, d in each.decisions.items() if d.is_rejection}
        return found

    def _sorted_rows(self) -> list[int]:
        table = self.result.nuclei
        place = np.lexsort((table.x_px, table.y_px, table.fov.astype(str)))
        if self.order is Order.POSITION or not self.may_see_machine:
            return _rows_of(place)
        sure = np.max(
            [table.p_fused, table.p_split, table.p_isolated_3p, table.p_isolated_5p], axis=0
        )
        rank = {name: number for number, name in enumerate(PATTERN_ORDER)}
        group = np.array([rank.get(str(name), len(rank)) for name in self.patterns])
        excluded = ~table.scorable
        if self.order is Order.PATTERN:
            return _rows_of(np.lexsort((sure, group)))
        return _rows_of(np.lexsort((sure, excluded)))


def _rows_of(order: npt.NDArray[np.intp]) -> list[int]:
    """Return rows as plain integers."""
    return [int(row) for row in order]
