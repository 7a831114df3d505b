"""Tasks for the tests; a module of its own, so that workers can import it by name."""

import os
import signal
import struct
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path


def square(x):
    return x * x


def square_dying_once(folder, x):
    """Square; the first try on item 3 kills its own process, as running out of memory would."""
    if _first_try_on_3(folder, x):
        _die()
    return x * x


def square_dying_while_sending(folder, x):
    """Square; the first try on item 3 kills its process when half of the answer is sent."""
    if _first_try_on_3(folder, x):
        Connection._send_bytes = _send_half_and_die
    return x * x


def _send_half_and_die(pipe, message):
    os.write(pipe.fileno(), struct.pack("!i", len(message)) + bytes(message[: len(message) // 2]))
    _die()


def _first_try_on_3(folder, x):
    marker = Path(folder) / "died"
    if x != 3 or marker.exists():
        return False
    marker.touch()
    return True


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_on_3(x):
    if x == 3:
        _die()
    return x


def square_slowly(folder, x):
    """Leave the process id in the folder, then take a while."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(0.2)
    return x * x


def sleep_long(folder, x):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


def begin(folder, x):
    (Path(folder) / str(x)).touch()
    time.sleep(0.02)
    return x


def surroundings(x):
    import cv2

    interrupts_ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return os.getpid(), cv2.getNumThreads(), os.environ["NUMBA_NUM_THREADS"], interrupts_ignored


class LocalErrorError(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one}{two}")


def fail_unpicklably(x):
    raise LocalErrorError("cannot ", "travel")


def fail_with_unpicklable_content(x):
    raise LookupError(lambda: x)


def fail_with_alkfish_error(x):
    from alkfish.errors import ImageError

    raise ImageError("the tile is torn", where=f"tile {x}", found=1, allowed="2", remedy="sew")


def give_unpicklable(x):
    return lambda: x


def interrupt_main(folder, workers):
    """Run `sleep_long` over local workers: the main program of the tests that end it."""
    from alkfish.execute import open_executor

    with open_executor(workers) as executor:
        for _ in executor.run(partial(sleep_long, folder), range(10)):
            pass


def threads_used(x):
    import cv2

    return os.getpid(), cv2.getNumThreads()
