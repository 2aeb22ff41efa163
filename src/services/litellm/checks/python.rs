//! Whether there is a Python for LiteLLM.

use crate::{
    doctor::{
        Check, Facts, Group, Verdict,
        fix::{gateway, install},
    },
    provision::{brought_python, facts::Python, tools},
};

pub(super) const CHECK: Check = Check {
    id: "python",
    group: Group::Programs,
    title: "Python",
    looks: "The Python that set-up would take: 3.11 to 3.13. Where the machine has none of these, set-up brings one, and \
            needs any Python from 3.8 on to begin with. The one that it begins with needs venv and ensurepip.",
    why: "LiteLLM and Open WebUI run on it, and their locks hold for these versions alone.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let programs = &facts.gateway.provision.programs;
    let usable = programs.usable_python();
    if let Some(path) = facts.gateway.settings.values.path(tools::PYTHON)
        && usable.is_none()
    {
        return Verdict::problem(format!(
            "programs.python names {}, which is no Python of version {}",
            path.display(),
            Python::versions()
        ))
        .fix(gateway(facts, "config show"));
    }
    let Some(first) = programs.python_for_tools() else {
        let none = format!("no Python 3.{} or newer", Python::OLDEST_FOR_TOOLS);
        return Verdict::problem(none).fix(install(facts, "python3 python3-venv", "python3"));
    };
    if !first.ensurepip {
        let package = format!("python3.{}", first.version.1);
        return Verdict::problem(format!("{} cannot make environments", named(first)))
            .fix(install(facts, &format!("{package}-venv"), &package));
    }
    match usable {
        Some(python) => Verdict::ok(named(python)),
        None => Verdict::ok(format!(
            "none of version {}, only {}, so set-up brings {}",
            Python::versions(),
            named(first),
            brought_python::VERSION
        )),
    }
}

fn named(python: &Python) -> String {
    let (major, minor, patch) = python.version;
    format!("{major}.{minor}.{patch} ({})", python.path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_the_versions_that_set_up_takes() {
        assert!(CHECK.looks.contains(&Python::versions()));
        let oldest = format!("any Python from 3.{} on", Python::OLDEST_FOR_TOOLS);
        assert!(CHECK.looks.contains(&oldest));
    }
}
