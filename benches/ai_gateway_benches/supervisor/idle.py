"""The part `idle`: supervisors with one service and with very many, which do nothing. `benches/run` calls it."""

import time
from collections.abc import Iterator

from ..common import process
from ..common.options import Options
from ..peers import catalog
from ..peers.supervisors import Supervisors
from ..peers.tree import Supervisor
from ..report.figures import Figure

ABOUT = "Many services: memory and work of a supervisor that has nothing to do, start and stop."


def run(supervisors: Supervisors, options: Options) -> Iterator[Figure]:
    pss: dict[tuple[str, int], float] = {}
    for count in options.counts:
        for kind in catalog.ALL:
            for figure in one(supervisors.make(kind), count, options.rest_seconds):
                if figure.what.endswith(": PSS"):
                    pss[kind.name, count] = figure.value
                yield figure
    fewest, most = options.counts[0], options.counts[-1]
    for kind in catalog.ALL:
        more = pss[kind.name, most] - pss[kind.name, fewest]
        yield Figure("PSS of each further service", kind.name, more * 1e3 / (most - fewest), "kB")


def one(supervisor: Supervisor, count: int, rest_seconds: float) -> Iterator[Figure]:
    who = supervisor.name
    began = time.monotonic_ns()
    supervisor.start(count)
    last = max(moment for _, moment in supervisor.line.several(count))
    time.sleep(1)
    rest = process.rest(supervisor.processes(), rest_seconds)
    asked = time.monotonic_ns()
    supervisor.stop()
    stopped = time.monotonic_ns()
    of = f"{count:,} services" if count > 1 else "1 service"
    yield Figure(f"{of}: PSS", who, rest.pss / 1e6, "MB")
    yield Figure(f"{of}: wake-ups in {rest_seconds} s of rest", who, rest.switches, "")
    yield Figure(f"{of}: CPU in {rest_seconds} s of rest", who, rest.cpu * 1e3, "ms")
    if count >= 100:
        yield Figure(f"{of}: start → the last one runs", who, (last - began) / 1e9, "s")
        yield Figure(f"{of}: stop → all gone", who, (stopped - asked) / 1e9, "s")
