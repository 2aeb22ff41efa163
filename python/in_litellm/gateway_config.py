"""A `config.yaml` of the user's own, with what the gateway decides put over it.

LiteLLM is told where the user's file lies, so that Python files beside it are found as ever. What it reads are the
texts that the gateway has checked: a file that was changed since counts from the next reload on, and what was never
checked is never read. When the file and all includes are read, `merged` makes one configuration: what the gateway
decides replaces what the files say, what it only prefers counts where they say nothing, and what would take a secret
or the database from the gateway is left out. src/services/litellm/configuration.rs writes the texts and the lists and
says of each key why. gateway_app.py calls `have_server` before the server starts.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The file with the three lists. It is set where the user has a configuration.
VARIABLE = "AI_GATEWAY_LITELLM_OVERLAY"


def merged(theirs: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """The user's configuration with the gateway's.

    `overlay` has `decided` and `preferred`, which are shaped as a configuration, `left_out`, lists of the names that
    lead to a key, and `variables`, by whole `names` and by `prefixes`, which no file may set.
    """
    found = over(theirs, overlay["decided"])
    found = over(overlay["preferred"], found)
    for path in overlay["left_out"]:
        leave_out(found, path)
    variables = found.get("environment_variables")
    if isinstance(variables, dict):
        names, prefixes = overlay["variables"]["names"], tuple(overlay["variables"]["prefixes"])
        found["environment_variables"] = {
            name: value for name, value in variables.items() if name not in names and not name.startswith(prefixes)
        }
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
    """Has LiteLLM's server read the texts that were checked, and take the merged configuration of them.

    It ends the process where the file is gone: LiteLLM would go on without any configuration, and without a budget.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    import yaml
    from litellm.proxy import proxy_server
    from litellm.proxy.proxy_server import ProxyConfig

    overlay = json.loads(Path(path).read_text())
    root, texts = overlay["root"], overlay["texts"]
    if not os.path.isfile(root):
        sys.exit(
            f"{root} is gone, which litellm.config names: put it back, or remove the key and run 'ai-gateway reload'"
        )
    from_file, included = ProxyConfig._get_config_from_file, ProxyConfig._process_includes

    def checked(self: ProxyConfig, file_path: str) -> Any:
        text = texts.get(os.path.abspath(file_path))
        if text is None:
            raise ValueError(f"{file_path} was not there when the configuration was checked: run 'ai-gateway reload'")
        # An empty file says nothing, which LiteLLM itself would not take for a configuration.
        return yaml.safe_load(text) or {}

    async def of_file(self: ProxyConfig, config_file_path: str | None = None) -> Any:
        asked = config_file_path or proxy_server.user_config_file_path
        if os.path.abspath(asked or "") != root:
            return await from_file(self, config_file_path)
        proxy_server.user_config_file_path = asked
        return await self._process_includes(config=checked(self, root), config_file_path=root)

    async def with_ours(self: ProxyConfig, config: dict[str, Any], config_file_path: str) -> dict[str, Any]:
        return merged(await included(self, config, config_file_path), overlay)

    ProxyConfig._load_yaml_file = checked
    ProxyConfig._get_config_from_file = of_file
    ProxyConfig._process_includes = with_ours
