"""What every supervisor is for the benchmarks: a tree of processes that keeps services running.

Its states are made, started and stopped. A part of `benches/run` starts one, reads its `line`, and stops it. At
the end of the run, `supervisors` kills what is left. A module of this room for each supervisor says what is
special about it.
"""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..common import process
from .line import Line

# Each rotates its logs at the size at which ours does.
LOG_BYTES = 8 << 20

# A command, and what it has in its environment beside what all have.
Launch = tuple[list[str | Path], dict[str, str]]


@dataclass(frozen=True)
class Programs:
    """What is run, by itself or by others."""

    service: Path
    supervise: Path
    nobody: Path
    unpacked: Path
    """The folder that has the files of the peers' packages as `/` would."""


class Supervisor(ABC):
    name: ClassVar[str]
    slow: ClassVar[bool] = False
    """Whether it waits a second before each restart, by design."""

    def __init__(self, programs: Programs, folder: Path, line: Line, environment: Mapping[str, str]) -> None:
        self.programs, self.folder, self.line = programs, folder, line
        self.environment = dict(environment)
        self.launched: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)

    @abstractmethod
    def prepare(self, count: int, logged: bool) -> Launch:
        """Writes what it reads, and says how it is launched."""

    @property
    def child(self) -> subprocess.Popen[bytes]:
        assert self.launched, f"{self.name} was not started"
        return self.launched

    def start(self, count: int, logged: bool = False) -> None:
        """Starts `count` services; `logged`: what they write is to go to files."""
        command, environment = self.prepare(count, logged)
        self.launched = subprocess.Popen(
            command,
            env={**self.environment, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def processes(self) -> list[int]:
        """All processes of the supervisor itself, the services left out."""
        tree = [self.child.pid, *process.descendants(self.child.pid)]
        return [pid for pid in tree if process.name(pid) not in ("", self.programs.service.name)]

    def stop(self) -> None:
        """Asks for the end of everything and waits for it."""
        tree = [os.pidfd_open(pid) for pid in process.descendants(self.child.pid)]
        self.ask_to_end()
        self.child.wait()
        for pidfd in tree:
            process.wait(pidfd)

    def ask_to_end(self) -> None:
        self.child.terminate()

    def kill(self) -> None:
        """Ends what is still there, whatever it is."""
        if self.launched and self.launched.poll() is None:
            tree = process.descendants(self.launched.pid)
            for pid in [self.launched.pid, *tree]:
                os.kill(pid, signal.SIGKILL)
            self.launched.wait()

    def unpacked(self, path: str) -> str:
        """A file of a peer's package."""
        return str(self.programs.unpacked / path)
