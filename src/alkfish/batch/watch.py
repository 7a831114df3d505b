"""Watching a folder: what a microscope drops into it is scored once it is complete.

The folder is looked into again and again, which also works on network shares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from alkfish._version import __version__
from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.events import Event, EventKind, Tell
from alkfish.batch.inbox import Entry, look_into
from alkfish.batch.knowledge import BatchKnowledge
from alkfish.batch.manifest import Defaults, case_of
from alkfish.batch.outcomes import Done, Failed, Figures, Outcome, Waiting
from alkfish.batch.recipe import fingerprint
from alkfish.batch.run import (
    BatchOptions,
    BatchResult,
    Opened,
    check_reports,
    close_batch,
    make_runner,
    notes_of,
    opened_out,
    started,
    tell_end,
)
from alkfish.batch.runner import Runner
from alkfish.batch.watch_state import Seen, read_state, write_state
from alkfish.batch.work import REPORT
from alkfish.errors import AlkfishError, InputError
from alkfish.execute import Executor
from alkfish.io.bundle import folder_name, open_bundle, same_name
from alkfish.io.probes import load_probe, probe_to_mapping


@dataclass(frozen=True)
class WatchOptions:
    """When what lies in the folder is complete.

    Attributes
    ----------
    settle_s : float
        Seconds for which names, sizes and times must not change.
    poll_s : float
        Seconds between two looks.
    marker : str
        Ending of a file that says "complete" (``.done``); then nothing else counts. Empty: none.
    once : bool
        Score what is complete, wait once for the settle time if something is not, and end.
    negative_controls, positive_controls : tuple of str
        Patterns of the case ids of control slides, as ``NC*``; capitals do not matter.
    """

    settle_s: float = 30.0
    poll_s: float = 5.0
    marker: str = ""
    once: bool = False
    negative_controls: tuple[str, ...] = ()
    positive_controls: tuple[str, ...] = ()

    def control_of(self, case_id: str) -> Control:
        """Return what a case is by its id.

        Raises
        ------
        InputError
            If it fits patterns of both kinds.
        """
        is_negative = _fits(case_id, self.negative_controls)
        is_positive = _fits(case_id, self.positive_controls)
        if is_negative and is_positive:
            raise InputError(
                "the name fits the patterns of negative and of positive controls",
                where=case_id,
                found=", ".join((*self.negative_controls, *self.positive_controls)),
                remedy="change the patterns, or rename the case",
            )
        if is_negative:
            return Control.NEGATIVE
        return Control.POSITIVE if is_positive else Control.NONE


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


@dataclass(frozen=True)
class Clock:
    """Time and patience; tests bring their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def watch_inbox(
    inbox: str | Path,
    out: str | Path,
    *,
    executor: Executor,
    options: BatchOptions | None = None,
    defaults: Defaults | None = None,
    watch: WatchOptions | None = None,
    tell: Tell | None = None,
    clock: Clock | None = None,
) -> BatchResult:
    """Score what comes into a folder, until stopped.

    Every picture and every folder of pictures directly in it is a case. What was scored is scored
    again when its files change. What fails is told and tried again when its files change.

    Parameters
    ----------
    inbox : path-like
        The watched folder; nothing is written there.
    out : path-like
        Folder of results, as for `run_batch`, with ``watch.json`` for the next start.
    executor, options, tell
        As for `run_batch`.
    defaults : Defaults, optional
        Probe profile and options of reading.
    watch : WatchOptions, optional
        When a case is complete.
    clock : Clock, optional
        Of the computer by default.

    Returns
    -------
    BatchResult
        With `WatchOptions.once`: what was done now.

    Raises
    ------
    InputError
        If the folder cannot be read at the start, or lies within the results or around them.
    OutputError
        If the results cannot be written.
    KeyboardInterrupt
        When stopped; finished cases are kept.
    """
    source, target = Path(inbox).absolute(), Path(out).absolute()
    looked_for = watch or WatchOptions()
    has_patterns = bool(looked_for.negative_controls or looked_for.positive_controls)
    chosen = replace(options or BatchOptions(), expects_controls=has_patterns)
    _check_places(source, target)
    check_reports(chosen.report)
    look_into(source)
    with opened_out(target, tell or (lambda _: None)) as opened:
        watcher = _Watcher(
            inbox=source, out=target, executor=executor, options=chosen,
            defaults=defaults or Defaults(), watch=looked_for,
            opened=opened, clock=clock or Clock(),
        )  # fmt: skip
        try:
            return watcher.go_on()
        except KeyboardInterrupt:
            opened.tell(Event(EventKind.BATCH_STOPPED, "stopped watching; finished cases are kept"))
            raise


def _check_places(inbox: Path, out: Path) -> None:
    real, results = inbox.resolve(), out.resolve()
    if real == results or real in results.parents or results in real.parents:
        raise InputError(
            "the watched folder and the folder of results lie within each other",
            where=inbox,
            found=out,
            remedy="choose a folder of results elsewhere with -o",
        )


@dataclass
class _Watcher:
    """One watcher: what it has seen, and the outcomes of all cases so far.

    `whole` is what became of all of them when something was last scored.
    """

    inbox: Path
    out: Path
    executor: Executor
    options: BatchOptions
    defaults: Defaults
    watch: WatchOptions
    opened: Opened
    clock: Clock
    seen: dict[str, Seen] = field(default_factory=dict)
    known: dict[str, BatchCase] = field(default_factory=dict)
    is_away: bool = False
    whole: BatchResult = field(default_factory=lambda: BatchResult((), ()))

    def __post_init__(self) -> None:
        self.tell: Tell = self.opened.tell
        self.runner: Runner = make_runner(self.out, self.options, self.executor, self.opened)
        self.run = _run_key(self.options, self.defaults)
        self.seen = read_state(self.out, self.run)
        for name, seen in self.seen.items():
            self._remember(name, seen)

    def go_on(self) -> BatchResult:
        """Look, score, wait; return only with `once`."""
        self._tell_watching()
        began = self.clock.now()
        done: list[BatchCase] = []
        while True:
            ready = self._look()
            if ready:
                done += self._score(ready)
            write_state(self.out, self.run, self.seen)
            if self.watch.once and (self._is_settled() or self._has_waited(began)):
                return self.whole.part(done)
            self.clock.sleep(self._pause())

    def _pause(self) -> float:
        return (
            min(self.watch.poll_s, max(0.1, self.watch.settle_s))
            if self.watch.once
            else (self.watch.poll_s)
        )

    def _has_waited(self, began: float) -> bool:
        return self.clock.now() - began > self.watch.settle_s

    def _is_settled(self) -> bool:
        """Whether nothing that lies there is left to be done."""
        return all(seen.is_handled for seen in self.seen.values())

    def _look(self) -> list[Entry]:
        """Return what is complete and not done; a folder that is away is waited for."""
        try:
            entries = look_into(self.inbox, marker=self.watch.marker)
        except InputError as error:
            if not self.is_away:
                text = f"{' '.join(str(error).split())}; waiting for it"
                self.tell(Event(EventKind.NOTICE, text))
            self.is_away = True
            return []
        self.is_away = False
        self._forget_vanished({entry.name for entry in entries})
        return [entry for entry in entries if self._is_ready(entry)]

    def _forget_vanished(self, present: set[str]) -> None:
        """Forget what has gone before it was scored; what was scored stays in the summary."""
        for name in [name for name in self.seen if name not in present]:
            if not self.seen[name].handled:
                del self.seen[name]
            else:
                self.seen[name].signature = self.seen[name].handled

    def _is_ready(self, entry: Entry) -> bool:
        now, seen = self.clock.now(), self.seen.get(entry.name)
        if seen is None:
            seen = self.seen[entry.name] = Seen(entry.signature, now)
            text = f"{entry.name} has come; waiting until it is complete"
            self.tell(Event(EventKind.CASE_SEEN, text, data={"name": entry.name}))
        elif seen.signature != entry.signature or seen.since > now:  # or the clock was set back
            seen.signature, seen.since = entry.signature, now
        if seen.is_handled:
            return False
        if self.watch.marker:
            return entry.is_marked
        return now - seen.since >= self.watch.settle_s

    def _score(self, entries: Sequence[Entry]) -> list[BatchCase]:
        """Score what is ready; note what was done, also when stopped in between."""
        cases = {entry.name: case_of(entry.path, self.defaults) for entry in entries}
        claimed = {entry.name: entry.signature for entry in entries}
        self.tell(started(list(cases.values()), self.executor, self.options.config))
        refused = self._refusals(cases)
        fit = {name: self._marked(case) for name, case in cases.items() if name not in refused}
        cases |= fit
        self.known.update(cases)
        try:
            for name, error in refused.items():
                cases[name] = self.known[name] = self._refuse(name, error)
            self.runner.run(list(fit.values()), notes_of(self.out, self.tell))
        finally:
            for name, case in cases.items():
                self._note(self.seen[name], case, claimed[name])
            write_state(self.out, self.run, self.seen)
            self.whole = close_batch(self._all_cases(), self.runner, self.options, self.out)
        known = BatchKnowledge.of(self.whole.outcomes)
        part = self.whole.part(cases.values())
        tell_end(part, self.out, self.tell, is_batch=False, known=known)
        self._tell_watching()
        return list(cases.values())

    def _tell_watching(self) -> None:
        if not self.watch.once:
            data = {"inbox": str(self.inbox)}
            self.tell(Event(EventKind.WATCHING, f"watching {self.inbox}", data=data))

    def _all_cases(self) -> list[BatchCase]:
        cases = {case.case_id: case for case in self.known.values()}
        reached = self.runner.outcomes
        return [
            case for case in cases.values()
            if not isinstance(reached.get(case.case_id, Waiting(case)), Waiting)
        ]  # fmt: skip

    def _note(self, seen: Seen, case: BatchCase, signature: str) -> None:
        outcome = self.runner.outcomes.get(case.case_id, Waiting(case))
        if isinstance(outcome, Waiting):
            return
        seen.handled, seen.case_id = signature, case.case_id
        seen.failure = dict(outcome.error) if isinstance(outcome, Failed) else {}

    def _marked(self, case: BatchCase) -> BatchCase:
        """Return a case as the control slide that its name says it is."""
        return replace(case, control=self.watch.control_of(case.case_id))

    def _refusals(self, cases: Mapping[str, BatchCase]) -> dict[str, InputError]:
        """Return why entries are not scored: another one, scored or earlier, gives the case id."""
        found: dict[str, InputError] = {}
        names = list(cases)
        for number, (name, case) in enumerate(cases.items()):
            others = {same_name(known.case_id) for at, known in self.known.items() if at != name}
            others |= {same_name(cases[at].case_id) for at in names[:number]}
            if same_name(case.case_id) in others:
                found[name] = InputError(
                    "another picture or folder gives the same case id",
                    where=name,
                    found=case.case_id,
                    remedy="rename one of them",
                )
                continue
            try:
                self.watch.control_of(case.case_id)
            except InputError as error:
                found[name] = error
        return found

    def _refuse(self, name: str, error: InputError) -> BatchCase:
        """Settle an entry that cannot be a case: it fails under its full name."""
        case = BatchCase(name, (self.inbox / name,), probe=self.defaults.probe)
        self.runner.fail(case, error)
        return case

    def _remember(self, name: str, seen: Seen) -> None:
        """Take up what an earlier run did with an entry, without reading its pictures."""
        if not seen.handled or not seen.case_id:
            return
        case = replace(case_of(self.inbox / name, self.defaults), case_id=seen.case_id)
        try:
            case = case if seen.failure else self._marked(case)
        except InputError:  # the patterns of control slides are new
            seen.handled = ""
            return
        outcome = self._outcome_of(case, seen)
        if outcome is None:
            seen.handled = ""
            return
        self.known[name] = case
        self.runner.outcomes[case.case_id] = outcome

    def _outcome_of(self, case: BatchCase, seen: Seen) -> Outcome | None:
        """Return what an earlier run came to; None if its result is not there any more."""
        bundle = self.out / folder_name(case.case_id)
        if seen.failure:
            return Failed(case, seen.failure, bundle.exists())
        try:
            figures = Figures.of(open_bundle(bundle))
        except AlkfishError:
            return None
        report = bundle / REPORT
        return Done(case, figures, bundle, False, report=report if report.is_file() else None)


def _run_key(options: BatchOptions, defaults: Defaults) -> str:
    """Return the fingerprint of all that a result depends on besides the pictures."""
    probe = probe_to_mapping(load_probe(defaults.probe))
    parts = [__version__, options.config.fingerprint(), probe, repr(defaults.reading)]
    return fingerprint([*parts, vars(options.report)])
