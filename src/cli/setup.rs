//! `ai-gateway setup`: everything that a first start needs.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    path::{self, PathBuf},
};

use super::{
    context::{Context, print, tell},
    failure::{Exit, Failure},
    linger, root, settings,
};
use crate::{
    config::Loaded,
    provision::{self, Environment, Options, SetupError, progress},
};

/// Install LiteLLM and Open WebUI, make the database and the keys
///
/// Downloads what is missing, each package checked against its hash, into the gateway's own
/// folder. It may be cut off anywhere and run again; with nothing left to do it is done at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// How much the services may use: tiny, small, medium, large or local
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// What may be spent in 30 days: test, prod, unlimited or US dollars
    #[arg(long, value_name = "BUDGET", allow_negative_numbers = true)]
    budget: Option<String>,
    /// The port of Open WebUI and the API
    #[arg(long, value_name = "N")]
    port: Option<String>,
    /// Install from this folder and not from the network
    #[arg(long, value_name = "DIR")]
    offline: Option<PathBuf>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// What was said of the configuration, by key.
    fn keys(&self) -> Vec<(&'static str, &str)> {
        let said = [
            ("profile", &self.profile),
            ("budget", &self.budget),
            ("listen.port", &self.port),
        ];
        let said = said.into_iter();
        said.filter_map(|(key, value)| Some((key, value.as_deref()?)))
            .collect()
    }
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    root::refuse(context, "setup")?;
    // All of it is checked before any of it is written.
    let loaded = settings::read(context, &args.keys())?;
    let absolute = |folder| {
        path::absolute(folder).map_err(|e| {
            Failure::new(Exit::Failed, "cannot tell where --offline is").cause(e.to_string())
        })
    };
    let options = Options {
        offline: args.offline.as_ref().map(absolute).transpose()?,
        environment: Environment::of_process(),
    };
    let plan = provision::survey(&loaded.settings, &context.paths, &options).map_err(failure)?;
    if args.dry_run {
        settings::warn(&loaded);
        print(&plan)?;
        return match plan.problems.is_empty() {
            true => Ok(()),
            false => Err(Failure::Said(Exit::Failed)),
        };
    }
    settings::warn(&loaded);
    let idle = plan.steps.is_empty() && plan.problems.is_empty();
    if !idle && plan.problems.is_empty() && !args.yes && !agreed(&plan)? {
        return Err(Failure::new(Exit::Failed, "nothing was done"));
    }
    let loaded = write(args, context, loaded)?;
    let mut progress = progress::for_standard_error();
    provision::setup(&loaded.settings, &context.paths, &options, &mut *progress)
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

/// Where nobody can answer nobody is asked.
fn agreed(plan: &provision::Plan) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(true);
    }
    tell(format!("{plan}\nGo on? [Y/n] "));
    let mut answer = String::new();
    let read = io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| Failure::new(Exit::Failed, "cannot read the answer").cause(e.to_string()))?;
    // The end of input is nobody's yes.
    Ok(read > 0
        && matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "" | "y" | "yes"
        ))
}

/// What was said stays said.
fn write(args: &Args, context: &Context, loaded: Loaded) -> Result<Loaded, Failure> {
    args.keys().into_iter().try_fold(loaded, |_, (key, value)| {
        settings::change(context, key, value)
    })
}

fn failure(error: SetupError) -> Failure {
    let exit = match error {
        SetupError::Root { .. } => Exit::NotPermitted,
        _ => Exit::Failed,
    };
    Failure::of(exit, &error)
}
