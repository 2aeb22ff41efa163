"""Which pairs show what a measure of the diet saves, and the table that is made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai_gateway_benches.commands.diet import work
from ai_gateway_benches.common.places import ROOT
from ai_gateway_benches.diet import documents, measures, savings, table
from ai_gateway_benches.diet.copies import environment
from made_up import machine


def pair(saved: float, column: str = "memory", measure: str = "lazy_audio") -> savings.Pair:
    return {
        "measure": measure,
        "service": "litellm",
        "kind": "last",
        "without": {column: 10 + saved},
        "with": {column: 10},
        "seconds": 1,
    }


@pytest.mark.parametrize(
    ("saved", "said"), [((6, 5, 9), "6.0 (5.0 to 9.0)"), ((2,), "2.0"), ((-1, -3), "-2.0 (-3.0 to -1.0)")]
)
def test_a_row_says_the_median_the_least_and_the_most(saved: tuple[float, ...], said: str) -> None:
    made = table.table(savings.summary(pair(one) for one in saved))
    assert f"| `lazy_audio` | LiteLLM | last | {len(saved)} | {said} |" in made


def test_time_is_said_as_a_share() -> None:
    assert "| 50 % |" in table.table(savings.summary([pair(10, "chat")]))


def test_each_measure_has_a_row_even_if_it_was_not_measured() -> None:
    made = table.table(savings.summary([pair(10)]))
    rows = [line.split("`")[1] for line in made.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(measures.MEASURES)
    assert len({line.count("|") for line in made.splitlines()}) == 1


def test_a_row_is_replaced_by_its_next_and_goes_with_its_measure() -> None:
    before = savings.summary([pair(1, measure="late_gc"), pair(2), pair(1, measure="gone")])
    kept = savings.merged(before, savings.summary([pair(3)]))
    assert [(row.measure, row.columns["memory"][0]) for row in kept] == [("late_gc", 1), ("lazy_audio", 3)]


def test_each_row_is_told_with_the_machine_that_it_was_measured_on() -> None:
    both = [pair(1), pair(1, measure="late_gc")]
    first = savings.with_run(savings.Figures([], []), machine("A"), savings.summary(both))
    assert table.where(first) == "1 May 2026, A, Linux 6; load before 0.1.\n"
    second = savings.with_run(first, machine("B"), savings.summary([pair(2)]))
    assert table.where(second).splitlines() == [
        "1 May 2026, B, Linux 6; load before 0.1 (`lazy_audio`).",
        "1 May 2026, A, Linux 6; load before 0.1 (all others).",
    ]
    third = savings.with_run(second, machine("C"), savings.summary(both))
    assert [one["processors"] for one in third.runs] == ["C"]


@pytest.mark.parametrize("measure", measures.MEASURES)
def test_a_pair_differs_by_the_measure(measure: str) -> None:
    for service in measures.services(measure):
        for without, with_it in measures.pairs(measure, service).values():
            assert set(with_it) - set(without) == {measure}


def test_noise_is_two_copies_with_the_same_measures() -> None:
    [(without, with_it)] = measures.pairs("noise", "litellm").values()
    assert without == with_it


def test_measures_that_are_joined_are_taken_together() -> None:
    without, with_it = measures.pairs("late_gc+lazy_audio", "litellm")["last"]
    assert set(with_it) - set(without) == {"late_gc", "lazy_audio"}
    assert measures.is_known("late_gc+lazy_audio") and not measures.is_known("late_gc+gone")


def test_a_run_changes_in_each_round_which_copy_is_the_first() -> None:
    flipped = [(one.kind, one.flipped) for one in work(2, ["lazy_types"], None)]
    assert flipped == [("last", False), ("alone", False), ("last", True), ("alone", True)]
    assert [one.kind for one in work(1, ["lazy_types", "noise"], "last")] == ["last", "all", "all"]


def test_a_copy_is_told_its_measures_and_keeps_its_documents_to_itself() -> None:
    original = {"DATA_DIR": "/its", "MALLOC_ARENA_MAX": "1", "QUERY_ENGINE_NODE_OPTIONS": "-x", "KEPT": "yes"}
    place = Path("/copy")
    bare = environment(original, "open-webui", [], place)
    assert bare == {"DATA_DIR": "/copy/data", "KEPT": "yes", "AI_GATEWAY_DIET": ""}
    full = environment(original, "litellm", ["small_engine", "return_memory"], place)
    assert full == {**original, "AI_GATEWAY_DIET": "small_engine return_memory"}


def test_a_document_is_sent_as_a_form() -> None:
    lines = documents.upload("1.txt", "words").decode().split("\r\n")
    assert lines == [
        "--a-part-of-the-form",
        'Content-Disposition: form-data; name="file"; filename="1.txt"',
        "Content-Type: text/plain",
        "",
        "words",
        "--a-part-of-the-form--",
        "",
    ]


def test_the_page_has_the_table_of_its_figures() -> None:
    docs = ROOT / "docs"
    written = (docs / "diet.json").read_text()
    figures = savings.Figures.from_json(json.loads(written))
    assert savings.text(figures) == written
    page = (docs / "diet.md").read_text()
    assert table.page(page, figures) == page
