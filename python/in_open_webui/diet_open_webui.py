"""What makes Open WebUI alone small and quick to start; see diet.py, which it is imported after.

Its changelog is read when somebody asks for it, and Chroma is imported with the first document.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from diet import AroundLoader, EditedLoader, LaterLoader, Measure, take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diet import Spec, Steps


# What `/api/changelog` answers with.
VERSIONS = 5
CHANGELOG_BEGINS = "# Convert markdown content to HTML\nhtml_content = markdown.markdown(changelog_content)\n"
CHANGELOG_ENDS = "\nCHANGELOG = changelog_json\n"
CHANGELOG_IN_MAIN = "{key: CHANGELOG[key] for idx, key in enumerate(CHANGELOG) if idx < 5}"


def newest(changelog: str) -> str:
    """The beginning of a changelog, up to the end of its newest versions."""
    parts = changelog.split("\n## [", VERSIONS + 1)
    return "\n## [".join(parts[: VERSIONS + 1])


def making_of_the_changelog(env: str, in_env: str) -> str | None:
    """The statements that make it of its text, if it is made and used as it was; or else nothing."""
    with open(os.path.join(os.path.dirname(env), "main.py"), encoding="utf-8") as file:
        in_main = file.read()
    _, begins, rest = in_env.partition(CHANGELOG_BEGINS)
    statements, ends, _ = rest.partition(CHANGELOG_ENDS)
    # In main.py its import and the one answer.
    used = CHANGELOG_IN_MAIN in in_main and len(re.findall(r"\bCHANGELOG\b", in_main)) == 3
    return begins + statements + ends if begins and ends and used else None


class ChangelogWhenRead(Mapping[str, Any]):
    """Stands for the changelog, and makes it when it is read."""

    def __init__(self, module: Any, text: str, statements: str) -> None:
        self.module, self.text, self.statements = module, text, statements

    @functools.cached_property
    def made(self) -> Mapping[str, Any]:
        names = {**self.module.__dict__, "changelog_content": self.text}
        exec(compile(self.statements, self.module.__file__, "exec", dont_inherit=True), names)
        changelog: Mapping[str, Any] = names["CHANGELOG"]
        return changelog

    def __getitem__(self, version: str) -> Any:
        return self.made[version]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)


def without_changelog(statements: str, module: Any) -> Steps:
    """Has `open_webui.env` executed with no changelog, and gives it one that is made when it is read."""
    import markdown

    whole = markdown.markdown

    def nothing(text: str) -> str:
        # Once: it is the only text that this module converts.
        markdown.markdown = whole
        return ""

    markdown.markdown = nothing
    try:
        yield
    finally:
        markdown.markdown = whole
    text = newest(module.changelog_content)
    module.CHANGELOG = ChangelogWhenRead(module, text, statements)
    # Nobody asks for what is left over of making the answer.
    for name in ("soup", "html_content", "changelog_content", "changelog_json"):
        module.__dict__.pop(name, None)


class ShortChangelog(Measure):
    """Open WebUI makes a tree of its whole changelog at each start, and shows five versions to whoever asks."""

    key = "short_changelog"
    modules = frozenset({"open_webui.env"})

    def change(self, spec: Spec, source: str) -> bool:
        statements = making_of_the_changelog(spec.origin, source)
        if statements:
            around = functools.partial(without_changelog, statements)
            spec.loader = AroundLoader(spec.loader, around, self.key)
        return bool(statements)


CHROMA_DEFAULTS = re.compile(r'^(DEFAULT_TENANT|DEFAULT_DATABASE) = "(\w+)"$', re.MULTILINE)
VECTORS_AT_ONCE = "\nVECTOR_DB_CLIENT = None if USE_SLIM else Vector.get_vector(VECTOR_DB)\n"
# As slim has it, but for a module that makes one for whoever imports it.
VECTORS_LATER = (
    "\nVECTOR_DB_CLIENT = None\nif not USE_SLIM:\n    __import__('diet_open_webui').make_when_imported(__name__)\n"
)
VECTORS_WHEN_ASKED_FOR = """
def get_vector_db_client() -> VectorDBBase:
    \"""Initialize slim's remote client on first use so chat can start without it.\"""
    global VECTOR_DB_CLIENT
    if VECTOR_DB_CLIENT is not None:
        return VECTOR_DB_CLIENT
    with _vector_client_lock:
        if VECTOR_DB_CLIENT is None:
"""


class Factory(ModuleType):
    """Open WebUI's module with its client of vectors, which is made for whoever asks for it.

    The module's own functions see the name in their namespace, where there is none until it is made.
    """

    @property
    def VECTOR_DB_CLIENT(self) -> Any:
        return self.get_vector_db_client()

    @VECTOR_DB_CLIENT.setter
    def VECTOR_DB_CLIENT(self, client: Any) -> Any:
        self.__dict__["VECTOR_DB_CLIENT"] = client


def make_when_imported(name: str) -> None:
    sys.modules[name].__class__ = Factory


class LazyVectors(Measure):
    """Puts off Chroma, the store of documents' vectors, until a document is asked for.

    Open WebUI can make its client at first use, and does where it is built without Chroma; here
    it does so with it. Its configuration needs no more of the package than two constants.
    """

    key = "lazy_vectors"
    modules = frozenset({"chromadb", "open_webui.retrieval.vector.factory"})
    puts_off = True

    def change(self, spec: Spec, source: str) -> bool:
        return self.package(spec, source) if spec.name == "chromadb" else self.factory(spec, source)

    @staticmethod
    def package(spec: Spec, source: str) -> bool:
        with open(os.path.join(os.path.dirname(spec.origin), "config.py"), encoding="utf-8") as file:
            early = dict(CHROMA_DEFAULTS.findall(file.read()))
        if len(early) != 2 or "\nfrom chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, " not in source:
            return False
        spec.loader = LaterLoader(spec.loader, lambda: early)
        return True

    @staticmethod
    def factory(spec: Spec, source: str) -> bool:
        if source.count(VECTORS_AT_ONCE) != 1 or VECTORS_WHEN_ASKED_FOR not in source:
            return False
        spec.loader = EditedLoader(spec.loader, source.replace(VECTORS_AT_ONCE, VECTORS_LATER))
        return True


take(ShortChangelog, LazyVectors)
