//! nginx's configuration, written at each start.

use std::{
    fmt::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{SHUTDOWN_SECONDS, headers, hints, limits, text};
use crate::{
    config::settings::Network,
    services::{litellm, open_webui, uvicorn::UPSTREAM_KEEP_ALIVE_SECONDS},
};

/// Connections to an upstream that each process keeps when nobody uses them: as many as there are
/// chats under way when a small machine is busy. One more would be closed and made anew.
const UPSTREAM_KEPT: u32 = 64;

/// Folders for what does not fit into memory, by the directive that names them.
pub(super) const TEMPORARY: [(&str, &str); 5] = [
    ("client_body_temp_path", "body"),
    ("proxy_temp_path", "proxy"),
    ("fastcgi_temp_path", "fastcgi"),
    ("uwsgi_temp_path", "uwsgi"),
    ("scgi_temp_path", "scgi"),
];

pub(super) struct Config<'a> {
    pub(super) front: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) workers: u32,
    /// The most connections of a process.
    pub(super) connections: u32,
    /// After so many seconds a request that has no answer has failed.
    pub(super) request_seconds: u64,
    /// Whose word on who the client is counts.
    pub(super) trusted: Vec<Network>,
    pub(super) pid: PathBuf,
    pub(super) temporary: &'a Path,
    pub(super) litellm: PathBuf,
    pub(super) open_webui: Option<PathBuf>,
    /// Whether its sign-up is open.
    pub(super) signup: bool,
    /// Open WebUI's page as it was built, for nginx to serve itself.
    pub(super) static_files: Option<&'a Path>,
}

/// A dollar sign in `root` begins a variable, and nothing escapes it: then Open WebUI serves its
/// files as ever.
pub(super) fn can_be_a_root(path: &Path) -> bool {
    !path.as_os_str().as_encoded_bytes().contains(&b'$')
}

impl Config<'_> {
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        self.process(text)?;
        writeln!(text, "http {{")?;
        self.http(text)?;
        writeln!(text, "    server {{")?;
        self.front(text)?;
        text.push_str("    }\n    server {\n");
        self.admin(text)?;
        text.push_str("    }\n}\n");
        Ok(())
    }

    fn process(&self, text: &mut String) -> fmt::Result {
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
        )
    }

    /// What holds for both servers.
    fn http(&self, text: &mut String) -> fmt::Result {
        for (directive, folder) in TEMPORARY {
            writeln!(
                text,
                "    {directive} {};",
                quoted(&self.temporary.join(folder))
            )?;
        }
        text.push_str(text::HTTP);
        text.push_str(&headers::http(&self.trusted));
        text.push_str(limits::HTTP);
        text.push_str(hints::HTTP);
        upstream(text, "litellm", &self.litellm, litellm::IDLE_SECONDS)?;
        if let Some(socket) = &self.open_webui {
            upstream(text, "open_webui", socket, UPSTREAM_KEEP_ALIVE_SECONDS)?;
            text.push_str(&text::SAME_ORIGIN.replace("@ORIGIN@", open_webui::ORIGIN));
        }
        Ok(())
    }

    /// The server that everybody talks to.
    fn front(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "        listen {};", self.front)?;
        let of_server = headers::proxied(&self.trusted, text::SERVER_INDENT);
        let server = text::SERVER.replace("@SECONDS@", &self.request_seconds.to_string());
        text.push_str(&server.replace("@FORWARDED@", &of_server));
        text.push_str(&limits::server(self.connections));
        text.push_str(&hints::server());
        let forwarded = headers::proxied(&self.trusted, text::LOCATION_INDENT);
        let proxy = text::PROXY.replace("@FORWARDED@", &forwarded);
        if self.open_webui.is_some() {
            text.push_str(&limits::logins(limits::OPEN_WEBUI_LOGINS, &proxy));
        }
        if self.open_webui.is_some() && !self.signup {
            text.push_str(text::SIGNUP_CLOSED);
        }
        match (&self.open_webui, self.static_files) {
            (None, _) => text.push_str(text::WITHOUT_OPEN_WEBUI),
            (Some(_), None) => text.push_str(&text::WITH_OPEN_WEBUI.replace("@PROXY@", &proxy)),
            (Some(_), Some(root)) => {
                text.push_str(&text::WITH_OPEN_WEBUI.replace("@PROXY@", &proxy));
                let with_root = text::STATIC_FILES.replace("@ROOT@", &quoted(root));
                text.push_str(&with_root.replace("@PROXY@", &proxy));
            }
        }
        Ok(())
    }

    /// LiteLLM's own API and its admin page.
    fn admin(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "        listen {};", self.admin)?;
        let of_server = headers::proxied(&self.trusted, text::SERVER_INDENT);
        let proxy = text::ADMIN_PROXY.replace("@SECONDS@", &self.request_seconds.to_string());
        let admin = text::ADMIN.replace("@FORWARDED@", &of_server);
        text.push_str(&admin.replace("@PROXY@", &proxy));
        text.push_str(&limits::logins(limits::LITELLM_LOGINS, &proxy));
        text.push_str(limits::TOO_MANY_LOGINS);
        Ok(())
    }
}

/// A server on a Unix socket. Nginx may close a connection that it does not use before the server
/// does: a request that is on its way when the server closes would fail.
fn upstream(text: &mut String, name: &str, socket: &Path, idle_seconds: u16) -> fmt::Result {
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
