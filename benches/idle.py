"""Many services: memory and work of a supervisor that has nothing to do, start and stop."""

import time

import peers
import process



def run(bench):
    counts = bench.options.counts
    pss = {}
    for count in counts:
        for kind in peers.ALL:
            for row in one(bench, kind, count, bench.options.rest_seconds):
                if row[0].endswith(": PSS"):
                    pss[kind.name, count] = row[2]
                yield row
    fewest, most = counts[0], counts[-1]
    for kind in peers.ALL:
        more = pss[kind.name, most] - pss[kind.name, fewest]
        yield "PSS of each further service", kind.name, more * 1e3 / (most - fewest), "kB"


def one(bench, kind, count, rest_seconds):
    supervisor = bench.supervisor(kind)
    began = time.monotonic_ns()
    supervisor.start(count)
    last = max(moment for _, moment in supervisor.line.several(count))
    time.sleep(1)
    pids = supervisor.processes()
    pss, switches, cpu = process.rest(pids, rest_seconds)
    asked = time.monotonic_ns()
    supervisor.stop()
    stopped = time.monotonic_ns()
    of = f"{count:,} services" if count > 1 else "1 service"
    yield f"{of}: PSS", kind.name, pss / 1e6, "MB"
    yield f"{of}: wake-ups in {rest_seconds} s of rest", kind.name, switches, ""
    yield f"{of}: CPU in {rest_seconds} s of rest", kind.name, cpu * 1e3, "ms"
    if count >= 100:
        yield f"{of}: start → the last one runs", kind.name, (last - began) / 1e9, "s"
        yield f"{of}: stop → all gone", kind.name, (stopped - asked) / 1e9, "s"
