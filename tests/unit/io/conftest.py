"""Small pictures of every kind, written on demand."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def planes() -> np.ndarray:
    """Three different uint16 planes, shape (3, 40, 50): DAPI, red, green."""
    return np.random.default_rng(0).integers(100, 4000, (3, 40, 50)).astype(np.uint16)
