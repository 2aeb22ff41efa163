"""profiles/measured.toml, which has what each service held at most in a machine of each profile's size.

All of it is pure but for `update`, which changes the file for `benches/working-sets --write`.
"""

import datetime
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from ..common.places import ROOT

FILE = ROOT / "profiles/measured.toml"
PROFILES = ("tiny", "small")
SERVICES = ("postgres", "litellm", "open-webui", "nginx")
HEAD = """\
# What each service held at most, in bytes: all memory but copies of files. Written by
# benches/working-sets; src/config/tests/working_sets.rs holds the profiles to it.
"""

# Bytes by service.
Needs = Mapping[str, int]


def needs(said: str, profile: str) -> Needs:
    """What the guest of a profile has said in its output."""
    lines = re.findall(rf"^# real, {profile}: (\S+) needs (\d+) bytes$", said, re.MULTILINE)
    found = {service: int(held) for service, held in lines if service in SERVICES}
    if set(found) != set(SERVICES):
        raise SystemExit(f"error: the guest of profile {profile} has not said what each service needs")
    return found


def text(known: Mapping[str, Any], day: datetime.date, seconds: int) -> str:
    """The file, from the needs of each profile."""
    lines = [HEAD, f'date = "{day}"', f"seconds = {seconds}"]
    for profile in PROFILES:
        lines += ["", f"[{profile}]", *(f"{service} = {known[profile][service]}" for service in SERVICES)]
    return "\n".join(lines) + "\n"


def update(found: Mapping[str, Needs], seconds: int) -> None:
    """Puts what was found in the place of what the file had of the same profiles."""
    known = tomllib.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(text({**known, **found}, datetime.date.today(), seconds))
