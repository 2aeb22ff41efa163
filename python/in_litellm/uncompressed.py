"""A request whose answer we read on its way: LiteLLM compresses what a client says it can unpack."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope


def uncompressed(scope: Scope) -> Scope:
    headers = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
    return {**scope, "headers": headers}
