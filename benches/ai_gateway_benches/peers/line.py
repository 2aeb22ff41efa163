"""The FIFO on which the services under one supervisor say when they began to run; service.c writes into it.

`supervisors` makes one for each supervisor, and the parts read it.
"""

import os
import select
import time
from pathlib import Path
from typing import NamedTuple


class Began(NamedTuple):
    """One service's word: its process, and the moment of CLOCK_MONOTONIC."""

    pid: int
    nanoseconds: int


class Line:
    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        # Open for writing as well, so that it never ends.
        self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.poll = select.poll()
        self.poll.register(self.descriptor, select.POLLIN)
        self.unread = b""

    def next(self, seconds: float = 60) -> Began:
        """The next service that speaks."""
        until = time.monotonic() + seconds
        while b"\n" not in self.unread:
            if not self.poll.poll(max(0, until - time.monotonic()) * 1000):
                raise TimeoutError("no service says anything")
            self.unread += os.read(self.descriptor, 1 << 16)
        line, self.unread = self.unread.split(b"\n", 1)
        pid, moment = line.split()
        return Began(int(pid), int(moment))

    def several(self, count: int) -> list[Began]:
        return [self.next() for _ in range(count)]
