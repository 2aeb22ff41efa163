"""The configuration files of the stock stack, as the documentation of each project has them.

All of it is pure. `stock` writes them.
"""

from collections.abc import Mapping
from pathlib import Path

ANSWER = (
    "This is the gateway's demo model. No provider is connected yet, so the answer is always this "
    "one, and it costs nothing. Add a model on LiteLLM's admin page, and this one goes away."
)

LITELLM = f"""model_list:
  - model_name: demo
    litellm_params:
      model: openai/demo
      api_key: none
      mock_response: "{ANSWER}"
"""

# Who may connect to the copy of the gateway's cluster.
POSTGRES_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"

# Comes before the installed httptools in the search for modules.
NO_HTTPTOOLS = "raise ImportError('stock has none')\n"

NGINX = """daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
worker_processes auto;
events {{ worker_connections 768; }}
http {{
    access_log {folder}/nginx-access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    tcp_nopush on;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{front};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_buffering off;
        location = /health {{ return 200 "healthy"; }}
        location /api/litellm/v1/ {{
            client_max_body_size 100m;
            proxy_read_timeout 300s;
            proxy_pass http://127.0.0.1:{litellm}/v1/;
        }}
        location / {{
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 86400s;
            proxy_pass http://127.0.0.1:{webui};
        }}
    }}
}}
"""


def nginx(folder: Path, ports: Mapping[str, int]) -> str:
    return NGINX.format(folder=folder, **ports)
