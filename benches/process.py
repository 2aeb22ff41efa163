"""What the kernel says of processes."""

import collections
import os
import pathlib
import select
import time

PROC = pathlib.Path("/proc")


def read(pid, name):
    return (PROC / str(pid) / name).read_text()


def name(pid):
    """The program's file name; nothing for one that is gone."""
    try:
        return os.path.basename(os.readlink(PROC / str(pid) / "exe"))
    except OSError:
        return ""


def parent(pid):
    # The program's name, in brackets, may hold anything: begin after it.
    return int(read(pid, "stat").rpartition(") ")[2].split()[1])


def descendants(ancestor):
    children = collections.defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                children[parent(entry.name)].append(int(entry.name))
            except OSError:
                continue
    found = list(children[ancestor])
    for pid in found:
        found.extend(children[pid])
    return found


def rest(pids, seconds):
    """Their memory, and what they do in so many seconds of rest."""
    woken, worked = switches(pids), cpu(pids)
    time.sleep(seconds)
    return pss(pids), switches(pids) - woken, cpu(pids) - worked


def wait(pidfd):
    """Until the process has ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.poll()
    os.close(pidfd)


def pss(pids):
    """In bytes: their own memory, and their part of what they share."""
    def of(pid):
        lines = read(pid, "smaps_rollup").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return sum(of(pid) for pid in pids) * 1024


def cpu(pids):
    """Processor time so far, in seconds, of all their threads and those that have ended."""
    # The clock of another process, as clock_getcpuclockid(3) makes its number.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def switches(pids):
    """How often they have slept and been woken, or were interrupted."""
    def of(pid):
        lines = read(pid, "status").splitlines()
        return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return sum(of(pid) for pid in pids)
