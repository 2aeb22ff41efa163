"""The stacks of one run. They are set up when a part asks for the first of them, and ended with the run.

`commands.bench` makes this, and the parts ask it.
"""

from pathlib import Path

from ..common.programs import Programs
from ..report.figures import WHOLE
from . import stock_webui
from .contract import Stack
from .gateway import Gateway
from .stock import Stock


class Stacks:
    """`whole`: ours is compared with all of Open WebUI as well."""

    def __init__(self, programs: Programs, folder: Path, *, whole: bool) -> None:
        self.programs, self.folder, self.whole = programs, folder, whole
        self.gateway: Gateway | None = None
        self.compared: list[Stack] = []
        self.kept: list[Stack] = []

    def ours(self) -> Gateway:
        """One gateway for all parts of a run."""
        if self.gateway is None:
            self.gateway = Gateway(self.programs.gateway, self.folder)
            self.kept.append(self.gateway)
            self.gateway.prepare()
        return self.gateway

    def beside(self) -> list[Stack]:
        """Ours and stock's, and where it was asked for the one with all of Open WebUI: the same for all parts."""
        if not self.compared:
            ours = self.ours()
            compared: list[Stack] = [ours, self.keep(Stock(ours, self.folder))]
            if self.whole:
                venv = stock_webui.environment(ours)
                compared.append(self.keep(Stock(ours, self.folder, WHOLE, whole=venv)))
            self.compared = compared
        return self.compared

    def keep(self, stack: Stock) -> Stock:
        """Remembers to end it."""
        self.kept.append(stack)
        return stack

    def end(self) -> None:
        for stack in self.kept:
            stack.kill()
