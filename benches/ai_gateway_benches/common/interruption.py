"""What a command does when it is told to end. `benches/run` and `benches/diet` call it before they start anything."""

import signal
import sys


def end_what_was_started() -> None:
    """Makes of SIGTERM an exception, so that whatever the command has started is ended on the way out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
