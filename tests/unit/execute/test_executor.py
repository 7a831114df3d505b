"""The number of tasks under way is bounded, and nothing is handed out after the end."""

from concurrent.futures import Future

import pytest

from alkfish.execute.executor import add_item_note, in_flight, short_text


class Recorder:
    """Gives futures that the test completes."""

    def __init__(self):
        self.futures = {}

    def __call__(self, item):
        self.futures[item] = Future()
        return self.futures[item]


def test_results_come_as_they_are_done_with_their_index():
    submit = Recorder()
    results = in_flight(submit, ["a", "b", "c"], lambda: 3)
    first = _complete_on_submit(submit, results, {"b": 20}, 3)
    assert first == (1, 20)
    submit.futures["c"].set_result(30)
    assert next(results) == (2, 30)
    submit.futures["a"].set_result(10)
    assert list(results) == [(0, 10)]


def _complete_on_submit(submit, results, values, n):
    """Complete some futures once all `n` are submitted, then take the first result."""
    import threading

    def complete():
        while len(submit.futures) < n:
            pass
        for item, value in values.items():
            submit.futures[item].set_result(value)

    thread = threading.Thread(target=complete)
    thread.start()
    first = next(results)
    thread.join()
    return first


def done(value):
    future = Future()
    future.set_result(value)
    return future


def test_no_more_than_the_limit_is_under_way():
    under_way, most = set(), []

    def submit(item):
        under_way.add(item)
        most.append(len(under_way))
        return done(item)

    for index, item in in_flight(submit, range(20), lambda: 3):
        assert index == item
        under_way.discard(item)
    assert max(most) == 3


def test_a_limit_of_nothing_still_makes_headway():
    assert len(list(in_flight(done, [1, 2], lambda: 0))) == 2


def test_no_items_give_nothing():
    assert list(in_flight(done, [], lambda: 2)) == []


def test_closing_early_cancels_what_has_not_begun():
    submit = Recorder()
    results = in_flight(submit, range(9), lambda: 3)
    assert _complete_on_submit(submit, results, {0: 0}, 3) == (0, 0)
    results.close()
    assert [future.cancelled() for future in submit.futures.values()] == [False, True, True]


def test_an_error_cancels_what_has_not_begun():
    submit = Recorder()
    failed = Future()
    failed.set_exception(ValueError("bad tile"))
    with pytest.raises(ValueError, match="bad tile"):
        list(in_flight(lambda x: submit(x) if x else failed, range(9), lambda: 3))
    assert [future.cancelled() for future in submit.futures.values()] == [True, True]


def test_long_items_are_cut_in_messages():
    assert short_text("x" * 500, 20) == "'" + 16 * "x" + "..."
    assert short_text((1, 2)) == "(1, 2)"


def test_notes_name_the_item_and_the_place():
    error = ValueError("bad")
    add_item_note(error, (3, 4), "in worker process 7", "the trace")
    assert error.__notes__ == ["raised in worker process 7, while working on (3, 4)", "the trace"]
