"""The part `throughput`: chats with one stack after the other, while all of them are up. `benches/run` calls it."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..common.options import Options
from ..report.figures import BUNDLE, Figure
from . import consumption
from .contract import Stack
from .stacks import Stacks
from .stock import Stock
from .wrk import Chats, Wrk

ABOUT = """Chats through nginx and LiteLLM: how many, how fast, and what each costs.

With a model that has its answer already, and a virtual key that is looked up in the database, by wrk
on the same processors, with one thread. Stock is the one above, without Open WebUI; the bundle's
settings are stock's with `--detailed_debug`. All three are up and are asked in turns, each when the
others have done what they were asked for before. They share pages of the same programs, which makes
each a little smaller than it is alone.
"""

CONNECTIONS = [1, 8, 64]
WARM_UP_SECONDS = 3
# At rest are programs that together take less than this share of a processor.
REST, LOOK_SECONDS, PATIENCE_SECONDS = 0.1, 0.5, 30


class Point(NamedTuple):
    """How chats are asked for."""

    connections: int
    streamed: bool

    def label(self) -> str:
        many = f"{self.connections} connections" if self.connections > 1 else "1 connection"
        return many + (", streamed" if self.streamed else "")

    def seconds(self, options: Options) -> float:
        """Longer where a chat itself takes seconds, so that each connection has several, and where there are
        few chats, of which one in a hundred is to be more than chance."""
        long = self.connections == 1 or (self.streamed and self.connections == 64)
        return options.point_seconds * (3 if long else 1)


class Asked(NamedTuple):
    """What came of the chats at one point, and the processor time of each in milliseconds."""

    chats: Chats
    cpu: float


POINTS = [Point(count, streamed) for streamed in (False, True) for count in CONNECTIONS]
FIGURES: list[tuple[str, str, Callable[[Asked], float]]] = [
    ("requests/s", "", lambda one: one.chats.rate),
    ("p50", "ms", lambda one: one.chats.p50),
    ("p99", "ms", lambda one: one.chats.p99),
    ("failed", "", lambda one: one.chats.failed),
    ("CPU of LiteLLM and engine a request", "ms", lambda one: one.cpu),
]
# What was found at each point of the stack of each name.
Found = dict[tuple[Point, str], list[Asked]]
# MB by part before and after all chats, by the stack's name.
Memory = dict[str, list[dict[str, float]]]


def run(stacks: Stacks, options: Options) -> Iterator[Figure]:
    ours = stacks.ours()
    stock = stacks.keep(Stock(ours, stacks.folder, webui=False))
    bundle = stacks.keep(Stock(ours, stacks.folder, BUNDLE, ["--detailed_debug"], webui=False))
    compared: list[Stack] = [ours, stock, bundle]
    wrk = Wrk(stacks.programs)
    try:
        for stack in compared:
            stack.start()
        key = ours.secret("open-webui-virtual-key")
        found, pss = measure(compared, wrk, key, options)
    finally:
        for stack in compared:
            stack.kill()
    yield from figures([stack.name for stack in compared], found, pss)


def measure(compared: Sequence[Stack], wrk: Wrk, key: str, options: Options) -> tuple[Found, Memory]:
    for stack in compared:
        for streamed in (False, True):
            ask(stack, wrk, key, Point(8, streamed), WARM_UP_SECONDS)
    found: Found = {(point, stack.name): [] for point in POINTS for stack in compared}
    pss = {stack.name: [consumption.memory(stack)] for stack in compared}
    for _ in range(options.rounds):
        for point in POINTS:
            for stack in compared:
                wait_for_rest(compared)
                found[point, stack.name].append(ask(stack, wrk, key, point, point.seconds(options)))
    for stack in compared:
        pss[stack.name].append(consumption.memory(stack))
    return found, pss


def figures(names: Sequence[str], found: Mapping[tuple[Point, str], Sequence[Asked]], pss: Memory) -> Iterator[Figure]:
    """The medians of what was found. Pure."""
    for point in POINTS:
        for figure, unit, of in FIGURES:
            for name in names:
                value = statistics.median(of(one) for one in found[point, name])
                yield Figure(f"{point.label()}: {figure}", name, value, unit)
    for name in names:
        for when, parts in zip(("before", "after"), pss[name], strict=True):
            if parts["litellm"]:  # it has not ended by itself
                value = parts["litellm"] + parts["engine"]
                yield Figure(f"PSS of LiteLLM and engine {when} it all", name, value, "MB")


def wait_for_rest(stacks: Sequence[Stack]) -> None:
    """Streams that nobody hears the end of, and spend to be written, are not to fall on who comes next."""
    end = time.monotonic() + PATIENCE_SECONDS
    used = [cpu(stack) for stack in stacks]
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        before, used = used, [cpu(stack) for stack in stacks]
        if sum(used) - sum(before) < REST * LOOK_SECONDS:
            return


def ask(stack: Stack, wrk: Wrk, key: str, point: Point, seconds: float) -> Asked:
    before = cpu(stack)
    chats = wrk.chat(stack.api, key, point.connections, point.streamed, seconds)
    # What else the machine does slows a chat down, but hardly makes it cost more.
    return Asked(chats, (cpu(stack) - before) / max(1, chats.requests) * 1e3)


def cpu(stack: Stack) -> float:
    return consumption.cpu(stack, ("litellm", "engine"))
