"""How urgent each line is that a service writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

PYTHON = Path(__file__).parent.parent

# Logging, printing, failing, and loguru's way to hand over a record.
SERVICE = """
import logging, sys
early = logging.StreamHandler(sys.stderr)
import gateway_log
late = logging.StreamHandler(sys.stdout)
log = logging.getLogger("a")
log.addHandler(early)
log.setLevel(logging.DEBUG)
log.debug("looking")
log.warning("first\\nsecond")
log.removeHandler(early)
log.addHandler(late)
try:
    {}["key"]
except KeyError:
    log.exception("it failed")
class Level:
    no = 25
class Message(str):
    record = {"level": Level}
sys.stdout.write(Message("loguru says\\nsomething\\n"))
print("plain", end="")
print(" words")
print("WARNING: of our own")
sys.stdout.flush()
print("to standard error", file=sys.stderr)
raise RuntimeError("the end")
"""


def lines(journal: bool) -> list[str]:
    """What it writes into a stream that is the journal's, as systemd says it is, or is not."""
    reader, writer = os.pipe()
    there = os.fstat(writer)
    subprocess.run(
        [sys.executable, "-u", "-B", "-c", SERVICE],
        env={
            "PYTHONPATH": str(PYTHON / "in_both"),
            "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}" if journal else "1:2",
        },
        stdout=writer,
        stderr=writer,
        timeout=60,
        check=False,
    )
    os.close(writer)
    with open(reader, encoding="utf-8") as stream:
        said = stream.read().splitlines()
    # Where in the file: not what this is about.
    return [line for line in said if 'File "' not in line and "~~" not in line]


def test_a_python_service_says_how_urgent_each_line_is() -> None:
    assert lines(journal=True) == [
        "<7>looking",
        "<4>first",
        "<4>second",
        "<3>it failed",
        "<3>Traceback (most recent call last):",
        "<3>KeyError: 'key'",
        "<6>loguru says",
        "<6>something",
        "<6>plain words",
        "<4>WARNING: of our own",
        "<4>to standard error",
        "<3>Traceback (most recent call last):",
        "<3>RuntimeError: the end",
    ]


def test_where_there_is_no_journal_lines_are_as_they_were() -> None:
    said = lines(journal=False)
    assert said[:4] == ["looking", "first", "second", "it failed"]
    assert "loguru says" in said and not any(line.startswith("<") for line in said), json.dumps(said)
