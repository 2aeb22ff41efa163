//! LiteLLM: its environment with the generated database client, and its tables.

use std::path::Path;

use super::{PAYLOAD, engine::generate_client, migrations};
use crate::{
    provision::{
        command::Call,
        error::SetupError,
        execution::Execution,
        payload_folder,
        steps::{python::sync, server::Server},
    },
    services::{
        self,
        diet::{DIET, Diet},
        litellm::python::COMPILE,
    },
};

/// LiteLLM's environment with its generated database client.
pub(super) fn build(execution: &mut Execution<'_>, folder: &Path) -> Result<(), SetupError> {
    let digest = sync(execution, folder, PAYLOAD)?;
    generate_client(execution, folder)?;
    if Diet::of(execution.settings).bytecode {
        compile(execution, folder);
    }
    payload_folder::finish(folder, &digest)
}

/// Lets Python keep the bytecode of what LiteLLM's start imports, and of nothing else: of all that
/// is installed it would be 300 MB. The first start would compile it otherwise, which takes longer
/// than all else that it does, and 50 MB of memory that it keeps. The diet's module keeps this
/// import small as well.
fn compile(execution: &mut Execution<'_>, environment: &Path) {
    let script = format!("{DIET}\n{COMPILE}");
    let mut call = Call::new("compiling LiteLLM", environment.join("bin/python"))
        .known_as("Python")
        .args(["-I", "-c"])
        .arg(script);
    call.env = services::litellm::CONSTANTS
        .into_iter()
        .chain([("AI_GATEWAY_DIET", "lazy_types late_gc")])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if let Err(error) = execution.run(&call) {
        execution.progress.message(&format!(
            "{error}: LiteLLM's first start does it, and takes longer"
        ));
    }
}

/// Brings LiteLLM's tables up to date.
pub(super) fn migrate(execution: &mut Execution<'_>, server: &Server) -> Result<(), SetupError> {
    let environment = execution.payload(PAYLOAD)?;
    migrations::litellm(execution, server, &environment)
}
