"""Chats through nginx and LiteLLM: how many, how fast, and what each costs.

With a model that has its answer already, and a virtual key that is looked up in the database, by wrk
on the same processors, with one thread. Stock is the one above, without Open WebUI; the bundle's
settings are stock's with `--detailed_debug`. All three are up and are asked in turns, each when the
others have done what they were asked for before. They share pages of the same programs, which makes
each a little smaller than it is alone.
"""

import json
import os
import statistics
import subprocess
import time

import gateway
import stock
from table import BUNDLE

CONNECTIONS = [1, 8, 64]
WARM_UP_SECONDS = 3
# At rest are programs that together take less than this share of a processor.
REST, LOOK_SECONDS, PATIENCE_SECONDS = 0.1, 0.5, 30
FIGURES = [("requests/s", "", lambda one: one["rate"]), ("p50", "ms", lambda one: one["p50"]),
           ("p99", "ms", lambda one: one["p99"]), ("failed", "", lambda one: one["failed"]),
           ("CPU of LiteLLM and engine a request", "ms", lambda one: one["cpu"])]


def run(bench):
    ours = bench.gateway_of_run()
    stacks = [ours, bench.keep(stock.Stock(bench, ours, webui=False)),
              bench.keep(stock.Stock(bench, ours, BUNDLE, ["--detailed_debug"], webui=False))]
    bench.fetch_wrk()
    try:
        for stack in stacks:
            stack.start()
        key = ours.secret("open-webui-virtual-key")
        for stack in stacks:
            for stream in ("false", "true"):
                ask(bench, stack, key, 8, stream, WARM_UP_SECONDS)
        points = [(count, stream) for stream in ("false", "true") for count in CONNECTIONS]
        found = {(point, stack.name): [] for point in points for stack in stacks}
        pss = {stack.name: [gateway.memory(stack)] for stack in stacks}
        for _ in range(bench.options.rounds):
            for count, stream in points:
                for stack in stacks:
                    wait_for_rest(stacks)
                    one = ask(bench, stack, key, count, stream, seconds_at(bench, count, stream))
                    found[(count, stream), stack.name].append(one)
        for stack in stacks:
            pss[stack.name].append(gateway.memory(stack))
    finally:
        for stack in stacks:
            stack.kill()
    for (count, stream) in points:
        for figure, unit, of in FIGURES:
            for stack in stacks:
                value = statistics.median(of(one) for one in found[(count, stream), stack.name])
                yield f"{label(count, stream)}: {figure}", stack.name, value, unit
    for stack in stacks:
        for when, parts in zip(("before", "after"), pss[stack.name]):
            if parts["litellm"]:  # it has not ended by itself
                value = parts["litellm"] + parts["engine"]
                yield f"PSS of LiteLLM and engine {when} it all", stack.name, value, "MB"


def seconds_at(bench, count, stream):
    """Longer where a chat itself takes seconds, so that each connection has several, and where there are
    few chats, of which one in a hundred is to be more than chance."""
    long = count == 1 or stream == "true" and count == 64
    return bench.options.point_seconds * (3 if long else 1)


def wait_for_rest(stacks):
    """Streams that nobody hears the end of, and spend to be written, are not to fall on who comes next."""
    end = time.monotonic() + PATIENCE_SECONDS
    used = [cpu(stack) for stack in stacks]
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        before, used = used, [cpu(stack) for stack in stacks]
        if sum(used) - sum(before) < REST * LOOK_SECONDS:
            return


def label(count, stream):
    many = f"{count} connections" if count > 1 else "1 connection"
    return many + (", streamed" if stream == "true" else "")


def ask(bench, stack, key, connections, stream, seconds):
    env = {"PATH": os.environ["PATH"], "BENCH_KEY": key, "BENCH_STREAM": stream,
           "LD_LIBRARY_PATH": str(bench.wrk / "usr/lib/x86_64-linux-gnu")}
    before = cpu(stack)
    said = subprocess.run(
        [bench.wrk / "usr/bin/wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s",
         "-s", bench.source / "wrk.lua", f"{stack.api}/chat/completions"],
        env=env, check=True, text=True, stdout=subprocess.PIPE).stdout
    one = json.loads(said.splitlines()[-1])
    if not one["requests"]:
        # No answer yet to any: it takes at least as long as we have waited.
        one.update(failed=connections, p50=seconds * 1e3, p99=seconds * 1e3)
    one["rate"] = max(0, one["requests"] - one["failed"]) / one["seconds"]
    # What else the machine does slows a chat down, but hardly makes it cost more.
    one["cpu"] = (cpu(stack) - before) / max(1, one["requests"]) * 1e3
    return one


def cpu(stack):
    return gateway.cpu(stack, ("litellm", "engine"))
