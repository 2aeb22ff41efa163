//! Where a test of the command line happens: a folder, an empty environment, a daemon of its own.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{chown, lchown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, SystemTime},
};

use ai_gateway::control::types::{
    Call, ConfigurationState, Cpu, DietState, GatewayState, GatewayStatus, LimitsState, Memory,
    Refusal, Reply, ServiceStatus, Urls,
};
use assert_cmd::Command;
use nix::unistd::Uid;
use supervise::{effect::StateName, spec::ServiceName};
use tempfile::TempDir;

use crate::daemon::Daemon;

const NOBODY: u32 = 65534;

/// Before the program: whoever runs the tests may have it ignore signals (nohup(1), and a shell's
/// jobs in the background), and what is ignored stays so in every child.
const AS_USUAL: [&str; 2] = ["/usr/bin/env", "--default-signal=INT,TERM,HUP,QUIT,TSTP"];

/// The folder of a gateway.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        // Not in $TMPDIR, whose path may be too long for sockets.
        let folder = tempfile::Builder::new().tempdir_in("/tmp").unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("gw")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home().join("run/control.sock")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.home().join("state/logs")
    }

    /// A file below the gateway's folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A program that is found on PATH.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = self.folder.path().join("bin").join(name);
        // By another process, as in `install`.
        installs(Path::new("/dev/stdin"), &path)
            .write_stdin(format!("#!/bin/sh\n{script}\n"))
            .assert()
            .success();
    }

    /// The program with arguments, separated by blanks, to run beside the test.
    pub(crate) fn child(&self, arguments: &str) -> std::process::Command {
        let mut command = std::process::Command::new(AS_USUAL[0]);
        command
            .args(&AS_USUAL[1..])
            .arg(env!("CARGO_BIN_EXE_ai-gateway"))
            .args(arguments.split_whitespace())
            .env_clear()
            .env("AI_GATEWAY_HOME", self.home())
            .current_dir(self.folder.path());
        command
    }

    /// The same to run and wait for, with a home and a PATH.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::from_std(self.child(arguments));
        command
            .env("HOME", self.folder.path().join("home"))
            .env("PATH", self.folder.path().join("bin"))
            .timeout(Duration::from_secs(30));
        command
    }

    /// The same as somebody who is not root. As root, that is nobody, with a copy of the program
    /// that they can reach.
    pub(crate) fn as_person(&self, arguments: &str) -> Command {
        let mut command = Command::from_std(self.person(arguments));
        command.timeout(Duration::from_secs(30));
        command
    }

    /// The same to run beside the test.
    pub(crate) fn person(&self, arguments: &str) -> std::process::Command {
        self.person_after(&[], arguments)
    }

    /// The same in a shell that does something else first.
    pub(crate) fn person_in_shell(&self, first: &str, arguments: &str) -> std::process::Command {
        let script = format!("{first}; exec \"$0\" \"$@\"");
        self.person_after(&["/bin/sh", "-c", &script], arguments)
    }

    /// The program and its arguments after these words.
    fn person_after(&self, words: &[&str], arguments: &str) -> std::process::Command {
        let root = Uid::effective().is_root();
        let program = if root {
            self.persons_program()
        } else {
            env!("CARGO_BIN_EXE_ai-gateway").into()
        };
        let program = program.to_str().unwrap();
        let all = [&AS_USUAL, words, &[program]].concat();
        let mut command = std::process::Command::new(all[0]);
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
            .args(&all[1..])
            .args(arguments.split_whitespace())
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env("PATH", self.folder.path().join("bin"))
            .env("AI_GATEWAY_HOME", self.home())
            .current_dir(self.folder.path());
        command
    }

    /// Root's copy of the program for nobody, who is given what there is.
    fn persons_program(&self) -> PathBuf {
        for path in [
            self.folder.path().to_owned(),
            self.home(),
            self.home().join("gateway.toml"),
        ] {
            if path.exists() {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let program = self.folder.path().join("ai-gateway");
        install(Path::new(env!("CARGO_BIN_EXE_ai-gateway")), &program);
        program
    }

    /// Gives the person the whole of the gateway's folder, where root runs the test for somebody
    /// else.
    pub(crate) fn give_to_the_person(&self) {
        if Uid::effective().is_root() {
            give(&self.home());
        }
    }

    /// Runs it and returns all that somebody sees of it.
    pub(crate) fn run(&self, arguments: &str) -> String {
        self.seen(&mut self.command(arguments))
    }

    /// Runs it and returns what it answers: whether there was time for progress depends on the
    /// machine.
    pub(crate) fn answer(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn seen(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        let mut seen = match output.status.code() {
            Some(code) => format!("exit: {code}\n"),
            None => format!("{}\n", output.status),
        };
        for (name, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            if !bytes.is_empty() {
                seen += &format!("--- {name} ---\n{}", String::from_utf8_lossy(&bytes));
            }
        }
        seen.replace(self.folder.path().to_str().unwrap(), "$TEST")
    }

    /// A daemon with `status` that does what it is asked at once.
    pub(crate) fn daemon(&self, status: GatewayStatus) -> Daemon {
        self.daemon_that(status, |_| Ok(Reply::Done(Vec::new())))
    }

    /// A daemon with `status` that answers everything else with `answer`.
    pub(crate) fn daemon_that(
        &self,
        status: GatewayStatus,
        answer: impl FnMut(&Call) -> Result<Reply, Refusal> + Send + 'static,
    ) -> Daemon {
        Daemon::start(&self.socket(), Uid::effective(), status, answer)
    }

    /// Where a person's manager would put its sockets.
    pub(crate) fn runtime_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// The daemon of [`Bench::as_person`], where one of no folder of its own listens.
    pub(crate) fn persons_daemon(
        &self,
        status: GatewayStatus,
        answer: impl FnMut(&Call) -> Result<Reply, Refusal> + Send + 'static,
    ) -> Daemon {
        self.persons_daemon_in(&self.runtime_folder().join("ai-gateway"), status, answer)
    }

    /// The same with its socket in this folder.
    pub(crate) fn persons_daemon_in(
        &self,
        folder: &Path,
        status: GatewayStatus,
        answer: impl FnMut(&Call) -> Result<Reply, Refusal> + Send + 'static,
    ) -> Daemon {
        let socket = folder.join("control.sock");
        let root = Uid::effective().is_root();
        let owner = if root {
            Uid::from_raw(NOBODY)
        } else {
            Uid::effective()
        };
        let daemon = Daemon::start(&socket, owner, status, answer);
        if root {
            let above = folder.ancestors();
            let below = above.take_while(|folder| *folder != self.folder.path());
            for path in below.chain([socket.as_path()]) {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        daemon
    }

    /// A daemon of somebody else.
    pub(crate) fn daemon_of(&self, owner: Uid, status: GatewayStatus) -> Daemon {
        Daemon::start(&self.socket(), owner, status, |_| {
            Ok(Reply::Done(Vec::new()))
        })
    }
}

/// A copy of a program.
///
/// Written by another process: while this one has it open, a child that another test forks has it
/// open too, and then nobody may execute it.
pub(crate) fn install(from: &Path, to: &Path) {
    installs(from, to).assert().success();
}

fn installs(from: &Path, to: &Path) -> Command {
    let mut command = Command::new("install");
    command.args(["-m", "755"]).args([from, to]);
    command
}

fn give(path: &Path) {
    lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap().flatten() {
            give(&entry.path());
        }
    }
}

/// A port that nobody listens on, another one each time.
///
/// The kernel gives a port that was just closed to whoever asks next, so these come from below what
/// it gives out itself (32768 and above, unless `ip_local_port_range` says otherwise).
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() * 101 % 12_000;
    loop {
        let step = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from((start + step) % 12_000).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A moment in RFC 3339.
#[expect(
    clippy::disallowed_methods,
    reason = "the program looks at the same clock"
)]
pub(crate) fn ago(seconds: u64) -> String {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    humantime::format_rfc3339_seconds(then).to_string()
}

/// A service that has been in `state` for two hours.
pub(crate) fn service(state: StateName) -> ServiceStatus {
    ServiceStatus {
        state,
        since: ago(2 * 3600 + 60),
        reason: "its probe passed".into(),
        pid: Some(4711),
        restarts: 0,
        outdated: None,
        listens: Vec::new(),
        cgroup: None,
        memory: Memory {
            current: Some(62_000_000),
            peak: Some(70_000_000),
            high: None,
            max: Some(256_000_000),
        },
        cpu: Cpu {
            usage_usec: Some(3_000_000),
            quota: None,
        },
    }
}

pub(crate) fn name(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

/// A gateway with these services.
pub(crate) fn gateway(state: GatewayState, services: &[(&str, StateName)]) -> GatewayStatus {
    GatewayStatus {
        state,
        profile: "small".into(),
        limits: LimitsState {
            enforced: true,
            reason: None,
        },
        urls: Urls::from_iter([
            ("webui", Some("http://127.0.0.1:3000".into())),
            ("api", Some("http://127.0.0.1:3000/api/litellm/v1".into())),
            ("admin", Some("http://127.0.0.1:4000/ui".into())),
        ]),
        configuration: ConfigurationState::default(),
        diet: DietState::default(),
        services: services
            .iter()
            .map(|(known, state)| (name(known), service(*state)))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// All is well.
pub(crate) fn ready() -> GatewayStatus {
    gateway(
        GatewayState::Ready,
        &[("nginx", StateName::Ready), ("postgres", StateName::Ready)],
    )
}
