"""The files in which results are kept.

`benches/run` calls `keep` after each part. `merged`, which decides what is in the file then, is pure.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from .figures import Part, Results
from .targets import judge


def read(path: Path) -> dict[str, Part]:
    """What was measured before, by part."""
    return cast(Results, json.loads(path.read_text()))["parts"] if path.exists() else {}


def merged(before: Mapping[str, Part], found: Mapping[str, Part], order: Iterable[str]) -> Results:
    """What was found in the place of what was found of the same parts before, with the verdicts on it all."""
    both = {**before, **found}
    parts = {name: both[name] for name in order if name in both}
    return {"parts": parts, "targets": judge(parts)}


def keep(path: Path, found: Mapping[str, Part], order: Iterable[str]) -> Results:
    """Writes that into the file."""
    results = merged(read(path), found, order)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return results
