"""A local worker: a process of its own that answers one task at a time over a pipe.

Every worker has a pipe of its own, shared with nobody. When a worker dies at any moment, even in
the middle of sending a result, its pipe ends and the parent knows at once which task was lost.

On Linux the libraries are imported once, in a server process, and workers are forked from it: that
saves seconds of processor time per worker. Elsewhere each worker imports by itself.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from alkfish.errors import ExecutionError
from alkfish.execute.executor import add_item_note, short_text
from alkfish.execute.memory import keep_freed_memory

ONE_THREAD = {
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""Read by the libraries when they are imported, hence set before a worker starts."""

FORKED = sys.platform == "linux"
"""Whether workers are forked from a server process; other systems have no safe way to do so."""

IMPORTED = ("alkfish.pipeline", "alkfish.io._tiff_pixels", "cv2", "imagecodecs", "tifffile")
"""What the server imports for its workers."""

_END_S = 2.0
"""An idle worker that was told to end gets this long before it is killed."""

_starting = threading.Lock()


class WorkerDiedError(Exception):
    """The process of a worker ended before it answered."""


class WorkerStartError(WorkerDiedError):
    """The process of a worker ended by itself before it took a task: a fresh one would too."""


class LocalWorker:
    """One worker process, started at once; a forked one waits until its server is ready.

    Used by one thread at a time; only `kill` may be called from another.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver" if FORKED else "spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(  # type: ignore[attr-defined]
            target=serve, args=(theirs,), name="alkfish worker", daemon=True
        )
        self._ready = False
        if FORKED:
            start_server()
            self._process.start()
        else:
            with _starting, _environment(ONE_THREAD), _interrupts_held():
                self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid or 0

    def call(self, task: bytes, item: object) -> Any:
        """Run a pickled task on one item in the worker and return the result.

        Raises
        ------
        WorkerDiedError
            If the process ended before it answered; it says how. A `WorkerStartError` if it never
            got as far as taking tasks, and was not killed.
        Exception
            What the task raised.
        """
        pickled_item = pickle.dumps(item)
        try:
            if not self._ready:
                self._ready = bool(self._pipe.recv_bytes())
            self._pipe.send((task, pickled_item))
            answer = self._pipe.recv_bytes()
        except (EOFError, OSError) as error:  # OSError: it died in the middle of its answer
            raise self._death() from error
        succeeded, value, trace = pickle.loads(answer)  # noqa: S301 - our own worker's
        if succeeded:
            return value
        add_item_note(value, item, f"in worker process {self.pid}", trace)
        raise value

    def kill(self) -> None:
        """End the process at once, whatever it does; its `call` raises `WorkerDiedError`."""
        self._process.kill()

    def close(self) -> None:
        """End the process, which must be idle or dead, and give everything back."""
        self._pipe.close()
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def _death(self) -> WorkerDiedError:
        self._process.join(_END_S)
        code = self._process.exitcode
        if code is None or code >= 0:
            kind = WorkerDiedError if self._ready else WorkerStartError
            return kind(f"exit code {code}")
        with suppress(ValueError):
            return WorkerDiedError(f"killed by {signal.Signals(-code).name}")
        return WorkerDiedError(f"killed by signal {-code}")


def start_server() -> None:
    """Start what workers are forked from, where they are, and do not wait for it.

    The server and its workers find modules where this process does.
    """
    if not FORKED:
        return
    from multiprocessing import forkserver

    multiprocessing.get_context("forkserver").set_forkserver_preload(list(IMPORTED))
    places = {"PYTHONPATH": os.pathsep.join(place or str(Path.cwd()) for place in sys.path)}
    with _starting, _environment(ONE_THREAD | places), _interrupts_held():
        forkserver.ensure_running()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes that never see Ctrl-C: the parent alone answers it."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it would lift the block below when started within
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(pipe: Connection) -> None:
    """Answer tasks until the pipe ends; this is the main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    use_one_thread()
    keep_freed_memory()
    load = lru_cache(maxsize=1)(pickle.loads)  # the same task comes with every item
    with suppress(EOFError, OSError), pipe:
        pipe.send_bytes(b"ready")
        while True:
            pickled, item = pipe.recv()
            try:
                result = load(pickled)(pickle.loads(item))  # noqa: S301 - our parent's
                answer = pickle.dumps((True, result, ""))
                del result
            except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it
                answer = _failure(error)
            pipe.send_bytes(answer)
            del item, answer


def use_one_thread() -> None:
    """Keep OpenCV to one thread: the workers share the processors among themselves."""
    import cv2

    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """End this process when its parent has gone, so that nobody is left behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _failure(error: Exception) -> bytes:
    trace = "".join(traceback.format_exception(error))
    return pickle.dumps((False, portable_error(error), trace))


def portable_error(error: Exception) -> Exception:
    """Return the error itself if it survives pickling, else one that tells the same."""
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled one line above
        same = type(copy) is type(error)
    except Exception:  # noqa: BLE001 - pickling runs foreign code and raises anything
        same = False
    if same:
        return error
    return ExecutionError(
        "a task failed with an error that cannot be sent between processes",
        found=f"{type(error).__name__}: {short_text(error)}",
    )
