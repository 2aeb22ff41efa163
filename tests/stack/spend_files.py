"""The journal's modules for the tests that have no LiteLLM, and files as a dead process leaves them."""

import os
import sys
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2] / "python"
for folder in ("in_both", "in_litellm"):
    sys.path.insert(0, str(PYTHON / folder))

import spend_file  # noqa: E402


def records(file):
    found, _, _ = file.read(1 << 20)
    return [record for _, record in found]


def written(folder, *contents):
    """A dead process's file with these records."""
    file = spend_file.create(folder)
    for record in contents:
        os.write(file.descriptor, spend_file.line_of(record))
    os.close(file.descriptor)
    return file.path


def append_to(path, data):
    with open(path, "ab") as file:
        file.write(data)
