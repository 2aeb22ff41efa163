"""What parts make of what they have measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ai_gateway_benches.common.options import FULL
from ai_gateway_benches.common.percentiles import percentile
from ai_gateway_benches.common.process import Rest
from ai_gateway_benches.peers import supervisord
from ai_gateway_benches.stack import memory, stock_files, throughput, wrk
from ai_gateway_benches.stack.contract import PARTS
from ai_gateway_benches.stack.throughput import Asked, Point
from ai_gateway_benches.supervisor import guest


@pytest.mark.parametrize(("share", "value"), [(0.5, 6), (0.99, 10), (1, 10), (0, 1)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile(range(10, 0, -1), share) == value


def test_a_guest_s_lines_become_figures_of_both() -> None:
    said = [
        f"{kind} {who} 1 {value}" for who, value in (("ai-gateway", 4), ("systemd", 8)) for kind in ("started", "pss")
    ]
    said += [f"killed {who} 1 {value}000000" for who in ("ai-gateway", "systemd") for value in (3, 1, 2)]
    found = {(what, who): (value, unit) for what, who, value, unit in guest.figures(said, [1])}
    assert found["1 service: PSS", "systemd"] == (0.008, "MB")
    assert found["1 service: start → the last one runs", "ai-gateway"] == (4e-9, "s")
    assert found["SIGKILL → successor runs, median", "ai-gateway"] == (2, "ms")
    assert found["the same, 99th percentile", "systemd"] == (3, "ms")


def test_the_memory_of_a_stack_is_the_median_of_its_turns() -> None:
    turns = [dict.fromkeys(PARTS, value) for value in (3.0, 1.0, 2.0)]
    ours = memory.Found(dict.fromkeys(memory.MOMENTS, turns), Rest(0, 17, 0.001), 2)
    figures = {(what, who): value for what, who, value, _ in memory.figures({"ai-gateway": ours}, 600)}
    assert figures["after 100 chats: nginx", "ai-gateway"] == 2
    assert figures["after 100 chats: PSS in all", "ai-gateway"] == 2 * len(PARTS)
    assert figures["requests that failed", "ai-gateway"] == 2
    assert figures["the daemon's CPU in 10 s of rest", "ai-gateway"] == 1
    assert figures["its wake-ups in 10 s of rest", "ai-gateway"] == 17


def said(**more: Any) -> str:
    return "noise\n" + json.dumps({"requests": 20, "seconds": 2, "p50": 1, "p99": 5, "failed": 4, **more})


def test_what_failed_is_no_request() -> None:
    assert wrk.parsed(said(), 8, 2) == wrk.Chats(requests=20, rate=8, p50=1, p99=5, failed=4)


def test_no_answer_takes_at_least_as_long_as_was_waited_for_it() -> None:
    found = wrk.parsed(said(requests=0, failed=0), 8, 2)
    assert found == wrk.Chats(requests=0, rate=0, p50=2000, p99=2000, failed=8)


def test_the_throughput_of_a_point_is_the_median_of_its_rounds() -> None:
    rounds = [Asked(wrk.Chats(10, rate, 1, 5, 0), 20) for rate in (3, 1, 2)]
    found = {(point, "ai-gateway"): rounds for point in throughput.POINTS}
    pss = {"ai-gateway": [{"litellm": 300.0, "engine": 70.0}, {"litellm": 0.0, "engine": 0.0}]}
    figures = {what: value for what, _, value, _ in throughput.figures(["ai-gateway"], found, pss)}
    assert figures["8 connections, streamed: requests/s"] == 2
    assert figures["1 connection: CPU of LiteLLM and engine a request"] == 20
    assert figures["PSS of LiteLLM and engine before it all"] == 370
    # It has ended by itself.
    assert "PSS of LiteLLM and engine after it all" not in figures


def test_points_with_few_chats_take_longer() -> None:
    seconds = {point: point.seconds(FULL) for point in throughput.POINTS}
    long = [Point(1, False), Point(1, True), Point(64, True)]
    assert {point for point, of in seconds.items() if of == 30} == set(long)
    assert set(seconds.values()) == {10, 30}


def test_the_stock_nginx_has_its_ports_and_nothing_left_to_fill_in() -> None:
    text = stock_files.nginx(Path("/stock"), {"front": 1, "litellm": 2, "webui": 3, "database": 4})
    for line in ("listen 127.0.0.1:1;", "proxy_pass http://127.0.0.1:2/v1/;", "proxy_pass http://127.0.0.1:3;"):
        assert line in text
    assert "{{" not in text and text.count("{") == text.count("}")


@pytest.mark.parametrize("logged", [False, True])
def test_supervisord_has_a_program_for_each_service(logged: bool) -> None:
    text = supervisord.configuration(Path("/home"), Path("/service"), 2, logged)
    assert text.count("command=/service\n") == 2
    assert ("stdout_logfile=/home/s2.log" in text) == logged
