"""Says how urgent each line is, as a journal wants it: `<3>` in front of an error (sd-daemon(3)).

Standard output and error of this process may be the journal's own stream; JOURNAL_STREAM says so
(systemd.exec(5)). A line of a traceback is as urgent as what it belongs to, or `journalctl -p err`
would show an error without its cause. Where there is no journal nothing is changed.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable


ERROR, WARNING, INFO, DEBUG = 3, 4, 6, 7

MARKED = re.compile(r"<[0-7]>")


def priority(level: int) -> int:
    """Of a level of Python's logging, or of loguru's, which has the same numbers."""
    if level >= logging.CRITICAL:
        return 2
    if level >= logging.ERROR:
        return ERROR
    if level >= logging.WARNING:
        return WARNING
    return INFO if level >= logging.INFO else DEBUG


def mark(text: str, of: int) -> str:
    return "\n".join(f"<{of}>{line}" for line in text.splitlines())


class Stream:
    """A standard stream whose lines are marked, if they are not yet.

    What is written without logging has no level: on standard error it is a warning, and a traceback
    is an error from its first line to the exception's own.
    """

    def __init__(self, stream: TextIO, level: int) -> None:
        self._stream = stream
        self._level = level
        self._traceback = False
        self._rest = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        # loguru hands its sink a text that knows its record.
        record = getattr(text, "record", None)
        if record is not None:
            self._stream.write(mark(text, priority(record["level"].no)) + "\n")
            return len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._stream.write("".join(self._marked(line) + "\n" for line in lines))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        # What has no end yet stays: half a line would be one of its own in a journal.
        self._stream.flush()

    def _marked(self, line: str) -> str:
        if MARKED.match(line):
            return line
        if line.startswith(("Traceback (most", "During handling of", "The above exception")):
            self._traceback = True
            return f"<{ERROR}>{line}"
        # Our own modules have no logger, and say it so.
        level = WARNING if line.startswith("WARNING: ") else self._level
        level = ERROR if self._traceback else level
        if line and not line[0].isspace():
            self._traceback = False
        return f"<{level}>{line}"


def to_the_journal() -> bool:
    stream = os.environ.get("JOURNAL_STREAM", "")
    try:
        stderr = os.fstat(2)
    except OSError:
        return False
    return stream == f"{stderr.st_dev}:{stderr.st_ino}"


def install() -> None:
    """Marks what every handler of Python's logging writes to a standard stream, and the rest."""
    if not to_the_journal() or isinstance(sys.stderr, Stream):
        return
    plain = logging.StreamHandler.format

    def format(handler: logging.StreamHandler[TextIO], record: logging.LogRecord) -> str:
        text = plain(handler, record)
        try:
            standard = handler.stream.fileno() in (1, 2)
        except (AttributeError, OSError, ValueError):
            standard = False
        return mark(text, priority(record.levelno)) if standard else text

    logging.StreamHandler.format = format  # type: ignore[method-assign, assignment] # for those of a stream alone
    sys.stdout, sys.stderr = Stream(sys.stdout, INFO), Stream(sys.stderr, WARNING)


install()
