"""This makes the folder of each service in the form that runit and s6 share. Both of them call it."""

from pathlib import Path


def make(folder: Path, count: int, service: Path, logger: str | None) -> list[Path]:
    """`run` is the program itself: not even a shell comes before it. With a logger, each has one of its own."""
    folders = [folder / "services" / f"s{number}" for number in range(1, count + 1)]
    for place in folders:
        place.mkdir(parents=True)
        (place / "run").symlink_to(service)
        if logger:
            (place / "log" / "main").mkdir(parents=True)
            run = place / "log" / "run"
            run.write_text(f"#!/bin/sh\nexec {logger}\n")
            run.chmod(0o755)
    return folders
