//! Set-up itself: look, decide, execute.

use super::{
    catalog,
    error::SetupError,
    execution::Execution,
    installed,
    model::{Facts, Plan},
    options::Options,
    orphans,
    plan::plan,
    progress::Progress,
    scratch::Scratch,
    session,
    steps::{open_webui, server},
};
use crate::{
    config::{paths::Paths, settings::Settings},
    services::Installed,
};

/// Looks and decides, and does nothing: for `--dry-run`.
///
/// # Errors
/// Something of our own cannot be read.
pub fn survey(settings: &Settings, paths: &Paths, options: &Options) -> Result<Plan, SetupError> {
    let wanted = catalog::wanted(settings);
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
    let (mut interrupts, _lock) = session::begin(paths)?;
    let alone = open_webui::alone(paths, &mut interrupts, progress)?;
    orphans::end(&paths.state)?;
    server::end_orphan(paths)?;

    let wanted = catalog::wanted(settings);
    let facts = Facts::gather(settings, paths, options, &wanted)?;
    // A program that was asked when the signal came has given no answer.
    interrupts.check()?;
    let plan = plan(settings, paths, &facts, &wanted);
    if !plan.problems.is_empty() {
        return Err(SetupError::NotPossible(plan.problems));
    }
    let scratch = Scratch::make(&paths.state)?;
    let mut execution = Execution {
        settings,
        paths,
        options,
        wanted: &wanted,
        choice: &plan.choice,
        runner: session::runner(paths, options, &scratch, interrupts)?,
        progress,
    };
    let record = execution.execute(&plan.steps, facts.record.about(facts.cluster), &alone)?;
    installed::resolve(paths, settings, &wanted, &record)
        .map_err(|e| SetupError::NotUsable(Box::new(e)))
}
