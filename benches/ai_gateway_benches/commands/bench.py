"""Everything that one run of `benches/run` has: its programs, its folder, its supervisors and its stacks.

`run` makes one and enters it. The supervisors and the stacks are made when the first part asks for one. When
the run is over, everything that was made is ended, and the folder is removed.
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
