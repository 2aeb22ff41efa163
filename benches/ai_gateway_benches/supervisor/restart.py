"""The part `restart`: how long it takes from the end of a service until the next one runs.

`benches/run` calls it.
"""

import collections
import os
import signal
import time
from collections.abc import Iterator

from ..common.options import Options
from ..common.percentiles import percentile
from ..peers import catalog
from ..peers.line import Began
from ..peers.nobody import Nobody
from ..peers.supervisors import Supervisors
from ..peers.tree import Supervisor
from ..report.figures import Figure

ABOUT = """From a SIGKILL of a service to its successor's first instruction.

"Nobody" is a program of few lines that waits for its child's end and starts the next: what the
kernel itself takes. s6 and supervisord wait for a second, by design.
"""

SLOW_ROUNDS = 10
# runsv and s6-supervise hold back a service that has run for less than a second: theirs run for
# longer. With so many of them, that takes no time of ours.
SERVICES = {"ai-gateway": 1, "nobody": 1, "runit": 20, "s6": 10, "supervisord": 10}
LIFE_NS = {"ai-gateway": 20_000_000, "nobody": 20_000_000}
LONG_LIFE_NS = 1_200_000_000

# The services of one supervisor, the one that has run for longest first.
Running = collections.deque[Began]


def run(supervisors: Supervisors, options: Options) -> Iterator[Figure]:
    trees: list[tuple[Supervisor, Running]] = []
    kinds: list[type[Supervisor]] = [*catalog.ALL, Nobody]
    for kind in kinds:
        supervisor = supervisors.make(kind)
        supervisor.start(SERVICES[kind.name])
        trees.append((supervisor, collections.deque(supervisor.line.several(SERVICES[kind.name]))))
    times: dict[str, list[int]] = {supervisor.name: [] for supervisor, _ in trees}
    # In turns, so that whatever else the machine does falls on all of them.
    for turn in range(options.kills):
        for supervisor, running in trees:
            if turn < SLOW_ROUNDS or not supervisor.slow:
                times[supervisor.name].append(kill_one(supervisor, running))
    for supervisor, _ in trees:
        supervisor.stop()
    for name, values in times.items():
        yield Figure("SIGKILL → successor runs, median", name, percentile(values, 0.5) / 1e6, "ms")
    for name, values in times.items():
        yield Figure("the same, 99th percentile", name, percentile(values, 0.99) / 1e6, "ms")


def kill_one(supervisor: Supervisor, running: Running) -> int:
    """Kills the service that has run for longest; nanoseconds until its successor runs."""
    pid, began = running.popleft()
    due = began + LIFE_NS.get(supervisor.name, LONG_LIFE_NS)
    time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
    killed = time.monotonic_ns()
    os.kill(pid, signal.SIGKILL)
    running.append(supervisor.line.next())
    return running[-1].nanoseconds - killed
