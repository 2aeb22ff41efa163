"""This downloads packages of Debian and unpacks them into a folder. It never installs them.

`peers.supervisors` gets the other supervisors in this way, and `stack.wrk` gets wrk.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


def fetch(folder: Path, packages: Sequence[str]) -> Path:
    """Downloads and unpacks them, unless that was done before. The folder that has their files as `/` would."""
    root = folder / "root"
    if not root.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        download(folder, packages)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, folder / "unpacked"], check=True)
        (folder / "unpacked").rename(root)
    return root


def download(folder: Path, packages: Sequence[str]) -> None:
    command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", *packages]
    if subprocess.run(command, cwd=folder, stderr=subprocess.DEVNULL).returncode:
        # Its lists may name versions that are there no more, and only root may renew them.
        if os.geteuid() == 0:
            subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(command, cwd=folder, check=True)
