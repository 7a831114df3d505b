"""What holds for all tests."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script: programs that tests interrupt would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
