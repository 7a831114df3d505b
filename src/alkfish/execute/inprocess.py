"""Working in this process: lazily, in order, without pickling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike

from alkfish.execute.executor import Executor, Item, Result, add_item_note
from alkfish.execute.paths import require_here


class InProcessExecutor(Executor):
    """Runs each task when its result is asked for."""

    @property
    def n_workers(self) -> int:
        """Number of tasks that run at the same time: 1."""
        return 1

    def describe(self) -> str:
        """Return where the work is done, for the log."""
        return "in this process"

    def run(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Run `task` on every item in order; see `Executor.run`."""
        for index, item in enumerate(items):
            try:
                result = task(item)
            except Exception as error:
                add_item_note(error, item, "in this process")
                raise
            yield index, result

    def check_paths(self, paths: Iterable[str | PathLike[str]]) -> None:
        """Check that the paths exist; see `Executor.check_paths`."""
        require_here(paths)

    def close(self) -> None:
        """Nothing to end."""
