"""Starts LiteLLM under uvicorn on the socket that the supervisor holds.

Not uvicorn's own command line: with `--fd` it takes every socket for one of its own kind, and it has
no way to end without closing connections that have not been answered yet (see gateway_drain.py, which
the application imports, so that it acts in each worker).
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

# The folder with the application, also for the workers, which get this list.
sys.path.insert(0, str(Path(__file__).parent))


def inherited(number: int) -> socket.socket:
    """The listening socket with this number. Programs that LiteLLM starts do not get it."""
    os.set_inheritable(number, False)
    listening = socket.socket(fileno=number)
    listening.setblocking(False)
    return listening


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--socket", type=int, required=True)
    options.add_argument("--workers", type=int, required=True)
    options.add_argument("--keep-alive", type=int, required=True)
    given = options.parse_args()

    from uvicorn import Config, Server
    from uvicorn.supervisors import Multiprocess

    config = Config(
        "gateway_app:app",
        workers=given.workers,
        timeout_keep_alive=given.keep_alive,
        # gateway_drain.py has waited before; what is left then is cut off.
        timeout_graceful_shutdown=1,
        # Importing takes longer than the five seconds after which a busy worker would be killed.
        timeout_worker_healthcheck=60,
        # Whoever reaches the socket is nginx or the supervisor: only our own user can.
        forwarded_allow_ips="*",
        # An access log holds query strings, and a query string may hold a caller's key. Every request
        # has a row in the database instead, which the admin page shows.
        access_log=False,
        server_header=False,
    )
    sockets = [inherited(given.socket)]
    if given.workers > 1:
        Multiprocess(config, sockets).run()
        return
    server = Server(config)
    server.run(sockets)
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
