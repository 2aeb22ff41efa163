//! LiteLLM's views, which belong to its tables but to none of its migrations: LiteLLM makes them at
//! its first start, each after PostgreSQL has logged an error about it. Here they are made with the
//! tables.

use std::path::Path;

use super::server::{Server, psql};
use crate::provision::{
    command::Call, error::SetupError, execution::Execution, site_packages::site_packages,
};

/// Prints them for psql.
const PRINT: &str = include_str!("litellm_views.py");

/// Makes those that there are not. It goes without: then LiteLLM's first start does it.
pub(super) fn make(execution: &mut Execution<'_>, server: &Server, environment: &Path) {
    if let Err(error) = attempt(execution, server, environment) {
        execution.progress.message(&format!(
            "{error}: LiteLLM's first start makes its views, and takes longer"
        ));
    }
}

fn attempt(
    execution: &mut Execution<'_>,
    server: &Server,
    environment: &Path,
) -> Result<(), SetupError> {
    let ask = printing(
        &environment.join("bin/python"),
        &site_packages(environment)?.join("litellm/proxy/db/create_views.py"),
    );
    let script = format!(
        "SET SESSION AUTHORIZATION litellm;\n{}",
        execution.ask(&ask)?
    );
    let make = psql(execution, server, "litellm", "making LiteLLM's views")?
        .arg("--single-transaction")
        .input(script);
    execution.ask(&make).map(drop)
}

fn printing(python: &Path, source: &Path) -> Call {
    Call::new("reading LiteLLM's views", python)
        .known_as("Python")
        .args(["-I", "-c", PRINT])
        .arg(source)
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    /// As LiteLLM's is laid out.
    const SOURCE: &str = r#"
from litellm import verbose_logger
from litellm.proxy.db.db_span import db_span

async def create_missing_views(db):
    try:
        await db.query_raw("""SELECT 1 FROM "Spend" LIMIT 1""")
    except Exception as e:
        if "does not exist" not in str(e).lower():
            raise
        async with db_span("create_view", "Spend"):
            await db.execute_raw("""
                CREATE VIEW "Spend" AS SELECT 1;
            """)
        verbose_logger.debug("%s Created!", "Spend")
"#;

    #[test]
    fn each_view_is_made_where_it_is_missing_by_litellms_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("create_views.py");
        fs::write(&source, SOURCE).unwrap();
        let output = Command::new("python3")
            .args(["-I", "-c", PRINT])
            .arg(&source)
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "SELECT to_regclass('\"Spend\"') IS NULL AS missing \\gset\n\
             \\if :missing\nCREATE VIEW \"Spend\" AS SELECT 1;\n\\endif\n"
        );
        // Of a probe that is put otherwise nothing is known, and nothing is made.
        fs::write(&source, SOURCE.replace("SELECT 1 FROM", "SELECT 2 FROM")).unwrap();
        let output = Command::new("python3")
            .args(["-I", "-c", PRINT])
            .arg(&source)
            .output()
            .unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
    }
}
