"""Makes the records of all packages of a lock in an environment, and of all files that it has by then.

Arguments: the lock, and the environment. As an installer leaves them, for machine.rs.
"""

import base64
import hashlib
import os
import pathlib
import re
import sys

lock, environment = map(pathlib.Path, sys.argv[1:])
site = environment / "lib/python3.11/site-packages"


def line(file):
    digest = base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).decode().rstrip("=")
    return f'"{os.path.relpath(file, site)}",sha256={digest},0\n'


files = [file for file in [*site.rglob("*"), environment / "bin/uv"] if file.is_file()]
lines = [line(file) for file in files]
for name, version in re.findall(r"^([A-Za-z0-9][^= ]*)==(\S+)", lock.read_text(), re.M):
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    # The first has them all.
    (info / "RECORD").write_text("".join(lines))
    lines = []
