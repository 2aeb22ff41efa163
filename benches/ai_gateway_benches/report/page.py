"""This makes docs/BENCHMARKS.md of everything that was measured so far. It is pure; `benches/run --write` writes it."""

from ..common.machine import Machine
from .figures import Results
from .table import render

INTRODUCTION = """# Benchmarks
`benches/run --write` writes this page, and `docs/benchmarks.json` for machines; with names, the
tables of those and nothing else. Each figure stands beside its peers' from the same run; in brackets,
how many times ours a peer's is. All supervisors run the same small service, runit and s6 without
even a shell before it.

"""


def page(results: Results) -> str:
    lines = ["## Targets", "", "| target | measured | |", "|---|---|---|"]
    lines += [f"| {target['target']} | {target['measured']} | {target['verdict']} |" for target in results["targets"]]
    tables = ["\n".join(lines) + "\n"]
    for part in results["parts"].values():
        text = render(part["about"], part["rows"])
        head, _, rest = text.partition("\n")
        tables.append(f"## {head}\n{facts(part['machine'])}\n\n{rest}")
    return INTRODUCTION + "\n".join(tables)


def facts(machine: Machine) -> str:
    """Where the figures of a table come from."""
    return (
        f"*{machine['date']}, {machine['processors']}, {machine['memory']}, "
        f"Linux {machine['kernel']}; load before: {machine['load_before']:.1f}*"
    )
