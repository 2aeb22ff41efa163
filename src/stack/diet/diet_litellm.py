"""What makes LiteLLM alone small and quick to start; see diet.py, which it is imported after.

Each measure is a finder that changes how modules are executed, after it looked at their source.
"""

import functools
import json
import os

from diet import Around, take


class LazyTokenizer(Around):
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
        self.file = os.path.join(os.path.dirname(spec.origin), "litellm_core_utils", "tokenizers", self.FILE)
        return super().change(spec, source) and os.path.exists(self.file)

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


class ShortQueries(Around):
    """Lets LiteLLM's database client write its queries without indentation.

    Each level of a query is indented by itself, line by line, so a hundred rows of LiteLLM's spend are
    written three times over, and each value is encoded by an encoder of its own. All that while no
    other request is answered.
    """

    key = "short_queries"
    modules = {"prisma._builder"}
    EXPECTED = {
        "\nfrom textwrap import indent\n": 1,
        "strings.append(indent(content, self.indent))\n": 1,
        "indent(": 1,
        """
def dumps(obj: Any, **kwargs: Any) -> str:
    kwargs.setdefault('default', serializer)
    kwargs.setdefault('ensure_ascii', False)
    return json.dumps(obj, **kwargs)
""": 1,
        "dumps(dumps(value))": 1,
    }

    @staticmethod
    def around(module):
        yield
        as_ever = module.dumps
        encoder = json.JSONEncoder(ensure_ascii=False, default=module.serializer)

        @functools.wraps(as_ever)
        def dumps(value, **options):
            return as_ever(value, **options) if options else encoder.encode(value)

        module.dumps = dumps
        module.indent = lambda text, _prefix: text


class FailedImports(Around):
    """Lets the import of a module that lacks a package fail at once when it has failed once.

    LiteLLM asks for its telemetry at each request and goes on without it. It would be read and
    executed up to what is missing each time, which is a fifteenth of all the work of a chat.
    """

    key = "failed_imports"
    modules = {"litellm.integrations.otel.logger"}
    failed = {}

    def find_spec(self, name, path, target=None):
        if name in self.failed:
            why, missing = self.failed[name]
            raise ModuleNotFoundError(why, name=missing)
        return super().find_spec(name, path, target)

    def around(self, module):
        try:
            yield
        except ModuleNotFoundError as error:
            self.failed[module.__name__] = (str(error), error.name)
            raise


take(LazyTokenizer, ShortQueries, FailedImports)
