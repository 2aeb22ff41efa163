"""The programs that are measured, or that measure, built by Cargo or by the C compiler.

`commands.bench` makes one for each run, and builds with it before any part measures.
"""

import subprocess
from pathlib import Path

from .places import ROOT, target_folder


class Programs:
    def __init__(self, *, release: bool) -> None:
        self.release = release
        built = target_folder() / ("release" if release else "debug")
        self.supervise = built / "examples/supervise"
        self.gateway = built / "ai-gateway"
        # What the benchmarks make for themselves, kept from one run to the next.
        self.folder = target_folder() / "bench"

    def build(self) -> None:
        """The gateway, and its supervisor with the services that a benchmark wants."""
        profile = ["--release"] if self.release else []
        what = ["--bin", "ai-gateway", "--example", "supervise"]
        subprocess.run(["cargo", "build", *profile, "--locked", "-q", *what], cwd=ROOT, check=True)

    def compile(self, source: Path) -> Path:
        """The program that is made of one file of C."""
        self.folder.mkdir(parents=True, exist_ok=True)
        program = self.folder / source.stem
        subprocess.run(["cc", "-O2", "-static", "-Wall", "-o", program, source], check=True)
        return program
