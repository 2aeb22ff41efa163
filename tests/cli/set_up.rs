//! A gateway that was set up, as far as a start looks, with services that stay and never answer: the
//! program itself is the daemon.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Child, Stdio},
    time::Duration,
};

use ai_gateway::{
    config::{self, paths::Paths},
    control::client::Client,
    secrets::SecretStore,
    services,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::bench::{Bench, free_port, install};

/// What every service is: it leaves a file in its folder, and whoever asks it gets no answer.
const STAYS: &str = ": >started; exec /bin/sleep 600";

/// A gateway that a start takes for one that was set up.
pub(crate) fn set_up() -> Bench {
    set_up_with("")
}

/// The same with more in its configuration.
pub(crate) fn set_up_with(more: &str) -> Bench {
    let bench = Bench::new();
    for program in ["postgres", "nginx", "node"] {
        bench.program(program, STAYS);
    }
    let bin = bench.folder().join("bin");
    let bin = bin.display();
    bench.write(
        "gateway.toml",
        &format!(
            "profile = \"local\"\nlisten = {{ port = {}, admin_port = {} }}\n\
             open_webui.enabled = false\n[programs]\npostgres_bin = \"{bin}\"\n\
             nginx = \"{bin}/nginx\"\nnode = \"{bin}/node\"\n{more}",
            free_port(),
            free_port()
        ),
    );
    let paths = paths(&bench);
    let loaded = config::read(services::schema(), &paths, &|_| None, &[]).unwrap();
    let wanted = services::catalog().wanted(&loaded.settings);
    bench.write("state/postgres/global/pg_control", "12345678");
    bench.write("state/postgres/PG_VERSION", "15\n");
    for (payload, file) in [("litellm", "bin/python"), ("engine", "generate")] {
        let folder = paths.payloads().join(payload);
        let name = wanted.folder(payload).unwrap();
        fs::create_dir_all(folder.join(name).join("bin")).unwrap();
        fs::write(folder.join(name).join(".complete"), "").unwrap();
        let stays = bench.folder().join("bin/node");
        install(&stays, &folder.join(name).join(file));
        symlink(name, folder.join("current")).unwrap();
    }
    // As every version has written it: what is current is told by the links.
    let record = serde_json::json!({
        "cluster": u64::from_ne_bytes(*b"12345678"),
        "litellm_migrations": wanted.folder("litellm"),
    });
    bench.write("state/setup.json", &record.to_string());
    let store = SecretStore::new(paths.secrets());
    store
        .make_missing(ai_gateway::services::catalog().secrets(), None)
        .unwrap();
    bench
}

fn paths(bench: &Bench) -> Paths {
    let home = bench.home().display().to_string();
    Paths::find(
        |name| (name == "AI_GATEWAY_HOME").then(|| home.clone()),
        false,
    )
    .unwrap()
}

/// A daemon of it, ended with the value.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts it as somebody who is not root, and with this umask, as a shell has it.
    pub(crate) fn start(bench: &Bench, umask: &str) -> Self {
        let mut command = bench.person_in_shell(&format!("umask {umask}"), "run");
        bench.give_to_the_person();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut running = Self { child };
        running.listens(bench);
        running
    }

    /// Waits for that.
    fn listens(&mut self, bench: &Bench) {
        until("the daemon listens", || {
            assert!(self.runs(), "the daemon has ended");
            Client::connect(&bench.socket()).is_ok()
        });
    }

    /// Whether it goes on.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = kill(
            Pid::from_raw(self.child.id().cast_signed()),
            Signal::SIGTERM,
        );
        let _reaped = self.child.wait();
    }
}

/// Waits for what nobody tells, at most 20 s.
#[expect(
    clippy::disallowed_methods,
    reason = "another process does it, and says it to nobody"
)]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not in time: {what}");
}
