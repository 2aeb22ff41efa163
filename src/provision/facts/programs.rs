//! The programs of the distribution, as they answer for themselves.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    base_environment,
    config::paths::Paths,
    provision::{
        answer,
        environment::{Environment, is_program},
        model::{Node, ProgramFinder, Python, Survey, Wanted},
    },
    python::INTERPRETER,
};

/// Looks for the programs of the distribution alone, which fails on no machine.
pub(crate) fn find(wanted: &Wanted, paths: &Paths, environment: &Environment) -> Survey {
    let look = Look {
        environment,
        patience: PATIENCE,
        children: environment.for_looking(&paths.state),
    };
    let programs = wanted.programs.iter();
    let programs = programs.map(|(program, named)| {
        let found = (program.find)(&look, named.as_deref());
        (program.name, found)
    });
    Survey {
        pythons: look.pythons(wanted.runtimes.python.as_deref()),
        node: look.node(wanted.runtimes.node.as_deref()),
        programs: programs.collect(),
        ..Survey::default()
    }
}

/// For what a program says of itself: a Python that nobody has read from a busy disk takes seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// For what is shown, and nothing else.
const FOR_WHAT_IS_SHOWN: Duration = Duration::from_secs(8);

struct Look<'a> {
    environment: &'a Environment,
    patience: Duration,
    children: BTreeMap<String, String>,
}

impl ProgramFinder for Look<'_> {
    fn all(&self, name: &str) -> Vec<PathBuf> {
        self.environment.all(name)
    }

    fn is_program(&self, path: &Path) -> bool {
        is_program(path)
    }

    fn says(&self, program: &Path, arguments: &[&str]) -> Option<String> {
        let mut command = self.asking(program, arguments);
        let answer = answer::within(self.patience, command.stderr(Stdio::null()));
        answer.said().map(str::to_owned)
    }

    fn tells(&self, program: &Path, arguments: &[&str]) -> Option<String> {
        let mut command = self.asking(program, arguments);
        let patience = self.patience.min(FOR_WHAT_IS_SHOWN);
        let answer = answer::within(patience, command.stderr(Stdio::piped()));
        answer.said().map(str::to_owned)
    }
}

impl Look<'_> {
    fn asking(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = base_environment::command(program, &self.children);
        command.args(arguments);
        command
    }

    fn pythons(&self, named: Option<&Path>) -> Vec<Python> {
        let candidates: Vec<_> = match named {
            Some(path) => vec![path.to_owned()],
            None => Python::names()
                .chain(["python3".to_owned()])
                .flat_map(|name| self.environment.all(&name))
                .collect(),
        };
        let mut found: Vec<Python> = Vec::new();
        for path in candidates {
            if let Some(python) = self.python(&path)
                && !found.iter().any(|known| known.path == python.path)
            {
                found.push(python);
            }
        }
        found
    }

    /// Asked of the interpreter itself: a shim's name says nothing about what is behind it.
    fn python(&self, path: &Path) -> Option<Python> {
        let text = self.says(path, &["-I", "-c", INTERPRETER])?;
        let (numbers, executable) = text.split_once('\n')?;
        let numbers: Vec<u32> = numbers.split(' ').map_while(|n| n.parse().ok()).collect();
        let [major, minor, patch, ensurepip] = numbers[..] else {
            return None;
        };
        Some(Python {
            path: PathBuf::from(executable.trim()),
            version: (major, minor, patch),
            ensurepip: ensurepip == 1,
        })
    }

    fn node(&self, named: Option<&Path>) -> Option<Node> {
        let path = self.named_or_first(named, "node")?;
        let version = self.says(&path, &["--version"])?;
        let major = version.strip_prefix('v')?.split('.').next()?.parse().ok()?;
        // The program itself, and not a version manager's shim, which needs its owner's home.
        let itself = self.says(&path, &["-p", "process.execPath"]);
        let itself = itself.map(PathBuf::from).filter(|found| is_program(found));
        let path = itself.unwrap_or(path);
        Some(Node { path, major })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_answer_is_asked_for_a_while_only() {
        let environment = Environment::new([("PATH", "/nowhere")]);
        let look = Look {
            environment: &environment,
            patience: Duration::from_millis(20),
            children: BTreeMap::new(),
        };
        assert_eq!(look.says(Path::new("/bin/sleep"), &["600"]), None);
        let patient = Look {
            patience: PATIENCE,
            ..look
        };
        let said = patient.says(Path::new("/bin/echo"), &["15.1"]);
        assert_eq!(said.as_deref(), Some("15.1"));
    }

    #[test]
    fn what_a_program_prints_to_its_standard_error_is_told_when_it_is_asked_for() {
        let environment = Environment::new([("PATH", "/nowhere")]);
        let look = Look {
            environment: &environment,
            patience: PATIENCE,
            children: BTreeMap::new(),
        };
        let (shell, script) = (Path::new("/bin/sh"), ["-c", "echo version 1.2 >&2"]);
        assert_eq!(look.says(shell, &script).as_deref(), Some(""));
        let said = look.tells(shell, &script);
        assert_eq!(said.as_deref(), Some("version 1.2"));
    }
}
