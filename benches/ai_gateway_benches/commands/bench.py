"""One run of `benches/run`: its programs, its folder, its supervisors and its stacks.

Programs are built at its beginning. Supervisors and stacks are made when the first part asks for one; what
was made is ended with the run, and the folder goes with it.
"""

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Self

from ..common.options import Options
from ..common.programs import Programs
from ..peers.supervisors import Supervisors
from ..stack.stacks import Stacks


class Bench:
    def __init__(self, options: Options, *, whole: bool) -> None:
        self.options = options
        # Quick is what ./test does, which has built the program for its tests already.
        self.programs = Programs(release=not options.quick)
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.stacks = Stacks(self.programs, self.folder, whole=whole)

    @functools.cached_property
    def supervisors(self) -> Supervisors:
        return Supervisors(self.programs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "supervisors" in vars(self):
            self.supervisors.end()
        self.stacks.end()
        shutil.rmtree(self.folder, ignore_errors=True)
