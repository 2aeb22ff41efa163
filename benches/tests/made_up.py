"""Results that nobody has measured, for the tests of what is made of results."""

from ai_gateway_benches.common.machine import Machine
from ai_gateway_benches.report.figures import Figure, Part, compared, row


def machine(processors: str = "2 × A") -> Machine:
    return {"date": "1 May 2026", "processors": processors, "memory": "4 GB", "kernel": "6", "load_before": 0.1}


def part(*figures: tuple[str, str, float], unit: str = "MB", about: str = "A part.") -> Part:
    """Of (what, who, value)."""
    rows = compared([row(Figure(*figure, unit)) for figure in figures])
    return {"about": about, "machine": machine(), "quick": False, "rows": rows}
