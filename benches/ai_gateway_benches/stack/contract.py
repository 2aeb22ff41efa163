"""What the measurements ask of a stack, whether our gateway runs it or nobody does.

A stack is prepared, started and stopped, and can be killed in any of these states. `gateway` and `stock` have
the two kinds.
"""

from typing import Protocol

# What a process of a stack is part of.
PARTS = ["litellm", "engine", "open-webui", "postgres", "nginx", "supervisor"]


class Stack(Protocol):
    name: str
    """Whose figures these are."""
    api: str
    """The base of the API, as clients have it; once it was started."""

    def start(self) -> float:
        """Seconds until everything is ready."""

    def stop(self) -> None: ...

    def kill(self) -> None:
        """Ends it whatever state it is in."""

    def processes(self) -> list[tuple[str, int]]:
        """(part, pid) of everything."""
