"""What the parts ask of a stack, whether the gateway runs it or nobody does.

States: prepared, started, stopped; and `kill` from any of them. `gateway` and `stock` have one each.
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
