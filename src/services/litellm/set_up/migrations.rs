//! LiteLLM's migrations, applied as Prisma would: in the order of their names, each recorded in
//! `_prisma_migrations` with the hash of its file, so that LiteLLM's own tools agree.
//!
//! All over one connection: a connection each takes minutes on a slow machine. What is applied and
//! in which statements is decided by pure functions; psql does the rest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{history::HistoryError, views};
use crate::{
    provision::{
        command::News, error::SetupError, execution::Execution, folders::write_durably,
        hash::sha256_of_file, progress::Total, site_packages::site_packages, steps::server::Server,
    },
    services::postgres::set_up::{literal, psql},
};

/// Prisma's own key: its tools and LiteLLM's take the same lock.
const PRISMA_LOCK: u32 = 72_707_369;

/// As Prisma makes it.
const TABLE: &str = r#"CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
);
"#;

/// Before the name of a migration, in what psql says.
const MARK: &str = "ai-gateway applies ";

/// One migration, as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Migration {
    /// The name of its folder.
    pub name: String,
    /// Its statements.
    pub sql: String,
}

/// One row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    /// Of which migration.
    pub name: String,
    /// Of the file as it was then.
    pub checksum: String,
    /// Whether it was applied to its end.
    pub finished: bool,
    /// Whether somebody has declared it undone.
    pub rolled_back: bool,
}

impl Migration {
    /// The SHA-256 of the file, as Prisma records it.
    pub(super) fn checksum(&self) -> String {
        sha256_of_file(self.sql.as_bytes())
    }

    /// Whether PostgreSQL refuses it inside of a transaction.
    pub(super) fn is_concurrent(&self) -> bool {
        self.sql
            .lines()
            .map(|line| line.split("--").next().unwrap_or_default())
            .any(|code| code.to_ascii_uppercase().contains("CONCURRENTLY"))
    }
}

/// Which migrations are still to be applied, in order.
///
/// # Errors
/// The history contradicts the files.
pub(super) fn pending<'a>(
    all: &'a [Migration],
    history: &[Applied],
) -> Result<Vec<&'a Migration>, HistoryError> {
    let mut pending = Vec::new();
    for migration in all {
        let rows = history
            .iter()
            .filter(|row| row.name == migration.name && !row.rolled_back);
        let (done, begun): (Vec<_>, Vec<_>) = rows.partition(|row| row.finished);
        if let Some(row) = done.first() {
            if row.checksum != migration.checksum() {
                return Err(HistoryError::Changed {
                    name: migration.name.clone(),
                });
            }
            continue;
        }
        // One inside of a transaction is recorded by that transaction, so ours cannot be half done.
        if !begun.is_empty() && !migration.is_concurrent() {
            return Err(HistoryError::Unfinished {
                name: migration.name.clone(),
            });
        }
        pending.push(migration);
    }
    Ok(pending)
}

/// The script for psql that applies them.
pub(super) fn script(role: &str, pending: &[&Migration]) -> String {
    let mut text = format!(
        "SET SESSION AUTHORIZATION {role};\nSET client_min_messages = error;\n\
         SELECT pg_advisory_lock({PRISMA_LOCK}) \\g /dev/null\n{TABLE}"
    );
    for migration in pending {
        text += &format!("\\warn {}\n", literal(&format!("{MARK}{}", migration.name)));
        if migration.is_concurrent() {
            text += &outside_of_a_transaction(migration);
        } else {
            text += &format!(
                "BEGIN;\n{}\n;\n{}COMMIT;\n",
                migration.sql,
                insert(migration, "clock_timestamp()", 1)
            );
        }
    }
    text
}

/// Recorded before it begins. If it was cut off, PostgreSQL keeps an index that is not valid and
/// that `IF NOT EXISTS` would take for the real one: such are dropped first.
fn outside_of_a_transaction(migration: &Migration) -> String {
    let (name, insert) = (literal(&migration.name), insert(migration, "NULL", 0));
    format!(
        "DELETE FROM \"_prisma_migrations\" WHERE migration_name = {name} \
         AND finished_at IS NULL AND rolled_back_at IS NULL;\n\
         SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE NOT indisvalid\n\\gexec\n\
         {insert}{}\n;\n\
         UPDATE \"_prisma_migrations\" SET finished_at = clock_timestamp(), applied_steps_count = 1 \
         WHERE migration_name = {name} AND finished_at IS NULL AND rolled_back_at IS NULL;\n",
        migration.sql
    )
}

fn insert(migration: &Migration, finished: &str, steps: u8) -> String {
    format!(
        "INSERT INTO \"_prisma_migrations\" (id, checksum, finished_at, migration_name, started_at, \
         applied_steps_count) VALUES (gen_random_uuid()::text, '{}', {finished}, {}, now(), {steps});\n",
        migration.checksum(),
        literal(&migration.name)
    )
}

/// Asks for the history; no row where there is no table.
const HISTORY: &str = "SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS there \\gset
\\if :there
SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at IS NOT NULL
FROM _prisma_migrations ORDER BY started_at;
\\endif
";

fn history(text: &str) -> Result<Vec<Applied>, HistoryError> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|row| match row.split('\u{1f}').collect::<Vec<_>>()[..] {
            [name, checksum, finished, rolled_back] => Ok(Applied {
                name: name.into(),
                checksum: checksum.into(),
                finished: finished == "t",
                rolled_back: rolled_back == "t",
            }),
            _ => Err(HistoryError::Row { row: row.into() }),
        })
        .collect()
}

/// The migrations that a LiteLLM environment brings, sorted by name.
fn read(environment: &Path) -> Result<Vec<Migration>, SetupError> {
    let folder = site_packages(environment)?.join("litellm_proxy_extras/migrations");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(SetupError::io("read", &folder))? {
        let entry = entry.map_err(SetupError::io("read", &folder))?;
        let path: PathBuf = entry.path().join("migration.sql");
        if path.is_file() {
            found.push(Migration {
                name: entry.file_name().to_string_lossy().into_owned(),
                sql: fs::read_to_string(&path).map_err(SetupError::io("read", &path))?,
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Brings LiteLLM's database up to date with the migrations of its environment.
pub(super) fn litellm(
    execution: &mut Execution<'_>,
    server: &Server,
    environment: &Path,
) -> Result<(), SetupError> {
    let all = read(environment)?;
    if apply(execution, server, "litellm", &all)? {
        views::make(execution, server, environment);
    }
    Ok(())
}

/// Applies what is pending to the database of `role`, and says whether anything was.
fn apply(
    execution: &mut Execution<'_>,
    server: &Server,
    role: &str,
    all: &[Migration],
) -> Result<bool, SetupError> {
    let ask = psql(execution, server, role, "reading the history of migrations")?.input(HISTORY);
    let rows = execution.ask(&ask)?;
    let pending = pending(all, &history(&rows)?)?;
    if pending.is_empty() {
        return Ok(false);
    }
    execution
        .progress
        .begin("LiteLLM's tables", Total::Items(pending.len() as u64));
    // Two megabytes and no secret: by a file, for a pipe does not hold it.
    let file = server.socket.join("migrations.sql");
    write_durably(&file, script(role, &pending).as_bytes(), 0o600)?;
    let call = psql(execution, server, role, "migrating LiteLLM's tables")?
        .arg("--file")
        .arg(&file);
    let mut begun = 0;
    let (runner, progress) = (&mut execution.runner, &mut execution.progress);
    let applied = runner.run(&call, &mut |news| {
        if let News::Line(line) = news
            && let Some((_, name)) = line.split_once(MARK)
        {
            progress.advance(begun);
            progress.message(name);
            begun += 1;
        }
    });
    execution.progress.end(applied.is_ok());
    fs::remove_file(&file).map_err(SetupError::io("remove", &file))?;
    applied.map(|_| true)
}

#[cfg(test)]
mod tests;
