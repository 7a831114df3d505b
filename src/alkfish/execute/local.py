"""Working in several local processes."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from os import PathLike
from queue import SimpleQueue
from typing import Any

from alkfish.errors import ExecutionError
from alkfish.execute.executor import TASKS_PER_WORKER, Executor, Item, Result, in_flight, short_text
from alkfish.execute.paths import require_here
from alkfish.execute.worker import (
    LocalWorker,
    WorkerDiedError,
    WorkerStartError,
    start_server,
)

MAX_RESUBMITS = 3
"""How often the item of a worker that died is given to a fresh one."""

_MORE_MEMORY = (
    "use fewer workers, or a machine with more memory: a killed process usually means that memory "
    "ran out (1.5 GB per worker are enough)"
)
_MAIN_GUARD = (
    "see the messages above; a script must start its work under: if __name__ == '__main__'"
)


class LocalExecutor(Executor):
    """Runs tasks in processes of this machine.

    One thread per worker feeds it; the threads only wait. A worker that dies is replaced and its
    item done again; the other workers do not notice.

    Parameters
    ----------
    workers : int
        Number of processes, >= 1. They are started at once, and import while this process goes on.
    """

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="alkfish feeder")
        self._lock = threading.Lock()
        self._closing = False
        self._all: set[LocalWorker] = set()
        self._busy: set[LocalWorker] = set()
        self._idle: SimpleQueue[LocalWorker | Exception] = SimpleQueue()
        self._n_workers = workers
        start_server()
        for _ in range(workers):
            self._threads.submit(self._add_worker)

    @property
    def n_workers(self) -> int:
        """Number of processes."""
        return self._n_workers

    def describe(self) -> str:
        """Return where the work is done, for the log."""
        return f"in {self._n_workers} local processes"

    def run(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Run `task` on every item in the workers; see `Executor.run`."""
        return in_flight(
            partial(self._submit, _packed(task)), items, lambda: TASKS_PER_WORKER * self._n_workers
        )

    def check_paths(self, paths: Iterable[str | PathLike[str]]) -> None:
        """Check that the paths exist; see `Executor.check_paths`."""
        require_here(paths)

    def close(self) -> None:
        """Cancel what has not begun, stop what has, and end all worker processes."""
        with self._lock:
            self._closing = True
            for worker in self._busy:
                worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        while self._all:
            self._all.pop().close()

    def _submit(self, task: bytes, item: object) -> Future[Any]:
        return self._threads.submit(self._do, task, item)

    def _do(self, task: bytes, item: object) -> Any:
        """Run one item on an idle worker, and on fresh ones if that dies."""
        deaths: list[str] = []
        while len(deaths) <= MAX_RESUBMITS:
            worker = self._idle.get()
            if isinstance(worker, Exception):
                self._idle.put(worker)  # for the other items
                raise self._cannot_start(worker) from worker
            try:
                self._set_busy(worker)
                return worker.call(task, item)
            except WorkerStartError as death:
                raise self._cannot_start(death) from death
            except WorkerDiedError as death:
                deaths.append(str(death))
                worker = self._replace(worker)
            finally:
                self._set_idle(worker)
        raise ExecutionError(
            f"worker processes died {len(deaths)} times on the same item",
            where=short_text(item),
            found=", ".join(deaths),
            remedy=_MORE_MEMORY,
        )

    def _add_worker(self) -> None:
        """Start a worker, or leave word of why there is none."""
        try:
            self._idle.put(self._start())
        except Exception as error:  # noqa: BLE001 - raised where a worker is asked for
            self._idle.put(error)

    def _start(self) -> LocalWorker:
        with self._lock:
            if self._closing:
                raise CancelledError
            worker = LocalWorker()
            self._all.add(worker)
        return worker

    def _replace(self, worker: LocalWorker) -> LocalWorker:
        """Start a fresh worker in place of a dead one."""
        fresh = self._start()
        with self._lock:
            self._busy.discard(worker)
            self._all.discard(worker)
        worker.close()
        return fresh

    def _cannot_start(self, death: Exception) -> Exception:
        if self._closing:
            return CancelledError()
        return ExecutionError(
            "a worker process could not start", found=str(death), remedy=_MAIN_GUARD
        )

    def _set_busy(self, worker: LocalWorker) -> None:
        with self._lock:
            if self._closing:
                raise CancelledError
            self._busy.add(worker)

    def _set_idle(self, worker: LocalWorker) -> None:
        with self._lock:
            self._busy.discard(worker)
        self._idle.put(worker)


def _packed(task: object) -> bytes:
    """Return a task as bytes for other processes."""
    try:
        return pickle.dumps(task)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise ExecutionError(
            "the work cannot be sent to other processes",
            found=error,
            allowed="what Python can pickle: functions and classes at the top of a module",
            remedy="move a function of your own (a segmenter, say) to the top of an importable"
            " module, or work without workers",
        ) from error
