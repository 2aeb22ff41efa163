"""Beside systemd itself: restart, start and memory, in a guest.

Debian 12 under User-Mode Linux, one CPU, where processes are slow to make; only the two columns are to
be compared. Both as a user's: units of `systemd --user` with Restart=always and RestartSec=0, and our
daemon as one of its units with Delegate=yes, services in cgroups and output to the journal under
both. The memory is that of the manager, which does other things as well.
"""

import shutil
import subprocess

from bench import ROOT, Unavailable, percentile
from table import OURS

SYSTEMD = "systemd"
SECONDS = 1200


def run(bench):
    found = {}
    for line in boot(bench):
        kind, who, count, value = line.split()
        found.setdefault((kind, who, int(count)), []).append(int(value))
    for count in bench.options.guest_counts:
        of = f"{count} services" if count > 1 else "1 service"
        for what, kind, divisor, unit in [("start → the last one runs", "started", 1e9, "s"),
                                          ("PSS", "pss", 1e3, "MB")]:
            for who in (OURS, SYSTEMD):
                (value,) = found[kind, who, count]
                yield f"{of}: {what}", who, value / divisor, unit
    for what, share in [("SIGKILL → successor runs, median", 0.5), ("the same, 99th percentile", 0.99)]:
        for who in (OURS, SYSTEMD):
            yield what, who, percentile(found["killed", who, 1], share) / 1e6, "ms"


def boot(bench):
    """What the guest says, line by line."""
    bench.compile("measure")
    share = bench.folder / "share"
    share.mkdir()
    for program in (bench.supervise, bench.service, bench.target / "bench/measure"):
        shutil.copy(program, share)
    subprocess.run(["strip", share / "supervise"], check=True)
    counts = ",".join(map(str, bench.options.guest_counts))
    guest = subprocess.Popen(
        [ROOT / "tests/guest/boot", "--share", share, bench.source / "guest.sh", counts,
         str(bench.options.guest_kills)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        said, _ = guest.communicate(timeout=SECONDS)
    finally:
        # It takes its machine with it.
        guest.terminate()
        guest.wait()
    if guest.returncode == 125:
        raise Unavailable("no guest can be booted here; why is above")
    lines = [line for line in said.splitlines() if line.startswith(("started ", "pss ", "killed "))]
    if guest.returncode or not lines:
        raise SystemExit(f"the guest ended with {guest.returncode}:\n{said[-3000:]}")
    return lines
