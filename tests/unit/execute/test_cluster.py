"""A real scheduler and real workers on loopback: same results, nothing lost, clear errors."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from alkfish.errors import ExecutionError, ImageError
from alkfish.execute import cluster, open_executor

SQUARES = [(i, i * i) for i in range(12)]
OURS = {"python": "3.11.7.final.0", **dict.fromkeys(cluster.SAME_EVERYWHERE, "1.2")}


@contextmanager
def started(*command):
    """Run a dask command until the block ends; it is ended by its own process id."""
    with subprocess.Popen(
        [sys.executable, "-m", "dask", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def scheduler_in(folder, until):
    """Return a running scheduler (a context manager) and the function that reads its address."""
    file = folder / "scheduler.json"
    command = "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"

    def address():
        import json

        def written():
            return file.exists() and file.read_text().rstrip().endswith("}")

        until(written)
        return json.loads(file.read_text())["address"]

    return started(*command, "--scheduler-file", str(file)), address


def worker_of(address, folder):
    return started(
        "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
        "--host", "127.0.0.1", "--local-directory", str(folder),
    )  # fmt: skip


@pytest.fixture(scope="module")
def tasks(tasks_can_be_imported):
    import spread_tasks

    return spread_tasks


@pytest.fixture(scope="module")
def scheduler(tasks, tmp_path_factory, until):
    pytest.importorskip("distributed")
    running, address = scheduler_in(tmp_path_factory.mktemp("scheduler"), until)
    with running:
        yield address()


@pytest.fixture(scope="module")
def crew(scheduler, tmp_path_factory):
    """Return a function that gives two live workers, starting those that are missing."""
    workers = []
    with ExitStack() as stack:

        def two():
            workers[:] = [worker for worker in workers if worker.poll() is None]
            while len(workers) < 2:
                worker = worker_of(scheduler, tmp_path_factory.mktemp("dask"))
                workers.append(stack.enter_context(worker))
            return list(workers)

        yield two


@pytest.fixture
def two_workers(crew):
    return crew()


@pytest.fixture
def executor(scheduler, two_workers, until):
    with open_executor(scheduler=scheduler) as executor:
        until(lambda: executor.n_workers == 2)
        yield executor


def test_a_killed_worker_loses_nothing(executor, tasks, tmp_path, two_workers, scheduler):
    assert executor.describe() == f"on the Dask scheduler {scheduler}, 2 tasks at a time"
    folder = tmp_path / "pids"
    folder.mkdir()
    results = executor.run(partial(tasks.square_slowly, folder), range(12))
    found = [next(results)]
    two_workers[0].send_signal(signal.SIGKILL)
    found += results
    assert sorted(found) == SQUARES
    assert {int(path.name) for path in folder.iterdir()} <= {p.pid for p in two_workers}
    assert sorted(executor.run(tasks.square, range(12))) == SQUARES


def test_errors_and_paths(executor, tasks, tmp_path):
    with pytest.raises(ImageError, match="tile 7: the tile is torn\n  found: 1") as caught:
        list(executor.run(tasks.fail_with_alkfish_error, [7]))
    assert "at the Dask worker" in caught.value.__notes__[0]
    assert list(executor.run(tasks.square, [])) == []
    (tmp_path / "slide.tif").write_bytes(b"1234")
    executor.check_paths([tmp_path, tmp_path / "slide.tif", "s3://bucket/slide.zarr"])
    with pytest.raises(ExecutionError, match=r"gone\.tif: the path is not seen here"):
        executor.check_paths([tmp_path / "gone.tif"])
    assert {one for _, one, *_ in _results(executor.run(tasks.threads_used, range(4)))} == {1}


def _results(pairs):
    return [result for _, result in pairs]


def test_a_file_that_workers_see_otherwise_names_host_and_path(executor, tmp_path, monkeypatch):
    slide = tmp_path / "slide.tif"
    slide.write_bytes(b"1234")
    monkeypatch.setattr(cluster, "require_here", lambda _: None)
    monkeypatch.setattr(
        cluster, "sizes_of", partial(_sizes_at_another_place, os.getpid(), cluster.sizes_of)
    )
    with pytest.raises(ExecutionError, match=r"tcp://127\.0\.0\.1:\d+: .*slide\.tif: a Dask") as e:
        executor.check_paths([slide])
    assert (e.value.found, e.value.allowed) == ("nothing", "a file of 4 bytes, as here")


def _sizes_at_another_place(home, sizes_of, names):
    return sizes_of(names) if os.getpid() == home else ["nothing"] * len(names)


def test_tasks_that_kill_their_workers_end_in_an_error(executor, tasks):
    with pytest.raises(ExecutionError, match="Dask workers died repeatedly on the same task"):
        list(executor.run(tasks.die_on_3, [3]))


def test_no_workers_and_a_lost_scheduler_are_errors_not_waits(tasks, tmp_path, until, monkeypatch):
    pytest.importorskip("distributed")
    running, address = scheduler_in(tmp_path, until)
    with ExitStack() as stack:
        process = stack.enter_context(running)
        with monkeypatch.context() as patch:
            patch.setattr(cluster, "WORKERS_S", 0.3)
            with pytest.raises(ExecutionError, match=r"has no workers\n  found: none within 0\.3"):
                open_executor(scheduler=address())
        stack.enter_context(worker_of(address(), tmp_path / "dask"))
        executor = stack.enter_context(open_executor(scheduler=address()))
        results = executor.run(partial(tasks.square_slowly, tmp_path), range(500))
        next(results)
        process.kill()
        with pytest.raises(ExecutionError, match="scheduler was lost, or cancelled the work"):
            list(results)


def test_an_unreachable_scheduler_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with pytest.raises(ExecutionError, match=r"tcp://127\.0\.0\.1:1: the Dask scheduler cannot"):
        open_executor(scheduler="tcp://127.0.0.1:1")


def test_an_address_that_is_none_is_refused():
    pytest.importorskip("distributed")
    with pytest.raises(ExecutionError, match="nonsense://x: the Dask scheduler cannot be reached"):
        open_executor(scheduler="nonsense://x")


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutionError, match=r"pip install 'alkfish\[cluster\]'"):
        open_executor(scheduler="tcp://127.0.0.1:1")


def test_same_versions_are_accepted_and_of_python_the_minor_one_counts():
    cluster.require_same_versions("tcp://w:1", OURS, {**OURS, "python": "3.11.9.final.0"})


@pytest.mark.parametrize(
    ("package", "version", "text"),
    [
        ("numpy", "1.1", r"numpy 1\.1 \(here 1\.2\)"),
        ("alkfish", None, r"alkfish missing \(here 1\.2\)"),
        ("python", "3.12.1.final.0", r"python 3\.12 \(here 3\.11\)"),
    ],
)
def test_other_versions_at_a_worker_are_refused(package, version, text):
    with pytest.raises(ExecutionError, match=rf"tcp://w:1: .*\n  found: {text}"):
        cluster.require_same_versions("tcp://w:1", OURS, {**OURS, package: version})
