"""runit is runsvdir with a folder of services. What the services write goes to svlogd."""

import os
import signal

from . import service_folders
from .tree import LOG_BYTES, Launch, Supervisor


class Runit(Supervisor):
    name = "runit"

    def prepare(self, count: int, logged: bool) -> Launch:
        logger = f"{self.unpacked('usr/bin/svlogd')} -tt main" if logged else None
        folders = service_folders.make(self.folder, count, self.programs.service, logger)
        if logged:
            for folder in folders:
                (folder / "log" / "main" / "config").write_text(f"s{LOG_BYTES}\nn2\n")
        path = self.unpacked("usr/bin") + ":" + os.environ["PATH"]
        return [self.unpacked("usr/bin/runsvdir"), self.folder / "services"], {"PATH": path}

    def ask_to_end(self) -> None:
        self.child.send_signal(signal.SIGHUP)
