"""What travels to a cluster checks its surroundings and names the item in errors."""

import pickle

import pytest

from alkfish.errors import ExecutionError, ImageError
from alkfish.execute.remote import GuardedTask


def test_the_result_is_the_task_s_own():
    assert pickle.loads(pickle.dumps(GuardedTask(abs)))(-3) == 3  # noqa: S301


def test_another_version_at_the_worker_is_refused(monkeypatch):
    task = GuardedTask(abs)
    monkeypatch.setattr("alkfish.execute.remote.__version__", "0.0.0.other")
    with pytest.raises(
        ExecutionError, match=r"another version of alkfish\n  found: 0\.0\.0\.other"
    ):
        task(-3)


def test_an_error_keeps_its_kind_and_gets_the_item():
    import spread_tasks

    with pytest.raises(ImageError, match="tile 5: the tile is torn") as caught:
        GuardedTask(spread_tasks.fail_with_alkfish_error)(5)
    assert "while working on 5" in caught.value.__notes__[0]


def test_an_error_that_cannot_travel_tells_the_same():
    import spread_tasks

    with pytest.raises(ExecutionError, match="found: LookupError: LookupError"):
        GuardedTask(spread_tasks.fail_with_unpicklable_content)(5)
