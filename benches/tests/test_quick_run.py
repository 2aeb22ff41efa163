"""A run of the parts that need no stack, in a few rounds: that each supervisor has figures, not what they are."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, cast

import pytest

from ai_gateway_benches.common.places import BENCHES, target_folder
from ai_gateway_benches.peers import catalog
from ai_gateway_benches.report.page import page

if TYPE_CHECKING:
    from ai_gateway_benches.report.figures import Results

PARTS = ["restart", "idle", "logs"]
EVERYBODY = {kind.name for kind in catalog.ALL}

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="benches: the other supervisors come from Debian by apt-get"
)


@pytest.fixture(scope="module")
def results() -> Results:
    done = subprocess.run(
        [BENCHES / "run", "--quick", *PARTS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return cast("Results", json.loads((target_folder() / "bench/quick.json").read_text()))


@pytest.mark.parametrize("part", PARTS)
def test_every_supervisor_has_figures(results: Results, part: str) -> None:
    assert {row["who"] for row in results["parts"][part]["rows"]} >= EVERYBODY


@pytest.mark.parametrize("part", ["restart", "idle"])
def test_no_duration_and_no_size_is_nothing(results: Results, part: str) -> None:
    # The growth from 1 service to the few of a quick run is less than a page of one of them, and so may be
    # nothing, or less.
    real = [row for row in results["parts"][part]["rows"] if row["what"].endswith(": PSS") or "→" in row["what"]]
    assert real
    assert [row for row in real if row["value"] <= 0] == []


def test_the_page_has_each_figure(results: Results) -> None:
    text = page(results)
    assert [row for part in PARTS for row in results["parts"][part]["rows"] if f"| {row['what']} |" not in text] == []
