//! Open WebUI: its environment, and its own migrations. Those may take minutes and must neither be killed nor run twice at
//! once, so they run with their database in a session of their own that outlives us: whatever
//! happens to set-up, they end by themselves, and the next set-up waits for that.

use std::{
    collections::BTreeMap,
    fs::{self},
    io::{self, Read as _, Seek as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::ServiceName;
use sys::{pidfd::ProcessEnd, spawn::Group};

use super::{OpenWebUi, first_account, python::FIRST_ACCOUNT, variables};
use crate::{
    fs::regular,
    provision::{
        Installation,
        catalog::{Brought, Installable, Migratable},
        command::{Call, Streams, tail_of_file, wait_for},
        error::{CommandFailed, SetupError},
        execution::Execution,
        folders::make_folder,
        model::{MB, Packages, Payload, Role, Tables},
        names, payload_folder,
        progress::Total,
        site_packages::site_packages,
        steps::{
            migrate::{Alone, Migrate},
            python::{own_files, sync},
        },
    },
    services::postgres,
};

/// Starts PostgreSQL, lets Open WebUI migrate, stops PostgreSQL. Ignored signals stay ignored in
/// the programs that it runs, but for PostgreSQL, which sets its own.
const SCRIPT: &str = include_str!("open_webui_migrate.sh");

const LOOK: Duration = Duration::from_millis(200);

/// The hash-locked requirements of its environment.
const LOCK: &str = include_str!("../../../locks/open-webui.txt");

/// Open WebUI's environment.
pub(crate) const PAYLOAD: Payload = Payload {
    name: "open-webui",
    title: "Open WebUI",
    what: "Open WebUI",
    versioned: true,
    bytes: 800 * MB,
    needed: "bin/python",
    packages: Packages::Python {
        lock: LOCK,
        package: "open-webui",
    },
    runs_in_set_up: false,
};

/// Open WebUI's tables.
pub(crate) const TABLES: Tables = Tables {
    name: "open_webui",
    of: "Open WebUI",
    doing: "let Open WebUI bring its tables up to date and make its administrator's account",
    payload: PAYLOAD,
};

pub(super) const SET_UP: Brought = Brought {
    payloads: &[Installable {
        payload: PAYLOAD,
        folder: |_, settings| {
            let name = || names::of_lock(LOCK, "open-webui", &[]);
            settings.has(super::NAME).then(name)
        },
        build,
    }],
    tables: &[Migratable {
        tables: TABLES,
        migrate: Migrate::ByItself {
            lock: "open-webui-migrations.lock",
            migrate,
        },
    }],
    // With a database of the same name.
    roles: &[Role {
        name: "open_webui",
        password: super::DATABASE_PASSWORD,
    }],
    secrets: super::secrets::ALL,
    needs: |_| vec![PAYLOAD],
    parts: |installation| frontend(installation).into_iter().collect(),
    ..Brought::NOTHING
};

/// The name of the part of the payload that has the page in it, as it was built.
pub(crate) const FRONTEND: &str = "open-webui-frontend";

/// The page, if it is laid out as nginx's configuration has it.
fn frontend(installation: &Installation) -> Option<(&'static str, PathBuf)> {
    let environment = installation.payload(&PAYLOAD).ok()?;
    let folder = site_packages(&environment)
        .ok()?
        .join("open_webui/frontend");
    let there = folder.join("_app/immutable").is_dir();
    there.then_some((FRONTEND, folder))
}

/// Open WebUI's environment.
pub(super) fn build(execution: &mut Execution<'_>, folder: &Path) -> Result<(), SetupError> {
    let digest = sync(execution, folder, PAYLOAD)?;
    // It writes these anew at each start.
    own_files(&site_packages(folder)?.join("open_webui/static"))?;
    payload_folder::finish(folder, &digest)
}

/// Lets Open WebUI migrate.
pub(super) fn migrate(execution: &mut Execution<'_>, alone: &Alone) -> Result<(), SetupError> {
    let environment = execution.payload(PAYLOAD)?;
    let socket = postgres::set_up::socket_folder(execution.paths);
    let home = execution
        .paths
        .service(&ServiceName::new("open-webui").expect("a constant that fits the grammar"));
    for folder in [&socket, &home.join("data"), &execution.paths.logs()] {
        make_folder(folder)?;
    }
    let log_path = execution.paths.logs().join("setup-open-webui.log");
    let log = regular::create(&log_path).map_err(SetupError::io("create", &log_path))?;
    let mut call = Call::new("migrating Open WebUI's tables", "/bin/sh")
        .args(["-c", SCRIPT, "ai-gateway"])
        .arg(environment.join("bin/python"))
        .arg(FIRST_ACCOUNT)
        .arg(execution.program(&postgres::set_up::PROGRAM)?)
        .arg(postgres::data(execution.paths))
        .arg(&socket)
        .args(postgres::set_up::options(&socket))
        .cwd(&home);
    call.env = import_variables(execution, &socket, &home)?;
    // The lock goes along as standard input. Output goes to a file: a pipe would end with us, and
    // writing to it would end them.
    let streams = Streams([alone.as_fd(), log.as_fd(), log.as_fd()]);
    execution
        .progress
        .begin("Open WebUI's tables", Total::Items(versions(&environment)?));
    let child = execution
        .runner
        .launch(&call, &streams, Group::Session, None)?;
    let exit = watch(execution, &child.pidfd, &log_path);
    execution
        .progress
        .end(matches!(exit, Ok(ProcessEnd::Code(0))));
    match exit? {
        ProcessEnd::Code(0) => Ok(()),
        exit => Err(SetupError::Command(Box::new(CommandFailed {
            doing: call.doing,
            program: "Open WebUI".into(),
            exit,
            tail: tail_of_file(&log_path),
        }))),
    }
}

/// What Open WebUI reads at import. The stack says the same and more when it runs.
fn import_variables(
    execution: &Execution<'_>,
    socket: &Path,
    home: &Path,
) -> Result<BTreeMap<String, String>, SetupError> {
    let secrets = execution.secrets();
    let password = secrets.read(super::DATABASE_PASSWORD)?;
    let url = variables::database_url(password.expose(), socket);
    let key = secrets.read(super::SECRET_KEY)?;
    let account = first_account::variables(&OpenWebUi::of(execution.settings), execution.paths);
    let account = account.map(|(name, value)| (name.to_owned(), value));
    Ok([
        ("DATABASE_URL", url.as_str()),
        ("WEBUI_SECRET_KEY", key.expose()),
        ("DATA_DIR", &home.join("data").display().to_string()),
    ]
    .into_iter()
    .chain(variables::AT_IMPORT)
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .chain(account)
    .collect())
}

/// How many migrations there are, for the bar.
fn versions(environment: &Path) -> Result<u64, SetupError> {
    let folder: PathBuf = site_packages(environment)?.join("open_webui/migrations/versions");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    Ok(entries
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "py"))
        .count() as u64)
}

/// Shows what the log says until it has ended. An interrupt is remembered, not obeyed.
fn watch(
    execution: &mut Execution<'_>,
    child: &sys::pidfd::PidFd,
    log: &Path,
) -> Result<ProcessEnd, SetupError> {
    let io = |source: io::Error| SetupError::io("read", log)(source);
    let mut log_file = regular::open_long(log).map_err(io)?;
    let (mut done, mut told, mut text) = (0_u64, false, String::new());
    loop {
        wait_for(&[child.as_fd()], LOOK).map_err(|e| io(e.into()))?;
        let ended = child.try_wait().map_err(io)?;
        text.clear();
        // An end in the middle of a letter is read again, whole, at the next turn.
        let at = log_file.stream_position().map_err(io)?;
        if log_file.read_to_string(&mut text).is_err() {
            log_file.seek(io::SeekFrom::Start(at)).map_err(io)?;
        }
        done += text.matches("Running upgrade").count() as u64;
        execution.progress.advance(done);
        if execution.runner.interrupts.seen().is_some() && !told {
            told = true;
            execution
                .progress
                .message("ends when Open WebUI's migrations have: they must not be cut off");
        }
        if let Some(exit) = ended {
            return Ok(exit);
        }
    }
}
