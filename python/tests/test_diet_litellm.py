"""What makes LiteLLM alone small: its vocabulary and its guardrails come when somebody asks for them."""

from typing import Any

from conftest import Service, replaced

FIRST = ["diet", "diet_litellm"]
UTILS, SERVER = "litellm/utils.py", "litellm/proxy/proxy_server.py"
VOCABULARY = "litellm/litellm_core_utils/tokenizers/anthropic_tokenizer.json"
REGISTRY = "litellm/proxy/guardrails/guardrail_registry.py"


def tokenizer() -> None:
    import json

    load, dumps = json.load, json.dumps
    from litellm import utils

    print("claude_json_str" in vars(utils), hasattr(utils, "absent"))
    assert json.load is load and json.dumps is dumps
    try:
        from litellm.utils import claude_json_str
    except ValueError as error:
        print(type(error).__name__)
    else:
        assert json.loads(claude_json_str) == utils.json_data and "claude_json_str" in vars(utils)
        print(len(utils.json_data["model"]["vocab"]))


def test_the_vocabulary_is_read_when_it_is_asked_for(litellm: Service) -> None:
    found, words = litellm.run(tokenizer, first=FIRST).splitlines()
    assert found == "True False" and int(words) > 60_000
    assert litellm.run(tokenizer, first=FIRST, measures="lazy_tokenizer") == f"False False\n{words}\n"
    # It is not even looked at.
    changed = {VOCABULARY: lambda _: "not JSON"}
    said = litellm.run(tokenizer, first=FIRST, measures="lazy_tokenizer", changed=changed)
    assert said == "False False\nJSONDecodeError\n"


def test_a_vocabulary_with_another_use_is_read_as_ever_with_a_warning(litellm: Service) -> None:
    changed = {UTILS: lambda text: f"{text}\nwords = len(json_data)\n"}
    said = litellm.run(tokenizer, first=FIRST, measures="lazy_tokenizer", changed=changed)
    assert said.startswith("True False\n")
    assert f"WARNING: the diet's lazy_tokenizer is skipped: @/{UTILS} is not laid out as it was" in said


def guardrails(tables: list[Any]) -> None:
    """What a server does that finds each of these tables of guardrails, one after the other."""
    import asyncio
    from types import SimpleNamespace

    from litellm.proxy import proxy_server

    class Table:
        rows: Any = ()

        async def find_first(self) -> object:
            if self.rows == "away":
                raise OSError("the database is away")
            return self.rows[0] if self.rows else None

        async def find_many(self, **_: object) -> list[Any]:
            print("asked for all")
            return [SimpleNamespace(**row, model_dump=lambda row=row: row) for row in self.rows]

    async def run() -> None:
        table = Table()
        prisma = SimpleNamespace(db=SimpleNamespace(litellm_guardrailstable=table))
        for table.rows in tables:
            print(f"{len(table.rows)} there", flush=True)
            await proxy_server.ProxyConfig()._init_guardrails_in_db(prisma_client=prisma)

    asyncio.run(run())


# Some of the others, because they make a start short.
OTHERS = "lazy_types late_gc lazy_tokenizer lazy_modules small_stand_ins lazy_routes"
ROW = {"guardrail_id": "1", "guardrail_name": "one", "litellm_params": {}, "guardrail_info": {}, "status": "active"}


def started(service: Service, measures: str, tables: list[Any]) -> list[str]:
    first = ["diet", "diet_imports", "diet_litellm", "diet_models"]
    said = service.run(guardrails, tables, first=first, measures=measures, watch=[REGISTRY]).splitlines()
    return [line for line in said if line.endswith((" there", "asked for all", REGISTRY))]


def test_guardrails_are_loaded_when_there_is_one(litellm: Service) -> None:
    there, registry, asked = "0 there", f"executed {REGISTRY}", "asked for all"
    usual = [there, registry, asked, "1 there", asked, there, asked]
    assert started(litellm, OTHERS, [[], [ROW], []]) == usual
    # From then on it is LiteLLM's.
    lazy = [there, "1 there", registry, asked, there, asked]
    assert started(litellm, f"{OTHERS} lazy_guardrails", [[], [ROW], []]) == lazy


def test_what_litellm_makes_of_a_database_that_is_away_is_litellm_s(litellm: Service) -> None:
    said = started(litellm, f"{OTHERS} lazy_guardrails", ["away"])
    assert said == [f"{len('away')} there", f"executed {REGISTRY}", "asked for all"]


def test_a_server_that_does_more_about_guardrails_is_left_alone_with_a_warning(litellm: Service) -> None:
    def find() -> None:
        import importlib.util

        # It is looked at where it is found.
        print(type(importlib.util.find_spec("litellm.proxy.proxy_server").loader).__name__)

    more = "        more = 1\n        try:\n            async with GUARDRAIL_RECONCILE_LOCK:"
    changed = {SERVER: replaced("        try:\n            async with GUARDRAIL_RECONCILE_LOCK:", more)}
    said = litellm.run(find, first=FIRST, measures="lazy_guardrails", changed=changed)
    assert said.startswith("SourceFileLoader\n")
    assert f"WARNING: the diet's lazy_guardrails is skipped: @/{SERVER} is not laid out as it was" in said
    assert litellm.run(find, first=FIRST, measures="lazy_guardrails") == "AroundLoader\n"
