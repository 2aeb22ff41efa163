//! nginx: the one door. Open WebUI at `/`, the API at `/api/litellm/v1/`, `/health` for monitors; on a
//! port of its own LiteLLM's whole API and its admin page.
//!
//! The distribution's program with a configuration, a prefix and temporary folders of our own, so
//! that it runs as any user and touches nothing of the distribution's. It requires nothing, so that
//! whoever comes early gets a page that says so.

mod access;
mod headers;
mod hints;
mod limits;

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::{
    Address, Command, EnvValue, FIRST_LISTENER, Handover, HttpTarget, Listener, Liveness, Probe,
    Reload, ReloadAction, RestartPolicy, ServiceKind, ServiceSpec, Startup, StopStep,
};

use super::{
    Inputs, NGINX, Part, RenderedFile, UPSTREAM_KEEP_ALIVE_SECONDS, always, environment,
    front_address, litellm, name, open_webui, plain,
};
use crate::config::settings::Network;

/// Connections to an upstream that each process keeps when nobody uses them: as many as there are
/// chats under way when a small machine is busy. One more would be closed and made anew.
const UPSTREAM_KEPT: u32 = 64;

/// Folders for what does not fit into memory, by the directive that names them.
const TEMPORARY: [(&str, &str); 5] = [
    ("client_body_temp_path", "body"),
    ("proxy_temp_path", "proxy"),
    ("fastcgi_temp_path", "fastcgi"),
    ("uwsgi_temp_path", "uwsgi"),
    ("scgi_temp_path", "scgi"),
];

pub(super) fn plan(inputs: &Inputs) -> Part {
    let service = name(NGINX);
    let rendered = inputs.paths.rendered(&service);
    let config = rendered.join("nginx.conf");
    let cwd = inputs.paths.service(&service);
    let limits = inputs.limits(&service);
    let probe = Probe::Http(HttpTarget {
        at: Address::Tcp(front_address(&inputs.settings.listen).to_string()),
        path: "/health".to_owned(),
    });
    let static_files = inputs.installed.open_webui_frontend.as_deref();
    let static_files = static_files
        .filter(|_| inputs.settings.diet.static_files)
        .filter(|path| can_be_a_root(path));
    let listen = &inputs.settings.listen;
    let front = SocketAddr::new(listen.address, listen.port);
    let admin = SocketAddr::new(listen.admin_address, listen.admin_port);
    let listeners = vec![Listener::Tcp(front), Listener::Tcp(admin)];
    let command = command(inputs, &cwd, &config, listeners.len());
    let spec = ServiceSpec {
        success_exit: [].into(),
        reload: Some(reload(&command)),
        command,
        kind: ServiceKind::Daemon,
        files: [].into(),
        listeners,
        handover: Handover::Command,
        requires: [].into(),
        restart_with_requirements: false,
        startup: Startup {
            deadline: Duration::from_secs(30),
            readiness: Some(probe.clone()),
            listens: None,
            every: Duration::from_millis(50),
            timeout: Duration::from_secs(5),
            post_start: None,
        },
        liveness: Some(liveness(probe)),
        // It is the one door and starts within a moment: after a second of service its end is no
        // sign of a next one. The shorter waits make for more of them until it is given up.
        restart: RestartPolicy {
            base: Duration::from_millis(50),
            burst: 14,
            ..always(Duration::from_secs(1))
        },
        stop: vec![signal(3, SHUTDOWN_SECONDS + 5), signal(15, 5)],
        limits: limits.clone(),
        confinement: access::confinement(inputs, static_files.map(Path::to_owned)),
        recycle: None,
        name: service,
    };
    let folders = TEMPORARY.map(|(_, folder)| cwd.join(folder)).to_vec();
    let workers = workers(limits.cpu_milli);
    let contents = Config {
        front,
        admin,
        workers,
        connections: limits::connections(limits.memory_max, workers, inputs.open_files),
        trusted: &inputs.settings.front.trusted_proxies,
        pid: rendered.join("nginx.pid"),
        temporary: &cwd,
        litellm: inputs.paths.litellm_socket(),
        open_webui: inputs
            .settings
            .open_webui
            .enabled
            .then(|| inputs.paths.open_webui_socket()),
        signup: inputs.settings.open_webui.signup,
        static_files,
    }
    .render();
    Part {
        spec,
        folders,
        files: vec![RenderedFile {
            path: config,
            contents,
        }],
    }
}

fn liveness(probe: Probe) -> Liveness {
    Liveness {
        probe,
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        failures: 3,
        restart_after: Some(6),
        hung_after: Some(2),
    }
}

fn command(inputs: &Inputs, cwd: &Path, config: &Path, listeners: usize) -> Command {
    let text = |path: &Path| path.display().to_string();
    let mut env = environment(cwd, &[]);
    env.extend([inherited(listeners)]);
    Command {
        program: inputs.installed.nginx.clone(),
        args: vec![
            "-e".to_owned(),
            // Before the configuration is read: otherwise it tries the distribution's log.
            "stderr".to_owned(),
            "-p".to_owned(),
            text(cwd),
            "-c".to_owned(),
            text(config),
        ],
        env,
        cwd: cwd.to_owned(),
    }
}

/// The variable by which nginx is told which descriptors are listening sockets, meant for its own
/// upgrade while it runs (`ngx_add_inherited_sockets`). It knows them by their addresses.
const INHERITED: &str = "NGINX";

fn inherited(count: usize) -> (String, EnvValue) {
    let numbers = (FIRST_LISTENER..).take(count);
    let list: String = numbers.map(|number| format!("{number};")).collect();
    plain(INHERITED, list)
}

/// From QUIT until the last WebSocket is cut.
const SHUTDOWN_SECONDS: u64 = 15;

fn signal(signal: i32, seconds: u64) -> StopStep {
    StopStep::Signal {
        signal,
        timeout: Duration::from_secs(seconds),
    }
}

/// One for each whole CPU, and two where there is no limit: it only passes bytes on, and `auto`
/// would start one for each CPU of the host.
fn workers(cpu_milli: Option<u32>) -> u32 {
    cpu_milli.map_or(2, |milli| milli.div_ceil(1000).clamp(1, 8))
}

/// The master reads its configuration again, starts workers with it and has the old ones finish what
/// they have begun: nobody is refused and nobody waits. What does not parse is found before.
fn reload(command: &Command) -> Reload {
    let mut check = command.clone();
    check.args.insert(0, "-t".to_owned());
    // It gets no sockets, and would look for them.
    check.env.remove(INHERITED);
    Reload {
        check: Some(check),
        action: ReloadAction::Signal(nix::libc::SIGHUP),
        timeout: Duration::from_secs(20),
    }
}

struct Config<'a> {
    front: SocketAddr,
    admin: SocketAddr,
    workers: u32,
    /// The most connections of a process.
    connections: u32,
    /// Whose word on who the client is counts.
    trusted: &'a [Network],
    pid: PathBuf,
    temporary: &'a Path,
    litellm: PathBuf,
    open_webui: Option<PathBuf>,
    /// Whether its sign-up is open.
    signup: bool,
    /// Open WebUI's page as it was built, for nginx to serve itself.
    static_files: Option<&'a Path>,
}

/// A dollar sign in `root` begins a variable, and nothing escapes it: then Open WebUI serves its
/// files as ever.
fn can_be_a_root(path: &Path) -> bool {
    !path.as_os_str().as_encoded_bytes().contains(&b'$')
}

impl Config<'_> {
    fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# Rendered at each start: changes here are lost.")?;
        writeln!(text, "daemon off;")?;
        writeln!(text, "pid {};", quoted(&self.pid))?;
        writeln!(text, "worker_processes {};", self.workers)?;
        writeln!(text, "worker_shutdown_timeout {SHUTDOWN_SECONDS}s;")?;
        // An error's line holds the whole request, and a query string may hold a key. What a stopped
        // upstream would fill the log with is told by the supervisor.
        writeln!(text, "error_log stderr crit;")?;
        writeln!(
            text,
            "events {{ worker_connections {}; }}",
            self.connections
        )?;
        writeln!(text, "http {{")?;
        for (directive, folder) in TEMPORARY {
            writeln!(
                text,
                "    {directive} {};",
                quoted(&self.temporary.join(folder))
            )?;
        }
        text.push_str(HTTP);
        text.push_str(&headers::http(self.trusted));
        text.push_str(limits::HTTP);
        text.push_str(hints::HTTP);
        upstream(text, "litellm", &self.litellm, litellm::IDLE_SECONDS)?;
        if let Some(socket) = &self.open_webui {
            upstream(text, "open_webui", socket, UPSTREAM_KEEP_ALIVE_SECONDS)?;
            text.push_str(&SAME_ORIGIN.replace("@ORIGIN@", open_webui::ORIGIN));
        }
        writeln!(text, "    server {{")?;
        writeln!(text, "        listen {};", self.front)?;
        let seconds = litellm::REQUEST_SECONDS.to_string();
        let of_server = headers::proxied(self.trusted, SERVER_INDENT);
        let server = SERVER.replace("@SECONDS@", &seconds);
        text.push_str(&server.replace("@FORWARDED@", &of_server));
        text.push_str(&limits::server(self.connections));
        text.push_str(&hints::server());
        let forwarded = headers::proxied(self.trusted, LOCATION_INDENT);
        let proxy = PROXY.replace("@FORWARDED@", &forwarded);
        if self.open_webui.is_some() {
            text.push_str(&limits::logins(limits::OPEN_WEBUI_LOGINS, &proxy));
        }
        if self.open_webui.is_some() && !self.signup {
            text.push_str(SIGNUP_CLOSED);
        }
        match (&self.open_webui, self.static_files) {
            (None, _) => text.push_str(WITHOUT_OPEN_WEBUI),
            (Some(_), None) => text.push_str(&WITH_OPEN_WEBUI.replace("@PROXY@", &proxy)),
            (Some(_), Some(root)) => {
                text.push_str(&WITH_OPEN_WEBUI.replace("@PROXY@", &proxy));
                let with_root = STATIC_FILES.replace("@ROOT@", &quoted(root));
                text.push_str(&with_root.replace("@PROXY@", &proxy));
            }
        }
        text.push_str("    }\n    server {\n");
        writeln!(text, "        listen {};", self.admin)?;
        let proxy = ADMIN_PROXY.replace("@SECONDS@", &seconds);
        let admin = ADMIN.replace("@FORWARDED@", &of_server);
        text.push_str(&admin.replace("@PROXY@", &proxy));
        text.push_str(&limits::logins(limits::LITELLM_LOGINS, &proxy));
        text.push_str(limits::TOO_MANY_LOGINS);
        text.push_str("    }\n}\n");
        Ok(())
    }
}

/// A server on a Unix socket. Nginx may close a connection that it does not use before the server
/// does: a request that is on its way when the server closes would fail.
fn upstream(text: &mut String, name: &str, socket: &Path, idle_seconds: u16) -> std::fmt::Result {
    let server = quoted(Path::new(&format!("unix:{}", socket.display())));
    writeln!(
        text,
        "    upstream {name} {{ server {server}; keepalive {UPSTREAM_KEPT}; \
         keepalive_timeout {idle_seconds}s; }}"
    )
}

/// In nginx's quotes. A dollar sign would begin a variable where variables are taken; in none of
/// the directives above they are, except in `server`, and there only in the commercial edition.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

/// No access log: standard output may be a socket of the journal, which nginx cannot open by name,
/// and query strings may hold keys. LiteLLM keeps a row for each request.
const HTTP: &str = r#"
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
const SAME_ORIGIN: &str = r#"
    map "$http_origin $host_of_client" $origin_for_open_webui {
        default $http_origin;
        "~^https?://(\S+) \1$" @ORIGIN@;
    }
"#;

const SERVER: &str = r#"
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
const SIGNUP_CLOSED: &str = r#"
        location = /api/v1/auths/signup {
            default_type application/json;
            return 403 '{"detail":"Sign-up is closed: an administrator makes the accounts. [open_webui] signup = true in gateway.toml opens it."}\n';
        }
"#;

/// LiteLLM's own API and its pages, as they are: under the names and headers that LiteLLM gives.
const ADMIN: &str = r#"
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
const ADMIN_PROXY: &str = r"            client_max_body_size 1g;
            proxy_request_buffering off;
            proxy_connect_timeout 10s;
            proxy_send_timeout @SECONDS@s;
            proxy_read_timeout @SECONDS@s;
            proxy_pass http://litellm;
            error_page 502 503 =503 @litellm_starting;
";

const WITH_OPEN_WEBUI: &str = r#"
        location / {
@PROXY@        }
        location @open_webui_starting {
            internal;
            default_type text/html;
            return 503 '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="3"><title>Starting</title><p>Open WebUI does not answer yet: it is starting, or it is stopped. This page tries again by itself.</p><p><code>ai-gateway status</code> says more.</p>\n';
        }
"#;

const SERVER_INDENT: &str = "        ";
const LOCATION_INDENT: &str = "            ";

/// What a place that Open WebUI answers for has.
const PROXY: &str = r"            client_max_body_size 1g;
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
const STATIC_FILES: &str = r#"
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

const WITHOUT_OPEN_WEBUI: &str = r#"
        location / {
            return 404 "Open WebUI is not a part of this gateway ([open_webui] enabled = false). The API is at /api/litellm/v1/.\n";
        }
"#;

#[cfg(test)]
mod tests;
