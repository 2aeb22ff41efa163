"""The list of the supervisors, and of the packages that the peers come in.

The parts in the room `supervisor` go through it, and so does the test of a quick run.
"""

from .ours import Ours
from .runit import Runit
from .s6 import S6
from .supervisord import Supervisord
from .tree import Supervisor

PACKAGES = [
    "runit",
    "s6",
    "libs6-2.11",
    "libskarnet2.13",
    "libexecline2.9",
    "supervisor",
    "python3-pkg-resources",
]
ALL: list[type[Supervisor]] = [Ours, Runit, S6, Supervisord]
