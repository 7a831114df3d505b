"""The table of the simulated cohort."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from alkfish.batch import Done
from alkfish.cli.cohort import _rows
from alkfish.model.result import Call


@pytest.mark.parametrize(
    ("call", "rate"), [(Call.NOT_EVALUABLE, "-"), (Call.NEGATIVE, "0.0 %"), (None, "-")]
)
def test_a_case_that_is_not_evaluable_has_no_rate(call, rate):
    figures = SimpleNamespace(call=SimpleNamespace(call=call, rate=0.0))
    done = Done(SimpleNamespace(case_id="a"), figures, Path("a"), is_new=True)
    known = [{"case_id": "a", "true_call": "NEGATIVE", "true_rate": 0.0}]
    batch = SimpleNamespace(outcomes=[done] if call else [])
    (row,) = _rows(known, batch, SimpleNamespace(cases=[]))
    assert row["machine rate"] == rate
