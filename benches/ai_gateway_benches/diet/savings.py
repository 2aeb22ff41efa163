"""What pairs of copies say that a measure saves, and how that stands in docs/diet.json.

All of it is pure. `benches/diet` calls it when everything is measured.
"""

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypedDict

from ..common.machine import Machine
from .measures import is_known

# What two copies used, by column.
Used = dict[str, float]


class Column(TypedDict):
    """How a column is headed, and whether it is said as a share of what it would be without the measure."""

    head: str
    share: bool


COLUMNS: dict[str, Column] = {
    "memory": {"head": "MB", "share": False},
    "engine": {"head": "engine, MB", "share": False},
    "start": {"head": "processor time to ready", "share": True},
    "ready": {"head": "time to ready", "share": True},
    "chat": {"head": "processor time a chat", "share": True},
    "piece": {"head": "a piece", "share": True},
    "page": {"head": "ms of processor time a page", "share": False},
    "documents": {"head": "MB after 60 documents", "share": False},
}

# One pair as `benches/diet` keeps it, one JSON object a line.
Pair = TypedDict("Pair", {"measure": str, "service": str, "kind": str, "without": Used, "with": Used, "seconds": int})


@dataclass(frozen=True)
class Saving:
    """What a measure saves of one service, in one kind of pairs."""

    measure: str
    service: str
    kind: str
    pairs: int
    columns: Mapping[str, list[float]]
    """By column: the median, the least and the most."""
    run: int = 0
    """Which of the runs in docs/diet.json it is of."""

    def is_of(self) -> tuple[str, str, str]:
        return self.measure, self.service, self.kind

    def as_json(self) -> dict[str, Any]:
        own = {"measure": self.measure, "service": self.service, "kind": self.kind, "pairs": self.pairs}
        return {**own, **self.columns, "run": self.run}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        columns = {column: row[column] for column in COLUMNS if column in row}
        return cls(row["measure"], row["service"], row["kind"], row["pairs"], columns, row["run"])


@dataclass(frozen=True)
class Figures:
    """What docs/diet.json has: the runs, and of each measure what its last run said."""

    runs: list[Machine]
    rows: list[Saving]

    def as_json(self) -> dict[str, Any]:
        return {"runs": self.runs, "rows": [row.as_json() for row in self.rows]}

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> Self:
        return cls(figures["runs"], [Saving.from_json(row) for row in figures["rows"]])


def saved(pair: Pair, column: str) -> float:
    without, with_it = pair["without"][column], pair["with"][column]
    return 100 * (without - with_it) / without if COLUMNS[column]["share"] else without - with_it


def summary(pairs: Iterable[Pair]) -> list[Saving]:
    """Of each measure, service and kind: the median, the least and the most that was saved, by column."""
    groups: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair["measure"], pair["service"], pair["kind"]), []).append(pair)
    found = []
    for (measure, service, kind), several in groups.items():
        columns = {}
        for column in COLUMNS:
            values = [saved(pair, column) for pair in several if column in pair["with"]]
            if values:
                columns[column] = [round(of, 2) for of in (statistics.median(values), min(values), max(values))]
        found.append(Saving(measure, service, kind, len(several), columns))
    return found


def merged(before: Iterable[Saving], found: list[Saving]) -> list[Saving]:
    """What was found in the place of what was found before of the same."""
    anew = {row.is_of() for row in found}
    # What is no measure any more goes.
    known = [row for row in before if row.is_of() not in anew and is_known(row.measure)]
    return known + found


def with_run(before: Figures, run: Machine, found: Iterable[Saving]) -> Figures:
    """The figures with those of one run more, each with the run that it is of; a run that has no row left goes."""
    rows = merged(before.rows, [replace(row, run=len(before.runs)) for row in found])
    used = sorted({row.run for row in rows})
    runs = [*before.runs, run]
    return Figures([runs[index] for index in used], [replace(row, run=used.index(row.run)) for row in rows])


def text(figures: Figures) -> str:
    """docs/diet.json."""
    return json.dumps(figures.as_json(), indent=1, ensure_ascii=False) + "\n"
