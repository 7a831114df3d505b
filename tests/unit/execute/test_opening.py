"""The executor that was asked for is opened, or a clear error is raised."""

import subprocess
import sys

import pytest

from alkfish.errors import InputError
from alkfish.execute import open_executor


def test_one_worker_is_this_process():
    with open_executor() as executor:
        assert (executor.n_workers, executor.describe()) == (1, "in this process")


@pytest.mark.parametrize("workers", [0, -3])
def test_fewer_than_one_worker_is_refused(workers):
    with pytest.raises(InputError, match=rf"impossible\n  found: {workers}"):
        open_executor(workers)


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys; from alkfish.execute import open_executor\n"
        "with open_executor(): print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"dask", "distributed", "numpy", "cv2", "numba", "multiprocessing"})


def test_workers_of_a_cluster_are_not_counted_here():
    with pytest.raises(InputError, match=r"is the cluster's(.|\n)*4, together with --scheduler"):
        open_executor(workers=4, scheduler="tcp://127.0.0.1:1")
