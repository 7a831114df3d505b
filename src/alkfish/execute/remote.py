"""What travels to the workers of a cluster."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from alkfish._version import __version__
from alkfish.errors import ExecutionError
from alkfish.execute.executor import add_item_note
from alkfish.execute.memory import keep_freed_memory
from alkfish.execute.worker import portable_error, use_one_thread


class GuardedTask:
    """A task that sees to its surroundings at the worker before it runs.

    A worker may have joined after versions were checked, so this is checked with every task.

    Parameters
    ----------
    task : callable
        Picklable function of one item.
    """

    def __init__(self, task: Callable[[Any], Any]) -> None:
        self._task = task
        self._version = __version__

    def __call__(self, item: Any) -> Any:
        """Run the task on one item; its errors name item and host, and survive the way back."""
        if self._version != __version__:
            raise ExecutionError(
                "a Dask worker has another version of alkfish",
                where=socket.gethostname(),
                found=__version__,
                allowed=self._version,
                remedy="install the same environment at the workers",
            )
        use_one_thread()
        keep_freed_memory()
        try:
            return self._task(item)
        except Exception as error:
            kept = portable_error(error)
            add_item_note(kept, item, f"at the Dask worker on {socket.gethostname()}")
            if kept is error:
                raise
            raise kept from None
