"""What it costs to take 100 MB of log lines from a service into rotated files.

In lines of 100 bytes, each written by itself. Ours, runit's and s6's put the time before each line,
supervisord does not. With a journal, a service's standard output is the journal's own socket and
the supervisor has no part in it: what journald then spends is spent under every supervisor that
logs there, and is not in these figures.
"""

import os
import signal
import socket
import threading
import time

import peers
import process


class OursToJournal(peers.Ours):
    """As a unit of systemd, with a journal that reads and forgets."""

    name = "ai-gateway, journal"

    def prepare(self, count, logged):
        self.journal = str(self.folder / "journal")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.journal)
        listener.listen(8)
        threading.Thread(target=self.accept, args=[listener], daemon=True).start()
        return super().prepare(count, logged)

    def accept(self, listener):
        while True:
            threading.Thread(target=self.drain, args=[listener.accept()[0]], daemon=True).start()

    def drain(self, stream):
        while stream.recv(1 << 18):
            pass


def run(bench):
    for kind in [peers.Ours, OursToJournal, peers.Runit, peers.S6, peers.Supervisord]:
        yield from one(bench, kind)


def one(bench, kind):
    bench.env["BENCH_BYTES"] = str(bench.options.log_bytes)
    supervisor = bench.supervisor(kind)
    supervisor.start(1, logged=True)
    (service, _), = supervisor.line.several(1)
    time.sleep(1)
    pids = supervisor.processes()
    before, began = process.cpu(pids), time.monotonic()
    os.kill(service, signal.SIGUSR1)
    supervisor.line.next()
    taken = time.monotonic() - began
    time.sleep(1)  # for what is still in the pipe
    cpu = process.cpu(pids) - before
    supervisor.stop()
    yield "CPU of supervisor and logger", kind.name, cpu, "s"
    yield "time until the service has written it all", kind.name, taken, "s"
