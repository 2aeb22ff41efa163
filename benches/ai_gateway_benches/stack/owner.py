"""Who owns the services' processes and files, and where packages are kept. The stacks ask.

PostgreSQL refuses to run as root. So what root starts belongs to `nobody`, who has no home and to whom root's
home is closed.
"""

import os
import shutil
from pathlib import Path
from typing import TypedDict

NOBODY = 65534


class Identity(TypedDict, total=False):
    """Arguments of subprocess.Popen."""

    user: int
    group: int
    extra_groups: list[int]


def identity(home: Path) -> Identity:
    """Whose processes they are: those of the owner of the gateway's folder."""
    if os.geteuid() != 0:
        return {}
    owner = home.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def give(path: Path, home: Path) -> None:
    """Gives the owner of the gateway's folder what was made for it."""
    if os.geteuid() == 0:
        owner = home.stat()
        shutil.chown(path, owner.st_uid, owner.st_gid)


def give_to_nobody(*paths: Path) -> None:
    """Where root runs this."""
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, NOBODY, NOBODY)


def packages_cache() -> Path:
    """The packages' cache, which is kept from one run to the next, and which the tests have as well."""
    if os.geteuid() == 0:
        folder = Path("/var/cache/ai-gateway-test")
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ai-gateway-test"
    folder.mkdir(parents=True, exist_ok=True)
    give_to_nobody(folder)
    return folder
