//! What will be done, and what stands in the way.

use std::{fmt, path::PathBuf};

use super::{problem::Problem, size::MB, step::SetupStep};

/// Which programs the steps use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The Python of the environments.
    pub python: Option<PathBuf>,
    /// The machine's own Node.js, or none: the tools'.
    pub node: Option<PathBuf>,
    /// The folder of PostgreSQL's programs.
    pub postgres_bin: Option<PathBuf>,
    /// nginx.
    pub nginx: Option<PathBuf>,
}

/// What [`super::super::plan()`] has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<SetupStep>,
    /// With any of these nothing is begun.
    pub problems: Vec<Problem>,
    /// With these programs.
    pub choice: Choice,
    /// The most that the steps take on the disk, in bytes.
    pub needed: u64,
    /// The state folder.
    pub state: PathBuf,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            writeln!(f, "Nothing to do in {}.", self.state.display())?;
        } else {
            writeln!(f, "To do in {}:", self.state.display())?;
        }
        for (i, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:3}. {step}", i + 1)?;
        }
        if self.needed > 0 {
            writeln!(f, "At most {} MB of disk are needed.", self.needed / MB)?;
        }
        let programs = [
            ("Python", &self.choice.python),
            ("Node.js", &self.choice.node),
            ("PostgreSQL", &self.choice.postgres_bin),
            ("nginx", &self.choice.nginx),
        ];
        for (name, program) in programs {
            match program {
                Some(path) => writeln!(f, "{name}: {}", path.display())?,
                None if name == "Node.js" => writeln!(f, "{name}: from the tools")?,
                None => {}
            }
        }
        for problem in &self.problems {
            writeln!(f, "Blocking problem: {problem}")?;
        }
        Ok(())
    }
}
