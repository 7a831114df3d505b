"""What every way of spreading work offers: run a task over items, results as they are done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from os import PathLike
from types import TracebackType
from typing import Any, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

TASKS_PER_WORKER = 2
"""Tasks handed out per worker: one in work and one waiting, so that memory stays flat."""

_WAKE_UP_S = 1.0
"""Waiting is cut into pieces of this length, so that Ctrl-C is noticed on every system."""


class Executor(AbstractContextManager["Executor"], ABC):
    """A way to run one task over many items; use it in a ``with`` block.

    Leaving the block cancels what has not begun and ends the workers that belong to it.
    """

    @property
    @abstractmethod
    def n_workers(self) -> int:
        """Number of tasks that run at the same time."""

    @abstractmethod
    def describe(self) -> str:
        """Return where the work is done, for the log."""

    @abstractmethod
    def run(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Run `task` on every item; yield results as they are done.

        Parameters
        ----------
        task : callable
            Function of one item. It must be picklable (defined at the top of a module, or a
            `functools.partial` of such a function) and must give the same result when it is run
            twice: the work of a lost worker is done again.
        items : sequence
            Picklable items. Let them name files by absolute paths, not hold pixels.

        Yields
        ------
        index : int
            Position of the item in `items`. In-process results come in order, others in any.
        result
            What the task returned.

        Raises
        ------
        ExecutionError
            If the workers cannot be used, or die repeatedly on the same item.
        Exception
            Whatever `task` raises, as it was, with a note that names the item. Items that have not
            begun are cancelled then, as they are when the iterator is closed early.

        No items give an empty iterator.
        """

    @abstractmethod
    def check_paths(self, paths: Iterable[str | PathLike[str]]) -> None:
        """Check that every worker sees the given files and folders.

        Parameters
        ----------
        paths : iterable of path
            Absolute paths that tasks will open. URLs (``scheme://``) are not checked.

        Raises
        ------
        ExecutionError
            Naming the worker's host and the path, if a path is not seen there or is another file.
        """

    @abstractmethod
    def close(self) -> None:
        """Cancel what has not begun and end the workers that belong to this executor."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def in_flight(
    submit: Callable[[Any], Future[Result]], items: Sequence[Any], limit: Callable[[], int]
) -> Iterator[tuple[int, Result]]:
    """Submit items so that at most ``limit()`` are unfinished; yield results as they are done.

    Parameters
    ----------
    submit : callable
        Hands out one item and returns its future.
    items : sequence
        What is to be handed out, in order.
    limit : callable
        Returns how many may be under way now; workers may come and go.

    Yields
    ------
    index : int
        Position in `items`.
    result
        Result of the future; its exception is raised here.
    """
    pending: dict[Future[Result], int] = {}
    waiting = iter(enumerate(items))
    more = True
    try:
        while more or pending:
            while more and len(pending) < max(1, limit()):
                index, item = next(waiting, (-1, None))
                more = index >= 0
                if more:
                    pending[submit(item)] = index
            done, _ = wait(pending, timeout=_WAKE_UP_S, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=pending.__getitem__):
                yield pending.pop(future), future.result()
                del future
    finally:
        for future in pending:
            future.cancel()


def short_text(item: object, length: int = 200) -> str:
    """Return how an item is named in messages: its representation, cut to `length`."""
    text = repr(item)
    return text if len(text) <= length else f"{text[: length - 3]}..."


def add_item_note(error: BaseException, item: object, place: str, trace: str = "") -> None:
    """Note on an error of a task with which item and where it was raised."""
    if hasattr(error, "add_note"):
        error.add_note(f"raised {place}, while working on {short_text(item)}")
        if trace:
            error.add_note(trace)
