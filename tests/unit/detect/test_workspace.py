"""Room for pictures: lent to one owner at a time, and kept within bounds."""

import threading

import numpy as np

from alkfish.detect.workspace import KEPT_PIXELS, Workspace


class Owner:
    """Something that can use an array."""


def test_room_comes_back_when_its_owner_is_gone():
    workspace, owner, other = Workspace(), Owner(), Owner()
    first = workspace.lend(owner, (30, 40))
    assert first.shape == (30, 40)
    assert first.dtype == np.float32
    assert not np.shares_memory(first, workspace.lend(other, (30, 40)))
    del owner
    assert np.shares_memory(first, workspace.lend(other, (25, 40)))


def test_room_of_quite_another_size_is_left_alone():
    workspace, owner, other = Workspace(), Owner(), Owner()
    large = workspace.lend(owner, (100, 100))
    del owner
    assert not np.shares_memory(large, workspace.lend(other, (10, 10)))


def test_no_more_than_the_bound_is_kept():
    workspace, other = Workspace(), Owner()
    owner = Owner()
    huge = workspace.lend(owner, (KEPT_PIXELS + 1,))
    del owner
    assert not np.shares_memory(huge, workspace.lend(other, (KEPT_PIXELS + 1,)))


def test_threads_share_nothing():
    workspace, found, owner = Workspace(), [], Owner()
    mine = workspace.lend(owner, (50, 50))
    del owner
    thread = threading.Thread(target=lambda: found.append(workspace.lend(Owner(), (50, 50))))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, found[0])
