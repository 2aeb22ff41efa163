"""The table of docs/diet.md, with what each measure of the diet saves and where that was measured.

All of it is pure. `benches/diet` prints it, and writes it into the page.
"""

from collections.abc import Sequence

from .measures import LITELLM, MEASURES, NOISE, OPEN_WEBUI
from .savings import COLUMNS, Figures, Saving

NAMES = {LITELLM: "LiteLLM", OPEN_WEBUI: "Open WebUI"}
KINDS = {"last": "last", "alone": "alone", "all": "–"}
BEGIN, END = "<!-- benches/diet --write: begin -->\n", "<!-- benches/diet --write: end -->\n"


def cell(row: Saving, column: str) -> str:
    if column not in row.columns:
        return ""
    share = COLUMNS[column]["share"]
    median, least, most = (f"{value:.0f}" if share else f"{value:.1f}" for value in row.columns[column])
    text = f"{median} %" if share else median
    return text if least == most else f"{text} ({least} to {most})"


def line(row: Saving) -> str:
    cells = " | ".join(cell(row, column) for column in COLUMNS)
    return f"| `{row.measure}` | {NAMES[row.service]} | {KINDS[row.kind]} | {row.pairs} | {cells} |"


def table(found: Sequence[Saving]) -> str:
    """A line for each of them, and one for each measure that none of them is of."""
    heads = " | ".join(column["head"] for column in COLUMNS.values())
    lines = [f"| measure | service | as the | pairs | {heads} |", "|---" * (4 + len(COLUMNS)) + "|"]
    measured = {row.measure for row in found}
    lines += [line(row) for row in sorted(found, key=lambda row: [NOISE, *MEASURES, row.measure].index(row.measure))]
    empty = " | " * (len(COLUMNS) - 1)
    lines += [f"| `{name}` | not measured yet | | | {empty} |" for name in MEASURES if name not in measured]
    return "\n".join(lines) + "\n"


def where(figures: Figures) -> str:
    """A line for each run that the rows come from: the day, the machine, and what was measured there."""
    several, lines = len(figures.runs) > 1, []
    for index, run in reversed(list(enumerate(figures.runs))):
        here = dict.fromkeys(row.measure for row in figures.rows if row.run == index)
        which = "all others" if index == 0 else ", ".join(f"`{name}`" for name in here)
        what = f" ({which})" if several else ""
        machine = f"{run['date']}, {run['processors']}, Linux {run['kernel']}"
        lines.append(f"{machine}; load before {run['load_before']}{what}.\n")
    return "".join(lines)


def page(text: str, figures: Figures) -> str:
    """docs/diet.md with its table made anew from what docs/diet.json has."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        between = f"{BEGIN.strip()} and {END.strip()}"
        raise SystemExit(f"error: docs/diet.md lacks the lines {between}, between which the table goes")
    return f"{head}{begin}{where(figures)}\n{table(figures.rows)}{end}{tail}"
