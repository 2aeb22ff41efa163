//! Set-up: what `ai-gateway setup` does so that a start downloads, generates and migrates nothing.
//!
//! [`facts`] looks at the machine, [`plan`] decides (pure), [`setup`] does one step after the
//! other (`execute`), with what `context` has at hand. [`installed`] says what that has left. Each step is made beside its place and put there as a whole, or is a transaction of the
//! database, so set-up can be cut off anywhere and run again.

pub mod answer;
mod bundle;
mod command;
pub mod contents;
mod context;
mod embedded;
pub mod environment;
pub mod error;
mod execute;
pub mod facts;
pub mod fingerprints;
mod installed;
mod interrupt;
mod leftovers;
mod lock;
pub mod plan;
pub mod progress;
pub mod record;
mod scratch;
mod sources;
pub mod steps;
mod versions;

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

pub use bundle::bundle;
pub use environment::Environment;
pub use error::{NotSetUp, SetupError};
pub use fingerprints::SecretsChanged;
pub use installed::{check_secrets, installed};
pub use plan::{Plan, plan};
pub use progress::Progress;
pub use versions::versions;

use self::{
    command::Runner,
    context::Context,
    facts::Facts,
    interrupt::Interrupts,
    plan::Wanted,
    scratch::Scratch,
    steps::{open_webui, payload, server},
};
use crate::{
    config::{paths::Paths, settings::Settings},
    fs::regular,
    identity::GatewayId,
    secrets::Secret,
    services::Installed,
    trust,
};

/// What a person may say to set-up beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Install from this folder alone: wheels in `wheels`, npm's cache in `npm`, as [`bundle`]
    /// gathers them.
    pub offline: Option<PathBuf>,
    /// Go on with another salt key than the one that the database was set up with.
    pub accept_salt_key: bool,
    /// The environment that set-up was started with.
    pub environment: Environment,
    /// The password that the first account gets; none: a random one.
    pub admin_password: Option<Secret>,
}

/// Looks and decides, and does nothing: for `--dry-run`.
///
/// # Errors
/// Something of our own cannot be read.
pub fn survey(settings: &Settings, paths: &Paths, options: &Options) -> Result<Plan, SetupError> {
    let wanted = Wanted::new(settings);
    let facts = Facts::gather(settings, paths, options, &wanted)?;
    Ok(plan(settings, paths, &facts, &wanted))
}

/// Does all that is missing for the gateway to run, and nothing else.
///
/// # Errors
/// Says what stands in the way before anything is begun, and which step failed after that.
pub fn setup(
    settings: &Settings,
    paths: &Paths,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Installed, SetupError> {
    let (mut interrupts, _lock) = begin(paths)?;
    let alone = open_webui::alone(paths, &mut interrupts, progress)?;
    leftovers::end(&paths.state)?;
    server::end_leftover(paths)?;

    let wanted = Wanted::new(settings);
    let facts = Facts::gather(settings, paths, options, &wanted)?;
    // A program that was asked when the signal came has given no answer.
    interrupts.check()?;
    let plan = plan(settings, paths, &facts, &wanted);
    if !plan.problems.is_empty() {
        return Err(SetupError::NotPossible(plan.problems));
    }
    let scratch = Scratch::make(&paths.state)?;
    let mut cx = Context {
        settings,
        paths,
        options,
        wanted: &wanted,
        choice: &plan.choice,
        runner: runner(paths, options, &scratch, interrupts)?,
        progress,
    };
    let record = cx.execute(&plan.steps, facts, &alone)?;
    installed::resolve(paths, settings, &wanted, &record)
        .map_err(|e| SetupError::NotUsable(Box::new(e)))
}

/// Refuses root, catches signals and makes sure that nobody else is at it.
fn begin(paths: &Paths) -> Result<(Interrupts, Flock<File>), SetupError> {
    if nix::unistd::geteuid().is_root() {
        return Err(SetupError::Root {
            command: "runuser -u ai-gateway -- ai-gateway setup".into(),
        });
    }
    let interrupts =
        Interrupts::catch().map_err(|e| SetupError::io("catch", Path::new("signals"))(e.into()))?;
    payload::make_folder(&paths.state)?;
    // Only now: until it was made, somebody else could have made it.
    let trusted = paths.trusted();
    trust::check(
        trusted.iter().map(PathBuf::as_path),
        trust::Who::of(nix::unistd::geteuid()),
    )?;
    Ok((interrupts, lock(&paths.state)?))
}

fn runner(
    paths: &Paths,
    options: &Options,
    scratch: &Scratch,
    interrupts: Interrupts,
) -> Result<Runner, SetupError> {
    let gateway =
        GatewayId::of(&paths.state).map_err(SetupError::io("give an identity to", &paths.state))?;
    Ok(Runner {
        env: scratch.variables(&options.environment)?,
        mark: gateway.mark_of_set_up(),
        interrupts,
    })
}

/// One set-up at a time; the second learns which is the first.
fn lock(state: &Path) -> Result<Flock<File>, SetupError> {
    let path = state.join("setup.lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).mode(0o600);
    let file = regular::open_as(&path, options.read(true).write(true))
        .map_err(SetupError::io("create", &path))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0)
                .and_then(|()| write!(lock, "{}", std::process::id()))
                .map_err(SetupError::io("write", &path))?;
            Ok(lock)
        }
        Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            // Without a number it is still true that there is another one.
            let _read = file.read_to_string(&mut holder);
            Err(SetupError::Busy { holder })
        }
        Err((_, e)) => Err(SetupError::io("lock", &path)(e.into())),
    }
}
