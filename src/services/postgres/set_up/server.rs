//! A PostgreSQL for the time of set-up: on a socket in a folder that nobody else can enter, ended when its handle is
//! dropped and when we are killed.

use std::{
    fs,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use sys::{pidfd::PidFd, spawn::Group};

use super::{cluster as found, program::PROGRAM};
use crate::{
    config::paths::{Paths, SOCKET_PATH_MAX},
    fs::regular,
    provision::{
        command::{Call, Streams, tail_of_file, wait_for},
        error::{CommandFailed, SetupError},
        execution::Execution,
        folders::make_folder,
        progress::now,
        steps::server::Server,
    },
    services::postgres,
    services::postgres::{
        PORT, pid_files,
        psql::{ARGUMENTS, Session},
    },
};

/// Crash recovery of a large database takes its time.
const READY: Duration = Duration::from_secs(300);
/// A fast shutdown writes a checkpoint.
const SHUTDOWN: Duration = Duration::from_secs(60);
/// PostgreSQL lets nobody in any more and ends every session.
const FAST_SHUTDOWN: Signal = Signal::SIGINT;
const LOOK: Duration = Duration::from_millis(50);

/// The private folder of set-up's socket: in the state, or, where that path is too long for a
/// socket, in the folder of what runs.
pub(crate) fn socket_folder(paths: &Paths) -> PathBuf {
    let folder = paths.state.join("setup-socket");
    let longest = folder.join(format!(".s.PGSQL.{PORT}.lock"));
    if longest.as_os_str().len() <= SOCKET_PATH_MAX {
        folder
    } else {
        // Checked when the paths were found: a folder's name of this length fits.
        paths.run.join("setup")
    }
}

/// The options of a server for set-up alone.
pub(crate) fn options(socket: &Path) -> Vec<String> {
    let socket = socket.display().to_string().replace('"', "\"\"");
    [
        "listen_addresses=".to_owned(),
        // A list of folders: quoted, or a comma in a path would divide it.
        format!("unix_socket_directories=\"{socket}\""),
        "unix_socket_permissions=0700".to_owned(),
        // A statement that fails may hold a password.
        "log_min_error_statement=panic".to_owned(),
        "jit=off".to_owned(),
    ]
    .into_iter()
    .flat_map(|setting| ["-c".to_owned(), setting])
    .collect()
}

/// Starts it and waits until it answers.
pub(super) fn start(execution: &mut Execution<'_>) -> Result<Server, SetupError> {
    let socket = socket_folder(execution.paths);
    make_folder(&socket)?;
    make_folder(&execution.paths.logs())?;
    let log_path = execution.paths.logs().join("setup-postgres.log");
    let log = regular::create(&log_path).map_err(SetupError::io("create", &log_path))?;
    let null =
        fs::File::open("/dev/null").map_err(SetupError::io("open", Path::new("/dev/null")))?;
    for file in pid_files(&postgres::data(execution.paths), &socket) {
        file.remove_if_stale()
            .map_err(SetupError::io("look at", &file.path))?;
    }
    let call = Call::new(
        "starting PostgreSQL",
        execution.program(&PROGRAM)?.join("postgres"),
    )
    .arg("-D")
    .arg(postgres::data(execution.paths))
    .args(options(&socket));
    let streams = Streams([null.as_fd(), log.as_fd(), log.as_fd()]);
    // Whoever kills us shuts it down as well.
    let process = execution
        .runner
        .launch(&call, &streams, Group::Process, Some(FAST_SHUTDOWN))?;
    let server = Server {
        process,
        socket,
        stop: FAST_SHUTDOWN,
        patience: SHUTDOWN,
    };
    wait(&server, execution, &log_path)?;
    Ok(server)
}

fn wait(server: &Server, execution: &mut Execution<'_>, log: &Path) -> Result<(), SetupError> {
    let began = now();
    let asking = Call::new(
        "asking PostgreSQL whether it is ready",
        execution.program(&PROGRAM)?.join("pg_isready"),
    )
    .args(["--quiet", "--dbname", "postgres", "--host"])
    .arg(&server.socket);
    while began.elapsed() < READY {
        let ended = server.process.pidfd.try_wait();
        if let Some(exit) = ended.map_err(SetupError::io("wait for", Path::new("postgres")))? {
            return Err(failed(exit, log));
        }
        match execution.run(&asking) {
            Ok(()) => return Ok(()),
            Err(SetupError::Command(_)) => {}
            Err(other) => return Err(other),
        }
        let fds = [
            server.process.pidfd.as_fd(),
            execution.runner.interrupts.as_fd(),
        ];
        wait_for(&fds, LOOK)
            .map_err(|e| SetupError::io("wait for", Path::new("postgres"))(e.into()))?;
    }
    Err(failed(sys::pidfd::ProcessEnd::Code(0), log))
}

fn failed(exit: sys::pidfd::ProcessEnd, log: &Path) -> SetupError {
    SetupError::Command(Box::new(CommandFailed {
        doing: "starting PostgreSQL".into(),
        program: "postgres".into(),
        exit,
        tail: tail_of_file(log),
    }))
}

/// Ends the server of a set-up that was killed. Only one with our private socket: any other is in
/// use by somebody.
pub(super) fn end_orphan(paths: &Paths) -> Result<(), SetupError> {
    let data = postgres::data(paths);
    let Some(pid) = found::running_server(&data) else {
        return Ok(());
    };
    let lock = regular::text(&data.join("postmaster.pid")).unwrap_or_default();
    if lock.lines().nth(4).map(Path::new) != Some(&socket_folder(paths)) {
        return Ok(());
    }
    let Ok(process) = PidFd::open(pid) else {
        return Ok(());
    };
    // The number may have passed to another process between the look and the handle.
    if found::running_server(&data) != Some(pid) {
        return Ok(());
    }
    let _asked = process.send_signal(FAST_SHUTDOWN as i32);
    let began = now();
    while found::running_server(&data) == Some(pid) && began.elapsed() < SHUTDOWN {
        wait_for(&[process.as_fd()], LOOK)
            .map_err(|e| SetupError::io("wait for", &data)(e.into()))?;
    }
    Ok(())
}

/// psql, reading its commands from standard input, so that no secret is in its arguments.
pub(crate) fn psql(
    execution: &Execution<'_>,
    server: &Server,
    database: &str,
    doing: &str,
) -> Result<Call, SetupError> {
    let session = Session {
        socket_folder: &server.socket,
        database,
        role: None,
        // A migration takes as long as its tables are large.
        timeouts: None,
    };
    Ok(Call::new(doing, execution.program(&PROGRAM)?.join("psql"))
        .args(ARGUMENTS)
        .args(["--field-separator", "\u{1f}"])
        .env(session.environment()))
}
