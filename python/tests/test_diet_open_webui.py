"""What makes Open WebUI alone small: its changelog and its store of vectors come when somebody asks for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from conftest import Service, replaced

if TYPE_CHECKING:
    from conftest import Change

FIRST = ["diet", "diet_open_webui"]
ENV, MAIN, FACTORY = "open_webui/env.py", "open_webui/main.py", "open_webui/retrieval/vector/factory.py"
CHROMA = "chromadb/__init__.py"
# What its modules want to know when they are imported.
SETTINGS = {"WEBUI_SECRET_KEY": "secret", "FROM_INIT_PY": "true", "OFFLINE_MODE": "true", "ENABLE_OLLAMA_API": "false"}


def changelog() -> None:
    import json
    import os

    from open_webui import env

    # It is the answer of `/api/changelog`.
    made = "made" in vars(env.CHANGELOG) if hasattr(env.CHANGELOG, "__dict__") else True
    answer = {key: env.CHANGELOG[key] for idx, key in enumerate(env.CHANGELOG) if idx < 5}
    print(made, len(env.CHANGELOG) > 5, hasattr(env, "soup"))
    print(json.dumps(answer))
    import markdown

    print(len(markdown.markdown("## [1]\n" * 100)), os.path.basename(env.__file__))


def test_the_changelog_is_made_when_it_is_read_and_its_answer_the_same(open_webui: Service) -> None:
    usual = open_webui.run(changelog, first=FIRST, environment=SETTINGS).splitlines()
    short = open_webui.run(changelog, first=FIRST, environment=SETTINGS, measures="short_changelog").splitlines()
    assert usual[0] == "True True True"
    assert short[0] == "False False False"
    assert short[1:] == usual[1:] and len(usual[1]) > 1000


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (MAIN, replaced("if idx < 5}", "if idx < 50}")),
        (MAIN, lambda text: f"{text}\ndef oldest(): return list(CHANGELOG)[-1]\n"),
        (ENV, replaced("\nhtml_content = markdown", "\nhtml = html_content = markdown")),
        (ENV, replaced("\nCHANGELOG = changelog_json\n", "\nCHANGELOG = dict(changelog_json)\n")),
    ],
)
def test_a_changelog_that_is_used_in_another_way_is_read_to_its_end_with_a_warning(
    open_webui: Service, path: str, change: Change
) -> None:
    def find() -> None:
        import importlib.util

        # It is looked at where it is found.
        print(type(importlib.util.find_spec("open_webui.env").loader).__name__)

    said = open_webui.run(find, first=FIRST, measures="short_changelog", changed={path: change})
    assert said.startswith("SourceFileLoader\n")
    assert re.search(r"WARNING: the diet's short_changelog is skipped: \S+/env.py is not laid out as it was", said)
    assert open_webui.run(find, first=FIRST, measures="short_changelog") == "AroundLoader\n"


def vectors() -> None:
    import chromadb

    print(chromadb.DEFAULT_TENANT, chromadb.DEFAULT_DATABASE)
    from open_webui.retrieval.vector import factory

    print("started")
    client = factory.get_vector_db_client()
    import chromadb.config

    assert chromadb.config.Settings is chromadb.Settings
    assert factory.get_vector_db_client() is factory.VECTOR_DB_CLIENT is client
    print(type(client).__name__, client.has_collection("absent"))


def lines(service: Service, measures: str, **options) -> list[str]:
    said = service.run(vectors, first=FIRST, environment=SETTINGS, measures=measures, watch=[CHROMA], **options)
    known = ("executed", "default_", "started", "Chroma", "WARNING: the diet")
    return [line for line in said.splitlines() if line.startswith(known)]


EXECUTED, NAMES, CLIENT = f"executed {CHROMA}", "default_tenant default_database", "ChromaClient False"


def test_the_store_of_vectors_is_loaded_when_it_is_asked_for(open_webui: Service) -> None:
    assert lines(open_webui, "") == [EXECUTED, NAMES, "started", CLIENT]
    assert lines(open_webui, "lazy_vectors") == [NAMES, "started", EXECUTED, CLIENT]


@pytest.mark.parametrize(
    ("path", "old", "new", "late"),
    [
        (
            FACTORY,
            "VECTOR_DB_CLIENT = None if USE_SLIM else Vector",
            "VECTOR_DB_CLIENT = None if USE_SLIM else  Vector",
            True,
        ),
        (
            CHROMA,
            "from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, ",
            "from chromadb.config import DEFAULT_TENANT, DEFAULT_DATABASE, ",
            False,
        ),
    ],
)
def test_a_store_of_vectors_of_another_layout_is_loaded_as_ever_with_a_warning(
    open_webui: Service, path: str, old: str, new: str, late: bool
) -> None:
    *said, warning = lines(open_webui, "lazy_vectors", changed={path: replaced(old, new)})
    assert said == ([NAMES, EXECUTED, "started", CLIENT] if late else [EXECUTED, NAMES, "started", CLIENT])
    assert warning == f"WARNING: the diet's lazy_vectors is skipped: @/{path} is not laid out as it was"
