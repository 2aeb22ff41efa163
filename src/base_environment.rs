//! The environment of the programs that the gateway runs: what each of them has, whoever runs it.
//!
//! A service, a step of set-up and a command of a person all run programs of other makers. None
//! of these gets the environment of whoever has started the gateway, because variables such as `PYTHONPATH` or
//! `PGSERVICE` would change what they do. Each begins with what is made here and adds what it is told. It is
//! pure, and everybody may call it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the system's own programs are.
pub const SYSTEM_FOLDERS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// The home of a program that is to find nobody's settings. Debian's name for it: the folder never exists.
pub const NO_HOME: &str = "/nonexistent";

/// The variables of a program that looks for other programs in these folders only, and has this home.
pub fn variables(
    folders: impl IntoIterator<Item = PathBuf>,
    home: &Path,
) -> BTreeMap<String, String> {
    // A path with a colon cannot be said, so it is left out, and not the others with it.
    let sayable = |folder: &PathBuf| !folder.as_os_str().as_encoded_bytes().contains(&b':');
    let folders = folders.into_iter().filter(sayable);
    let path: OsString = std::env::join_paths(folders).unwrap_or_default();
    [
        ("PATH", path.to_string_lossy().into_owned()),
        ("HOME", home.display().to_string()),
        ("LANG", "C.UTF-8".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The variables of a program that needs nothing but the system: no settings of a person's.
pub fn of_the_system() -> BTreeMap<String, String> {
    variables(SYSTEM_FOLDERS.map(PathBuf::from), Path::new(NO_HOME))
}

/// A command with these variables and no others, in the root folder: the one that a person is in may be closed to
/// the program, or hold files that it would read.
pub fn command(program: &Path, variables: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(variables).current_dir("/");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_said_does_not_cost_the_others() {
        let folders = ["/a", "/b:c", "/d"].map(PathBuf::from);
        let variables = variables(folders, Path::new("/home"));
        let lines: Vec<_> = variables.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(lines, ["HOME=/home", "LANG=C.UTF-8", "PATH=/a:/d"]);
    }

    #[test]
    fn a_command_has_nothing_of_whoever_runs_it() {
        let output = command(Path::new("/usr/bin/env"), &of_the_system()).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "HOME=/nonexistent",
                "LANG=C.UTF-8",
                "PATH=/usr/local/bin:/usr/bin:/bin"
            ]
        );
    }
}
