"""This runs `provider` in a process of its own, so that its work counts neither as the copies' nor as ours.

`benches/diet` keeps it running during all comparisons.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from ..common.places import BENCHES, PACKAGE

# How many pieces each of its streams has, and how many of them come in a second.
PIECES, PACE = 100, 80


@contextlib.contextmanager
def running() -> Iterator[int]:
    """Gives its port."""
    module = f"{PACKAGE.name}.diet.provider"
    provider = subprocess.Popen(
        [sys.executable, "-B", "-m", module, str(PIECES), str(PACE)],
        cwd=BENCHES,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert provider.stdin and provider.stdout
    try:
        yield int(provider.stdout.readline())
    finally:
        provider.stdin.close()
        provider.wait()
        provider.stdout.close()
