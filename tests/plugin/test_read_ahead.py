"""Squares of large label images are read once; those of the next nuclei before they are shown."""

import time

import numpy as np
import pytest

from alkfish.errors import InputError
from alkfish.plugin.outlines import BLOCK_PX, KEPT_BLOCKS, Blocks
from alkfish.plugin.read_ahead import ReadAhead


class Disk:
    """A label image that counts how often it is read."""

    def __init__(self, shape):
        self.pixels = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
        self.shape, self.reads = shape, 0

    def __getitem__(self, key):
        self.reads += 1
        return self.pixels[key]


@pytest.fixture
def disk():
    return Disk((BLOCK_PX + 300, 2 * BLOCK_PX + 5))


@pytest.mark.parametrize(
    "window",
    [
        np.s_[0:10, 0:10],
        np.s_[BLOCK_PX - 3 : BLOCK_PX + 3, BLOCK_PX - 3 : 2 * BLOCK_PX + 5],
        np.s_[:, :],
        np.s_[5:5, 3:9],
        np.s_[BLOCK_PX + 250 : BLOCK_PX + 900, 0:20],
    ],
)
def test_windows_are_those_of_the_image(disk, window):
    assert np.array_equal(Blocks(disk)[window], disk.pixels[window])


def test_a_square_is_read_once(disk):
    blocks = Blocks(disk)
    for left in (0, 40, 80):
        blocks[10:20, left : left + 30]
    assert disk.reads == 1


def test_few_squares_are_kept():
    disk = Disk((8, (KEPT_BLOCKS + 1) * BLOCK_PX))
    blocks = Blocks(disk)
    for column in range(KEPT_BLOCKS + 1):
        left = column * BLOCK_PX
        blocks[0:4, left : left + 4]
    blocks[0:4, 0:4]
    assert disk.reads == KEPT_BLOCKS + 2


def test_what_is_asked_for_is_read(disk):
    blocks, ahead = Blocks(disk), ReadAhead()
    ahead.ask([blocks], [(3.0, 5.0), (30.0, 50.0)], (20, 20))
    _wait(lambda: disk.reads == 1)
    blocks[0:40, 0:60]
    assert disk.reads == 1
    ahead.close()
    ahead.ask([blocks], [(3.0, 1.5 * BLOCK_PX)], (20, 20))
    assert disk.reads == 1


def test_what_cannot_be_read_stops_nothing(disk):
    class Broken:
        shape = (100, 100)

        def __getitem__(self, key):
            raise InputError("the picture is gone", where="a.tif")

    ahead = ReadAhead()
    ahead.ask([Broken(), disk], [(3.0, 5.0)], (20, 20))
    _wait(lambda: disk.reads == 1)
    ahead.close()


def _wait(until, limit_s=20.0):
    stop = time.monotonic() + limit_s
    while not until():
        assert time.monotonic() < stop, "nothing was read"
        time.sleep(0.01)
