"""The query engine's environment: what it needs, and none of LiteLLM's other secrets.

prisma-client-py starts the engine with a copy of LiteLLM's environment, the master key, the salt and
the admin page's password in it, and whoever may read the process may read that
(/proc/PID/environ). The engine needs the database's address and nothing else that is secret.

The client's two modules that start it reach `subprocess` by that name; here they are given one that
starts programs with the variables below alone.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import database_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


NEEDED = frozenset(
    """
    PATH HOME LANG LC_ALL TZ TMPDIR LD_LIBRARY_PATH AI_GATEWAY_INSTANCE
    DATABASE_URL OVERWRITE_DATASOURCES PGPASSWORD PGPASSFILE PGSSLROOTCERT SSL_CERT_FILE SSL_CERT_DIR
    PRISMA_DML_PATH PRISMA_CLIENT_ENGINE_TYPE PRISMA_ENGINE_PROTOCOL QUERY_ENGINE_NODE_OPTIONS
    AI_GATEWAY_ENGINE_SOCKET NODE_EXTRA_CA_CERTS RUST_LOG RUST_LOG_FORMAT RUST_BACKTRACE LOG_QUERIES
    """.split()
)


def needed(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name in NEEDED}


class Clean:
    """`subprocess`, but for the environment of what it starts."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def _start(self, start: Callable[..., Any], arguments: Any, options: Any) -> Any:
        given = options.pop("env", None)
        return start(*arguments, env=needed(os.environ if given is None else given), **options)

    def Popen(self, *arguments: Any, **options: Any) -> Any:  # subprocess's own name
        return self._start(subprocess.Popen, arguments, options)

    def run(self, *arguments: Any, **options: Any) -> Any:
        return self._start(subprocess.run, arguments, options)


def keep_client() -> None:
    """The same for LiteLLM's own client, where it has one of this kind."""
    what_for = "whose engine could be kept from secrets"
    database_client.change(keep, what_for, "prisma.engine._query", "prisma.engine.utils")


def keep(*modules: Any) -> None:
    """Lets these modules of the client start programs with what the engine needs alone."""
    if all(getattr(module, "subprocess", None) is subprocess for module in modules):
        for module in modules:
            module.subprocess = Clean()
    else:
        print("WARNING: the database client starts its engine with all of LiteLLM's environment", flush=True)
