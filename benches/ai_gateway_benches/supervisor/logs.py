"""The part `logs`: what supervisors spend on the lines of one service. `benches/run` calls it."""

import os
import signal
import time
from collections.abc import Iterator

from ..common import process
from ..common.options import Options
from ..peers.ours import Ours
from ..peers.runit import Runit
from ..peers.s6 import S6
from ..peers.supervisord import Supervisord
from ..peers.supervisors import Supervisors
from ..peers.tree import Supervisor
from ..report.figures import Figure
from .journal import OursToJournal

ABOUT = """What it costs to take 100 MB of log lines from a service into rotated files.

In lines of 100 bytes, each written by itself. Ours, runit's and s6's put the time before each line,
supervisord does not. With a journal, a service's standard output is the journal's own socket and
the supervisor has no part in it: what journald then spends is spent under every supervisor that
logs there, and is not in these figures.
"""

KINDS: list[type[Supervisor]] = [Ours, OursToJournal, Runit, S6, Supervisord]


def run(supervisors: Supervisors, options: Options) -> Iterator[Figure]:
    for kind in KINDS:
        yield from one(supervisors.make(kind, {"BENCH_BYTES": str(options.log_bytes)}))


def one(supervisor: Supervisor) -> Iterator[Figure]:
    supervisor.start(1, logged=True)
    [(service, _)] = supervisor.line.several(1)
    time.sleep(1)
    pids = supervisor.processes()
    before, began = process.cpu(pids), time.monotonic()
    os.kill(service, signal.SIGUSR1)
    supervisor.line.next()
    taken = time.monotonic() - began
    time.sleep(1)  # for what is still in the pipe
    cpu = process.cpu(pids) - before
    supervisor.stop()
    yield Figure("CPU of supervisor and logger", supervisor.name, cpu, "s")
    yield Figure("time until the service has written it all", supervisor.name, taken, "s")
