"""Many services: memory and work of a supervisor that has nothing to do, start and stop."""

import time

import peers
import process

COUNTS = [1, 10, 100, 1000]
REST_SECONDS = 10
SUPERVISORD_MAX = 100  # it reads and closes its way through every descriptor at each launch


def run(bench):
    for count in COUNTS:
        for kind in peers.ALL:
            if kind is not peers.Supervisord or count <= SUPERVISORD_MAX:
                yield from one(bench, kind, count)


def one(bench, kind, count):
    supervisor = bench.supervisor(kind)
    began = time.monotonic_ns()
    supervisor.start(count)
    last = max(moment for _, moment in supervisor.line.several(count))
    time.sleep(1)
    pids = supervisor.processes()
    pss, switches, cpu = process.rest(pids, REST_SECONDS)
    asked = time.monotonic_ns()
    supervisor.stop()
    stopped = time.monotonic_ns()
    of = f"{count:,} services" if count > 1 else "1 service"
    yield f"{of}: PSS", kind.name, pss / 1e6, "MB"
    yield f"{of}: wake-ups in {REST_SECONDS} s of rest", kind.name, switches, ""
    yield f"{of}: CPU in {REST_SECONDS} s of rest", kind.name, cpu * 1e3, "ms"
    if count >= 100:
        yield f"{of}: start → the last one runs", kind.name, (last - began) / 1e9, "s"
        yield f"{of}: stop → all gone", kind.name, (stopped - asked) / 1e9, "s"
