"""What each measure of the diet is worth: as the last of all, and alone.

benches/diet [--write] [--rounds N] [--kind last|alone] [--no-load] [--results FILE] [--program P] [MEASURE...]

Two copies of the service that a measure is for are started at the same time, and are asked in turns, so
that whatever else the machine does meets both alike: one with all measures but this and one with all,
then one without any measure and one with this alone. Names joined by `+` are taken together. `noise` is
two copies with all, and says what a difference has to exceed. What is compared is what the process itself
used: anonymous memory and processor time; and how long it took until it was ready. LiteLLM is asked
through a provider at a provider's pace, by 10 users at once; Open WebUI is asked for its page, and
documents are added to it and deleted again. `static_files` and `bytecode`, which are nginx's and set-up's,
are in all pairs but their own.

The copies are of a gateway that is set up for the run, as nobody's where root runs this (from the
program's packages, in some minutes), or of the one in AI_GATEWAY_HOME, which is set up and runs; that gets
no documents. Rows go to FILE as they are measured, one JSON object a line, and the table is made from all
that is in it; --write puts it into docs/diet.json and docs/diet.md, where measures that FILE has nothing
of stay as they were. Needs PostgreSQL, nginx and Node.js, and a program that is built:
target/release/ai-gateway.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..common.interruption import end_what_was_started
from ..common.machine import Machine, machine
from ..common.places import ROOT
from ..diet import measures, provider_process, savings, table
from ..diet.comparison import compare
from ..diet.original import Original
from .usage import parser_of

PAGE, FIGURES = ROOT / "docs/diet.md", ROOT / "docs/diet.json"


class Work(NamedTuple):
    """One pair that is to be compared."""

    measure: str
    kind: str
    taken: measures.Taken
    service: str
    flipped: bool
    """Whether the copy with the measure is the first of the two."""


def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/ai-gateway")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, help="where rows are added, one JSON object a line")
    parser.add_argument("--kind", choices=["alone", "last"], help="only one of the two pairs")
    parser.add_argument("--no-load", action="store_true", help="memory and the start alone")
    parser.add_argument("--write", action="store_true", help="into docs/diet.md")
    parser.add_argument("measures", metavar="MEASURE", nargs="*", help=", ".join(measures.SERVICES))
    given = parser.parse_args()
    for measure in given.measures:
        if not measures.is_known(measure):
            parser.error(f"there is no measure {measure}: there are {', '.join(measures.SERVICES)}")
    if not given.program.exists():
        parser.error(
            f"there is no {given.program}: cargo build --release --locked makes it, or --program names another"
        )
    return given


def work(rounds: int, chosen: Sequence[str], only: str | None) -> Iterator[Work]:
    """All pairs in the order of a run; `only` one of the two kinds, if it is named."""
    for turn in range(rounds):
        for measure in chosen or measures.SERVICES:
            for service in measures.services(measure):
                for kind, taken in measures.pairs(measure, service).items():
                    if only in (None, kind) or kind == "all":
                        # Which of the two begins makes no difference then.
                        yield Work(measure, kind, taken, service, flipped=turn % 2 == 1)


def pair(original: Original, one: Work, *, load: bool) -> savings.Pair:
    began = time.monotonic()
    without, with_it = one.taken
    if one.flipped:
        used, unused = compare(original, one.service, (with_it, without), load=load)
    else:
        unused, used = compare(original, one.service, (without, with_it), load=load)
    return {
        "measure": one.measure,
        "service": one.service,
        "kind": one.kind,
        "without": unused,
        "with": used,
        "seconds": round(time.monotonic() - began),
    }


def measure_all(given: argparse.Namespace, results: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with (
            provider_process.running() as port,
            Original(given.program, folder) as original,
            original.models(port),
        ):
            for one in work(given.rounds, given.measures, given.kind):
                row = json.dumps(pair(original, one, load=not given.no_load))
                print(row, file=sys.stderr, flush=True)
                with results.open("a") as file:
                    file.write(row + "\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(found: list[savings.Saving], run: Machine) -> None:
    before = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"runs": [], "rows": []}
    figures = savings.with_run(savings.Figures.from_json(before), run, found)
    FIGURES.write_text(savings.text(figures))
    PAGE.write_text(table.page(PAGE.read_text(), figures))


def main() -> None:
    given = arguments()
    end_what_was_started()
    before = machine()
    results = given.results or Path(tempfile.mkstemp(prefix="diet-", suffix=".jsonl")[1])
    measure_all(given, results)
    found = savings.summary(json.loads(line) for line in results.read_text().splitlines())
    print("What each measure saves: the median, and from the least to the most, of so many pairs.\n")
    print(table.table(found))
    print(f"rows: {results}")
    if given.write:
        write(found, before)
