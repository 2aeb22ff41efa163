//! Set-up itself: look, decide, execute.

use super::{
    catalog::Catalog,
    error::SetupError,
    execution::Execution,
    installation::Installation,
    installed,
    interrupt::Interrupts,
    model::{Plan, Survey},
    options::SetUpOptions,
    orphans,
    plan::plan,
    progress::Progress,
    scratch::Scratch,
    session,
    steps::migrate::{Alone, Locks, Migrate},
};
use crate::config::{paths::Paths, settings::Settings};

/// Looks and decides, and does nothing: for `--dry-run`.
///
/// # Errors
/// Something of our own cannot be read.
pub fn survey(
    catalog: &Catalog,
    settings: &Settings,
    paths: &Paths,
    options: &SetUpOptions,
) -> Result<Plan, SetupError> {
    let wanted = catalog.wanted(settings);
    let facts = Survey::gather(paths, options, &wanted)?;
    Ok(plan(paths, &facts, &wanted))
}

/// Does all that is missing for the gateway to run, and nothing else.
///
/// # Errors
/// Says what stands in the way before anything is begun, and which step failed after that.
pub fn setup(
    catalog: &Catalog,
    settings: &Settings,
    paths: &Paths,
    options: &SetUpOptions,
    progress: &mut dyn Progress,
) -> Result<Installation, SetupError> {
    let (mut interrupts, _lock) = session::begin(catalog, paths)?;
    let locks = locks(catalog, paths, &mut interrupts, progress)?;
    orphans::end(&paths.state)?;
    if let Some(database) = catalog.database() {
        (database.end_orphan)(paths)?;
    }

    let wanted = catalog.wanted(settings);
    let facts = Survey::gather(paths, options, &wanted)?;
    // A program that was asked when the signal came has given no answer.
    interrupts.check()?;
    let plan = plan(paths, &facts, &wanted);
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
    let record = execution.execute(
        catalog,
        &plan.steps,
        facts.record.about(facts.cluster),
        &locks,
    )?;
    let usable = || {
        let installation = installed::resolve(catalog, paths, &wanted, &record)?;
        for (payload, _) in &wanted.payloads {
            installation.payload(payload)?;
        }
        Ok(installation)
    };
    usable().map_err(|error| SetupError::NotUsable(Box::new(error)))
}

/// Waits until nothing of an earlier set-up migrates any more.
fn locks(
    catalog: &Catalog,
    paths: &Paths,
    interrupts: &mut Interrupts,
    progress: &mut dyn Progress,
) -> Result<Locks, SetupError> {
    let mut locks = Locks::new();
    for all in catalog.tables() {
        if let Migrate::ByItself { lock, .. } = all.migrate {
            let alone = Alone::wait((all.tables.of, lock), paths, interrupts, progress)?;
            locks.insert(lock, alone);
        }
    }
    Ok(locks)
}
