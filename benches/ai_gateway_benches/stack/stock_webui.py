"""This makes an environment with everything that Open WebUI requires, which is 7 GB.

`stacks` calls it for `benches/run --whole`.
"""

import os
import shutil
import subprocess
from pathlib import Path

from . import owner
from .gateway import Gateway


def environment(ours: Gateway) -> Path:
    """Of the version that set-up has installed; kept in the cache from one run to the next."""
    cache = owner.packages_cache()
    version = installed_version(ours)
    venv = cache / f"open-webui-{version}-whole"
    if not (venv / "complete").exists():
        shutil.rmtree(venv, ignore_errors=True)
        uv = ours.payloads / "tools/current/bin/uv"
        python = os.path.realpath(ours.payloads / "open-webui/current/bin/python")
        subprocess.run([uv, "venv", "-q", "-p", python, venv], check=True)
        subprocess.run(
            [uv, "pip", "install", "-q", "--compile-bytecode", f"open-webui=={version}"],
            check=True,
            env={**os.environ, "VIRTUAL_ENV": str(venv), "UV_CACHE_DIR": str(cache / "uv-whole")},
        )
        # It writes its page's pictures anew at each start.
        for path in venv.glob("lib/python3*/site-packages/open_webui/static/**/*"):
            ours.own(path)
        (venv / "complete").touch()
    return venv


def installed_version(ours: Gateway) -> str:
    packages = ours.payloads / "open-webui/current/lib"
    described = next(packages.glob("python3*/site-packages/open_webui-*.dist-info"))
    return described.name.removeprefix("open_webui-").removesuffix(".dist-info")
