"""From a SIGKILL of a service to its successor's first instruction.

"Nobody" is a program of few lines that waits for its child's end and starts the next: what the
kernel itself takes. s6 and supervisord wait for a second, by design.
"""

import collections
import os
import signal
import time

import peers
from bench import percentile

SLOW_ROUNDS = 10
# runsv and s6-supervise hold back a service that has run for less than a second: theirs run for
# longer. With so many of them, that takes no time of ours.
SERVICES = {"ai-gateway": 1, "nobody": 1, "runit": 20, "s6": 10, "supervisord": 10}
LIFE_NS = {"ai-gateway": 20_000_000, "nobody": 20_000_000}
LONG_LIFE_NS = 1_200_000_000


def kill_one(supervisor, running):
    """Kills the service that has run for longest; nanoseconds until its successor runs."""
    pid, began = running.popleft()
    due = began + LIFE_NS.get(supervisor.name, LONG_LIFE_NS)
    time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
    killed = time.monotonic_ns()
    os.kill(pid, signal.SIGKILL)
    running.append(supervisor.line.next())
    return running[-1][1] - killed


def run(bench):
    trees = []
    for kind in [*peers.ALL, peers.Nobody]:
        supervisor = bench.supervisor(kind)
        supervisor.start(SERVICES[kind.name])
        trees.append((supervisor, collections.deque(supervisor.line.several(SERVICES[kind.name]))))
    times = {supervisor.name: [] for supervisor, _ in trees}
    # In turns, so that whatever else the machine does falls on all of them.
    for turn in range(bench.options.kills):
        for supervisor, running in trees:
            if turn < SLOW_ROUNDS or not supervisor.slow:
                times[supervisor.name].append(kill_one(supervisor, running))
    for supervisor, _ in trees:
        supervisor.stop()
    for name, values in times.items():
        yield "SIGKILL → successor runs, median", name, percentile(values, 0.5) / 1e6, "ms"
    for name, values in times.items():
        yield f"the same, 99th percentile", name, percentile(values, 0.99) / 1e6, "ms"
