"""A window that is killed in the middle of a read loses nothing that was decided."""

import os
import signal
import subprocess
import sys

from alkfish.plugin.workspace import Workspace

READER = """
import sys
from alkfish.plugin.workspace import Workspace

workspace = Workspace(None)
workspace.open(sys.argv[1], reader="A. Reader")
session = workspace.session
session.start_read()
patterns = ("SPLIT", "FUSED", "ISOLATED_3P", "ISOLATED_5P")
for number in range(50):
    key = session.current
    session.decide(patterns[number % 4])
    print(number, key.fov, key.nucleus_id, patterns[number % 4], flush=True)
    session.go_to_undecided()
"""


def test_a_killed_read_goes_on_where_it_was(results):
    case = results / "case_a"
    command = [sys.executable, "-c", READER, str(case)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = [process.stdout.readline().split() for _ in range(12)]
        os.kill(process.pid, signal.SIGKILL)
        rest = [line.split() for line in process.stdout.read().splitlines()]
    told += [words for words in rest if len(words) == 4]
    assert process.returncode == -signal.SIGKILL
    assert 12 <= len(told) < 50

    workspace = Workspace(None)
    workspace.open(case, reader="A. Reader")
    session = workspace.session
    assert session.is_reading
    decided = {key: value.pattern for key, value in session.review.read.decisions.items()}
    for _, fov, number, pattern in told:
        assert decided[(fov, int(number))] == pattern
    assert len(decided) - len(told) in (0, 1), "at most the key being pressed"
    assert session.current == session.undecided()[0]
    assert session.decide("FUSED")
    workspace.close()
