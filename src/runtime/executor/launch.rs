//! From a specification's command to a process.

use std::{
    ffi::CString,
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use nix::sys::stat::{SFlag, fstat};
use supervise::spec::{Command, ServiceName};
use sys::spawn::{Group, Launch, SpawnError, Spawned};

use crate::{identity, open_files};

/// Why a process could not be launched.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime) enum LaunchError {
    /// A text cannot be passed to the kernel.
    #[error("{what} of {} holds a zero byte", program.display())]
    ZeroByte {
        /// Which text it is.
        what: &'static str,
        /// The program.
        program: std::path::PathBuf,
    },
    /// The process gets `/dev/null` as its standard input, and it cannot be opened.
    #[error("cannot open /dev/null")]
    Null(#[source] io::Error),
    /// The kernel refused.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// What a process gets besides its command.
#[derive(Debug)]
pub(in crate::runtime) struct Surroundings<'a> {
    /// Standard output and error.
    pub(in crate::runtime) output: BorrowedFd<'a>,
    /// The listening sockets that are held for it.
    pub(in crate::runtime) listeners: Vec<BorrowedFd<'a>>,
    /// The service whose name the listeners get in systemd's protocol. `None` if the process is not told of
    /// them in this way.
    pub(in crate::runtime) activated: Option<&'a ServiceName>,
    /// The cgroup in which it is started.
    pub(in crate::runtime) cgroup: Option<BorrowedFd<'a>>,
    /// The socket to which it may send `READY=1`.
    pub(in crate::runtime) notify: Option<&'a Path>,
    /// The mark by which it is recognised as a process of this gateway and of its service.
    pub(in crate::runtime) mark: &'a str,
}

/// Launches a process in a session of its own. So neither Ctrl-C in the daemon's terminal nor the end of
/// that terminal reaches it, and its process group tells its children from those of others.
pub(in crate::runtime) fn launch(
    command: &Command,
    around: &Surroundings<'_>,
) -> Result<Spawned, LaunchError> {
    let text = |what: &'static str, bytes: &[u8]| {
        CString::new(bytes).map_err(|_| LaunchError::ZeroByte {
            what,
            program: command.program.clone(),
        })
    };
    let program = text("the name", command.program.as_os_str().as_bytes())?;
    let mut argv = vec![program.clone()];
    for argument in &command.args {
        argv.push(text("an argument", argument.as_bytes())?);
    }
    let mut env = Vec::with_capacity(command.env.len() + 4);
    let activation = around.activated.map(|service| activation(around, service));
    let told = |name: &str| activation.is_some() && ACTIVATION.contains(&name);
    for (name, value) in command.env.iter().filter(|(name, _)| !told(name)) {
        env.push(text(
            "a variable",
            format!("{name}={}", value.expose()).as_bytes(),
        )?);
    }
    for variable in activation.iter().flatten() {
        env.push(text("a variable of its sockets", variable.as_bytes())?);
    }
    let mark = format!("{}={}", identity::VARIABLE, around.mark);
    env.push(text("the mark", mark.as_bytes())?);
    if let Some(socket) = around.notify {
        let name = [b"NOTIFY_SOCKET=", socket.as_os_str().as_bytes()].concat();
        env.push(text("the notification socket", &name)?);
    }
    if let Some(stream) = journal_stream(around.output) {
        env.push(text("the journal's stream", stream.as_bytes())?);
    }
    let null = File::open("/dev/null").map_err(LaunchError::Null)?;
    let launch = Launch {
        program,
        argv,
        env,
        pid_variable: activation.is_some().then_some(c"LISTEN_PID"),
        cwd: Some(text(
            "the working folder",
            command.cwd.as_os_str().as_bytes(),
        )?),
        stdio: [null.as_fd(), around.output, around.output],
        handed: around.listeners.clone(),
        cgroup: around.cgroup,
        group: Group::Session,
        open_files: open_files::limits(),
        no_new_privs: true,
        death_signal: None,
    };
    Ok(launch.spawn()?)
}

/// The variables of systemd's protocol for sockets. If the service's own environment has them too, those
/// are left out.
const ACTIVATION: [&str; 3] = ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"];

/// All of these variables but the one with the process's own number. Each socket has the name of the
/// service, as systemd gives each the name of the unit by default (sd_listen_fds_with_names(3)).
fn activation(around: &Surroundings<'_>, service: &ServiceName) -> [String; 2] {
    let count = around.listeners.len();
    let names = vec![service.as_str(); count].join(":");
    [
        format!("LISTEN_FDS={count}"),
        format!("LISTEN_FDNAMES={names}"),
    ]
}

/// The variable which says that the output is the journal's stream, in the form of systemd.exec(5).
/// Programs that know it begin each line with its level.
fn journal_stream(output: BorrowedFd<'_>) -> Option<String> {
    let stat = fstat(output).ok()?;
    // The outputs that the gateway makes are either this or pipes.
    let socket = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFSOCK;
    socket.then(|| format!("JOURNAL_STREAM={}:{}", stat.st_dev, stat.st_ino))
}
