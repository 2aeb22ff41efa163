"""A `config.yaml` of the user's own, with what the gateway decides put over it.

LiteLLM reads the user's file where it lies, so that its includes and the Python files beside it are found as ever.
When it has read the file and all includes, `merged` makes one configuration: what the gateway decides replaces what
the file says, what it only prefers counts where the file says nothing, and what would take a secret or the database
from the gateway is left out. src/services/litellm/configuration.rs writes these three lists and says of each key why.
gateway_app.py calls `have_server` before the server starts.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The file with the three lists. It is set where the user has a configuration.
VARIABLE = "AI_GATEWAY_LITELLM_OVERLAY"


def merged(theirs: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """The user's configuration with the gateway's.

    `overlay` has `decided` and `preferred`, which are shaped as a configuration, and `left_out`, lists of the names
    that lead to a key.
    """
    found = over(theirs, overlay["decided"])
    found = over(overlay["preferred"], found)
    for path in overlay["left_out"]:
        leave_out(found, path)
    return found


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, table by table; where both say something, the one above counts."""
    found = dict(below)
    for key, value in above.items():
        under = found.get(key)
        found[key] = over(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return found


def leave_out(configuration: dict[str, Any], path: Iterable[str]) -> None:
    """Without the key that these names lead to, if it is there. No table of the caller's changes."""
    *tables, last = path
    table = configuration
    for name in tables:
        inner = table.get(name)
        if not isinstance(inner, dict):
            return
        table[name] = dict(inner)
        table = table[name]
    table.pop(last, None)


def have_server() -> None:
    """Has LiteLLM's server take the merged configuration wherever it reads the user's."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    from litellm.proxy.proxy_server import ProxyConfig

    overlay = json.loads(Path(path).read_text())
    included = ProxyConfig._process_includes

    async def with_ours(self: ProxyConfig, config: dict[str, Any], config_file_path: str) -> dict[str, Any]:
        # An empty file says nothing, which LiteLLM itself would not take for a configuration.
        return merged(await included(self, config or {}, config_file_path), overlay)

    ProxyConfig._process_includes = with_ours
