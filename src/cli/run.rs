//! `ai-gateway run`: the daemon itself, in the foreground; what a unit runs.

use std::{
    error::Error,
    io::{self, IsTerminal as _},
    sync::Arc,
    time::Duration,
};

use supervise::spec::ServiceSpec;

use super::{
    context::{Context, variable},
    failure::{CommandExit, Failure},
    root, settings, trust,
};
use crate::{
    causes::causes,
    config,
    control::types::Refusal,
    logs::{self, Output},
    plan,
    runtime::{self, DaemonOptions, Planned, Purpose, RunError},
    secrets::SecretKind,
    services,
    systemd::notify,
};

/// Run the gateway in the foreground
///
/// This is what the units run. Ctrl-C or SIGTERM stops everything in order, SIGHUP reads the
/// configuration again. What the services say goes to the journal where there is one, otherwise
/// to the terminal and to files that 'ai-gateway logs' shows.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, context: &Context) -> Result<(), Failure> {
    let mut errno = None;
    daemon(context, &mut errno).inspect_err(|failure| {
        let text = anstream::adapter::strip_str(&failure.text()).to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        notify::fail(text.trim_end(), errno, failure.code());
    })
}

/// How long reading the configuration may take before a start. It takes milliseconds, and longer on a busy
/// disk whose files are not in memory.
const READ: Duration = Duration::from_secs(60);

/// Runs the daemon. `errno` gets the error of the kernel, if the daemon cannot run because of it.
fn daemon(context: &Context, errno: &mut Option<i32>) -> Result<(), Failure> {
    root::refuse(context, "run")?;
    trust::keep_to_ourselves();
    let first = context.clone();
    let (planned, made) = runtime::within(READ, move || plan(&first, Purpose::Start))
        .unwrap_or_else(|| {
            Err(Failure::new(
                CommandExit::Failed,
                "cannot read what the gateway is made from",
            )
            .cause("a file system does not answer")
            .hint("the file system of the configuration or of the state is to be looked at"))
        })?;
    let output = Output::find(
        variable("JOURNAL_STREAM").as_deref(),
        &context.paths.logs(),
        io::stdout().is_terminal(),
    );
    logs::init(&output).map_err(|e| {
        Failure::new(CommandExit::Failed, "cannot open the log").cause(e.to_string())
    })?;
    for secret in made {
        let name = secret.file_name;
        tracing::warn!(
            "the secret {name} was missing, and nothing depended on an earlier one: a new one was made"
        );
    }
    let again = context.clone();
    let options = DaemonOptions {
        paths: context.paths.clone(),
        output,
        planned,
        replan: Arc::new(move |purpose| {
            let planned = plan(&again, purpose).map_err(refusal);
            planned.map(|(planned, _)| planned)
        }),
    };
    runtime::run(options).map_err(|error| {
        *errno = kernel(&error);
        Failure::of(CommandExit::Failed, &error)
    })
}

/// Reads the configuration and plans what is to be run. With the plan come the secrets that were made for it.
fn plan(context: &Context, purpose: Purpose) -> Result<(Planned, Vec<SecretKind>), Failure> {
    trust::check(context)?;
    let loaded = settings::read(context, &[])?;
    if purpose != Purpose::Preview {
        settings::warn(&loaded);
        settings::close(context, &loaded);
    }
    let paths = context.paths.clone();
    let read = move || config::read(services::schema(), &paths, &variable, &[]);
    Ok(plan::plan(&context.paths, loaded, purpose, read)?)
}

/// The services as they would be run now, for whoever ends what an earlier daemon left. `None` if that
/// cannot be known.
pub(super) fn services(context: &Context) -> Option<Vec<ServiceSpec>> {
    let loaded = settings::read(context, &[]).ok()?;
    plan::services(&context.paths, &loaded.settings)
}

/// Words an error in the same way for a caller at the socket.
fn refusal(failure: Failure) -> Refusal {
    let text = anstream::adapter::strip_str(&failure.text()).to_string();
    let text = text.trim_end();
    match failure {
        Failure::Report(..)
        | Failure::Told {
            exit: CommandExit::Configuration,
            ..
        } => Refusal::Configuration(text.to_owned()),
        // The caller who prints the refusal adds that it is an error.
        Failure::Told { .. } | Failure::BrokenPipe | Failure::AlreadyReported(_) => {
            Refusal::Failed(text.strip_prefix("error: ").unwrap_or(text).to_owned())
        }
    }
}

/// The error of the kernel, if it is the root cause.
fn kernel(error: &RunError) -> Option<i32> {
    let mut all = std::iter::once::<&(dyn Error + 'static)>(error).chain(causes(error));
    all.find_map(|error| error.downcast_ref::<io::Error>())?
        .raw_os_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_said_is_found_at_the_root() {
        let error = |source| RunError::Kernel {
            what: "listen",
            source,
        };
        assert_eq!(kernel(&error(io::Error::from_raw_os_error(98))), Some(98));
        assert_eq!(kernel(&error(io::Error::other("no"))), None);
    }
}
