//! Which Python the environments of the services have, and whether set-up has to bring it.

use crate::provision::{
    brought_python::PYTHON,
    model::{ChosenPython, Packages, Payload, Problem, SetupStep, Survey, Wanted},
};

/// A payload with the name of its folder.
pub(super) type Versioned = (Payload, String);

/// The machine's own where one fits, and otherwise the one that set-up brings. Any Python that makes the environment of
/// the tools is enough for that. A Python that the settings name is the only one.
pub(super) fn choose(wanted: &Wanted, facts: &Survey) -> Result<ChosenPython, Problem> {
    if let Some(python) = facts.usable_python() {
        return Ok(ChosenPython::OfTheMachine(python.path.clone()));
    }
    if let Some(named) = &wanted.runtimes.python {
        return Err(Problem::BadPython {
            named: named.clone(),
            found_there: facts.pythons.clone(),
        });
    }
    match facts.python_for_tools() {
        Some(_) => Ok(ChosenPython::Brought),
        None => Err(Problem::NoPython(facts.pythons.clone())),
    }
}

/// The payloads that are wanted on this machine, in the order in which they are made. The Python that set-up brings
/// is among them where an environment is to be made of it, or was.
pub(super) fn payloads(
    facts: &Survey,
    wanted: &Wanted,
    python: Option<&ChosenPython>,
) -> Vec<Versioned> {
    let mut payloads = wanted.payloads.clone();
    let is_chosen = python == Some(&ChosenPython::Brought);
    let brought = wanted.brought_python.as_ref().filter(|_| is_chosen);
    let makes_one = payloads
        .iter()
        .any(|all| has_that_python(&all.0) && !facts.complete.contains(all));
    if let Some(brought) = brought
        && (makes_one || facts.complete.contains(brought))
    {
        // The tools bring it, and the environments are made of it.
        let tools = payloads
            .iter()
            .take_while(|(payload, _)| !has_that_python(payload));
        let tools = tools.filter(|(payload, _)| payload.runs_in_set_up).count();
        payloads.insert(tools, brought.clone());
    }
    payloads
}

/// Whether these steps bring a Python.
pub(super) fn is_brought(steps: &[SetupStep]) -> bool {
    let mut steps = steps.iter();
    steps.any(|step| matches!(step, SetupStep::Build(payload, _) if *payload == PYTHON))
}

/// Whether it is an environment of a service. That of the tools has the machine's Python.
fn has_that_python(payload: &Payload) -> bool {
    matches!(payload.packages, Packages::Python { .. }) && !payload.runs_in_set_up
}
