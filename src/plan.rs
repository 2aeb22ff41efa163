//! From a configuration that was read to what is to be run: the plan of the whole gateway.
//!
//! It stands below the command line, so that it can be made wherever it is needed and says what is wrong as
//! a value. It looks at what set-up has left and at who has a port; what comes of that is decided by
//! `services::plan`, which is pure.

pub mod environment;

use std::sync::Arc;

use environment::EnvironmentError;
use supervise::spec::ServiceSpec;

use crate::{
    config::{
        LoadError, Loaded, Report,
        paths::Paths,
        ports::{self, TakenPort},
        settings::Settings,
    },
    open_files,
    provision::{self, Installation, MissingSecrets, NotSetUp, SecretsChanged},
    publish::{Compare, Compared},
    runtime::{self, Planned, Purpose},
    secrets::{SecretError, SecretKind, SecretStore},
    services::{self, Secrets},
    stack::Stack,
};

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Somebody else listens where the gateway is to.
    #[error("{0}")]
    Ports(Report),
    /// Set-up has to run first.
    #[error(transparent)]
    NotSetUp(#[from] NotSetUp),
    /// The secrets cannot be read.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// A file with variables of a service cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The secrets are not those that the database was set up with.
    #[error(transparent)]
    SecretsChanged(#[from] SecretsChanged),
    /// Some are missing, and a start may not make them.
    #[error(transparent)]
    SecretsMissing(#[from] MissingSecrets),
}

/// Plans the gateway of this configuration. `read` reads the configuration again, for whoever asks how the
/// one on disk compares. With the plan come the secrets that a start has made, to be told once there is a log.
///
/// # Errors
/// See [`PlanError`].
pub fn plan(
    paths: &Paths,
    loaded: Loaded,
    purpose: Purpose,
    read: impl Fn() -> Result<Loaded, LoadError> + Send + Sync + 'static,
) -> Result<(Planned, Vec<SecretKind>), PlanError> {
    let mut taken = taken_ports(paths, &loaded);
    // An address of a service of the user's own is that service's trouble: the others start.
    taken.retain(TakenPort::is_the_gateways);
    if !taken.is_empty() {
        return Err(PlanError::Ports(ports::report(&loaded, &taken)));
    }
    let mut settings = loaded.settings.clone();
    let own = environment::own_secrets(paths);
    environment::add(&mut settings, environment::ourselves(), &own)?;
    let settings = &settings;
    let installed = services::installed(paths, settings)?;
    let made = match purpose {
        Purpose::Start => provision::make_new_secrets(services::catalog(), paths)?,
        Purpose::TakeUp | Purpose::Preview => Vec::new(),
    };
    let secrets = Secrets::load(&SecretStore::new(paths.secrets()))?;
    provision::check_secrets(services::catalog(), paths)?;
    let basis = Basis {
        paths: paths.clone(),
        installed,
        secrets,
        open_files: open_files::limits().map(|(soft, _)| soft),
    };
    let planned = Planned {
        stack: basis.stack(settings),
        profile: settings.profile.clone(),
        urls: services::urls(settings),
        compare: compare(Arc::new(loaded), basis, Arc::new(read)),
    };
    Ok((planned, made))
}

/// The services as they are to be run with these settings, for whoever ends what an earlier daemon left.
/// `None` if that cannot be told.
pub fn services(paths: &Paths, settings: &Settings) -> Option<Vec<ServiceSpec>> {
    let basis = Basis {
        paths: paths.clone(),
        installed: services::installed(paths, settings).ok()?,
        secrets: Secrets::load(&SecretStore::new(paths.secrets())).ok()?,
        open_files: open_files::limits().map(|(soft, _)| soft),
    };
    Some(basis.stack(settings).services)
}

/// The ports that this gateway cannot listen on.
pub fn taken_ports(paths: &Paths, loaded: &Loaded) -> Vec<TakenPort> {
    let mut taken = ports::in_use(loaded);
    // Before a reload our own services hold them, and before a start those that a killed daemon
    // has left, which do not stay.
    if !taken.is_empty() {
        let ours = runtime::processes(&paths.state);
        taken.retain(|port| !port.is_held_by_one_of(&ours));
    }
    taken
}

/// What a stack is made from, besides its settings.
struct Basis {
    paths: Paths,
    installed: Installation,
    secrets: Secrets,
    open_files: Option<u64>,
}

impl Basis {
    fn stack(&self, settings: &Settings) -> Stack {
        services::plan(
            &services::ALL,
            settings,
            &self.paths,
            &self.installed,
            &self.secrets,
            self.open_files,
        )
    }
}

/// Reads the configuration on disk.
type Read = Arc<dyn Fn() -> Result<Loaded, LoadError> + Send + Sync>;

/// Compares the configuration that is in effect with the one on disk.
fn compare(running: Arc<Loaded>, basis: Basis, read: Read) -> Compare {
    let (again, effective) = (Arc::clone(&read), Arc::clone(&running));
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
            let mut settings = effective.settings_with(&loaded, &key);
            // One that cannot be used is told by whoever takes it up.
            let own = environment::own_secrets(&basis.paths);
            let _told = environment::add(&mut settings, environment::ourselves(), &own);
            let services = basis.stack(&settings).services;
            (key, services)
        });
        alone.collect()
    };
    Compare::new(look, alone)
}
