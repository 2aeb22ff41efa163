//! LiteLLM's views, which belong to its tables but to none of its migrations: LiteLLM makes them at
//! its first start, each after PostgreSQL has logged an error about it. Here they are made with the
//! tables.

use std::path::Path;

use crate::provision::{
    command::Call, error::SetupError, execution::Execution, site_packages::site_packages,
    steps::server::Server,
};
use crate::services::{litellm::python::VIEWS, postgres::set_up::psql};

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
        .args(["-I", "-c", VIEWS])
        .arg(source)
}
