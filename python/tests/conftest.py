"""What our modules do is looked at where they run: in a process of each service's own Python, on the locked wheels.

A test writes what that process does as a function, whose source is handed over: it sees its arguments, what it
imports itself and `Any`, and nothing of the file that it stands in. `./test python` names the interpreters.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # What becomes of an installed file.
    Change = Callable[[str], str]

PYTHON = Path(__file__).parent.parent

# Prints the name of each module's file that is watched, when it is executed.
WATCH = """
def watch(event, arguments, ends=tuple({watch!r})):
    path = getattr(arguments[0], "co_filename", "") if event == "exec" else ""
    if path.endswith(ends) and arguments[0].co_name == "<module>":
        print("executed", next(end for end in ends if path.endswith(end)))
sys.addaudithook(watch)
"""


class Service:
    """One service's Python with our modules beside it, as in its folder of rendered files."""

    def __init__(self, interpreter: Path, folder: Path, *modules: str) -> None:
        self.interpreter, self.folder, self.modules = interpreter, folder, modules
        [self.packages] = interpreter.parent.parent.glob("lib/python3*/site-packages")

    def run(
        self,
        script: Callable[..., Any],
        *arguments: Any,
        measures: str = "",
        first: Sequence[str] = ("diet",),
        files: Mapping[str, str] | None = None,
        changed: Mapping[str, Change] | None = None,
        only: Sequence[str] | None = None,
        watch: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        fails: bool = False,
    ) -> str:
        """What a new process prints that calls `script`: standard output, then standard error. "@" is our folder.

        `first` are those of our modules that it imports before, as they change what is imported after them.
        `files` are written into the folder, which comes first in the search for modules; `changed` are installed
        files of which there is an altered copy; of the installed packages there are all, or `only` these. It says
        when a file is executed whose path ends as one of `watch` does.
        """
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        for module in self.modules:
            for path in (PYTHON / module).glob("*.py"):
                (folder / path.name).symlink_to(path)
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        for name in only or ():
            if not (folder / name).exists():
                (folder / name).symlink_to(self.packages / name)
        for name, change in (changed or {}).items():
            self.change(folder, name, change)
        prelude = "import sys\nfrom typing import Any\nsys.path.insert(0, sys.argv[1])\n"
        prelude += WATCH.format(watch=list(watch)) if watch else ""
        prelude += "".join(f"import {module}\n" for module in first)
        source = textwrap.dedent(inspect.getsource(script))
        call = f"import json\n{script.__name__}(*json.loads(sys.argv[2]))"
        options = ["-I"] if only is None else ["-I", "-S"]
        done = subprocess.run(
            [self.interpreter, *options, "-c", f"{prelude}{source}\n{call}", str(folder), json.dumps(arguments)],
            cwd=folder,
            env={
                "AI_GATEWAY_DIET": measures,
                "HOME": str(folder),
                "PATH": os.environ["PATH"],
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            timeout=240,
        )
        said = done.stdout + done.stderr
        assert fails or done.returncode == 0, said
        return said.replace(str(folder), "@")

    def change(self, folder: Path, name: str, change: Change) -> None:
        """Puts an altered copy of an installed file before it, with links to all that is around it."""
        text = change((self.packages / name).read_text(encoding="utf-8"))
        installed, beside = self.packages, folder
        *parents, _ = name.split("/")
        for parent, below in zip(parents, name.split("/")[1:], strict=True):
            installed, beside = installed / parent, beside / parent
            link_all(installed, beside, below)
            compiled = beside / "__pycache__"
            if not compiled.exists() and (installed / "__pycache__").exists():
                link_all(installed / "__pycache__", compiled, "")
        for compiled in (beside / "__pycache__").glob(f"{Path(name).stem}.*"):
            compiled.unlink()
        (folder / name).write_text(text, encoding="utf-8")


def replaced(old: str, new: str) -> Change:
    """A change of one text by another, which has to be there."""

    def change(text: str) -> str:
        assert old in text, f"the installed file has no {old!r} any more"
        return text.replace(old, new)

    return change


def link_all(installed: Path, beside: Path, apart: str) -> None:
    """Links to all in a folder, but for one name, of which there will be something else."""
    beside.mkdir(exist_ok=True)
    (beside / apart).unlink() if (beside / apart).is_symlink() else None
    for entry in installed.iterdir():
        link = beside / entry.name
        if entry.name not in (apart, "__pycache__") and not link.exists():
            link.symlink_to(entry)


def interpreter(variable: str) -> Path:
    named = os.environ.get(variable)
    if not named:
        pytest.fail(f"{variable} is not set: run ./test python, which sets it")
    return Path(named)


@pytest.fixture
def litellm(tmp_path: Path) -> Service:
    return Service(interpreter("PYTHON_TEST_LITELLM"), tmp_path, "in_both", "in_litellm")


@pytest.fixture
def open_webui(tmp_path: Path) -> Service:
    return Service(interpreter("PYTHON_TEST_OPEN_WEBUI"), tmp_path, "in_both", "in_open_webui")


@pytest.fixture(params=["litellm", "open_webui"])
def service(request: pytest.FixtureRequest) -> Service:
    """Each of them."""
    found: Service = request.getfixturevalue(request.param)
    return found
