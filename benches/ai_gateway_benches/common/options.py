"""How much of each thing a run measures. `benches/run` chooses one of two sets, and the parts read it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    quick: bool
    kills: int
    """Restarts that are measured, of each supervisor."""
    counts: tuple[int, ...]
    """Numbers of services."""
    rest_seconds: float
    log_bytes: int
    guest_kills: int
    guest_counts: tuple[int, ...]
    rounds: int
    """Pairs of stacks, and rounds of throughput."""
    seconds: float
    """How long the mixed load on a stack takes."""
    point_seconds: float
    """How long each point of the throughput takes."""


FULL = Options(
    quick=False,
    kills=300,
    counts=(1, 10, 100, 1000),
    rest_seconds=10,
    log_bytes=100_000_000,
    guest_kills=100,
    guest_counts=(1, 10, 100),
    rounds=3,
    seconds=600,
    point_seconds=10,
)
QUICK = Options(
    quick=True,
    kills=3,
    counts=(1, 10),
    rest_seconds=0.5,
    log_bytes=1_000_000,
    guest_kills=3,
    guest_counts=(1, 10),
    rounds=1,
    seconds=5,
    point_seconds=4,
)
