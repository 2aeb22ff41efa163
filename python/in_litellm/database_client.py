"""LiteLLM's database client, for the modules that change something of it.

Callers: engine_environment.py, engine_patience.py, engine_socket.py.
"""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def change(how: Callable[..., None], what_for: str, *names: str) -> None:
    """Calls `how` with these of the client, `module` or `module:name`, if it has all of them.

    It may not be installed, or not be generated: LiteLLM says what it needs of it.
    """
    try:
        found = [pkgutil.resolve_name(name) for name in names]
    except Exception as error:  # noqa: BLE001 - whatever an import may raise
        print(f"WARNING: there is no database client {what_for}: {error!r}", flush=True)
    else:
        how(*found)
