"""Local processes: same results, nothing lost when one is killed, nobody left behind."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from alkfish.errors import ExecutionError, ImageError
from alkfish.execute import open_executor

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="kills by signals")
SQUARES = [(i, i * i) for i in range(12)]


@pytest.fixture(scope="module")
def tasks(tasks_can_be_imported):
    import spread_tasks

    return spread_tasks


@pytest.fixture(scope="module")
def pool(tasks):
    with open_executor(2) as executor:
        yield executor


def test_results_are_those_of_one_process(pool, tasks):
    assert sorted(pool.run(tasks.square, range(12))) == SQUARES
    assert (pool.n_workers, pool.describe()) == (2, "in 2 local processes")


def test_no_items_give_nothing(pool, tasks):
    assert list(pool.run(tasks.square, [])) == []


def test_workers_use_one_thread_each_and_leave_ctrl_c_to_the_parent(pool, tasks):
    before = os.environ.get("NUMBA_NUM_THREADS")
    found = [result for _, result in pool.run(tasks.surroundings, range(20))]
    assert {tuple(rest) for _, *rest in found} == {(1, "1", True)}
    assert os.getpid() not in {pid for pid, *_ in found}
    assert os.environ.get("NUMBA_NUM_THREADS") == before


def test_no_more_is_begun_than_two_tasks_per_worker(pool, tasks, tmp_path):
    results = pool.run(partial(tasks.begin, tmp_path), range(40))
    next(results)
    results.close()
    assert list(pool.run(tasks.square, [5])) == [(0, 25)]  # whatever was begun has ended
    assert len(list(tmp_path.iterdir())) <= 5


def test_an_error_keeps_its_kind_and_names_the_item(pool, tasks):
    with pytest.raises(ImageError, match="tile 7: the tile is torn\n  found: 1") as caught:
        list(pool.run(tasks.fail_with_alkfish_error, [7]))
    assert "while working on 7" in caught.value.__notes__[0]
    assert "fail_with_alkfish_error" in caught.value.__notes__[1]
    assert caught.value.remedy == "sew"


def test_an_error_that_cannot_travel_tells_the_same(pool, tasks):
    with pytest.raises(ExecutionError, match=r"cannot be sent between.*\n.*LocalErrorError"):
        list(pool.run(tasks.fail_unpicklably, [1]))


def test_a_result_that_cannot_travel_is_an_error(pool, tasks):
    with pytest.raises((AttributeError, TypeError, ExecutionError), match="pickle"):
        list(pool.run(tasks.give_unpicklable, [1]))
    assert list(pool.run(tasks.square, [5])) == [(0, 25)]


def test_a_task_that_cannot_travel_is_refused_at_once(pool):
    with pytest.raises(ExecutionError, match=r"cannot be sent to other processes[\s\S]*pickle"):
        list(pool.run(lambda x: x, [1]))


@needs_posix
@pytest.mark.parametrize("task", ["square_dying_once", "square_dying_while_sending"])
def test_a_killed_worker_loses_nothing(pool, tasks, tmp_path, task):
    results = sorted(pool.run(partial(getattr(tasks, task), tmp_path), range(12)))
    assert (tmp_path / "died").exists()
    assert results == SQUARES


@needs_posix
def test_workers_killed_from_outside_lose_nothing(pool, tasks, tmp_path):
    results = pool.run(partial(tasks.square_slowly, tmp_path), range(12))
    found = [next(results)]
    victims = [int(path.name) for path in tmp_path.iterdir()]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    found += results
    assert sorted(found) == SQUARES
    assert {int(path.name) for path in tmp_path.iterdir()} > set(victims)


@needs_posix
def test_an_item_that_kills_every_worker_is_named(pool, tasks):
    with pytest.raises(ExecutionError, match="3: worker processes died 4 times") as caught:
        list(pool.run(tasks.die_on_3, range(6)))
    assert caught.value.found == ", ".join(["killed by SIGKILL"] * 4)
    assert "fewer workers" in caught.value.remedy
    assert sorted(pool.run(tasks.square, range(12))) == SQUARES


def test_a_missing_path_is_named(pool, tmp_path):
    pool.check_paths([tmp_path])
    with pytest.raises(ExecutionError, match=r"gone\.tif: the path is not seen here"):
        pool.check_paths([tmp_path / "gone.tif"])


@needs_posix
def test_leaving_the_block_early_ends_busy_workers(tasks, tmp_path, until, alive):
    with open_executor(2) as executor:
        slow = executor.run(partial(tasks.square_slowly, tmp_path), range(50))
        next(slow)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert pids
    assert not [pid for pid in pids if alive(pid)]


def test_a_script_without_a_guard_is_told(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from alkfish.execute import open_executor\n"
        "with open_executor(2) as executor:\n    print(list(executor.run(abs, [-1])))\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "a worker process could not start" in done.stderr
    assert "if __name__ == '__main__'" in done.stderr


def start_program(folder):
    """Start a program of its own that keeps two workers busy, in a process group of its own."""
    code = (
        "import sys, spread_tasks\n"
        "try:\n    spread_tasks.interrupt_main(sys.argv[1], 2)\n"
        "except KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def worker_pids(folder):
    return [int(path.name) for path in folder.iterdir()]


@needs_posix
def test_ctrl_c_ends_the_program_and_its_workers_quietly(tmp_path, until, alive):
    with start_program(tmp_path) as program:
        until(lambda: len(worker_pids(tmp_path)) == 2)
        os.killpg(program.pid, signal.SIGINT)  # a terminal sends it to workers too
        _, messages = program.communicate(timeout=60)
    assert (program.returncode, messages) == (130, "")
    assert not [pid for pid in worker_pids(tmp_path) if alive(pid)]


@needs_posix
def test_workers_end_when_their_parent_is_killed(tmp_path, until, alive):
    with start_program(tmp_path) as program:
        until(lambda: len(worker_pids(tmp_path)) == 2)
        program.kill()
        program.wait(timeout=60)
        until(lambda: not [pid for pid in worker_pids(tmp_path) if alive(pid)])


def test_no_worker_is_an_error_not_a_wait(tasks, monkeypatch):
    def refuse():
        raise OSError(11, "no more processes")

    monkeypatch.setattr("alkfish.execute.local.LocalWorker", refuse)
    with (
        open_executor(2) as executor,
        pytest.raises(ExecutionError, match=r"could not start(.|\n)*no more processes"),
    ):
        list(executor.run(tasks.square, [1, 2, 3]))
