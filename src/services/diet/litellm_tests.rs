//! The measures that are LiteLLM's alone, by Python, on packages that are laid out as those that
//! are installed.

use super::tests::run;

const UTILS: &str = "\
import json
from importlib import resources
try:
    # Python 3.9+
    with (
        resources.files(\"litellm.litellm_core_utils.tokenizers\")
        .joinpath(\"anthropic_tokenizer.json\")
        .open(\"r\", encoding=\"utf-8\") as f
    ):
        json_data = json.load(f)
except (ImportError, AttributeError, TypeError):
    with resources.open_text(\"litellm.litellm_core_utils.tokenizers\", \"anthropic_tokenizer.json\") as f:
        json_data = json.load(f)

# Convert to str (if necessary)
claude_json_str = json.dumps(json_data)
other = json.dumps({})
def __getattr__(name):
    if name == 'later':
        return 'still there'
    raise AttributeError(name)
";

fn tokenizer(utils: &str, vocabulary: &str, measures: &str) -> String {
    let files = [
        ("litellm/__init__.py", ""),
        ("litellm/utils.py", utils),
        ("litellm/litellm_core_utils/__init__.py", ""),
        ("litellm/litellm_core_utils/tokenizers/__init__.py", ""),
        (
            "litellm/litellm_core_utils/tokenizers/anthropic_tokenizer.json",
            vocabulary,
        ),
    ];
    let script = "import diet_litellm, json
load, dumps = json.load, json.dumps
import litellm.utils as utils
print('claude_json_str' in vars(utils), utils.later, hasattr(utils, 'absent'), utils.other)
assert json.load is load and json.dumps is dumps
from litellm.utils import claude_json_str
print(claude_json_str, utils.json_data, 'claude_json_str' in vars(utils))";
    run(&files, measures, script)
}

#[test]
fn the_vocabulary_is_read_when_it_is_asked_for() {
    let read = "{\"a\": 1} {'a': 1} True\n";
    assert_eq!(
        tokenizer(UTILS, "{\"a\":1}", ""),
        format!("True still there False {{}}\n{read}")
    );
    assert_eq!(
        tokenizer(UTILS, "{\"a\":1}", "lazy_tokenizer"),
        format!("False still there False {{}}\n{read}")
    );
    // It is not even looked at.
    let said = tokenizer(UTILS, "not JSON", "lazy_tokenizer");
    assert!(said.starts_with("False still there"), "{said}");
}

#[test]
fn a_vocabulary_with_another_use_is_read_as_ever_with_a_warning() {
    let utils = format!("{UTILS}words = len(json_data)\n");
    let said = tokenizer(&utils, "{\"a\":1}", "lazy_tokenizer");
    assert!(said.starts_with("True still there"), "{said}");
    let warning = "WARNING: the diet's lazy_tokenizer is skipped: @/litellm/utils.py is not laid";
    assert!(said.contains(warning), "{said}");
}

const SERVER: &str = "\
from typing import Final
class PrismaClient: pass
class ProxyConfig:
    async def _init_guardrails_in_db(self, prisma_client: PrismaClient):
        from litellm.proxy.guardrails.guardrail_registry import (
            GUARDRAIL_RECONCILE_LOCK,
            IN_MEMORY_GUARDRAIL_HANDLER,
            Guardrail,
            GuardrailRegistry,
        )

        try:
            async with GUARDRAIL_RECONCILE_LOCK:
                guardrails_in_db: Final[list[Guardrail]] = await GuardrailRegistry.get_all_guardrails_from_db(
                    prisma_client=prisma_client
                )
                db_guardrail_ids = set(guardrails_in_db)

                # Drop in-memory DB-backed entries whose row was deleted on another
                # pod. Config-loaded entries are never touched.
                IN_MEMORY_GUARDRAIL_HANDLER.reconcile_db_guardrails(db_guardrail_ids=db_guardrail_ids)
        except Exception as e:
            verbose_proxy_logger.exception(\"litellm.proxy.proxy_server.py::ProxyConfig:_init_guardrails_in_db - %s\", e)

    async def _init_policies_in_db(self): pass
";

const REGISTRY: &str = "\
import asyncio
print('imported')
GUARDRAIL_RECONCILE_LOCK = asyncio.Lock()
class Guardrail: pass
class IN_MEMORY_GUARDRAIL_HANDLER:
    def reconcile_db_guardrails(db_guardrail_ids): print('has', *db_guardrail_ids)
class GuardrailRegistry:
    async def get_all_guardrails_from_db(prisma_client): return prisma_client.rows
";

/// What a start of that server with each of these tables of guardrails says, one after the other.
fn guardrails(server: &str, measures: &str, tables: &str) -> String {
    let files = [
        ("litellm/__init__.py", ""),
        ("litellm/proxy/__init__.py", ""),
        ("litellm/proxy/proxy_server.py", server),
        ("litellm/proxy/guardrails/__init__.py", ""),
        ("litellm/proxy/guardrails/guardrail_registry.py", REGISTRY),
    ];
    let script = format!(
        "import diet_litellm, asyncio
from litellm.proxy.proxy_server import ProxyConfig
class Table:
    rows = []
    db = property(lambda self: self)
    litellm_guardrailstable = db
    async def find_first(self):
        if self.rows == 'away': raise OSError
        return self.rows[0] if self.rows else None
async def run():
    table = Table()
    for table.rows in {tables}:
        print(table.rows)
        await ProxyConfig()._init_guardrails_in_db(prisma_client=table)
asyncio.run(run())"
    );
    run(&files, measures, &script)
}

#[test]
fn guardrails_are_loaded_when_there_is_one() {
    let tables = "[], ['a'], []";
    assert_eq!(
        guardrails(SERVER, "", tables),
        "[]\nimported\nhas\n['a']\nhas a\n[]\nhas\n"
    );
    assert_eq!(
        guardrails(SERVER, "lazy_guardrails", tables),
        "[]\n['a']\nimported\nhas a\n[]\nhas\n"
    );
    // What LiteLLM makes of a database that is away is LiteLLM's.
    let said = guardrails(SERVER, "lazy_guardrails", "['away']");
    assert!(said.starts_with("away\nimported\nhas"), "{said}");
}

#[test]
fn a_server_that_does_more_about_guardrails_is_left_alone_with_a_warning() {
    let server = SERVER.replace(
        "        try:\n            async",
        "        more = 1\n        try:\n            async",
    );
    let said = guardrails(&server, "lazy_guardrails", "[[]]");
    assert!(said.starts_with("[]\nimported\nhas\n"), "{said}");
    let warning = "WARNING: the diet's lazy_guardrails is skipped: @/litellm/proxy/proxy_server.py is not laid";
    assert!(said.contains(warning), "{said}");
}
