"""Whether targets are reached, by figures that are made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ai_gateway_benches.report import targets
from ai_gateway_benches.report.figures import BUNDLE, OURS, STOCK
from made_up import part

if TYPE_CHECKING:
    from ai_gateway_benches.report.figures import Part, Verdict


def verdict(parts: dict[str, Part], words: str) -> Verdict:
    [found] = [one for one in targets.judge(parts) if words in one["target"]]
    return found


@pytest.mark.parametrize(("megabytes", "said"), [(11.9, "reached"), (12, "reached"), (12.1, "not reached")])
def test_a_sum_may_be_as_large_as_its_limit(megabytes: float, said: str) -> None:
    parts = {"idle": part(("1,000 services: PSS", OURS, megabytes))}
    assert verdict(parts, "12 MB")["verdict"] == said


def test_several_rows_are_added() -> None:
    idle = "idle after a chat"
    rows = [(f"{idle}: postgres", OURS, 40), (f"{idle}: nginx", OURS, 20), (f"{idle}: supervisor", OURS, 10.5)]
    found = verdict({"stack": part(*rows)}, "PostgreSQL, nginx and the daemon")
    assert (found["measured"], found["verdict"]) == ("70.5 MB", "not reached")


@pytest.mark.parametrize(("seconds", "measured", "said"), [(5.5, "0.55 ×", "reached"), (6, "0.60 ×", "not reached")])
def test_a_ratio_is_ours_by_theirs(seconds: float, measured: str, said: str) -> None:
    what = "start → all four are ready, median"
    found = verdict({"start": part((what, OURS, seconds), (what, STOCK, 10))}, "0.55 × stock's time")
    assert (found["measured"], found["verdict"]) == (measured, said)


def test_the_worst_point_decides_where_more_is_wanted() -> None:
    rows = [
        ("8 connections: requests/s", OURS, 30),
        ("8 connections: requests/s", BUNDLE, 10),
        ("64 connections: requests/s", OURS, 29),
        ("64 connections: requests/s", BUNDLE, 10),
    ]
    found = verdict({"throughput": part(*rows)}, "3 ×")
    assert (found["measured"], found["verdict"]) == ("2.90 × with 64 connections, elsewhere more", "not reached")


def test_the_worst_point_decides_where_less_is_wanted() -> None:
    rows = [
        ("8 connections: p99", OURS, 90),
        ("8 connections: p99", STOCK, 100),
        ("64 connections: p99", OURS, 100),
        ("64 connections: p99", STOCK, 100),
    ]
    found = verdict({"throughput": part(*rows)}, "p99")
    assert (found["measured"], found["verdict"]) == ("1.00 × with 64 connections, elsewhere less", "reached")


def test_who_answers_nothing_is_no_divisor() -> None:
    rows = [("8 connections: requests/s", OURS, 30), ("8 connections: requests/s", STOCK, 0)]
    assert verdict({"throughput": part(*rows)}, "as many requests")["verdict"] == "reached"


def test_what_was_not_measured_is_not_reached() -> None:
    assert {one["verdict"] for one in targets.judge({})} == {"not measured"}


def test_lines_in_the_journal_may_cost_ten_milliseconds() -> None:
    rows = [("CPU of supervisor and logger", "ai-gateway, journal", 0.0101), ("CPU of supervisor and logger", OURS, 0)]
    found = verdict({"logs": part(*rows)}, "journal")
    assert (found["measured"], found["verdict"]) == ("10.1 ms", "not reached")
