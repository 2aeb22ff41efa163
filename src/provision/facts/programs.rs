//! The programs of the distribution, as they answer for themselves.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use crate::{
    base_environment,
    config::paths::Paths,
    provision::{
        answer,
        environment::{Environment, is_program},
        model::{Node, Postgres, Programs, Python, Survey},
    },
    python::INTERPRETER,
};

/// Looks for the programs of the distribution alone, which fails on no machine.
pub(crate) fn find(programs: &Programs, paths: &Paths, environment: &Environment) -> Survey {
    let look = Look {
        environment,
        patience: PATIENCE,
        children: environment.for_looking(&paths.state),
    };
    Survey {
        pythons: look.pythons(programs.python.as_deref()),
        node: look.node(programs.node.as_deref()),
        postgres: look.postgres(programs.postgres_bin.as_deref()),
        nginx: look.named_or_found(programs.nginx.as_deref(), "nginx"),
        engine_is_program: programs.engine.as_deref().is_none_or(is_program),
        ..Survey::default()
    }
}

/// For what a program says of itself: a Python that nobody has read from a busy disk takes seconds.
const PATIENCE: Duration = Duration::from_secs(20);

struct Look<'a> {
    environment: &'a Environment,
    patience: Duration,
    children: BTreeMap<String, String>,
}

impl Look<'_> {
    /// What a program prints; nothing where it cannot be asked.
    fn ask<S: AsRef<OsStr>>(&self, program: &Path, args: &[S]) -> Option<String> {
        let mut command = base_environment::command(program, &self.children);
        command.args(args).stderr(Stdio::null());
        let answer = answer::within(self.patience, &mut command);
        answer.said().map(str::to_owned)
    }

    fn named_or_found(&self, named: Option<&Path>, program: &str) -> Option<PathBuf> {
        match named {
            Some(path) => is_program(path).then(|| path.to_owned()),
            None => self.environment.find(program),
        }
    }

    fn pythons(&self, named: Option<&Path>) -> Vec<Python> {
        let candidates: Vec<_> = match named {
            Some(path) => vec![path.to_owned()],
            None => ["python3.11", "python3.12", "python3"]
                .into_iter()
                .flat_map(|name| self.environment.all(name))
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
        let text = self.ask(path, &["-I", "-c", INTERPRETER])?;
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
        let path = self.named_or_found(named, "node")?;
        let version = self.ask(&path, &["--version"])?;
        let major = version.strip_prefix('v')?.split('.').next()?.parse().ok()?;
        // The program itself, and not a version manager's shim, which needs its owner's home.
        let itself = self.ask(&path, &["-p", "process.execPath"]);
        let itself = itself.map(PathBuf::from).filter(|found| is_program(found));
        let path = itself.unwrap_or(path);
        Some(Node { path, major })
    }

    fn postgres(&self, named: Option<&Path>) -> Vec<Postgres> {
        let candidates: Vec<_> = match named {
            Some(folder) => vec![folder.to_owned()],
            None => {
                let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
                let debian = debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
                let on_path = self.environment.all("postgres").into_iter();
                let on_path =
                    on_path.filter_map(|p| Some(p.canonicalize().ok()?.parent()?.to_owned()));
                debian.chain(on_path).collect()
            }
        };
        let mut found: Vec<_> = candidates
            .into_iter()
            .filter_map(|bin| self.postgres_in(bin))
            .collect();
        found.sort_by_key(|p| std::cmp::Reverse(p.major));
        found.dedup();
        found
    }

    /// A folder with all that set-up and the daemon run; a client package has only some of it.
    fn postgres_in(&self, bin: PathBuf) -> Option<Postgres> {
        let whole = ["postgres", "initdb", "psql", "pg_isready"];
        if !whole.iter().all(|program| is_program(&bin.join(program))) {
            return None;
        }
        let version = self.ask(&bin.join("postgres"), &["--version"])?;
        let number = version
            .split(' ')
            .find(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        let major = digits.parse().ok()?;
        Some(Postgres { bin, major })
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
        assert_eq!(look.ask(Path::new("/bin/sleep"), &["600"]), None);
        let patient = Look {
            patience: PATIENCE,
            ..look
        };
        let said = patient.ask(Path::new("/bin/echo"), &["15.1"]);
        assert_eq!(said.as_deref(), Some("15.1"));
    }
}
