"""Packages of Debian's that are downloaded and unpacked into a folder, and never installed.

For the room of the peers, and for wrk.
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
