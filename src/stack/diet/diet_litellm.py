"""What makes LiteLLM alone small and quick to start; see diet.py, which it is imported after.

Each measure is a finder that changes how modules are executed, after it looked at their source.
"""

import json
import os

from diet import AroundLoader, Measure, take


class LazyTokenizer(Measure):
    """Lets LiteLLM read Anthropic's vocabulary, 26 MB once it is parsed, when it first counts by it."""

    key = "lazy_tokenizer"
    modules = {"litellm.utils"}
    FILE = "anthropic_tokenizer.json"
    EXPECTED = {
        "\n        json_data = json.load(f)\n": 2,
        "\nclaude_json_str = json.dumps(json_data)\n": 1,
        "json_data": 3,
        "claude_json_str": 1,
        FILE: 2,
    }

    def change(self, spec, source):
        if any(source.count(text) != count for text, count in self.EXPECTED.items()):
            return False
        self.file = os.path.join(os.path.dirname(spec.origin), "litellm_core_utils", "tokenizers", self.FILE)
        spec.loader = AroundLoader(spec.loader, self.around)
        return os.path.exists(self.file)

    def around(self, module):
        load, dumps = json.load, json.dumps
        nothing = {}

        def load_later(file, *arguments, **options):
            if os.path.basename(str(getattr(file, "name", ""))) == self.FILE:
                return nothing
            return load(file, *arguments, **options)

        def dump_later(value, *arguments, **options):
            return "" if value is nothing else dumps(value, *arguments, **options)

        json.load, json.dumps = load_later, dump_later
        try:
            yield
        finally:
            json.load, json.dumps = load, dumps
        del module.json_data, module.claude_json_str
        others = module.__dict__.get("__getattr__")

        def __getattr__(name):
            if name in ("json_data", "claude_json_str"):
                with open(self.file, encoding="utf-8") as file:
                    data = json.load(file)
                module.__dict__[name] = data if name == "json_data" else json.dumps(data)
                return module.__dict__[name]
            if others is not None:
                return others(name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__getattr__ = __getattr__


take(LazyTokenizer)
