"""The part `guest`: our supervisor beside systemd, in a machine that is booted for it. `benches/run` calls it.

In that machine, where there is no Python, `guest.sh` runs and `measure.c` starts and kills services.
"""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..common.options import Options
from ..common.percentiles import percentile
from ..common.places import ROOT
from ..common.programs import Programs
from ..common.unavailable import Unavailable
from ..peers.supervisors import SERVICE
from ..report.figures import OURS, Figure

ABOUT = """Beside systemd itself: restart, start and memory, in a guest.

Debian 12 under User-Mode Linux, one CPU, where processes are slow to make; only the two columns are to
be compared. Both as a user's: units of `systemd --user` with Restart=always and RestartSec=0, and our
daemon as one of its units with Delegate=yes, services in cgroups and output to the journal under
both. The memory is that of the manager, which does other things as well.
"""

HERE = Path(__file__).resolve().parent
SYSTEMD = "systemd"
SECONDS = 1200
KINDS = ("started", "pss", "killed")


def run(programs: Programs, folder: Path, options: Options) -> Iterator[Figure]:
    yield from figures(boot(programs, folder, options), options.guest_counts)


def figures(said: Iterable[str], counts: Iterable[int]) -> Iterator[Figure]:
    """What the lines of guest.sh say, which have a kind, who, how many services, and the value. Pure."""
    found: dict[tuple[str, str, int], list[int]] = {}
    for line in said:
        kind, who, services, value = line.split()
        found.setdefault((kind, who, int(services)), []).append(int(value))
    for count in counts:
        of = f"{count} services" if count > 1 else "1 service"
        for who in (OURS, SYSTEMD):
            [nanoseconds] = found["started", who, count]
            yield Figure(f"{of}: start → the last one runs", who, nanoseconds / 1e9, "s")
        for who in (OURS, SYSTEMD):
            [kilobytes] = found["pss", who, count]
            yield Figure(f"{of}: PSS", who, kilobytes / 1e3, "MB")
    for what, share in [("SIGKILL → successor runs, median", 0.5), ("the same, 99th percentile", 0.99)]:
        for who in (OURS, SYSTEMD):
            yield Figure(what, who, percentile(found["killed", who, 1], share) / 1e6, "ms")


def boot(programs: Programs, folder: Path, options: Options) -> list[str]:
    """What the guest says of its measurements, line by line."""
    share = folder / "share"
    share.mkdir()
    for program in (programs.supervise, programs.compile(SERVICE), programs.compile(HERE / "measure.c")):
        shutil.copy(program, share)
    subprocess.run(["strip", share / "supervise"], check=True)
    counts = ",".join(map(str, options.guest_counts))
    script: list[str | Path] = [HERE / "guest.sh", counts, str(options.guest_kills)]
    guest = subprocess.Popen(
        [ROOT / "tests/guest/boot", "--share", share, *script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said, _ = guest.communicate(timeout=SECONDS)
    finally:
        # It takes its machine with it.
        guest.terminate()
        guest.wait()
    if guest.returncode == 125:
        raise Unavailable("no guest can be booted here; why is above")
    lines = [line for line in said.splitlines() if line.startswith(tuple(f"{kind} " for kind in KINDS))]
    if guest.returncode or not lines:
        raise SystemExit(f"the guest ended with {guest.returncode}:\n{said[-3000:]}")
    return lines
