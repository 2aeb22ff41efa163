"""This stands for no supervisor at all, to show what the kernel takes by itself. See nobody.c."""

import os
import signal

from ..common import process
from .tree import Launch, Supervisor


class Nobody(Supervisor):
    name = "nobody"

    def prepare(self, count: int, logged: bool) -> Launch:
        return [self.programs.nobody, self.programs.service], {}

    def ask_to_end(self) -> None:
        services = process.descendants(self.child.pid)
        self.child.kill()
        for pid in services:
            os.kill(pid, signal.SIGKILL)
