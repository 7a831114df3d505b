import numpy as np
import pytest

from alkfish.model.signals import NucleusRecords, SpotRecords


def rows_of(kind, count, **columns):
    """Return a table with the given columns; the others are zeros, false or empty."""
    filled = {}
    for info in kind.columns():
        default = "" if info.dtype == object else 0
        values = np.full(count, default, info.dtype)
        values[:] = columns.get(info.name, default)
        filled[info.name] = values
    return kind(**filled)


@pytest.fixture
def nuclei_at():
    """Make nuclei of 100 um2 at (y, x), numbered from 1."""

    def make(points, **columns):
        points = np.array(points, float).reshape(-1, 2)
        named = {"nucleus_id": np.arange(1, len(points) + 1), "area_um2": 100.0, **columns}
        return rows_of(NucleusRecords, len(points), y_px=points[:, 0], x_px=points[:, 1], **named)

    return make


@pytest.fixture
def spots_at():
    """Make spots at (y, x), numbered from 1, of no nucleus and the 3' end."""

    def make(points, **columns):
        points = np.array(points, float).reshape(-1, 2)
        named = {"spot_id": np.arange(1, len(points) + 1), "end": "3p", **columns}
        return rows_of(SpotRecords, len(points), y_px=points[:, 0], x_px=points[:, 1], **named)

    return make
