"""The secrets, after all the other tests: nowhere but in their files."""

import json
import os
import stat
from pathlib import Path

import pytest


@pytest.fixture
def secrets(gateway):
    found = gateway.secrets()
    assert len(found) >= 7 and all(len(value) >= 16 for value in found.values()), sorted(found)
    return found


def found_in(text, secrets):
    return [name for name, value in secrets.items() if value in text]


def test_no_secret_is_in_any_process_arguments(secrets):
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        assert not found_in(arguments, secrets), entry


# What each process has in its environment, and has to have: one that has more could give more away.
IN_ENVIRONMENTS = {
    "litellm": {"litellm-master-key", "litellm-salt-key", "litellm-ui-password", "postgres-litellm-password"},
    "query engine": {"postgres-litellm-password"},
    "open-webui": {"open-webui-secret-key", "open-webui-virtual-key", "postgres-open-webui-password"},
    "postgres": set(),
    "nginx": set(),
    "daemon": set(),
}


def process_kind(arguments, name):
    """Whose process it is, by what it was started with."""
    for words, kind in (("gateway_server.py", "litellm"), ("webui_app:app", "open-webui"), ("nginx: ", "nginx"), ("ai-gateway run", "daemon")):
        if words in arguments:
            return kind
    return {"query-engine": "query engine", "postgres": "postgres", "nginx": "nginx"}.get(name, arguments)


# Run as the gateway's user: without a privilege that root may lack, the kernel shows a process's
# environment to nobody else.
ENVIRONMENTS = """
import json, os, pathlib
found = []
for process in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        texts = [(process / name).read_bytes().decode(errors="replace") for name in ("environ", "cmdline", "comm")]
    except OSError:
        continue
    if int(process.name) != os.getpid():
        found.append(texts)
print(json.dumps(found))
"""


def test_each_process_has_the_secrets_that_it_needs_in_its_environment(gateway, secrets):
    found = {}
    for environment, arguments, name in json.loads(gateway.output_of("/usr/bin/python3", "-c", ENVIRONMENTS)):
        # nginx writes its title over its environment.
        if str(gateway.home) in environment + arguments and arguments:
            kind = process_kind(arguments.replace("\0", " "), name.strip())
            found.setdefault(kind, set()).update(found_in(environment, secrets))
    assert found == IN_ENVIRONMENTS


def test_no_secret_is_in_a_log(gateway, secrets):
    logs = [path for path in (gateway.home / "state/logs").rglob("*") if path.is_file()]
    assert {"litellm.log", "postgres.log", "ai-gateway.log"} <= {path.name for path in logs}
    for path in logs:
        assert not found_in(path.read_text(errors="replace"), secrets), path


@pytest.mark.parametrize(
    "command",
    [("status", "--json"), ("status",), ("config", "show"), ("key",), ("logs",), ("why", "litellm"), ("setup", "--dry-run")],
    ids=" ".join,
)
def test_no_secret_is_in_an_answer(gateway, secrets, command):
    answer = gateway.run(*command)
    assert not found_in(answer.stdout + answer.stderr, secrets)


def test_nobody_else_may_read_what_a_secret_is_in(gateway, secrets):
    """Every file that the gateway has made, packages aside, as if its folders were open."""
    seen = 0
    for folder, folders, files in os.walk(gateway.home):
        if folder == str(gateway.home / "state"):
            folders.remove("payloads")
        for name in files:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode):
                continue
            seen += 1
            if mode & 0o077:
                assert not found_in(path.read_bytes().decode(errors="replace"), secrets), path
    assert seen > 1000


def test_the_folders_of_state_and_sockets_are_closed(gateway):
    for name in ("state", "state/secrets", "state/logs", "state/postgres", "run", "run/open-webui", "run/postgres"):
        assert stat.S_IMODE((gateway.home / name).stat().st_mode) & 0o077 == 0, name
    for file in (gateway.home / "state/secrets").iterdir():
        if file.is_file():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
