"""Tables of ours in LiteLLM's database, in a schema of their own.

Callers: spend_commit.py and admin_account.py, each with the statements that make what it needs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


SCHEMA = "CREATE SCHEMA IF NOT EXISTS ai_gateway"
# Until the transaction ends.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtext('ai_gateway'))"
PATIENCE = timedelta(seconds=60)


async def make(db: Any, statements: Iterable[str]) -> None:
    """Makes them, in one worker after the other: PostgreSQL refuses one of two that do so at once, even
    with IF NOT EXISTS."""
    async with db.tx(max_wait=PATIENCE, timeout=PATIENCE) as transaction:
        await transaction.execute_raw(TAKE_TURN)
        for statement in statements:
            await transaction.execute_raw(statement)
