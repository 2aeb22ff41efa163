//! PostgreSQL: one cluster of our own, on a Unix socket only.
//!
//! Its whole configuration is rendered at each start, so that the cluster's own files hold data and
//! nothing that has to be kept in step.

mod access;
pub mod psql;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::{
    Command, Handover, Liveness, Probe, RestartPolicy, ServiceKind, ServiceSpec, Startup, StopStep,
};

use crate::{config::paths::Paths, identity::PidFile};

use super::{Inputs, POSTGRES, Part, RenderedFile, always, environment, name, pools};

/// The number in the socket's name. No port: nothing listens on the network.
pub const PORT: u16 = 5432;

const MIB: u64 = 1 << 20;
const KIB: u64 = 1 << 10;

/// What PostgreSQL uses besides what is sized here: the postmaster and its helpers.
const FIXED: u64 = 12 * MIB;

/// What one connection's process uses before it sorts or hashes anything.
const BACKEND: u64 = 2 * MIB;

/// Each may use `maintenance_work_mem`, and so may one person's `CREATE INDEX`.
const AUTOVACUUM_WORKERS: u64 = 2;

/// What is planned for where there is no limit: 128 MB of shared buffers, as PostgreSQL's default.
const UNLIMITED: u64 = 512 * MIB;

/// The least that a query gets to sort in; PostgreSQL's own floor.
const WORK_FLOOR: u64 = 64 * KIB;

/// The sizes of PostgreSQL's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Its own cache, shared by all its processes.
    pub shared_buffers: u64,
    /// What the planner may take for cached, the kernel's cache included.
    pub effective_cache_size: u64,
    /// Of one sort or hash.
    pub work_mem: u64,
    /// Of one VACUUM or CREATE INDEX.
    pub maintenance_work_mem: u64,
    /// Where a checkpoint is forced: the most of the log on disk, and what the kernel caches of it.
    pub max_wal_size: u64,
}

impl Memory {
    /// Divides `limit` so that every connection at work at once, each with one sort, and every
    /// autovacuum worker stay within it.
    pub fn within(limit: Option<u64>, connections: u32) -> Self {
        let limit = limit.unwrap_or(UNLIMITED);
        let connections = u64::from(connections.max(1));
        let shared_buffers = (limit / 4).max(8 * MIB);
        let maintenance_work_mem = (limit / 20).clamp(MIB, 512 * MIB);
        let left = limit
            .saturating_sub(shared_buffers + FIXED + connections * BACKEND)
            .saturating_sub(maintenance_work_mem * (AUTOVACUUM_WORKERS + 1));
        Self {
            shared_buffers,
            effective_cache_size: (limit / 4 * 3).max(shared_buffers),
            work_mem: (left / connections).clamp(WORK_FLOOR, 64 * MIB),
            maintenance_work_mem,
            max_wal_size: limit.clamp(128 * MIB, 1024 * MIB),
        }
    }

    /// The smallest limit within which so many connections fit.
    pub fn smallest_limit(connections: u32) -> u64 {
        // Of the limit, 1/4 is shared_buffers and 3/20 the autovacuum workers'; 3/5 is left.
        let needed = FIXED + u64::from(connections) * (BACKEND + WORK_FLOOR);
        needed.div_ceil(3) * 5
    }
}

/// Where clients find it.
pub(super) fn socket(paths: &Paths) -> PathBuf {
    paths
        .postgres_socket_folder()
        .join(format!(".s.PGSQL.{PORT}"))
}

pub(super) fn plan(inputs: &Inputs) -> Part {
    let (service, folder) = (name(POSTGRES), inputs.paths.postgres_socket_folder());
    let rendered = inputs.paths.rendered(&service);
    let config = rendered.join("postgresql.conf");
    let limits = inputs.limits(&service);
    let connections = pools::Pools::plan(inputs.settings).server;
    let memory = Memory::within(limits.memory_max, connections);
    let home = inputs.paths.service(&service);
    let files = [
        (
            "postgresql.conf",
            config_file(&folder, &rendered, connections, memory),
        ),
        ("pg_hba.conf", HBA.to_owned()),
        (
            "pg_ident.conf",
            "# No user has another name in the database.\n".to_owned(),
        ),
    ];
    let probe = Probe::Postgres {
        socket_dir: folder,
        port: PORT,
    };
    let spec = ServiceSpec {
        name: service,
        command: Command {
            program: inputs.installed.postgres_bin.join("postgres"),
            args: vec![
                "-D".to_owned(),
                inputs.paths.postgres_data().display().to_string(),
                format!("--config_file={}", config.display()),
            ],
            env: environment(&home, &[&inputs.installed.postgres_bin]),
            // Its processes go there in any case (`ChangeToDataDir`), each in a session of its own,
            // and without cgroups what is left of a service is found by its folder.
            cwd: inputs.paths.postgres_data(),
        },
        kind: ServiceKind::Daemon,
        files: [].into(),
        listeners: Vec::new(),
        handover: Handover::Command,
        requires: [].into(),
        restart_with_requirements: false,
        startup: Startup {
            // Recovery after a crash replays the log: at most `max_wal_size` of it, and a start
            // that is cut short would have to begin again.
            deadline: Duration::from_secs(300),
            readiness: Some(probe.clone()),
            listens: None,
            every: Duration::from_millis(50),
            timeout: Duration::from_secs(5),
            post_start: None,
        },
        liveness: Some(Liveness {
            probe,
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            failures: 3,
            // A database that is slow to answer is busy; a restart would make everybody wait more.
            restart_after: None,
            // One that hangs does not come back by itself. A minute, since the restart ends every
            // connection; what was committed is kept, whichever signal ends it.
            hung_after: Some(4),
        }),
        // All the others wait for it. The shorter waits make for more of them until it is given up.
        restart: RestartPolicy {
            base: Duration::from_millis(250),
            burst: 12,
            ..always(Duration::from_secs(60))
        },
        success_exit: [].into(),
        reload: None,
        stop: vec![
            // INT is the fast shutdown: no new connections, open transactions are rolled back.
            signal(2, 60),
            // QUIT leaves at once, as in a crash, and the next start recovers. Still better than
            // KILL, after which children may live on with the shared memory.
            signal(3, 5),
        ],
        limits,
        confinement: access::confinement(inputs),
        recycle: None,
    };
    Part {
        spec,
        folders: vec![inputs.paths.postgres_data()],
        files: files
            .map(|(file, contents)| RenderedFile {
                path: rendered.join(file),
                contents,
            })
            .into(),
    }
}

/// The files by which a server knows that another one is at work: of the cluster, and of its socket.
pub(crate) fn pid_files(data: &Path, socket: &Path) -> [PidFile; 2] {
    let lock = format!(".s.PGSQL.{PORT}.lock");
    [data.join("postmaster.pid"), socket.join(lock)].map(|path| PidFile {
        path,
        folder: data.to_owned(),
        program: "postgres".to_owned(),
    })
}

fn signal(signal: i32, seconds: u64) -> StopStep {
    StopStep::Signal {
        signal,
        timeout: Duration::from_secs(seconds),
    }
}

/// Who may connect: the two roles with their passwords, and the user that we run as with the rights
/// of the user of the same name, who is the cluster's superuser.
const HBA: &str = "\
# type  database    user        method
local   litellm     litellm     scram-sha-256
local   open_webui  open_webui  scram-sha-256
local   all         all         peer
local   replication all         peer
";

fn config_file(socket: &Path, rendered: &Path, connections: u32, memory: Memory) -> String {
    let mut text = "# Rendered at each start: changes here are lost.\n".to_owned();
    let mut set = |key: &str, value: &str| {
        writeln!(text, "{key} = {value}").expect("writing to a string cannot fail");
    };
    let kib = |bytes: u64| format!("{}kB", bytes / KIB);

    set("listen_addresses", "''");
    set("port", &PORT.to_string());
    // The value is a list in which commas separate: the inner quotes keep a path in one piece.
    let socket = format!("\"{}\"", socket.display().to_string().replace('"', "\"\""));
    set("unix_socket_directories", &quoted(&socket));
    set("unix_socket_permissions", "0700");
    set("hba_file", &quoted(rendered.join("pg_hba.conf").display()));
    set(
        "ident_file",
        &quoted(rendered.join("pg_ident.conf").display()),
    );
    set("password_encryption", "scram-sha-256");
    set("max_connections", &connections.to_string());
    set(
        "superuser_reserved_connections",
        &pools::SUPERUSER.to_string(),
    );

    set("shared_buffers", &kib(memory.shared_buffers));
    set("effective_cache_size", &kib(memory.effective_cache_size));
    set("work_mem", &kib(memory.work_mem));
    set("maintenance_work_mem", &kib(memory.maintenance_work_mem));
    text.push_str(FIXED_SETTINGS);
    writeln!(text, "max_wal_size = {}", kib(memory.max_wal_size))
        .expect("writing to a string cannot fail");
    text
}

/// In the quotes of postgresql.conf.
fn quoted(value: impl std::fmt::Display) -> String {
    format!(
        "'{}'",
        value.to_string().replace('\\', "\\\\").replace('\'', "''")
    )
}

/// What is the same on every machine.
const FIXED_SETTINGS: &str = "\
# A hash gets no more than a sort: work_mem is what was counted for a connection.
hash_mem_multiplier = 1.0
huge_pages = off
# Files in the cluster's folder. POSIX and System V shared memory of a login user is removed by
# systemd-logind (RemoveIPC=) when that user logs out, and /dev/shm is small in a container.
dynamic_shared_memory_type = mmap
# Queries are short: a compiler in every connection's process costs more than it brings.
jit = off
max_worker_processes = 4
max_parallel_workers = 2
max_parallel_workers_per_gather = 0

# Small tables that change all the time, and two that only grow.
autovacuum_max_workers = 2
autovacuum_naptime = 60s
autovacuum_vacuum_scale_factor = 0.1
autovacuum_analyze_scale_factor = 0.05

# To standard error, where the supervisor's stream takes it. The stream knows the time.
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '[%p] %q%u@%d '
log_checkpoints = off
log_timezone = 'UTC'
timezone = 'UTC'
datestyle = 'iso, ymd'

wal_compression = on
min_wal_size = 64MB
";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn worst_case(memory: Memory, connections: u32) -> u64 {
        memory.shared_buffers
            + FIXED
            + u64::from(connections) * (BACKEND + memory.work_mem)
            + (AUTOVACUUM_WORKERS + 1) * memory.maintenance_work_mem
    }

    proptest! {
        #[test]
        fn the_worst_case_fits_the_limit(connections in 1u32..500, more in 0u64..(64 << 30)) {
            let limit = Memory::smallest_limit(connections).max(32 * MIB) + more;
            let memory = Memory::within(Some(limit), connections);
            prop_assert!(worst_case(memory, connections) <= limit, "{memory:?}");
        }

        #[test]
        fn more_memory_never_means_less_of_anything(
            connections in 1u32..500,
            limit in 0u64..(64 << 30),
            more in 0u64..(1 << 30),
        ) {
            let less = Memory::within(Some(limit), connections);
            let more = Memory::within(Some(limit + more), connections);
            prop_assert!(less.shared_buffers <= more.shared_buffers);
            prop_assert!(less.effective_cache_size <= more.effective_cache_size);
            prop_assert!(less.work_mem <= more.work_mem);
            prop_assert!(less.maintenance_work_mem <= more.maintenance_work_mem);
            prop_assert!(less.max_wal_size <= more.max_wal_size);
        }

        #[test]
        fn more_connections_never_mean_more_for_each(connections in 1u32..500, limit in 0u64..(8 << 30)) {
            let few = Memory::within(Some(limit), connections);
            let many = Memory::within(Some(limit), connections + 1);
            prop_assert!(many.work_mem <= few.work_mem);
        }
    }

    #[test]
    fn without_a_limit_the_base_is_128_megabytes() {
        assert_eq!(Memory::within(None, 50).shared_buffers, 128 * MIB);
    }

    #[test]
    fn quotes_in_paths_stay_in_their_values() {
        let text = config_file(
            Path::new("/a'b\"c,d"),
            Path::new("/r'"),
            20,
            Memory::within(None, 20),
        );
        assert!(
            text.contains("unix_socket_directories = '\"/a''b\"\"c,d\"'\n"),
            "{text}"
        );
        assert!(text.contains("hba_file = '/r''/pg_hba.conf'\n"), "{text}");
    }
}
