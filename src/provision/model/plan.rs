//! What will be done, and what stands in the way.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    problem::Problem,
    programs::{Program, Python},
    size::MB,
    step::SetupStep,
};

/// Which programs the steps use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The Python of the environments of the services.
    pub python: Option<ChosenPython>,
    /// The Python of the machine that makes the tools' environment.
    pub python_for_tools: Option<PathBuf>,
    /// The machine's own Node.js, or `None` where that of the tools is used.
    pub node: Option<PathBuf>,
    /// The programs that services need, in the order in which services declare them.
    pub programs: Vec<(Program, PathBuf)>,
}

/// The Python that the environments of the services have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChosenPython {
    /// One that the machine has.
    OfTheMachine(PathBuf),
    /// The one that set-up brings.
    Brought,
}

/// What [`super::super::plan()`] has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps, in their order.
    pub steps: Vec<SetupStep>,
    /// What stands in the way. With any of these nothing is begun.
    pub problems: Vec<Problem>,
    /// The programs that the steps use.
    pub choice: Choice,
    /// The most that the steps take on the disk, in bytes.
    pub needed: u64,
    /// The state folder.
    pub state: PathBuf,
}

impl Choice {
    /// The place of a program, if one was chosen.
    pub fn program(&self, program: &Program) -> Option<&Path> {
        let mut all = self.programs.iter();
        let found = all.find(|(chosen, _)| chosen == program);
        found.map(|(_, path)| path.as_path())
    }
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
        match &self.choice.python {
            Some(ChosenPython::OfTheMachine(python)) => {
                writeln!(f, "Python: {}", python.display())?;
            }
            Some(ChosenPython::Brought) => writeln!(
                f,
                "Python: the one that set-up installs, because none of version {} was found",
                Python::versions()
            )?,
            None => {}
        }
        match &self.choice.node {
            Some(node) => writeln!(f, "Node.js: {}", node.display())?,
            None => writeln!(f, "Node.js: from the tools")?,
        }
        for (program, path) in &self.choice.programs {
            writeln!(f, "{}: {}", program.title, path.display())?;
        }
        for problem in &self.problems {
            writeln!(f, "Blocking problem: {problem}")?;
        }
        Ok(())
    }
}
