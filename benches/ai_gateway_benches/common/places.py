"""Where the folders of the project are. Every room may ask."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
BENCHES = PACKAGE.parent
ROOT = BENCHES.parent


def target_folder() -> Path:
    """Where Cargo builds; an absolute path, because commands run in other folders."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
