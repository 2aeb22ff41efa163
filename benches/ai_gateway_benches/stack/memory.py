"""The part `stack`: how much memory the four services hold, and what the daemon does at rest.

`benches/run` calls it.
"""

import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..common import process
from ..common.options import Options
from ..report.figures import Figure
from . import stock
from .clients import Clients
from .consumption import memory
from .contract import PARTS, Stack
from .gateway import Gateway
from .stacks import Stacks

ABOUT = f"""The whole stack: memory, ours against the stock way.

Chats are with a model that has its answer already, through nginx, with a virtual key. The supervisor
is ours; the stock way has none.

The stock way is the same four programs, as their own documentation starts them:

{stock.ABOUT}"""

SETTLE_SECONDS = 5
REST_SECONDS = 10
CHATS = 100
IDLE, CHATTED, LOADED = MOMENTS = ["idle after a chat", "after 100 chats", "after the mixed load"]


@dataclass
class Found:
    """What was measured of one stack."""

    memory: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {moment: [] for moment in MOMENTS})
    """By moment: MB by part, once for each turn."""
    rest: process.Rest | None = None
    """Of the daemon, if there is one."""
    failures: int = 0


def run(stacks: Stacks, options: Options) -> Iterator[Figure]:
    ours, compared = stacks.ours(), stacks.beside()
    found = {stack.name: Found() for stack in compared}
    # In turns, so that whatever else the machine does falls on all; the long load once, at the end.
    for turn in range(options.rounds):
        for stack in compared:
            last = turn == options.rounds - 1
            one(ours, stack, found[stack.name], options.seconds if last else 0)
    yield from figures(found, options.seconds)


def one(ours: Gateway, stack: Stack, found: Found, seconds: float) -> None:
    stack.start()
    try:
        visitors = Clients(stack, ours.secret("open-webui-virtual-key"))
        visitors.chats(1)
        time.sleep(SETTLE_SECONDS)
        found.memory[IDLE].append(memory(stack))
        visitors.chats(CHATS)
        time.sleep(SETTLE_SECONDS)
        found.memory[CHATTED].append(memory(stack))
        if seconds:
            if stack is ours:
                found.rest = process.rest([ours.daemon_of_run()], REST_SECONDS)
            visitors.mixed(seconds)
            time.sleep(SETTLE_SECONDS)
            found.memory[LOADED].append(memory(stack))
        found.failures += visitors.failures
    finally:
        stack.stop()


def figures(found: Mapping[str, Found], seconds: float) -> Iterator[Figure]:
    """The medians of what was found. Pure."""
    for moment in MOMENTS:
        for who, of in found.items():
            sums = [sum(parts.values()) for parts in of.memory[moment]]
            yield Figure(f"{moment}: PSS in all", who, statistics.median(sums), "MB")
            for part in PARTS:
                value = statistics.median(parts[part] for parts in of.memory[moment])
                yield Figure(f"{moment}: {part}", who, value, "MB")
    for who, of in found.items():
        yield Figure("the mixed load took", who, seconds, "s")
        yield Figure("requests that failed", who, of.failures, "")
    for who, of in found.items():
        if of.rest:
            yield Figure(f"the daemon's CPU in {REST_SECONDS} s of rest", who, of.rest.cpu * 1e3, "ms")
            yield Figure(f"its wake-ups in {REST_SECONDS} s of rest", who, of.rest.switches, "")
