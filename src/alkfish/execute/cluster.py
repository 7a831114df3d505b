"""Working on a Dask cluster: any deployment of ``dask.distributed`` that has an address."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from os import PathLike
from types import ModuleType
from typing import Any

from alkfish.errors import ExecutionError
from alkfish.execute.executor import TASKS_PER_WORKER, Executor, Item, Result, in_flight, short_text
from alkfish.execute.paths import Size, local_paths, require_here, sizes_of
from alkfish.execute.remote import GuardedTask

CONNECT_S = 5.0
"""An address that does not answer for this long is given up."""

WORKERS_S = 60.0
"""A scheduler without workers is given this long to get its first."""

COUNT_S = 1.0
"""The workers are counted again after this long; asking for every task would cost as much."""

SAME_EVERYWHERE = (
    "alkfish", "cloudpickle", "dask", "distributed", "numba", "numpy", "opencv-python-headless",
    "scipy",
)  # fmt: skip
"""Packages whose versions must agree, or results could depend on where they were made."""


class ClusterExecutor(Executor):
    """Runs tasks on the workers of a running Dask scheduler.

    The scheduler gives the tasks of a lost worker to others; how often a task may lose its worker
    is the scheduler's setting ``distributed.scheduler.allowed-failures`` (default 3).

    Parameters
    ----------
    address : str
        Address of the scheduler, such as ``tcp://10.0.0.5:8786``.

    Raises
    ------
    ExecutionError
        If ``distributed`` is not installed, the scheduler cannot be reached within `CONNECT_S`,
        has no worker within `WORKERS_S`, or versions differ.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._distributed = _import_distributed()
        self._client = self._connect()
        self._count, self._counted_at = 0, -math.inf
        try:
            self._wait_for_a_worker()
            self._check_versions()
        except BaseException:
            self.close()
            raise

    @property
    def n_workers(self) -> int:
        """Number of tasks the cluster runs at the same time now; workers may come and go."""
        if time.monotonic() - self._counted_at > COUNT_S:
            with suppress(OSError):  # includes a broken connection; `run` says so if it lasts
                self._count = sum(self._client.nthreads().values())
            self._counted_at = time.monotonic()
        return self._count

    def describe(self) -> str:
        """Return where the work is done, for the log."""
        return f"on the Dask scheduler {self._address}, {self.n_workers} tasks at a time"

    def run(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Run `task` on every item on the cluster; see `Executor.run`."""
        guarded = GuardedTask(task)
        spread = self._client.get_executor(pure=False)
        results = in_flight(
            partial(_submit, spread, guarded), items, lambda: TASKS_PER_WORKER * self.n_workers
        )
        return self._with_clear_errors(results)

    def check_paths(self, paths: Iterable[str | PathLike[str]]) -> None:
        """Check that all workers see the same files; see `Executor.check_paths`."""
        names = local_paths(paths)
        require_here(names)
        here = sizes_of(names)
        seen: Mapping[str, list[Size]] = self._client.run(sizes_of, names)
        for worker, there in sorted(seen.items()):
            for name, ours, theirs in zip(names, here, there, strict=True):
                if theirs != ours:
                    raise _not_shared(worker, name, ours, theirs)

    def close(self) -> None:
        """Cancel what has not ended and leave the cluster; its workers go on living."""
        self._client.close()

    def _connect(self) -> Any:
        category = self._distributed.versions.VersionMismatchWarning
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category)  # checked below, with an error
            try:
                return self._distributed.Client(
                    self._address, timeout=CONNECT_S, set_as_default=False
                )
            except (OSError, ValueError) as error:  # TimeoutError is an OSError
                raise ExecutionError(
                    "the Dask scheduler cannot be reached",
                    where=self._address,
                    found=short_text(error),
                    allowed="an address such as tcp://10.0.0.5:8786",
                    remedy="start it with 'dask scheduler'; check address, port and firewall",
                ) from error

    def _wait_for_a_worker(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            raise ExecutionError(
                "the Dask scheduler has no workers",
                where=self._address,
                found=f"none within {WORKERS_S:g} s",
                remedy=f"start some: dask worker {self._address} --nthreads 1 --nworkers 4",
            ) from error

    def _check_versions(self) -> None:
        versions = self._client.get_versions(packages=list(SAME_EVERYWHERE))
        ours = versions["client"]["packages"]
        for worker, their in sorted(versions["workers"].items()):
            require_same_versions(worker, ours, their["packages"])

    def _with_clear_errors(
        self, results: Iterator[tuple[int, Result]]
    ) -> Iterator[tuple[int, Result]]:
        try:
            yield from results
        except self._distributed.KilledWorker as error:
            raise ExecutionError(
                "Dask workers died repeatedly on the same task",
                where=self._address,
                found=short_text(error),
                remedy="give each worker more memory, or run fewer per machine; see their logs",
            ) from error
        except CancelledError as error:
            raise ExecutionError(
                "the Dask scheduler was lost, or cancelled the work",
                where=self._address,
                remedy="see whether it still runs; start the same command again to go on",
            ) from error


def require_same_versions(
    worker: str, ours: Mapping[str, str | None], theirs: Mapping[str, str | None]
) -> None:
    """Check that a worker has the packages that this process has.

    Parameters
    ----------
    worker : str
        Address of the worker.
    ours, theirs : mapping of str to str
        Versions by package, ``python`` among them; None if a package is not installed.

    Raises
    ------
    ExecutionError
        Naming every package whose version differs; of Python, only the minor version counts.
    """
    found = [
        f"{name} {theirs.get(name) or 'missing'} (here {ours.get(name) or 'missing'})"
        for name in SAME_EVERYWHERE
        if theirs.get(name) != ours.get(name)
    ]
    if _minor(theirs.get("python")) != _minor(ours.get("python")):
        found.append(f"python {_minor(theirs.get('python'))} (here {_minor(ours.get('python'))})")
    if found:
        raise ExecutionError(
            "a Dask worker has other versions than this process",
            where=worker,
            found=", ".join(found),
            allowed="the same versions everywhere, so that results do not depend on the worker",
            remedy="install the same environment at the workers, with alkfish[cluster]",
        )


def _minor(version: str | None) -> str:
    return ".".join((version or "missing").split(".")[:2])


def _import_distributed() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        raise ExecutionError(
            "working on a Dask cluster needs the package 'distributed'",
            found=short_text(error),
            remedy="pip install 'alkfish[cluster]'",
        ) from error
    module: ModuleType = distributed
    return module


def _submit(spread: Any, task: GuardedTask, item: object) -> Future[Any]:
    future: Future[Any] = spread.submit(task, item)
    return future


def _not_shared(worker: str, name: str, ours: Size, theirs: Size) -> ExecutionError:
    return ExecutionError(
        "a Dask worker does not see the same file",
        where=f"{worker}: {name}",
        found=_size_text(theirs),
        allowed=f"{_size_text(ours)}, as here",
        remedy="mount the shared drive under the same path on every machine; give absolute paths",
    )


def _size_text(size: Size) -> str:
    return size if isinstance(size, str) else f"a file of {size} bytes"
