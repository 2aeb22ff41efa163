//! The files that PostgreSQL reads, all of them rendered at each start.

use std::{fmt::Write as _, path::Path};

use super::{
    PORT,
    memory::{KIB, Memory},
    pools,
};
use crate::stack::RenderedFile;

/// The name of its configuration.
pub(super) const CONFIGURATION: &str = "postgresql.conf";

/// All of them, in `rendered`. `socket` is the folder of its socket.
pub(super) fn all(
    socket: &Path,
    rendered: &Path,
    connections: u32,
    memory: Memory,
) -> Vec<RenderedFile> {
    [
        (
            CONFIGURATION,
            configuration(socket, rendered, connections, memory),
        ),
        ("pg_hba.conf", HBA.to_owned()),
        (
            "pg_ident.conf",
            "# No user has another name in the database.\n".to_owned(),
        ),
    ]
    .map(|(file, contents)| RenderedFile {
        path: rendered.join(file),
        contents,
    })
    .into()
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

fn configuration(socket: &Path, rendered: &Path, connections: u32, memory: Memory) -> String {
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
    use super::*;

    #[test]
    fn quotes_in_paths_stay_in_their_values() {
        let text = configuration(
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
