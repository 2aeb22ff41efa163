//! Whether there is a Python for LiteLLM.

use crate::{
    doctor::{Check, Facts, Group, Verdict, fix::install},
    provision::facts::Python,
};

pub(super) const CHECK: Check = Check {
    id: "python",
    group: Group::Programs,
    title: "Python",
    looks: "The Python that set-up would take: 3.11 or 3.12, with venv and ensurepip.",
    why: "LiteLLM and Open WebUI run on it. Open WebUI does not run on 3.13.",
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
        return Verdict::problem(format!("none of version 3.11 or 3.12{but}")).fix(mend(facts));
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

/// Debian 13 has only 3.13, so uv has to bring one.
fn mend(facts: &Facts) -> Option<String> {
    let debian_12 = facts.machine.release.is_none_or(|release| release < 13);
    if debian_12 || !facts.machine.distribution.starts_with("Debian") {
        return install(facts, "python3.11 python3.11-venv", "python3.12");
    }
    let pipx = install(facts, "pipx", "pipx")?;
    Some(format!(
        "{pipx} && pipx install uv && ~/.local/bin/uv python install 3.12 && ai-gateway config set \
         programs.python \"$(~/.local/bin/uv python find 3.12)\""
    ))
}
