"""Choosing how the work is spread."""

from __future__ import annotations

import re

from alkfish.errors import InputError
from alkfish.execute.executor import Executor


def warm_up(workers: int = 1, scheduler: str | None = None) -> None:
    """Begin to load what local workers need, where it helps, and do not wait for it.

    Call it as early as possible with the arguments of `open_executor`, which does the same if
    this was left out.
    """
    if workers > 1 and scheduler is None:
        from alkfish.execute.worker import start_server

        start_server()


def open_executor(workers: int = 1, scheduler: str | None = None) -> Executor:
    """Open the executor that was asked for; use it in a ``with`` block.

    Parameters
    ----------
    workers : int
        Local processes; 1 works in this process, without pickling anything.
    scheduler : str, optional
        Address of a running Dask scheduler, such as ``tcp://10.0.0.5:8786``. The number of workers
        is then the cluster's, and `workers` must be left out.

    Returns
    -------
    Executor
        Runs tasks and gives results as they are done.

    Raises
    ------
    InputError
        If `workers` is below 1, or given together with `scheduler`.
    ExecutionError
        If workers cannot be started, the scheduler cannot be reached or has no workers, versions
        differ, or the package ``distributed`` is missing.

    Examples
    --------
    >>> from alkfish.execute import open_executor
    >>> with open_executor(workers=1) as executor:
    ...     sorted(executor.run(abs, [-3, 4]))
    [(0, 3), (1, 4)]
    """
    if scheduler is not None:
        if workers != 1:
            raise InputError(
                "the number of workers on a cluster is the cluster's",
                where="--workers",
                found=f"{workers}, together with --scheduler {scheduler}",
                remedy="leave out --workers; start more workers at the cluster if need be",
            )
        if "://" not in scheduler and not re.search(r":\d+$", scheduler):
            raise InputError(
                "the address of the scheduler has no port",
                where="--scheduler",
                found=scheduler,
                allowed="an address such as tcp://10.0.0.5:8786, as the scheduler prints it",
            )
        from alkfish.execute.cluster import ClusterExecutor

        return ClusterExecutor(scheduler)
    if workers < 1:
        raise InputError(
            "the number of workers is impossible", found=workers, allowed="a whole number >= 1"
        )
    if workers == 1:
        from alkfish.execute.inprocess import InProcessExecutor

        return InProcessExecutor()
    from alkfish.execute.local import LocalExecutor

    return LocalExecutor(workers)
