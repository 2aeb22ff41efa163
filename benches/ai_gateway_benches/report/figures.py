"""What a measured figure is, whose it can be, and how it is written.

All of it is pure. The parts make figures, and the other modules of this room read them.
"""

from typing import NamedTuple, NotRequired, TypedDict

from ..common.machine import Machine

# Whose figures there are in more than one part.
OURS = "ai-gateway"
STOCK = "stock"
WHOLE = "stock, all of Open WebUI"
BUNDLE = "the bundle's settings"


class Figure(NamedTuple):
    """One value: what was measured, and whose it is."""

    what: str
    who: str
    value: float
    unit: str


class Row(TypedDict):
    """A figure as it stands in a file of results; with how many times ours it is, if it is a peer's."""

    what: str
    who: str
    value: float
    unit: str
    ratio: NotRequired[float]


class Part(TypedDict):
    """All that one part has measured in one run."""

    about: str
    machine: Machine
    quick: bool
    rows: list[Row]


class Verdict(TypedDict):
    """A target, what was measured for it, and whether it is reached."""

    target: str
    measured: str
    verdict: str


class Results(TypedDict):
    """A file of results: each part's last figures, and what they say of the targets."""

    parts: dict[str, Part]
    targets: list[Verdict]


def written(value: float, unit: str) -> str:
    """Three digits where there are so many, and nothing behind the point of a whole number."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def row(figure: Figure) -> Row:
    return {"what": figure.what, "who": figure.who, "value": figure.value, "unit": figure.unit}


def compared(rows: list[Row]) -> list[Row]:
    """The same with how many times ours each peer's figure is, where there is one of ours that is not zero."""
    ours = {row["what"]: row["value"] for row in rows if row["who"] == OURS}

    def beside(row: Row) -> Row:
        if row["who"] == OURS or not ours.get(row["what"]):
            return row
        return {**row, "ratio": row["value"] / ours[row["what"]]}

    return [beside(row) for row in rows]
