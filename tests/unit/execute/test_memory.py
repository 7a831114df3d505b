import subprocess
import sys

import pytest

SCRIPT = """
import resource, numpy
from alkfish.execute import keep_freed_memory
if {keep}:
    keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
numpy.ones(1 << 24)
before = faults()
for _ in range(4):
    numpy.ones(1 << 24)
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_freed_memory_is_used_again():
    given_back, kept = (
        int(subprocess.check_output([sys.executable, "-c", SCRIPT.format(keep=keep)]))
        for keep in (False, True)
    )
    assert kept < 0.5 * given_back
