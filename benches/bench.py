"""What every benchmark has: programs, folders, and how services say that they run."""

import collections
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

import gateway
import peers

ROOT = pathlib.Path(__file__).resolve().parent.parent
WRK = ["wrk", "libluajit-5.1-2", "libluajit-5.1-common"]

# How much of each: restarts, numbers of services, seconds of rest, bytes of log, restarts in the
# guest, pairs of the stack and rounds of throughput, seconds of mixed load and at each point.
Options = collections.namedtuple(
    "Options", "quick kills counts rest_seconds log_bytes guest_kills guest_counts rounds seconds point_seconds")
FULL = Options(False, 300, [1, 10, 100, 1000], 10, 100_000_000, 100, [1, 10, 100], 3, 600, 10)
QUICK = Options(True, 3, [1, 10], 0.5, 1_000_000, 3, [1, 10], 1, 5, 4)


class Unavailable(Exception):
    """What a benchmark needs is not to be had here."""


class Bench:
    """One run. Its folder is gone with it."""

    def __init__(self, options, whole=False):
        self.options, self.whole = options, whole
        self.source = ROOT / "benches"
        self.target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        # Quick is what ./test does, which has built this already.
        self.release = not options.quick
        built = self.target / ("release" if self.release else "debug")
        self.supervise = built / "examples/supervise"
        self.gateway = built / "ai-gateway"
        self.service = self.target / "bench/service"
        self.nobody = self.target / "bench/nobody"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        # Supervisors' files in memory: what a disk is doing is not what is to be measured.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.supervisors_folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=memory))
        self.peers = None
        self.wrk = self.target / "bench/wrk/root"
        self.ours = None
        self.stacks = []
        self.beside = []
        self.supervisors = []
        self.env = {"PATH": os.environ["PATH"]}

    def build(self):
        subprocess.run(
            ["cargo", "build", *["--release"][:self.release], "--locked", "-q", "--bin", "ai-gateway",
             "--example", "supervise"], cwd=ROOT, check=True)
        self.service.parent.mkdir(parents=True, exist_ok=True)
        for program in (self.service, self.nobody):
            self.compile(program.name)
        self.peers = peers.fetch(self.target / "bench/peers")

    def compile(self, name):
        program = self.target / "bench" / name
        subprocess.run(["cc", "-O2", "-static", "-Wall", "-o", program, self.source / f"{name}.c"], check=True)

    def fetch_wrk(self):
        peers.fetch(self.wrk.parent, WRK)

    def gateway_of_run(self):
        """One for all parts of a run."""
        if self.ours is None:
            self.ours = self.keep(gateway.Gateway(self))
            self.ours.prepare()
        return self.ours

    def keep(self, stack):
        """Remembers to end it."""
        self.stacks.append(stack)
        return stack

    def supervisor(self, kind):
        """One of `peers`, with a line of its own on which its services speak."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="peer-", dir=self.supervisors_folder))
        supervisor = kind(self, folder / "home")
        supervisor.line = Line(folder / "fifo")
        self.env["BENCH_FIFO"] = str(folder / "fifo")
        self.supervisors.append(supervisor)
        return supervisor

    def clean(self):
        for one in self.supervisors + self.stacks:
            one.kill()
        for folder in (self.folder, self.supervisors_folder):
            shutil.rmtree(folder, ignore_errors=True)


class Line:
    """The FIFO on which services say when they began to run."""

    def __init__(self, path):
        os.mkfifo(path)
        # Open for writing as well, so that it never ends.
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLIN)
        self.rest = b""

    def next(self, seconds=60):
        """(pid, nanoseconds) of the next service that speaks."""
        until = time.monotonic() + seconds
        while b"\n" not in self.rest:
            if not self.poll.poll(max(0, until - time.monotonic()) * 1000):
                raise TimeoutError("no service says anything")
            self.rest += os.read(self.fd, 1 << 16)
        line, self.rest = self.rest.split(b"\n", 1)
        pid, moment = line.split()
        return int(pid), int(moment)

    def several(self, count):
        return [self.next() for _ in range(count)]


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
