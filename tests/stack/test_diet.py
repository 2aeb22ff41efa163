"""What the diet changes in installed packages, beside the same packages without it.

The scripts of the folder diet/ run in the Python of the service that they are for. What they print is
the same with a measure and without it.
"""

import json
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gateway import most_open_files, until

SCRIPTS = Path(__file__).parent / "diet"


def environment(gateway, service):
    """What its process has, so that its application can be imported."""
    pid = gateway.service(service)["pid"]
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def taken(gateway, service):
    """All its measures, as it was started with."""
    return environment(gateway, service)["AI_GATEWAY_DIET"]


def python(gateway, service, script, measures, *arguments, folder, environment=()):
    """What a script prints in a service's own Python, with its folder of modules and some of the diet."""
    own = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DATA_DIR": str(folder), "PYTHONHASHSEED": "0"}
    code = ["-c", script] if "\n" in script else [SCRIPTS / script]
    done = subprocess.run(
        [gateway.home / f"state/payloads/{service}/current/bin/python", "-B", *code, gateway.home / "run" / service, *arguments],
        env={**dict(environment), **own, "AI_GATEWAY_DIET": measures},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=480,
    )
    assert done.returncode == 0, done.stderr
    assert "is skipped" not in done.stderr, done.stderr
    return done.stdout.splitlines()


def without_and_with(gateway, service, script, measures, tmp_path, environment=(), without=""):
    """What it prints with `without` of the measures, or without any, and with these, both at the same time."""

    def run(name, taken):
        folder = tmp_path / name
        folder.mkdir()
        return python(gateway, service, script, taken, folder=folder, environment=environment)

    with ThreadPoolExecutor(2) as pool:
        return pool.map(run, ["without", "with"], [without, measures])


@pytest.mark.parametrize("service", ["litellm", "open-webui"])
def test_no_measure_is_skipped_on_the_locked_versions(gateway, service):
    assert json.loads((gateway.home / "run" / service / "diet-skipped.json").read_text()) == []
    assert taken(gateway, service)


@pytest.mark.parametrize(("collections", "meanwhile"), [("20", ""), ("60", ""), ("60", "meanwhile")])
def test_no_question_misses_a_document(stack, tmp_path, collections, meanwhile):
    said = python(
        stack, "open-webui", "chroma.py", "few_indexes", str(tmp_path / "vectors"), collections, meanwhile, folder=tmp_path
    )
    assert said == ["lost: []"]


def test_no_question_misses_a_document_where_few_files_may_be_open(stack, tmp_path):
    """The usual limit: Chroma by itself throws indexes out with which it answers, and the measure none."""

    def lost(name, measure):
        folder = tmp_path / name
        folder.mkdir()
        arguments = (str(folder / "vectors"), "250", "", "1024")
        return python(stack, "open-webui", "chroma.py", measure, *arguments, folder=folder)

    assert lost("with", "few_indexes") == ["lost: []"]
    # Or this would show nothing.
    assert lost("without", "") != ["lost: []"]


def test_a_service_may_open_as_many_files_as_the_gateway(gateway):
    soft, hard = most_open_files(gateway.service("open-webui")["pid"])
    assert hard == most_open_files(gateway.daemon())[1]
    # As the kernel knows it, and not the 1,024 of a login.
    assert int(soft) == min(int(hard), 65536)


def test_plugins_find_what_they_would_without_a_diet(gateway, tmp_path):
    own = environment(gateway, "open-webui")
    without, with_it = without_and_with(gateway, "open-webui", "plugins.py", taken(gateway, "open-webui"), tmp_path, own)
    assert without[-3:-1] == ["True True True", "True False"]
    assert with_it == without


# Each with so many lines at least, or it would have compared nothing.
@pytest.mark.parametrize(
    ("service", "script", "lines"),
    [
        ("open-webui", "changelog.py", 2),
        ("litellm", "litellm_imports.py", 700),
        ("litellm", "litellm_at_work.py", 300),
    ],
)
def test_the_diet_changes_nothing_that_is_asked_for(gateway, tmp_path, service, script, lines):
    own = environment(gateway, service)
    without, with_it = without_and_with(gateway, service, script, taken(gateway, service), tmp_path, own)
    assert len(without) >= lines
    assert with_it == without


# One measure alone is away, since the others make a start short.
@pytest.mark.parametrize(
    ("service", "script", "measure", "lines"),
    [
        ("open-webui", "routes.py", "lazy_routes", 400),
        ("litellm", "routes.py", "lazy_routes", 400),
        ("litellm", "lookups.py", "shared_lookups", 30),
    ],
)
def test_a_measure_changes_nothing_of_what_it_is_for(gateway, tmp_path, service, script, measure, lines):
    own, every = environment(gateway, service), taken(gateway, service)
    assert measure in every.split()
    others = " ".join(name for name in every.split() if name != measure)
    without, with_it = without_and_with(gateway, service, script, every, tmp_path, own, without=others)
    assert len(without) >= lines
    assert with_it == without


def test_a_stop_waits_for_the_tasks_that_count_and_for_no_others(gateway, tmp_path):
    said = python(gateway, "litellm", "stopping.py", "", folder=tmp_path, environment=environment(gateway, "litellm"))
    assert said == ["['any']"]


WORD = "cormorant"


def chats(gateway, key, text, **more):
    """What eight who ask at the same time are answered: the code, and what was wrong."""
    body = {"model": "echo", "messages": [{"role": "user", "content": text}], **more}

    def chat(_):
        http = httpx.Client(base_url=f"{gateway.url}/api/litellm/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False)
        answer = http.post("/chat/completions", json=body)
        return answer.status_code, str(answer.json().get("error", {}).get("message"))

    with ThreadPoolExecutor(8) as pool:
        return sorted(set(pool.map(chat, range(8))))


def guardrail(name, **more):
    words = [{"keyword": WORD, "action": "BLOCK"}]
    parameters = {"guardrail": "litellm_content_filter", "mode": "pre_call", "blocked_words": words, **more}
    return {"guardrail_name": name, "litellm_params": parameters}


def guardrails_at_work(gateway, key, provider, measure):
    """What is answered as guardrails come and go."""
    said = []
    gateway.command("config", "set", "diet.lazy_guardrails", measure, seconds=300)

    def look(what):
        for text in (f"A {WORD}.", "A heron."):
            for asked in ([], ["named"]):
                said.append((what, text, asked, chats(gateway, key, text, guardrails=asked)))

    def blocked():
        return chats(gateway, key, WORD)[0][0] == 400

    def looks_now():
        """LiteLLM looks for guardrails when it takes up a model, and otherwise twice a minute."""
        gateway.admin().add_model(f"looks-{uuid.uuid4()}", **provider.model("echo"))

    gateway.command("restart", "litellm", seconds=300)
    look("none")
    # As another instance on the same database adds one.
    row = guardrail("foreign", default_on=True)
    gateway.query(
        'INSERT INTO "LiteLLM_GuardrailsTable" (guardrail_id, guardrail_name, litellm_params, updated_at) '
        f"VALUES ('foreign', 'foreign', '{json.dumps(row['litellm_params'])}', now())"
    )
    looks_now()
    until("another instance's guardrail is at work", blocked, 120)
    look("another's")
    gateway.query("DELETE FROM \"LiteLLM_GuardrailsTable\" WHERE guardrail_id = 'foreign'")
    looks_now()
    until("another instance's guardrail is gone", lambda: not blocked(), 120)
    # One that was there before the start, and one that is added to it. Without the measure everything has
    # been imported at the first start, and another would change nothing.
    if measure == "true":
        gateway.command("restart", "litellm", seconds=300)
    admin = gateway.admin()
    made = [admin.post("/guardrails", {"guardrail": guardrail("named")})["guardrail_id"]]
    look("named")
    gateway.command("restart", "litellm", seconds=300)
    look("named, from the start on")
    made.append(gateway.admin().post("/guardrails", {"guardrail": guardrail("always", default_on=True)})["guardrail_id"])
    look("two")
    names = sorted(one["guardrail_name"] for one in gateway.admin().get("/v2/guardrails/list")["guardrails"])
    for one in made:
        assert gateway.admin().http.delete(f"/guardrails/{one}").is_success
    look("none any more")
    return [*said, names]


def test_guardrails_come_work_and_go_as_without_the_measure(gateway, key, provider):
    found = {}
    try:
        for value in ("false", "true"):
            found[value] = guardrails_at_work(gateway, key, provider, value)
    finally:
        gateway.query('DELETE FROM "LiteLLM_GuardrailsTable"')
        if "true" not in found:
            gateway.command("config", "set", "diet.lazy_guardrails", "true", seconds=300)
            gateway.command("restart", "litellm", seconds=300)
    assert {code for _, _, _, answers in found["false"][:-1] for code, _ in answers} >= {200, 400}
    assert found["true"] == found["false"]
