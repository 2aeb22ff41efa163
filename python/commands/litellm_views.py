"""Prints, as a script for psql, the views that LiteLLM would make at its first start.

By LiteLLM's own function, in a file that is named on the command line and without the rest of
LiteLLM: a database that has none of them is pretended, and what it is told is printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import runpy
import sys
import types
from collections.abc import AsyncIterator


class Logger:
    def debug(self, *_: object) -> None:
        pass


@contextlib.asynccontextmanager
async def db_span(*_: object, **__: object) -> AsyncIterator[None]:
    yield


class Database:
    async def query_raw(self, query: str, *_: object) -> None:
        probe = re.fullmatch(r'SELECT 1 FROM ("\w+") LIMIT 1', query)
        if probe is None:
            raise SystemExit(f"an unknown probe for a view: {query}")
        self.name = probe[1]
        raise LookupError(f"{self.name} does not exist")

    async def execute_raw(self, query: str, *_: object) -> None:
        print(f"SELECT to_regclass('{self.name}') IS NULL AS missing \\gset")
        print(f"\\if :missing\n{query.strip().rstrip(';')};\n\\endif")


def pretend(name: str, **contents: object) -> None:
    module = types.ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module


pretend("litellm", verbose_logger=Logger())
pretend("litellm.proxy")
pretend("litellm.proxy.db")
pretend("litellm.proxy.db.db_span", db_span=db_span)
asyncio.run(runpy.run_path(sys.argv[1])["create_missing_views"](Database()))
