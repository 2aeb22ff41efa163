"""The supervisors: how each is fetched, started with N services alike, and stopped.

The peers are Debian's packages, unpacked into a folder and never installed: some of them would
want to be this machine's init.
"""

import os
import shutil
import signal
import subprocess

import process

PACKAGES = [
    "runit", "s6", "libs6-2.11", "libskarnet2.13", "libexecline2.9",
    "supervisor", "python3-pkg-resources",
]
LOG_BYTES = 8 << 20  # each rotates its logs at the size at which ours does


def fetch(folder, packages=PACKAGES):
    """Downloads and unpacks them, unless that was done before."""
    root = folder / "root"
    if not root.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        download(folder, packages)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, folder / "unpacked"], check=True)
        (folder / "unpacked").rename(root)
    return root


def download(folder, packages):
    command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", *packages]
    if subprocess.run(command, cwd=folder, stderr=subprocess.DEVNULL).returncode:
        # Its lists may name versions that are there no more, and only root may renew them.
        if os.geteuid() == 0:
            subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(command, cwd=folder, check=True)


class Supervisor:
    """A tree of processes that keeps services running."""

    name = ""
    slow = False  # whether it waits a second before each restart, by design

    def __init__(self, bench, folder):
        self.bench = bench
        self.folder = folder
        self.child = None
        folder.mkdir(parents=True)

    def start(self, count, logged=False):
        """Starts `count` services; `logged`: what they write is to go to files."""
        command, env = self.prepare(count, logged)
        self.child = subprocess.Popen(
            command, env={**self.bench.env, **env}, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def processes(self):
        """All processes of the supervisor itself, the services left out."""
        tree = [self.child.pid, *process.descendants(self.child.pid)]
        return [pid for pid in tree if process.name(pid) not in ("", self.bench.service.name)]

    def stop(self):
        """Asks for the end of everything and waits for it."""
        tree = [os.pidfd_open(pid) for pid in process.descendants(self.child.pid)]
        self.ask_to_end()
        self.child.wait()
        for pidfd in tree:
            process.wait(pidfd)

    def ask_to_end(self):
        self.child.terminate()

    def kill(self):
        """Ends what is still there, whatever it is."""
        if self.child and self.child.poll() is None:
            tree = process.descendants(self.child.pid)
            for pid in [self.child.pid, *tree]:
                os.kill(pid, signal.SIGKILL)
            self.child.wait()

    def root(self, path):
        return str(self.bench.peers / path)

    def service_folders(self, count, logger):
        """`NAME/run` as runit and s6 want it, the program itself: not even a shell before it."""
        for number in range(1, count + 1):
            folder = self.folder / "services" / f"s{number}"
            folder.mkdir(parents=True)
            (folder / "run").symlink_to(self.bench.service)
            if logger:
                (folder / "log" / "main").mkdir(parents=True)
                run = folder / "log" / "run"
                run.write_text(f"#!/bin/sh\nexec {logger}\n")
                run.chmod(0o755)
        return folder


class Ours(Supervisor):
    name = "ai-gateway"
    journal = "-"

    def prepare(self, count, logged):
        return [self.bench.supervise, self.folder, str(count), self.journal, self.bench.service], {}


class Nobody(Supervisor):
    """What the kernel takes, see nobody.c."""

    name = "nobody"

    def prepare(self, count, logged):
        return [self.bench.nobody, self.bench.service], {}

    def ask_to_end(self):
        services = process.descendants(self.child.pid)
        self.child.kill()
        for pid in services:
            os.kill(pid, signal.SIGKILL)


class Runit(Supervisor):
    name = "runit"

    def prepare(self, count, logged):
        folder = self.service_folders(count, logged and f"{self.root('usr/bin/svlogd')} -tt main")
        if logged:
            (folder / "log" / "main" / "config").write_text(f"s{LOG_BYTES}\nn2\n")
        path = self.root("usr/bin") + ":" + os.environ["PATH"]
        return [self.root("usr/bin/runsvdir"), self.folder / "services"], {"PATH": path}

    def ask_to_end(self):
        self.child.send_signal(signal.SIGHUP)


class S6(Supervisor):
    """By a shell in place of s6-svscan, which knows its helpers by the place of an installed one."""

    name = "s6"
    slow = True
    script = """
      for service in services/*; do
        if [ -d "$service/log" ]; then
          { s6-supervise "$service" | s6-supervise "$service/log"; } &
        else
          s6-supervise "$service" &
        fi
      done
      wait"""

    def prepare(self, count, logged):
        self.service_folders(count, logged and f"{self.root('usr/bin/s6-log')} T n1 s{LOG_BYTES} ./main")
        env = {
            "PATH": self.root("usr/bin") + ":" + os.environ["PATH"],
            "LD_LIBRARY_PATH": self.root("usr/lib/x86_64-linux-gnu"),
        }
        return ["/bin/sh", "-c", self.script], env

    def processes(self):
        return [pid for pid in super().processes() if process.name(pid).startswith("s6-")]

    def ask_to_end(self):
        for pid in self.processes():
            if process.name(pid) == "s6-supervise":
                os.kill(pid, signal.SIGTERM)


class Supervisord(Supervisor):
    name = "supervisord"
    slow = True

    def prepare(self, count, logged):
        config = [f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n"
                  f"pidfile={self.folder}/pid\nminfds=8192"]
        for number in range(1, count + 1):
            log = self.folder / f"s{number}.log" if logged else "NONE"
            config.append(
                f"[program:s{number}]\ncommand={self.bench.service}\nautorestart=true\nstartsecs=0\n"
                f"stdout_logfile={log}\nstdout_logfile_maxbytes={LOG_BYTES}\n"
                f"stdout_logfile_backups=1\nstderr_logfile=NONE")
        (self.folder / "config").write_text("\n".join(config) + "\n")
        python = ["/usr/bin/python3", self.root("usr/bin/supervisord")]
        packages = self.root("usr/lib/python3/dist-packages")
        return [*python, "-c", self.folder / "config"], {"PYTHONPATH": packages}


ALL = [Ours, Runit, S6, Supervisord]
