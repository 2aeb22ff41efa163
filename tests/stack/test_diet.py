"""What the diet changes in installed packages, beside the same packages without it.

The scripts of the folder diet/ run in the Python of the service that they are for. What they print is
the same with a measure and without it.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "is skipped" not in done.stderr
    return done.stdout.splitlines()


def without_and_with(gateway, service, script, measures, tmp_path, environment=()):
    """What it prints without any measure and with these, both at the same time."""

    def run(taken):
        folder = tmp_path / ("with" if taken else "without")
        folder.mkdir()
        return python(gateway, service, script, taken, folder=folder, environment=environment)

    with ThreadPoolExecutor(2) as pool:
        return pool.map(run, ["", measures])


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


def test_plugins_find_what_they_would_without_a_diet(gateway, tmp_path):
    own = environment(gateway, "open-webui")
    without, with_it = without_and_with(gateway, "open-webui", "plugins.py", taken(gateway, "open-webui"), tmp_path, own)
    assert without[-3:-1] == ["True True True", "True False"]
    assert with_it == without


# Each with so many lines at least, or it would have compared nothing.
@pytest.mark.parametrize(
    ("service", "script", "lines"),
    [("open-webui", "changelog.py", 2), ("litellm", "litellm_imports.py", 700), ("litellm", "litellm_at_work.py", 300)],
)
def test_the_diet_changes_nothing_that_is_asked_for(gateway, tmp_path, service, script, lines):
    own = environment(gateway, service)
    without, with_it = without_and_with(gateway, service, script, taken(gateway, service), tmp_path, own)
    assert len(without) >= lines
    assert with_it == without


def test_a_stop_waits_for_the_tasks_that_count_and_for_no_others(gateway, tmp_path):
    said = python(gateway, "litellm", "stopping.py", "", folder=tmp_path, environment=environment(gateway, "litellm"))
    assert said == ["['any']"]
