"""What each service needs at most under the profiles tiny and small, measured in booted machines.

benches/working-sets [--write] [--seconds N] [PROFILE...]

Boots a machine of each profile's size (tests/guest), with the packaged program and the four real
services, asks everything of it that people ask, for 10 minutes unless told otherwise, and prints how
much memory each service held at most. --write puts that into profiles/measured.toml, from which
`UPDATE_GENERATED=1 cargo test working_sets` makes docs/profiles.md. Needs root and what the tests in
guests need.
"""

import argparse

from ..working_sets import guests, measured
from .usage import parser_of


def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--write", action="store_true", help="into profiles/measured.toml")
    parser.add_argument("--seconds", type=int, default=600, help="of work in each machine")
    parser.add_argument("profiles", metavar="PROFILE", nargs="*", help=", ".join(measured.PROFILES))
    given = parser.parse_args()
    for profile in given.profiles:
        if profile not in measured.PROFILES:
            parser.error(f"there is no machine for {profile}: there are {', '.join(measured.PROFILES)}")
    return given


def main() -> None:
    given = arguments()
    found = guests.measure(given.profiles or measured.PROFILES, given.seconds)
    for profile, services in found.items():
        for service, held in services.items():
            print(f"{profile}: {service} needs {held / 1e6:.0f} MB")
    if given.write:
        measured.update(found, given.seconds)
