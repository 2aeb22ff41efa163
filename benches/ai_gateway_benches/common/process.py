"""What the kernel tells about processes: their names, their tree, their memory and their work.

Every room that measures uses it. It changes nothing.
"""

import collections
import os
import select
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Rest(NamedTuple):
    """What processes hold and do while nobody asks anything of them."""

    pss: int
    switches: int
    cpu: float


def read(pid: int, name: str) -> str:
    return (PROC / str(pid) / name).read_text()


def name(pid: int) -> str:
    """The program's file name; nothing for one that is gone."""
    try:
        return os.path.basename(os.readlink(PROC / str(pid) / "exe"))
    except OSError:
        return ""


def parent(pid: int) -> int:
    # The program's name, in brackets, may hold anything: begin after it.
    return int(read(pid, "stat").rpartition(") ")[2].split()[1])


def descendants(ancestor: int) -> list[int]:
    children: dict[int, list[int]] = collections.defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            pid = int(entry.name)
            try:
                children[parent(pid)].append(pid)
            except OSError:
                continue
    found = list(children[ancestor])
    for pid in found:
        found.extend(children[pid])
    return found


def rest(pids: Sequence[int], seconds: float) -> Rest:
    """Their memory, and what they do in so many seconds of rest."""
    woken, worked = switches(pids), cpu(pids)
    time.sleep(seconds)
    return Rest(pss(pids), switches(pids) - woken, cpu(pids) - worked)


def wait(pidfd: int) -> None:
    """Until the process has ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.poll()
    os.close(pidfd)


def _rollup(pid: int, field: str) -> int:
    lines = read(pid, "smaps_rollup").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def pss(pids: Iterable[int]) -> int:
    """In bytes: their own memory, and their part of what they share."""
    return sum(_rollup(pid, "Pss") for pid in pids) * 1024


def anonymous(pid: int) -> float:
    """In MB: the memory that holds no copy of a file, with its part of what it shares."""
    return _rollup(pid, "Pss_Anon") / 1000


def cpu(pids: Iterable[int]) -> float:
    """Processor time so far, in seconds, of all their threads and those that have ended."""
    # The clock of another process, as clock_getcpuclockid(3) makes its number.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def switches(pids: Iterable[int]) -> int:
    """How often they have slept and been woken, or were interrupted."""

    def of(pid: int) -> int:
        lines = read(pid, "status").splitlines()
        return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)

    return sum(of(pid) for pid in pids)
