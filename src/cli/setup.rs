//! `ai-gateway setup`: everything that a first start needs.

use std::path::{self, PathBuf};

use super::{
    about,
    context::{Context, print},
    failure::{CommandExit, Failure},
    linger, root, settings,
    stack::first_account::{self, FirstPassword},
    trust,
};
use crate::{
    config::{
        Loaded, edit,
        ports::{self, TakenPort},
    },
    provision::{self, Environment, Plan, SetUpOptions, SetupError, progress},
    secrets::Secret,
    services,
};
use flags::Flags;
use questions::Answers;

mod flags;
mod questions;

/// The arguments of `ai-gateway setup`.
#[derive(Debug, clap::Args)]
#[command(about = about::set_up(), long_about = about::set_up_in_full())]
pub(super) struct Args {
    /// Ask nothing, and take what would be proposed
    // A second one does no harm: ./quickstart says yes by itself.
    #[arg(long, short, overrides_with = "yes")]
    yes: bool,
    #[command(flatten)]
    keys: Flags,
    /// Read that account's password from standard input, and ask nothing
    #[arg(long)]
    admin_password_stdin: bool,
    /// Install from this folder and not from the network
    #[arg(long, value_name = "DIR")]
    offline: Option<PathBuf>,
    /// Go on with a new salt key, although the providers' keys that were saved can then not be read
    /// again and have to be entered anew
    ///
    /// For a salt key that was lost or changed and is in no backup. A file that is there is taken
    /// as it is; one that is missing or empty is made.
    #[arg(long)]
    accept_salt_key: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    root::refuse(context, "setup")?;
    trust::keep_to_ourselves();
    trust::check(context)?;
    // Everything is checked before anything is written.
    let mut answers = args.keys.answers().clone();
    for (key, value) in &answers {
        edit::check_typed(services::schema(), key, value)?;
    }
    let mut loaded = settings::read(context, &questions::borrowed(&answers))?;
    let first = FirstPassword::find(args.admin_password_stdin, context, &loaded)?;
    let mut options = options(args, first.given)?;
    let plan = provision::survey(
        services::catalog(),
        &loaded.settings,
        &context.paths,
        &options,
    )
    .map_err(failure)?;
    if args.dry_run {
        return tell_only(&loaded, &plan);
    }
    let idle = plan.steps.is_empty() && plan.problems.is_empty();
    let asks = !idle
        && plan.problems.is_empty()
        && !args.yes
        && !args.admin_password_stdin
        && super::prompt::somebody_is_there();
    if asks {
        loaded = questions::ask(context, &mut answers, first.open)?;
        if first.open {
            let chosen = first_account::ask_password()?;
            options.chosen = first_account::chosen(chosen);
        }
    }
    settings::warn(&loaded);
    if !idle {
        refuse_taken(context, &loaded)?;
    }
    if asks {
        questions::agree(&plan)?;
    }
    let loaded = write(&answers, context, loaded)?;
    settings::close(context, &loaded);
    let mut progress = progress::for_standard_error();
    provision::setup(
        services::catalog(),
        &loaded.settings,
        &context.paths,
        &options,
        &mut *progress,
    )
    .map_err(failure)?;
    let linger = linger::ensure(context).unwrap_or_default();
    let done = if idle {
        "The gateway was set up already."
    } else {
        "The gateway is set up."
    };
    print(format!(
        "{done}\n\n'ai-gateway start' starts it, 'ai-gateway key' shows the first login.\n{linger}"
    ))
}

/// Says what would be done.
fn tell_only(loaded: &Loaded, plan: &Plan) -> Result<(), Failure> {
    settings::warn(loaded);
    print(plan)?;
    match plan.problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::AlreadyReported(CommandExit::Failed)),
    }
}

/// How set-up is to go about it.
fn options(args: &Args, admin_password: Option<Secret>) -> Result<SetUpOptions, Failure> {
    let absolute = |folder| {
        path::absolute(folder).map_err(|e| {
            Failure::new(CommandExit::Failed, "cannot tell where --offline is").cause(e.to_string())
        })
    };
    Ok(SetUpOptions {
        offline: args.offline.as_ref().map(absolute).transpose()?,
        accept_salt_key: args.accept_salt_key,
        environment: Environment::of_process(),
        chosen: first_account::chosen(admin_password),
    })
}

/// It is better to fail now than after minutes of downloads, when the start would say so.
fn refuse_taken(context: &Context, loaded: &Loaded) -> Result<(), Failure> {
    let mut taken = settings::held_ports(context, loaded);
    // A start goes on without an address of a service of the user's own, and says so.
    taken.retain(TakenPort::is_the_gateways);
    if taken.is_empty() {
        return Ok(());
    }
    let report = ports::report(loaded, &taken).render(true);
    Err(Failure::Report(CommandExit::Failed, report))
}

/// Writes what the command line and the answers say into `gateway.toml`, so that the next set-up knows it.
fn write(answers: &Answers, context: &Context, loaded: Loaded) -> Result<Loaded, Failure> {
    answers.iter().try_fold(loaded, |_, (key, value)| {
        settings::change(context, key, value)
    })
}

fn failure(error: SetupError) -> Failure {
    let exit = match error {
        SetupError::Root { .. } => CommandExit::NotPermitted,
        SetupError::Interrupted { signal } => CommandExit::by(signal),
        _ => CommandExit::Failed,
    };
    let failure = Failure::of(exit, &error);
    match error {
        SetupError::Launch { source, .. } if source.is_missing() => {
            failure.hint("run 'ai-gateway setup' again: it looks for all programs anew")
        }
        SetupError::Launch { source, .. } if source.lacks_descriptors() => failure.hint(
            "too many files are open: raise the limit that 'ulimit -n' shows, and run \
             'ai-gateway setup' again",
        ),
        _ => failure,
    }
}
