"""A configuration of the user's own, as the installed LiteLLM reads it, with the gateway's put over it."""

from __future__ import annotations

from conftest import Service

import gateway_config

OVERLAY = {
    "decided": {"litellm_settings": {"max_budget": 5.0}, "general_settings": {"store_model_in_db": True}},
    "preferred": {"litellm_settings": {"telemetry": False}, "general_settings": {"user_api_key_cache_ttl": 10}},
    "left_out": [["general_settings", "master_key"]],
    "variables": {"names": ["DATABASE_URL"], "prefixes": ["LD_"]},
}


def test_what_is_decided_counts_and_what_is_preferred_gives_way() -> None:
    theirs = {
        "model_list": [{"model_name": "a"}],
        "litellm_settings": {"max_budget": 100, "telemetry": True, "drop_params": True},
        "general_settings": {"master_key": "sk-theirs", "alerting": ["slack"]},
        "environment_variables": {"DATABASE_URL": "postgres://", "LD_PRELOAD": "/x", "GROQ_API_KEY": "x"},
    }
    assert gateway_config.merged(theirs, OVERLAY) == {
        "model_list": [{"model_name": "a"}],
        "litellm_settings": {"max_budget": 5.0, "telemetry": True, "drop_params": True},
        "general_settings": {"store_model_in_db": True, "user_api_key_cache_ttl": 10, "alerting": ["slack"]},
        "environment_variables": {"GROQ_API_KEY": "x"},
    }
    assert theirs["general_settings"]["master_key"] == "sk-theirs", "the caller's own is as it was"


def test_a_section_that_is_no_table_is_replaced_where_the_gateway_decides() -> None:
    found = gateway_config.merged({"litellm_settings": None, "general_settings": []}, OVERLAY)
    assert found["litellm_settings"] == {"max_budget": 5.0, "telemetry": False}
    assert found["general_settings"] == {"store_model_in_db": True, "user_api_key_cache_ttl": 10}


def test_the_installed_litellm_reads_what_was_checked_and_python_beside_the_file(litellm: Service) -> None:
    def read() -> None:
        import asyncio
        import json
        import os
        from pathlib import Path

        theirs = Path("theirs").absolute()
        theirs.mkdir()
        root, models = theirs / "config.yaml", theirs / "models.yaml"
        texts = {
            root: "include: [models.yaml]\nlitellm_settings:\n  max_budget: 100\n  callbacks: hooks.handler\n"
            "general_settings: {master_key: sk-theirs}\n"
            "x: &x {DATABASE_URL: postgres://, OTHER: kept}\nenvironment_variables: {<<: *x}\n",
            models: "model_list:\n- model_name: a\n  litellm_params: {model: openai/a}\n",
        }
        # Both were changed since, and nobody has checked that.
        root.write_text("litellm_settings: [\n")
        models.write_text("model_list: []\n")
        (theirs / "hooks.py").write_text("handler = 'found beside the file'\n")
        overlay = {
            "root": str(root),
            "texts": {str(path): text for path, text in texts.items()},
            "decided": {"litellm_settings": {"max_budget": 5.0}},
            "preferred": {},
            "left_out": [["general_settings", "master_key"]],
            "variables": {"names": ["DATABASE_URL"], "prefixes": ["LD_"]},
        }
        Path("overlay.json").write_text(json.dumps(overlay))
        os.environ["AI_GATEWAY_LITELLM_OVERLAY"] = "overlay.json"
        import gateway_config

        gateway_config.have_server()
        from litellm.proxy import proxy_server
        from litellm.proxy.types_utils.utils import get_instance_fn

        config = asyncio.run(proxy_server.ProxyConfig().get_config(str(root)))
        print([model["model_name"] for model in config["model_list"]])
        print(config["litellm_settings"]["max_budget"], config["general_settings"])
        print(config["environment_variables"])
        print(get_instance_fn(config["litellm_settings"]["callbacks"], str(root)))

    printed = ["['a']", "5.0 {}", "{'OTHER': 'kept'}", "found beside the file"]
    assert litellm.run(read, first=[]).splitlines()[-4:] == printed


def test_an_empty_file_is_a_configuration_that_says_nothing(litellm: Service) -> None:
    def read() -> None:
        import asyncio
        import json
        import os
        from pathlib import Path

        root = Path("config.yaml").absolute()
        root.touch()
        overlay = {
            "root": str(root),
            "texts": {str(root): ""},
            "decided": {"general_settings": {"store_model_in_db": True}},
            "preferred": {},
            "left_out": [],
            "variables": {"names": [], "prefixes": []},
        }
        Path("overlay.json").write_text(json.dumps(overlay))
        os.environ["AI_GATEWAY_LITELLM_OVERLAY"] = "overlay.json"
        import gateway_config

        gateway_config.have_server()
        from litellm.proxy import proxy_server

        print(asyncio.run(proxy_server.ProxyConfig().get_config(str(root)))["general_settings"])

    assert litellm.run(read, first=[]).splitlines()[-1:] == ["{'store_model_in_db': True}"]


def test_without_the_file_it_does_not_start(litellm: Service) -> None:
    def start() -> None:
        import json
        import os
        from pathlib import Path

        overlay = {"root": "/gone/config.yaml", "texts": {}, "decided": {}, "preferred": {}, "left_out": []}
        Path("overlay.json").write_text(json.dumps(overlay))
        os.environ["AI_GATEWAY_LITELLM_OVERLAY"] = "overlay.json"
        import gateway_config

        gateway_config.have_server()

    assert "/gone/config.yaml is gone, which litellm.config names" in litellm.run(start, first=[], fails=True)
