"""Packages and modules that are imported when somebody asks for them."""

import pytest
from conftest import Service, replaced

FIRST = ["diet", "diet_imports"]

# Every kind of line that a package may have which only passes names on, for the rules of reading it.
PASSES_ON = {
    "mcp/__init__.py": '''"""The package."""
from __future__ import annotations
from mcp_types import Role
from mcp_types import Role as SamplingRole
from . import types as types
from .client.client import (
    Client as Client,
    Error as ClientError,
)
from .shared.auth import Token
__all__ = ['Client', 'ClientError', 'Role', 'SamplingRole', 'Token', 'types']
''',
    "mcp/client/__init__.py": '"""The client."""\nfrom mcp.client.client import Client\n',
    "mcp/client/client.py": "class Client: pass\nclass Error: pass\n",
    "mcp/shared/__init__.py": "from .deep import Shared as Shared\n",
    "mcp/shared/deep.py": "class Shared: pass\n",
    "mcp/shared/auth.py": "class Token: pass\n",
    "mcp/types/__init__.py": (
        "from mcp_types import *\nfrom mcp_types import __all__ as __all__\nfrom . import methods as methods\n"
    ),
    "mcp/types/methods.py": "",
    "mcp_types/__init__.py": "class Role: pass\nsecret = 1\n__all__ = ['Role']\n",
}
CLIENT, DEEP, AUTH = "mcp/client/client.py", "mcp/shared/deep.py", "mcp/shared/auth.py"
TYPES, METHODS = "mcp_types/__init__.py", "mcp/types/methods.py"


def passing_on(service: Service, ask: str, measures: str, package: str = "") -> tuple[list[str], str]:
    """What is executed when `ask` is, and what is said besides."""

    def start(ask: str) -> None:
        exec(ask, {})
        print("end")

    files = {**PASSES_ON, "mcp/__init__.py": PASSES_ON["mcp/__init__.py"] + package}
    said = service.run(
        start, ask, first=FIRST, measures=measures, files=files, only=[], watch=[CLIENT, DEEP, AUTH, TYPES, METHODS]
    ).splitlines()
    executed = [line.removeprefix("executed ") for line in said if line.startswith("executed ")]
    return executed, "\n".join(line for line in said if not line.startswith("executed "))


@pytest.mark.parametrize(
    ("ask", "executed"),
    [
        ("import mcp", []),
        ("from mcp.shared import Shared; assert Shared.__name__ == 'Shared'", [DEEP]),
        ("from mcp.shared.auth import Token", [AUTH]),
        ("import mcp; assert mcp.ClientError.__name__ == 'Error'", [CLIENT]),
        ("import mcp; assert mcp.shared.auth.Token", [AUTH]),
        (
            "import mcp; assert mcp.Client is mcp.client.Client is mcp.client.client.Client",
            [CLIENT],
        ),
        ("from mcp import Role, SamplingRole; assert Role is SamplingRole", [TYPES]),
        ("import mcp.types as t; assert t.Role and t.__all__ == ['Role'] and not hasattr(t, 'secret')", [TYPES]),
        ("import mcp; assert mcp.types.methods.__name__ == 'mcp.types.methods'", [TYPES, METHODS]),
        ("from mcp import *; Client, Role, SamplingRole, Token, types.Role", [CLIENT, TYPES, AUTH]),
        ("import mcp; assert {'Client', 'shared', 'types'} <= set(dir(mcp))", []),
        ("import mcp; assert not hasattr(mcp, 'absent') and not hasattr(mcp, '__wrapped__')", []),
        ("import mcp.client; assert mcp.client.__doc__ == 'The client.'", []),
        ("import mcp, pickle; pickle.loads(pickle.dumps(mcp.Client()))", [CLIENT]),
    ],
)
def test_a_package_that_passes_names_on_imports_what_is_asked_for(
    litellm: Service, ask: str, executed: list[str]
) -> None:
    assert passing_on(litellm, ask, "lazy_modules") == (executed, "end")
    usual, said = passing_on(litellm, ask, "")
    assert said == "end" and {TYPES, CLIENT, AUTH} <= set(usual)


@pytest.mark.parametrize(
    "more",
    [
        "print('more')\n",
        "import json\n",
        "size = len('a')\n",
        "from .client import *\n",
        "from .client.client import Client as shared\n",
        "from ..mcp.client.client import Client as Again\n",
    ],
)
def test_a_package_that_does_more_is_imported_as_ever_with_a_warning(litellm: Service, more: str) -> None:
    # A package cannot go up from where it is; that it is not understood is what is looked at.
    ask = "try: import mcp\nexcept ImportError: pass"
    executed, said = passing_on(litellm, ask, "lazy_modules", more)
    assert {TYPES, CLIENT, AUTH} <= set(executed)
    assert "WARNING: the diet's lazy_modules is skipped: @/mcp/__init__.py is not laid out as it was" in said


def test_the_installed_packages_pass_on_all_of_their_names(service: Service) -> None:
    def start() -> None:
        import hashlib
        import importlib

        import diet

        def name_of(value: object) -> str:
            return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', repr(value))}"

        for name in ("mcp", "mcp.client", "mcp.server", "mcp.types", "mcp.shared"):
            package = importlib.import_module(name)
            names = sorted(getattr(package, "__all__", None) or [])
            values = [getattr(package, name) for name in names]
            found = [f"{getattr(value, '__module__', '')}.{type(value).__name__}" for value in values]
            print(name, len(found), hashlib.sha256(repr(list(zip(names, found, strict=True))).encode()).hexdigest())
        assert not diet.SKIPPED

    usual = service.run(start, first=FIRST)
    assert len(usual.splitlines()) == 5
    assert service.run(start, first=FIRST, measures="lazy_modules") == usual


def test_the_installed_packages_come_late(service: Service) -> None:
    def start() -> None:
        import mcp

        print("later")
        assert mcp.Tool is mcp.types.Tool

    types = "mcp_types/__init__.py"
    assert service.run(start, first=FIRST, watch=[types]) == f"executed {types}\nlater\n"
    assert service.run(start, first=FIRST, measures="lazy_modules", watch=[types]) == f"later\nexecuted {types}\n"


def test_audio_is_imported_when_it_is_asked_for(service: Service) -> None:
    def start() -> None:
        import soundfile

        print("imported")
        assert "FLAC" in soundfile.available_formats()

    file = "/soundfile.py"
    assert service.run(start, first=FIRST, watch=[file]) == f"executed {file}\nimported\n"
    assert service.run(start, first=FIRST, measures="lazy_audio", watch=[file]) == f"imported\nexecuted {file}\n"


# Each way to ask for the command line of httpx, in a process that has not asked for it yet.
WAYS = [
    "print(type(httpx.main).__name__, httpx.main.__module__, httpx.main.name)",
    "from httpx import main; print(main.name, main is httpx.main)",
    "from httpx import *; print(main.name, get.__module__)",
    "import httpx._main; print(httpx._main.main is httpx.main, httpx.main.__module__)",
    "print(httpx._main.main is httpx.main, httpx.main.__module__)",
    "print(vars(httpx)['main'].name, type(httpx).__name__)",
    "print('main' in dir(httpx), '_main' in dir(httpx), hasattr(httpx, 'absent'))",
    "import unittest.mock\nwith unittest.mock.patch('httpx.main', 1): print(httpx.main)\nprint(httpx.main.name)",
]
COMMAND_LINE = "httpx/_main.py"


def httpx(service: Service, ask: str, measures: str, **options) -> str:
    def start(ask: str) -> None:
        import httpx

        print("imported")
        exec(ask, {"httpx": httpx})

    return service.run(start, ask, first=FIRST, measures=measures, watch=[COMMAND_LINE], **options)


@pytest.mark.parametrize("way", WAYS)
def test_a_command_line_is_imported_when_it_is_asked_for_and_is_the_same(service: Service, way: str) -> None:
    executed = f"executed {COMMAND_LINE}\n"
    usual = httpx(service, way, "")
    assert usual.startswith(f"{executed}imported\n")
    assert httpx(service, way, "lazy_modules") == usual.replace(f"{executed}imported\n", f"imported\n{executed}")


@pytest.mark.parametrize("measures", ["", "lazy_modules"])
def test_a_command_line_that_lacks_a_package_is_what_it_would_be(service: Service, measures: str) -> None:
    without_rich = ["httpx", "httpcore", "anyio", "h11", "idna", "certifi", "typing_extensions.py", "click", "pygments"]
    way = "print(type(httpx.main).__name__, httpx.main.__module__)"
    said = httpx(service, way, measures, only=without_rich)
    assert said.splitlines()[-2:] == ["imported", "function httpx"]


def test_an_httpx_that_imports_its_command_line_in_another_way_is_left_alone_with_a_warning(service: Service) -> None:
    changed = {"httpx/__init__.py": replaced("from ._main import main\n", "from ._main import main as main\n")}
    said = httpx(service, WAYS[0], "lazy_modules", changed=changed)
    assert said.startswith(f"executed {COMMAND_LINE}\nimported\n")
    assert "WARNING: the diet's lazy_modules is skipped: @/httpx/__init__.py is not laid out as it was" in said
