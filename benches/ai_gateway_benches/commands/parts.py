"""The list of the parts of `benches/run`, in the order of the page, with what each part needs of a run.

`run` reads the list.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..report.figures import Figure
from ..stack import memory, start, throughput
from ..supervisor import guest, idle, logs, restart
from .bench import Bench


@dataclass(frozen=True)
class Part:
    about: str
    """What the page says of it: a title, and then what one has to know of the figures."""
    run: Callable[[Bench], Iterator[Figure]]


PARTS = {
    "restart": Part(restart.ABOUT, lambda bench: restart.run(bench.supervisors, bench.options)),
    "idle": Part(idle.ABOUT, lambda bench: idle.run(bench.supervisors, bench.options)),
    "logs": Part(logs.ABOUT, lambda bench: logs.run(bench.supervisors, bench.options)),
    "guest": Part(guest.ABOUT, lambda bench: guest.run(bench.programs, bench.folder, bench.options)),
    "start": Part(start.ABOUT, lambda bench: start.run(bench.stacks, bench.options)),
    "stack": Part(memory.ABOUT, lambda bench: memory.run(bench.stacks, bench.options)),
    "throughput": Part(throughput.ABOUT, lambda bench: throughput.run(bench.stacks, bench.options)),
}
