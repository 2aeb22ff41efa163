//! The parts of nginx's configuration that are the same for everybody, with places for what is not.

/// No access log: standard output may be a socket of the journal, which nginx cannot open by name,
/// and query strings may hold keys. LiteLLM keeps a row for each request.
pub(super) const HTTP: &str = r#"
    access_log off;
    server_tokens off;
    # Which name and port people came by, only they know.
    absolute_redirect off;
    default_type text/plain;
    charset utf-8;
    sendfile on;
    tcp_nodelay on;
    keepalive_timeout 75s;
    large_client_header_buffers 4 16k;
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    # Of a refusal of our own, which nobody behind has seen: theirs say so themselves.
    map "$status $upstream_status" $retry_after { default ''; ~^503 3; "429 " 60; }
"#;

/// Open WebUI takes one origin only. A browser's origin that is the host that it asked becomes that
/// one, so that any name, tunnel or port by which people reach us works, and another site's does
/// not.
pub(super) const SAME_ORIGIN: &str = r#"
    map "$http_origin $host_of_client" $origin_for_open_webui {
        default $http_origin;
        "~^https?://(\S+) \1$" @ORIGIN@;
    }
"#;

pub(super) const SERVER: &str = r#"
        proxy_hide_header X-Frame-Options;
        proxy_hide_header X-Content-Type-Options;
        proxy_hide_header Referrer-Policy;
        add_header X-Frame-Options SAMEORIGIN always;
        add_header X-Content-Type-Options nosniff always;
        add_header Referrer-Policy strict-origin-when-cross-origin always;
        add_header Retry-After $retry_after always;

        proxy_http_version 1.1;
@FORWARDED@        proxy_hide_header Server;
        # Tokens go out as they come in.
        proxy_buffering off;

        location = /health { return 200 "healthy\n"; }

        location /api/litellm/v1/ {
            client_max_body_size 100m;
            client_body_buffer_size 3m;
            proxy_connect_timeout 10s;
            proxy_send_timeout @SECONDS@s;
            proxy_read_timeout @SECONDS@s;
            proxy_pass http://litellm/v1/;
            error_page 413 @api_too_large;
            error_page 429 @too_many;
            error_page 502 503 =503 @api_starting;
            error_page 504 @api_slow;
        }
        location @api_too_large {
            internal;
            default_type application/json;
            return 413 '{"error":{"message":"The request is larger than 100 MB.","type":"invalid_request_error","param":null,"code":"request_too_large"}}\n';
        }
        location @api_starting {
            internal;
            default_type application/json;
            return 503 '{"error":{"message":"LiteLLM does not answer: it is starting, or it is stopped. Try again in a few seconds.","type":"server_error","param":null,"code":"service_unavailable"}}\n';
        }
        location @api_slow {
            internal;
            default_type application/json;
            return 504 '{"error":{"message":"LiteLLM did not answer within @SECONDS@ seconds.","type":"server_error","param":null,"code":"timeout"}}\n';
        }
        location /api/litellm/ {
            return 403 "Only /api/litellm/v1/ is served here. Keys, budgets and models are managed on the admin port.\n";
        }
"#;

/// Whatever the switch in Open WebUI's settings says, and even while it has no account at all, whose
/// first one would become the administrator's.
pub(super) const SIGNUP_CLOSED: &str = r#"
        location = /api/v1/auths/signup {
            default_type application/json;
            return 403 '{"detail":"Sign-up is closed: an administrator makes the accounts. [open_webui] signup = true in gateway.toml opens it."}\n';
        }
"#;

/// LiteLLM's own API and its pages, as they are: under the names and headers that LiteLLM gives.
pub(super) const ADMIN: &str = r#"
        proxy_http_version 1.1;
@FORWARDED@        proxy_hide_header Server;
        proxy_buffering off;
        location / {
@PROXY@        }
        # The page asks at each visit, and LiteLLM would ask a site on the internet: nothing newer.
        location = /get/latest_release_info { default_type application/json; return 200 'null'; }
        location @litellm_starting {
            internal;
            default_type application/json;
            add_header Retry-After 3 always;
            return 503 '{"error":{"message":"LiteLLM does not answer: it is starting, or it is stopped. Try again in a few seconds.","type":"server_error","param":null,"code":"service_unavailable"}}\n';
        }
"#;

/// What a place on the admin port has: LiteLLM answers for all of them.
pub(super) const ADMIN_PROXY: &str = r"            client_max_body_size 1g;
            proxy_request_buffering off;
            proxy_connect_timeout 10s;
            proxy_send_timeout @SECONDS@s;
            proxy_read_timeout @SECONDS@s;
            proxy_pass http://litellm;
            error_page 502 503 =503 @litellm_starting;
";

pub(super) const WITH_OPEN_WEBUI: &str = r#"
        location / {
@PROXY@        }
        location @open_webui_starting {
            internal;
            default_type text/html;
            return 503 '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="3"><title>Starting</title><p>Open WebUI does not answer yet: it is starting, or it is stopped. This page tries again by itself.</p><p><code>ai-gateway status</code> says more.</p>\n';
        }
"#;

pub(super) const SERVER_INDENT: &str = "        ";
pub(super) const LOCATION_INDENT: &str = "            ";

/// What a place that Open WebUI answers for has.
pub(super) const PROXY: &str = r"            client_max_body_size 1g;
            # Uploads go straight through, instead of being written twice.
            proxy_request_buffering off;
            proxy_connect_timeout 10s;
            proxy_send_timeout 86400s;
            proxy_read_timeout 86400s;
@FORWARDED@            proxy_set_header Origin $origin_for_open_webui;
            proxy_pass http://open_webui;
            error_page 502 503 504 =503 @open_webui_starting;
";

/// What the build names after its contents never changes, so a browser need not ask again; What
/// is not there is Open WebUI's to answer.
pub(super) const STATIC_FILES: &str = r#"
        location /_app/immutable/ {
            root @ROOT@;
            try_files $uri @open_webui;
            types {
                text/javascript js mjs;
                text/css css;
                application/json json map;
                application/wasm wasm;
                font/woff2 woff2;
                font/woff woff;
                font/ttf ttf;
                image/png png;
                image/svg+xml svg;
            }
            charset_types text/javascript text/css application/json;
            gzip on;
            gzip_vary on;
            gzip_comp_level 4;
            gzip_min_length 1024;
            gzip_types text/javascript text/css application/json application/wasm image/svg+xml;
            add_header Cache-Control "public, max-age=31536000, immutable";
            add_header X-Frame-Options SAMEORIGIN always;
            add_header X-Content-Type-Options nosniff always;
            add_header Referrer-Policy strict-origin-when-cross-origin always;
        }
        location @open_webui {
@PROXY@        }
"#;

pub(super) const WITHOUT_OPEN_WEBUI: &str = r#"
        location / {
            return 404 "Open WebUI is not a part of this gateway ([open_webui] enabled = false). The API is at /api/litellm/v1/.\n";
        }
"#;
