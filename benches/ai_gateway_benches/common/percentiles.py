"""Numbers about many measured values. Pure; for the parts."""

from collections.abc import Iterable


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of all values is not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
