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
    failure::{Exit, Failure},
    root, settings, trust,
};
use crate::{
    causes::causes,
    config::{self, LoadError, Loaded, paths::Paths, ports, settings::Settings},
    control::types::Refusal,
    logs::{self, Output},
    provision,
    runtime::{self, Compare, Compared, Options, Planned, RunError},
    secrets::SecretStore,
    stack::{self, Installed, Secrets, Stack},
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

/// For all that is read before a start: milliseconds, but on a busy disk that nobody has read.
const READ: Duration = Duration::from_secs(60);

/// Runs the daemon; `errno` becomes what the kernel said, if that is why it does not run.
fn daemon(context: &Context, errno: &mut Option<i32>) -> Result<(), Failure> {
    root::refuse(context, "run")?;
    trust::keep_to_ourselves();
    let first = context.clone();
    let planned = runtime::within(READ, move || plan(&first)).unwrap_or_else(|| {
        Err(
            Failure::new(Exit::Failed, "cannot read what the gateway is made from")
                .cause("a file system does not answer")
                .hint("the file system of the configuration or of the state is to be looked at"),
        )
    })?;
    let output = Output::find(
        variable("JOURNAL_STREAM").as_deref(),
        &context.paths.logs(),
        io::stdout().is_terminal(),
    );
    logs::init(&output)
        .map_err(|e| Failure::new(Exit::Failed, "cannot open the log").cause(e.to_string()))?;
    let again = context.clone();
    let options = Options {
        paths: context.paths.clone(),
        output,
        planned,
        replan: Arc::new(move || plan(&again).map_err(refusal)),
    };
    runtime::run(options).map_err(|error| {
        *errno = kernel(&error);
        Failure::of(Exit::Failed, &error)
    })
}

/// From the file to what is to be run.
fn plan(context: &Context) -> Result<Planned, Failure> {
    trust::check(context)?;
    let loaded = settings::read(context, &[])?;
    settings::warn(&loaded);
    settings::close(context, &loaded);
    let (settings, paths) = (&loaded.settings, &context.paths);
    let taken = settings::taken_ports(context, &loaded);
    if !taken.is_empty() {
        let report = ports::report(&loaded, &taken).render(true);
        return Err(Failure::Report(Exit::Failed, report));
    }
    // Starting it again and again would not set it up, hence not a mere failure.
    let installed = provision::installed(paths, settings)
        .map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let store = SecretStore::new(paths.secrets());
    // A gateway that was set up before this secret existed gets it here: without it a database that
    // has lost its accounts could not be given an administrator.
    let secrets = store
        .make_admin_password()
        .and_then(|_| Secrets::load(&store));
    let secrets = secrets.map_err(|error| {
        Failure::of(Exit::Failed, &error).hint("'ai-gateway setup' makes those that are missing")
    })?;
    provision::check_secrets(paths).map_err(|error| {
        let failure = Failure::of(Exit::Configuration, &error);
        error.hints().into_iter().fold(failure, Failure::hint)
    })?;
    let basis = Basis {
        paths: paths.clone(),
        installed,
        secrets,
        open_files: runtime::open_files().map(|(soft, _)| soft),
    };
    Ok(Planned {
        stack: basis.stack(settings),
        profile: settings.profile.clone(),
        urls: settings::urls(settings),
        compare: compare(context.clone(), Arc::new(loaded), basis),
    })
}

/// What a stack is made from besides its settings.
struct Basis {
    paths: Paths,
    installed: Installed,
    secrets: Secrets,
    open_files: Option<u64>,
}

impl Basis {
    fn stack(&self, settings: &Settings) -> Stack {
        stack::plan(
            settings,
            &self.paths,
            &self.installed,
            &self.secrets,
            self.open_files,
        )
    }
}

/// Compares the configuration that is in effect with the one on disk, as this process would read it.
fn compare(context: Context, running: Arc<Loaded>, basis: Basis) -> Compare {
    let read = move || config::read(&context.paths, &variable, &[]);
    let (again, effective) = (read.clone(), Arc::clone(&running));
    let look = move || match read() {
        Ok(loaded) => Compared {
            differs: running.values.differing(&loaded.values),
            invalid: None,
        },
        Err(error) => Compared {
            differs: Vec::new(),
            invalid: Some(match error {
                LoadError::Wrong(report) => report.titles().collect::<Vec<_>>().join("; "),
                LoadError::Read { .. } | LoadError::NotText { .. } => error.to_string(),
            }),
        },
    };
    let alone = move || {
        // What is wrong with it is told by whoever reads it to take it up.
        let Ok(loaded) = again() else {
            return Vec::new();
        };
        let keys = effective.values.differing(&loaded.values).into_iter();
        let alone = keys.map(|key| {
            let settings = effective.settings_with(&loaded, &key);
            let services = basis.stack(&settings).services;
            (key, services)
        });
        alone.collect()
    };
    Compare::new(look, alone)
}

/// The services as they are to be run now, for whoever ends what an earlier daemon left; none: there
/// is no telling.
pub(super) fn services(context: &Context) -> Option<Vec<ServiceSpec>> {
    let settings = settings::read(context, &[]).ok()?.settings;
    let installed = provision::installed(&context.paths, &settings).ok()?;
    let secrets = Secrets::load(&SecretStore::new(context.paths.secrets())).ok()?;
    let open_files = runtime::open_files().map(|(soft, _)| soft);
    Some(stack::plan(&settings, &context.paths, &installed, &secrets, open_files).services)
}

/// The same words for whoever asked over the socket.
fn refusal(failure: Failure) -> Refusal {
    let text = anstream::adapter::strip_str(&failure.text()).to_string();
    let text = text.trim_end();
    match failure {
        Failure::Report(..)
        | Failure::Told {
            exit: Exit::Configuration,
            ..
        } => Refusal::Configuration(text.to_owned()),
        // Whoever prints a refusal says that it is an error.
        Failure::Told { .. } | Failure::BrokenPipe | Failure::Said(_) => {
            Refusal::Failed(text.strip_prefix("error: ").unwrap_or(text).to_owned())
        }
    }
}

/// What the kernel said, if it is at the root of this.
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
