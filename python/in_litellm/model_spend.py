"""What each model has cost by day, under the name by which people ask for it: `ai_gateway.model_spend`.

`ai-gateway budget` finds there which models answer and cost nothing. LiteLLM's own sums of days are by
what the provider calls a model: of two names for it, one with a price and one without, they have one row
under either name. Days are UTC's. Caller: spend_commit.py, in the transaction of the other sums.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


TABLE = (
    "CREATE TABLE IF NOT EXISTS ai_gateway.model_spend"
    " (day date, model text, spend float8 NOT NULL, tokens bigint NOT NULL, PRIMARY KEY (day, model))"
)
FORGET = "DELETE FROM ai_gateway.model_spend WHERE day < (now() AT TIME ZONE 'utc')::date - 90"
# In the order of names, so that no two workers wait for each other's rows.
ADD = (
    "INSERT INTO ai_gateway.model_spend AS known (day, model, spend, tokens)"
    " SELECT (now() AT TIME ZONE 'utc')::date, key, (value->>0)::float8, (value->>1)::bigint"
    " FROM jsonb_each($1::text::jsonb) ORDER BY key"
    " ON CONFLICT (day, model) DO UPDATE"
    " SET spend = known.spend + excluded.spend, tokens = known.tokens + excluded.tokens"
)


# LiteLLM's queue with an update for each request that was answered, whether or not it gets a row.
REQUESTS = "daily_spend_update_queue"


def by_model(records: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """US dollars and tokens of these records, by model; of a request without a model there is nothing to tell."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
    for record in records:
        for update in record.get("days", {}).get(REQUESTS, ()):
            for request in update.values():
                if request.get("model_group"):
                    sums[request["model_group"]][0] += request.get("spend") or 0
                    sums[request["model_group"]][1] += request.get("prompt_tokens") or 0
                    sums[request["model_group"]][1] += request.get("completion_tokens") or 0
    return dict(sums)


async def add(transaction: Any, records: Iterable[Mapping[str, Any]]) -> None:
    if sums := by_model(records):
        await transaction.execute_raw(ADD, json.dumps(sums))
