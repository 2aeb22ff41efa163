"""The supervisors of one run. A part asks for one and starts it; at the end of the run, all are ended.

`commands.bench` makes this when the first part asks for a supervisor. Then the peers are fetched.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..common import packages
from ..common import programs as built
from . import catalog
from .line import Line
from .tree import Programs, Supervisor

HERE = Path(__file__).resolve().parent
SERVICE = HERE / "service.c"
NOBODY = HERE / "nobody.c"


class Supervisors:
    def __init__(self, programs: built.Programs) -> None:
        self.programs = Programs(
            service=programs.compile(SERVICE),
            supervise=programs.supervise,
            nobody=programs.compile(NOBODY),
            unpacked=packages.fetch(programs.folder / "peers", catalog.PACKAGES),
        )
        # Their files are in memory: what a disk is doing is not what is to be measured.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=memory))
        self.made: list[Supervisor] = []

    def make(self, kind: type[Supervisor], environment: Mapping[str, str] | None = None) -> Supervisor:
        """One with a line of its own, on which its services speak; with more in its services' environment."""
        folder = Path(tempfile.mkdtemp(prefix="peer-", dir=self.folder))
        own = {"PATH": os.environ["PATH"], "BENCH_FIFO": str(folder / "fifo"), **(environment or {})}
        supervisor = kind(self.programs, folder / "home", Line(folder / "fifo"), own)
        self.made.append(supervisor)
        return supervisor

    def end(self) -> None:
        for supervisor in self.made:
            supervisor.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
