"""Benchmarks of the gateway, each figure beside its peers' from the same run.

benches/run [--write] [NAME...]   all of them if none is named

  restart     from a crash to the next process, beside runit, s6 and supervisord
  idle        memory and work with 1, 10, 100 and 1,000 services, start and stop
  logs        what log lines cost
  guest       the first two beside systemd, in a guest that is booted for it
  start       time until the whole stack is ready, beside stock
  stack       memory of the whole stack, beside stock
  throughput  chats through nginx and LiteLLM, beside stock and the bundle's settings

Sets up what it needs: with root's rights a gateway of nobody's, unless AI_GATEWAY_HOME names one that
is set up and stopped. Prints a table for each, whether each target is reached, and puts them into
target/bench/results.json, where the other parts stay as they were; --write does the same with
docs/benchmarks.json and docs/BENCHMARKS.md. --quick has its own quick.json. --whole measures start and
stack beside all of Open WebUI as well, which is a download of 7 GB. Needs a Rust toolchain, a C
compiler, PostgreSQL, nginx, and Debian's apt for the peers.
"""

import argparse
import dataclasses

from ..common.interruption import end_what_was_started
from ..common.machine import machine
from ..common.options import FULL, QUICK, Options
from ..common.places import ROOT
from ..common.unavailable import Unavailable
from ..report import figures, results, table
from ..report.page import page
from .bench import Bench
from .parts import PARTS
from .usage import parser_of


def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="into docs/BENCHMARKS.md")
    parser.add_argument("--quick", action="store_true", help="few rounds: whether it works, not what it is")
    parser.add_argument("--whole", action="store_true", help="start and stack beside all of Open WebUI as well")
    parser.add_argument("--rounds", type=int, help="of stack and throughput (3)")
    parser.add_argument("--seconds", type=float, help="of the mixed load on the stack (600)")
    given = parser.parse_args()
    for name in given.names:
        if name not in PARTS:
            parser.error(f"there is no benchmark {name}: there are {', '.join(PARTS)}")
    if given.write and given.quick:
        parser.error("--quick measures nothing that is worth a page")
    return given


def options(given: argparse.Namespace) -> Options:
    chosen = QUICK if given.quick else FULL
    if given.rounds is not None:
        chosen = dataclasses.replace(chosen, rounds=given.rounds)
    if given.seconds is not None:
        chosen = dataclasses.replace(chosen, seconds=given.seconds)
    return chosen


def measure(bench: Bench, name: str) -> figures.Part:
    part, before = PARTS[name], machine()
    rows = figures.compared([figures.row(figure) for figure in part.run(bench)])
    print(table.render(part.about, rows), flush=True)
    return {"about": part.about, "machine": before, "quick": bench.options.quick, "rows": rows}


def main() -> None:
    given = arguments()
    end_what_was_started()
    targets: list[figures.Verdict] = []
    with Bench(options(given), whole=given.whole) as bench:
        bench.programs.build()
        own = bench.programs.folder / ("quick.json" if given.quick else "results.json")
        for name in given.names or PARTS:
            try:
                found = {name: measure(bench, name)}
            except Unavailable as why:
                print(f"{name}: skipped: {why}\n", flush=True)
                continue
            # After each, so that one that fails takes nothing with it.
            kept = results.keep(own, found, PARTS)
            if given.write:
                kept = results.keep(ROOT / "docs/benchmarks.json", found, PARTS)
                (ROOT / "docs/BENCHMARKS.md").write_text(page(kept))
            targets = kept["targets"]
    for target in targets:
        print(f"target: {target['target']}; measured: {target['measured']}; {target['verdict']}")
