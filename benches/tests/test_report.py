"""Tables and pages of figures, and how results are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ai_gateway_benches.commands.parts import PARTS
from ai_gateway_benches.common.places import ROOT
from ai_gateway_benches.report import results
from ai_gateway_benches.report.figures import OURS, written
from ai_gateway_benches.report.page import page
from ai_gateway_benches.report.table import render
from made_up import part

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(1234.5, "MB", "1,234 MB"), (12.34, "s", "12.3 s"), (1.234, "ms", "1.23 ms"), (3, "", "3"), (0.0, "s", "0 s")],
)
def test_a_figure_has_three_digits(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


def test_a_table_has_a_column_for_each_who_and_a_dash_where_nothing_was_measured() -> None:
    about = "Memory of two.\n\nBoth do nothing.\n"
    made = part(("one", OURS, 2), ("one", "peer", 3), ("other", OURS, 0), ("third", "peer", 1), about=about)
    assert render(about, made["rows"]).splitlines() == [
        "Memory of two",
        "Both do nothing.",
        "",
        "| | ai-gateway | peer |",
        "|---|---|---|",
        "| one | 2 MB | 3 MB (1.50 ×) |",
        "| other | 0 MB | – |",
        "| third | – | 1 MB |",
    ]


def test_nothing_is_so_many_times_nothing() -> None:
    assert "ratio" not in part(("one", OURS, 0), ("one", "peer", 3))["rows"][1]


def test_a_page_has_the_targets_and_then_a_table_for_each_part() -> None:
    text = page(results.merged({}, {"idle": part(("one", OURS, 2)), "logs": part(("two", OURS, 3))}, PARTS))
    assert text.index("## Targets") < text.index("| one | 2 MB |") < text.index("| two | 3 MB |")
    assert "*1 May 2026, 2 × A, 4 GB, Linux 6; load before: 0.1*" in text


def test_what_was_measured_replaces_the_same_part_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "folder/results.json"
    results.keep(file, {"logs": part(("one", OURS, 1)), "idle": part(("two", OURS, 2))}, PARTS)
    kept = results.keep(file, {"logs": part(("one", OURS, 3))}, PARTS)
    assert results.read(file) == kept["parts"]
    assert [(name, of["rows"][0]["value"]) for name, of in kept["parts"].items()] == [("idle", 2), ("logs", 3)]


def test_a_part_that_is_no_more_goes() -> None:
    assert results.merged({"gone": part()}, {"idle": part()}, PARTS)["parts"].keys() == {"idle"}


def test_the_page_is_made_of_the_results() -> None:
    kept = json.loads((ROOT / "docs/benchmarks.json").read_text())
    assert page(kept) == (ROOT / "docs/BENCHMARKS.md").read_text()
