"""What we change of LiteLLM's database client: its engine's wait, its socket and its environment.

On the installed client with engines that are small programs; the real engine is in tests/stack and engine/test.
"""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Service, replaced


def test_a_slow_engine_is_waited_for(litellm: Service) -> None:
    def start() -> None:
        import inspect

        from prisma import Prisma

        import engine_patience

        def wait() -> object:
            return inspect.signature(Prisma.__init__).parameters["connect_timeout"].default

        print(wait())
        engine_patience.have(Prisma)
        print(wait())

    assert litellm.run(start, measures="lazy_types") == "0:00:10\n0:01:30\n"


def test_another_database_client_is_left_as_it_is_with_a_warning(litellm: Service) -> None:
    def start() -> None:
        import engine_patience
        import engine_socket

        class Client:
            def __init__(self, *, connect_timeout: int = 10) -> None:
                self.connect_timeout = connect_timeout

        engine_patience.have(Client)
        engine_patience.watch(Client)
        engine_patience.outlive(Client)
        engine_socket.have(Client)
        print(Client().connect_timeout)

    assert litellm.run(start).splitlines() == [
        "WARNING: the database client waits for its engine as long as it likes",
        "WARNING: the database client waits for an engine that has ended",
        "WARNING: a request that is given up ends the start of a database engine",
        "WARNING: the database engine listens on a port of the loopback interface",
        "10",
    ]


def test_the_installed_client_is_one_of_this_kind(litellm: Service) -> None:
    def start() -> None:
        import engine_environment
        import engine_patience
        import engine_socket

        engine_environment.keep_client()
        engine_patience.have_client()
        engine_socket.have_client()

    assert litellm.run(start, first=["diet", "diet_imports", "diet_litellm"], measures="lazy_types lazy_modules") == ""


def engine(program: str, given_up: bool) -> None:
    """A start of an engine which is this program, and which is given a minute, or given up after a moment."""
    import asyncio
    from datetime import timedelta
    from pathlib import Path

    from prisma.engine import AsyncQueryEngine

    import engine_patience

    file = Path("engine")
    file.write_text(f"#!/bin/sh\n{program}\n")
    file.chmod(0o700)
    engine_patience.watch(AsyncQueryEngine)

    async def main() -> None:
        engine = AsyncQueryEngine(dml_path=Path("schema.prisma"))
        start = asyncio.ensure_future(engine.spawn(file, timeout=timedelta(seconds=60)))
        if given_up:
            await asyncio.sleep(0.3)
            start.cancel()
        [result] = await asyncio.gather(start, return_exceptions=True)
        print("cancelled" if start.cancelled() else repr(result), engine.process.returncode)
        engine.process = None

    asyncio.run(main())


@pytest.mark.parametrize(
    ("program", "given_up", "said"),
    [
        ("exit 3", False, "ConnectionError('the query engine ended while it started, with 3') 3"),
        # Nobody waits for it any more, and it is ended.
        ("exec sleep 60", True, "cancelled -9"),
    ],
)
def test_a_start_and_its_engine_end_together(litellm: Service, program: str, given_up: bool, said: str) -> None:
    assert litellm.run(engine, program, given_up, measures="lazy_types") == f"{said}\n"


def test_a_request_that_is_given_up_does_not_end_what_it_began(litellm: Service) -> None:
    def start() -> None:
        import asyncio

        import engine_patience

        class Client:
            async def attempt_db_reconnect(self, reason: str, force: bool = False) -> bool:
                await asyncio.sleep(0.1)
                print(reason, force, "has ended")
                return True

        async def main() -> None:
            request = asyncio.ensure_future(Client().attempt_db_reconnect("one", force=True))
            await asyncio.sleep(0.05)
            request.cancel()
            print(await Client().attempt_db_reconnect(reason="two"), request.cancelled())

        engine_patience.outlive(Client)
        asyncio.run(main())

    assert litellm.run(start) == "one True has ended\ntwo False has ended\nTrue True\n"


def test_each_engine_has_a_socket_and_those_of_dead_ones_go(litellm: Service) -> None:
    def start() -> None:
        import os
        import socket
        from pathlib import Path

        from prisma.engine import AsyncQueryEngine

        import engine_socket

        listening = {}

        class Engine(AsyncQueryEngine):
            def _spawn_process(self, *, file: Path, datasources: Any) -> Any:
                path = os.environ["AI_GATEWAY_ENGINE_SOCKET"]
                pool = self.session.session_kwargs["transport"]._pool
                assert pool._uds == path and pool._max_connections == 1000 and not os.path.exists(path)
                listening[self] = socket.socket(socket.AF_UNIX)
                listening[self].bind(path)
                listening[self].listen()
                return file, path

        def there() -> list[str]:
            names = [name for name in os.listdir(engine_socket.FOLDER) if engine_socket.NAME.fullmatch(name)]
            return sorted(name.split(".")[0] for name in names)

        def spawn(one: Engine) -> Any:
            return one._spawn_process(file=Path("f"), datasources=None)

        engine_socket.have(Engine)
        first, second, third = (Engine(dml_path=Path("schema.prisma")) for _ in range(3))
        assert spawn(first) == spawn(first)
        assert "AI_GATEWAY_ENGINE_SOCKET" not in os.environ
        spawn(second)
        listening[second].close()
        print(there())
        spawn(third)
        print(there())
        engine_socket.FRESH_SECONDS = 0
        spawn(Engine(dml_path=Path("schema.prisma")))
        print(there())

    said = litellm.run(start, measures="lazy_types")
    assert said == "['e1', 'e2']\n['e1', 'e2', 'e3']\n['e1', 'e3', 'e4']\n"


def environments() -> None:
    """What the client's two modules start with, and everybody else, as programs that print their environment."""
    import os
    import subprocess
    import sys

    import engine_environment

    os.environ.update(LITELLM_MASTER_KEY="sk-1", DATABASE_URL="db", AI_GATEWAY_INSTANCE="mark")
    engine_environment.keep_client()
    from prisma.engine import _query, utils

    known = {"LITELLM_MASTER_KEY", "DATABASE_URL", "AI_GATEWAY_INSTANCE", "PRISMA_DML_PATH"}
    show = [sys.executable, "-c", f"import os; print(*sorted(set(os.environ) & {known}))"]
    given = {**os.environ, "PRISMA_DML_PATH": "x"}
    started = _query.subprocess.Popen(show, env=given, stdout=subprocess.PIPE, text=True)
    print(started.communicate()[0], end="")
    for run in (utils.subprocess.run, subprocess.run):
        print(run(show, stdout=subprocess.PIPE, text=True, check=True).stdout, end="")


def test_the_engine_gets_what_it_needs_and_everybody_else_what_they_had(litellm: Service) -> None:
    assert litellm.run(environments, measures="lazy_types").splitlines() == [
        "AI_GATEWAY_INSTANCE DATABASE_URL PRISMA_DML_PATH",
        "AI_GATEWAY_INSTANCE DATABASE_URL",
        "AI_GATEWAY_INSTANCE DATABASE_URL LITELLM_MASTER_KEY",
    ]


def test_a_client_that_starts_its_engine_otherwise_is_left_as_it_is_with_a_warning(litellm: Service) -> None:
    own = "class subprocess:\n    from subprocess import PIPE, Popen, TimeoutExpired\n"
    changed = {"prisma/engine/_query.py": replaced("\nimport subprocess\n", f"\n{own}")}
    said = litellm.run(environments, measures="lazy_types", changed=changed).splitlines()
    assert said[0] == "WARNING: the database client starts its engine with all of LiteLLM's environment"
    assert len([line for line in said if "LITELLM_MASTER_KEY" in line]) == 3
