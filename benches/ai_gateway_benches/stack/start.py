"""The part `start`: how long people wait for the four services. `benches/run` calls it."""

import statistics
from collections.abc import Iterator

from ..common.options import Options
from ..report.figures import Figure
from .stacks import Stacks

ABOUT = """From the command until all four services are ready, ours against the stock way.

In turns. Before each start that is timed there is one that is not, so that what was not used while
others had their turn comes from memory and not from the disk. The stock way is the one of the next
table.
"""

STARTS = 4


def run(stacks: Stacks, options: Options) -> Iterator[Figure]:
    compared = stacks.beside()
    seconds: dict[str, list[float]] = {stack.name: [] for stack in compared}
    for _ in range(1 if options.quick else STARTS):
        for stack in compared:
            stack.start()
            stack.stop()
            seconds[stack.name].append(stack.start())
            stack.stop()
    for who, values in seconds.items():
        yield Figure("start → all four are ready, median", who, statistics.median(values), "s")
    for who, values in seconds.items():
        yield Figure("start → all four are ready, shortest", who, min(values), "s")
    for who, values in seconds.items():
        yield Figure("start → all four are ready, longest", who, max(values), "s")
