//! Whether there is a Python for LiteLLM.

use crate::{
    doctor::{Check, Facts, Group, Verdict, fix::install},
    provision::facts::Python,
};

pub(super) const CHECK: Check = Check {
    id: "python",
    group: Group::Programs,
    title: "Python",
    looks: "The Python that set-up would take: 3.11 to 3.13, with venv and ensurepip.",
    why: "LiteLLM and Open WebUI run on it, and their locks hold for these versions alone.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let programs = &facts.gateway.provision.programs;
    let Some(python) = facts.gateway.provision.programs.usable_python() else {
        let found: Vec<String> = programs.pythons.iter().map(named).collect();
        let but = match found.as_slice() {
            [] => String::new(),
            found => format!(", only {}", found.join(" and ")),
        };
        let none = format!("none of version {}{but}", Python::versions());
        let newest = Python::MINORS.end();
        let fedora = format!("python3.{newest}");
        return Verdict::problem(none).fix(install(facts, "python3 python3-venv", &fedora));
    };
    let minor = python.version.1;
    if !python.ensurepip {
        return Verdict::problem(format!("{} cannot make environments", named(python))).fix(
            install(
                facts,
                &format!("python3.{minor}-venv"),
                &format!("python3.{minor}"),
            ),
        );
    }
    Verdict::ok(named(python))
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
    }
}
