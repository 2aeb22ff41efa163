"""Which variables the locked Open WebUI reads: src/services/open_webui/known_variables.txt, by which a name that it
does not know is refused. UPDATE_GENERATED=1 writes the file anew.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Service

KNOWN = Path(__file__).parent.parent.parent / "src/services/open_webui/known_variables.txt"
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# By these Open WebUI reads its environment.
READERS = {"os.getenv", "os.environ.get", "_int_env"}


def read_by(tree: ast.AST) -> Iterator[str]:
    """The names of the variables that this piece of Python reads."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if ast.unparse(function) in READERS:
                yield name
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))) if ast.unparse(value) == "os.environ":
                yield name


def names_in(expression: ast.expr) -> set[str]:
    """The names that it uses."""
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


def seeds(config: ast.Module) -> set[str]:
    """Those whose value is only the first one of a setting, which is kept in the database afterwards."""
    # By the names of the module: the variables that it reads for them, and the other names that these are made of.
    assigned: dict[str, set[str]] = {}
    made_of: dict[str, set[str]] = {}
    defaults: ast.Dict | None = None
    for statement in ast.walk(config):
        match statement:
            case ast.Assign(targets=[ast.Name(id="DEFAULT_CONFIG")], value=ast.Dict() as defaults):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                assigned.setdefault(name, set()).update(read_by(value))
                made_of.setdefault(name, set()).update(names_in(value))
    assert defaults is not None
    keys = [key.value for key in defaults.keys if isinstance(key, ast.Constant)]
    # What belongs to OAuth is kept only with ENABLE_OAUTH_PERSISTENT_CONFIG, which is off.
    kept = [value for key, value in zip(keys, defaults.values, strict=True) if not str(key).startswith("oauth.")]
    todo = [name for value in kept for name in names_in(value)]
    names: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in names:
            names.add(name)
            todo.extend(made_of.get(name, ()))
    return {variable for name in names for variable in assigned.get(name, ())}


def test_the_list_of_variables_is_that_of_the_locked_open_webui(open_webui: Service) -> None:
    package = open_webui.packages / "open_webui"
    trees = {path: ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}
    names = {name for tree in trees.values() for name in read_by(tree) if NAME.fullmatch(name)}
    first = seeds(trees[package / "config.py"])
    lines = [f"{name} seeds" if name in first else name for name in sorted(names)]
    found = "".join(f"{line}\n" for line in lines)
    assert len(names) > 500
    assert len(first) > 100
    if os.environ.get("UPDATE_GENERATED"):
        KNOWN.write_text(found)
    assert KNOWN.read_text() == found, "UPDATE_GENERATED=1 ./test python -- python/tests/test_open_webui_variables.py"
