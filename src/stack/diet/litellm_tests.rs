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
