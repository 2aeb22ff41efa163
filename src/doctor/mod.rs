//! `ai-gateway doctor`: what this machine offers and lacks.
//!
//! [`facts`] looks, [`Check`]s decide, one thought in each file, pure functions from facts to a verdict;
//! [`checks`] puts them in order, and [`docs`] is their reference. Those of a single service are in its room.

mod checks;
pub mod docs;
pub mod facts;
pub(crate) mod fix;

use serde::Serialize;

pub use facts::{Facts, Mode, Scope, World};

/// Says how bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// All is as it should be.
    Ok,
    /// The gateway runs, and something is worse than it could be.
    Warning,
    /// The gateway does not run, or is not safe.
    Problem,
}

/// The groups in which checks are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The checks of the machine, or of the container that we are in.
    Machine,
    /// The checks of systemd and of the control groups.
    Systemd,
    /// The checks of ports, host names and proxies.
    Network,
    /// The checks of the programs that the distribution has to bring.
    Programs,
    /// The checks of the gateway itself.
    Gateway,
}

impl Group {
    /// All groups, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Machine,
        Self::Systemd,
        Self::Network,
        Self::Programs,
        Self::Gateway,
    ];

    /// The heading of the group.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Machine => "Machine",
            Self::Systemd => "systemd and cgroups",
            Self::Network => "Network",
            Self::Programs => "Programs",
            Self::Gateway => "Gateway",
        }
    }
}

/// What one check makes of the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    level: Level,
    found: String,
    why: Option<&'static str>,
    fix: Option<String>,
}

impl Verdict {
    pub(crate) fn ok(found: impl Into<String>) -> Self {
        Self::new(Level::Ok, found)
    }

    pub(crate) fn warning(found: impl Into<String>) -> Self {
        Self::new(Level::Warning, found)
    }

    pub(crate) fn problem(found: impl Into<String>) -> Self {
        Self::new(Level::Problem, found)
    }

    fn new(level: Level, found: impl Into<String>) -> Self {
        Self {
            level,
            found: found.into(),
            why: None,
            fix: None,
        }
    }

    /// Adds the reason why this matters, where that is not the check's usual one.
    pub(crate) const fn because(mut self, why: &'static str) -> Self {
        self.why = Some(why);
        self
    }

    /// Adds the command that mends it.
    pub(crate) fn fix(mut self, command: impl Into<Option<String>>) -> Self {
        self.fix = command.into();
        self
    }
}

/// One thing that the doctor looks at.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name in the output and in the reference; it stays the same for ever.
    pub id: &'static str,
    /// The group in which it is shown.
    pub group: Group,
    /// What it is about, in two words.
    pub title: &'static str,
    /// What it looks at, and what it makes of that.
    pub looks: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// Decides by the facts.
    pub examine: fn(&Facts) -> Verdict,
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name.
    pub id: &'static str,
    /// Says how bad a finding is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// Why that matters.
    pub why: &'static str,
    /// The command that mends it, or `None` where nothing is to be mended or no command does it.
    pub fix: Option<String>,
}

/// Returns all checks, together with these of single services. They are in order of their groups, and in each group
/// those of services come first, because others rest on them.
pub fn checks<'a>(of_services: impl Iterator<Item = &'a Check>) -> Vec<Check> {
    let mut all: Vec<Check> = of_services.chain(&checks::ALL).copied().collect();
    all.sort_by_key(|check| check.group);
    all
}

/// Runs these checks and returns what each has found.
pub fn examine(checks: &[Check], facts: &Facts) -> Vec<Finding> {
    let findings = checks.iter().map(|check| {
        let Verdict {
            level,
            found,
            why,
            fix,
        } = (check.examine)(facts);
        Finding {
            id: check.id,
            level,
            found,
            why: why.unwrap_or(check.why),
            fix,
        }
    });
    findings.collect()
}

/// Returns the worst level of these findings.
pub fn worst(findings: &[Finding]) -> Level {
    let levels = findings.iter().map(|finding| finding.level);
    levels.max().unwrap_or(Level::Ok)
}

#[cfg(test)]
mod tests;
