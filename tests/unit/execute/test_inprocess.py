"""In-process work is lazy, in order and without pickling."""

import pytest

from alkfish.errors import ExecutionError
from alkfish.execute import open_executor


def test_results_are_in_order_and_each_is_made_when_asked_for():
    made = []
    with open_executor(1) as executor:
        results = executor.run(made.append, ["a", "b", "c"])  # not picklable, and need not be
        assert made == []
        assert next(results) == (0, None)
        assert made == ["a"]
        assert [index for index, _ in results] == [1, 2]


def test_an_error_is_raised_as_it_was_with_the_item():
    with open_executor(1) as executor, pytest.raises(ValueError, match="invalid literal") as caught:
        list(executor.run(int, ["1", "x"]))
    assert caught.value.__notes__ == ["raised in this process, while working on 'x'"]


def test_a_missing_path_is_named(tmp_path):
    with open_executor(1) as executor:
        executor.check_paths([tmp_path, "s3://bucket/slide.zarr"])
        with pytest.raises(ExecutionError, match=r"gone\.tif: the path is not seen here"):
            executor.check_paths([tmp_path / "gone.tif"])
