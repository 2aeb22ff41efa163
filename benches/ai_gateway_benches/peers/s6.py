"""s6 is started by a shell here and not by s6-svscan, which looks for its helpers where a package installs them."""

import os
import signal

from ..common import process
from . import service_folders
from .tree import LOG_BYTES, Launch, Supervisor

SCRIPT = """
  for service in services/*; do
    if [ -d "$service/log" ]; then
      { s6-supervise "$service" | s6-supervise "$service/log"; } &
    else
      s6-supervise "$service" &
    fi
  done
  wait"""


class S6(Supervisor):
    name = "s6"
    slow = True

    def prepare(self, count: int, logged: bool) -> Launch:
        logger = f"{self.unpacked('usr/bin/s6-log')} T n1 s{LOG_BYTES} ./main" if logged else None
        service_folders.make(self.folder, count, self.programs.service, logger)
        environment = {
            "PATH": self.unpacked("usr/bin") + ":" + os.environ["PATH"],
            "LD_LIBRARY_PATH": self.unpacked("usr/lib/x86_64-linux-gnu"),
        }
        return ["/bin/sh", "-c", SCRIPT], environment

    def processes(self) -> list[int]:
        return [pid for pid in super().processes() if process.name(pid).startswith("s6-")]

    def ask_to_end(self) -> None:
        for pid in self.processes():
            if process.name(pid) == "s6-supervise":
                os.kill(pid, signal.SIGTERM)
