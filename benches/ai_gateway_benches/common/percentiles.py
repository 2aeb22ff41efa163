"""Percentiles of measured values, as a pure function. The parts that measure restarts use it."""

from collections.abc import Iterable


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of all values is not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
