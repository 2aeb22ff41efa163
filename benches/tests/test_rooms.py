"""The rooms of the package import in one direction, and no function is too long."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from ai_gateway_benches.common.places import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Which rooms each may use beside itself.
BELOW = {
    "common": set[str](),
    "report": {"common"},
    "peers": {"common"},
    "supervisor": {"peers", "report", "common"},
    "stack": {"report", "common"},
    "diet": {"stack", "common"},
    "working_sets": {"common"},
    "commands": {"supervisor", "stack", "diet", "working_sets", "peers", "report", "common"},
}
MODULES = sorted(path for path in PACKAGE.glob("*/*.py"))
# As ./test lints has it for Rust.
LINES = 60


def imported_rooms(module: Path) -> Iterator[str]:
    """Those of the imports from the folder above, which is how one room names another."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            assert node.module, f"{module} imports the whole package"
            yield node.module.partition(".")[0]


def test_each_folder_is_a_room() -> None:
    assert {path.parent.name for path in MODULES} == BELOW.keys()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_module_uses_only_rooms_below_its_own(module: Path) -> None:
    assert set(imported_rooms(module)) <= BELOW[module.parent.name]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_function_is_too_long(module: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.FunctionDef)]
    long = [one.name for one in functions if one.end_lineno and one.end_lineno - one.lineno >= LINES]
    assert long == []
