"""This boots a machine of each profile's size with the packaged program, and has work done in it.

`benches/working-sets` calls it. What is done in the machines is in tests/guest.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from ..common.places import ROOT, target_folder
from .measured import Needs, needs

# The guest of tests/guest that has each profile.
GUESTS = {"tiny": "real-user", "small": "real-small"}


def measure(profiles: Sequence[str], seconds: int) -> dict[str, Needs]:
    subprocess.run(["cargo", "build", "-q", "--locked", "--example", "light-gateway"], cwd=ROOT, check=True)
    light = target_folder() / "debug/examples/light-gateway"
    with tempfile.TemporaryDirectory() as packages:
        subprocess.run(["packaging/build", "deb", "--output", packages], cwd=ROOT, check=True, stdout=sys.stderr)
        said = subprocess.run(
            ["tests/guest/run", light, packages, *(GUESTS[profile] for profile in profiles)],
            cwd=ROOT,
            env={**os.environ, "SOAK_SECONDS": str(seconds)},
            stdout=subprocess.PIPE,
            text=True,
        )
    print(said.stdout, end="", file=sys.stderr)
    if said.returncode or "skipped -" in said.stdout:
        raise SystemExit("error: not every check in the guests held; what was measured does not count")
    return {profile: needs(said.stdout, profile) for profile in profiles}
