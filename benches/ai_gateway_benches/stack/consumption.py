"""How much memory the parts of a running stack hold, and how much processor time they have used.

The parts `stack` and `throughput` ask.
"""

import contextlib
from collections.abc import Container

from ..common import process
from .contract import PARTS, Stack


def memory(stack: Stack) -> dict[str, float]:
    """MB of PSS by part."""
    sums = dict.fromkeys(PARTS, 0.0)
    for part, pid in stack.processes():
        try:
            sums[part] += process.pss([pid]) / 1e6
        except OSError:
            continue  # it ended meanwhile
    return sums


def cpu(stack: Stack, parts: Container[str]) -> float:
    """Processor time so far of these parts, in seconds."""
    total = 0.0
    for part, pid in stack.processes():
        if part in parts:
            with contextlib.suppress(OSError):  # it ended meanwhile
                total += process.cpu([pid])
    return total
