"""The whole stack: memory, ours against the stock way.

Chats are with a model that has its answer already, through nginx, with a virtual key. The supervisor
is ours; the stock way has none.
"""

import statistics
import time

import clients
import gateway
import process
import stock
from gateway import PARTS

NOTE = "\nThe stock way is the same four programs, as their own documentation starts them:\n" \
    + stock.__doc__.partition("\n")[2]

SETTLE_SECONDS = 5
REST_SECONDS = 10
CHATS = 100
MOMENTS = ["idle after a chat", "after 100 chats", "after the mixed load"]


def run(bench):
    ours, stacks = bench.gateway_of_run(), stock.beside(bench)
    found = {stack.name: Found() for stack in stacks}
    # In turns, so that whatever else the machine does falls on all; the long load once, at the end.
    for turn in range(bench.options.rounds):
        for stack in stacks:
            last = turn == bench.options.rounds - 1
            one(bench, ours, stack, found[stack.name], bench.options.seconds if last else 0)
    yield from rows(found, bench.options.seconds)


class Found:
    def __init__(self):
        self.memory = {moment: [] for moment in MOMENTS}
        self.rest = None
        self.failures = 0


def one(bench, ours, stack, found, seconds):
    stack.start()
    try:
        visitors = clients.Clients(stack, ours.secret("open-webui-virtual-key"))
        visitors.chats(1)
        time.sleep(SETTLE_SECONDS)
        found.memory[MOMENTS[0]].append(gateway.memory(stack))
        visitors.chats(CHATS)
        time.sleep(SETTLE_SECONDS)
        found.memory[MOMENTS[1]].append(gateway.memory(stack))
        if seconds:
            if stack is ours:
                found.rest = process.rest([ours.daemon], REST_SECONDS)
            visitors.mixed(seconds)
            time.sleep(SETTLE_SECONDS)
            found.memory[MOMENTS[2]].append(gateway.memory(stack))
        found.failures += visitors.failures
    finally:
        stack.stop()


def rows(found, seconds):
    for moment in MOMENTS:
        for who, of in found.items():
            sums = [sum(parts.values()) for parts in of.memory[moment]]
            yield f"{moment}: PSS in all", who, statistics.median(sums), "MB"
            for part in PARTS:
                value = statistics.median(parts[part] for parts in of.memory[moment])
                yield f"{moment}: {part}", who, value, "MB"
    for who, of in found.items():
        yield "the mixed load took", who, seconds, "s"
        yield "requests that failed", who, of.failures, ""
    for who, of in found.items():
        if of.rest:
            _, switches, cpu = of.rest
            yield f"the daemon's CPU in {REST_SECONDS} s of rest", who, cpu * 1e3, "ms"
            yield f"its wake-ups in {REST_SECONDS} s of rest", who, switches, ""
