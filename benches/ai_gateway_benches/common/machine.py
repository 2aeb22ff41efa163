"""This describes the machine that figures come from, and tells how busy it was before they were measured.

`benches/run` asks before each part, and `benches/diet` once.
"""

import datetime
import platform
from pathlib import Path
from typing import TypedDict


class Machine(TypedDict):
    """As it stands in docs/benchmarks.json and docs/diet.json."""

    date: str
    processors: str
    memory: str
    kernel: str
    load_before: float


def machine() -> Machine:
    memory = Path("/proc/meminfo").read_text().split()[1]
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processors = [line for line in lines if line.startswith("model name")]
    model = processors[0].split(": ")[1] if processors else platform.machine()
    load = Path("/proc/loadavg").read_text().split()[0]
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%d %B %Y"),
        "processors": f"{len(processors)} × {model}",
        "memory": f"{int(memory) / 1e6:.0f} GB",
        "kernel": platform.release().split("-")[0],
        "load_before": float(load),
    }
