"""This runs wrk, which chats with a stack on many connections as wrk.lua says. The part `throughput` uses it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..common import packages
from ..common.programs import Programs

PACKAGES = ["wrk", "libluajit-5.1-2", "libluajit-5.1-common"]
SCRIPT = Path(__file__).resolve().parent / "wrk.lua"


@dataclass(frozen=True)
class Chats:
    """What came of some seconds of chats: of all of them, and in milliseconds of each."""

    requests: int
    rate: float
    p50: float
    p99: float
    failed: int


def parsed(said: str, connections: int, seconds: float) -> Chats:
    """What wrk.lua says in its last line. Pure."""
    one = json.loads(said.splitlines()[-1])
    requests, failed, p50, p99 = one["requests"], one["failed"], one["p50"], one["p99"]
    if not requests:
        # No answer yet to any: it takes at least as long as we have waited.
        failed, p50, p99 = connections, seconds * 1e3, seconds * 1e3
    return Chats(requests, max(0, requests - failed) / one["seconds"], p50, p99, failed)


class Wrk:
    def __init__(self, programs: Programs) -> None:
        self.root = packages.fetch(programs.folder / "wrk", PACKAGES)

    def chat(self, api: str, key: str, connections: int, streamed: bool, seconds: float) -> Chats:
        environment = {
            "PATH": os.environ["PATH"],
            "BENCH_KEY": key,
            "BENCH_STREAM": "true" if streamed else "false",
            "LD_LIBRARY_PATH": str(self.root / "usr/lib/x86_64-linux-gnu"),
        }
        load = ["-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s"]
        said = subprocess.run(
            [self.root / "usr/bin/wrk", *load, "-s", SCRIPT, f"{api}/chat/completions"],
            env=environment,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
        ).stdout
        return parsed(said, connections, seconds)
