//! Files in which a program has written the number of its process, so that no second one is started.
//!
//! Some programs refuse to start while any process has the number that is in such a file. After a crash of
//! the machine, or in a container, numbers are small and soon used again, and a file that a full disk has
//! left empty has the same effect. So before a start such a file is removed, but only if no process of that
//! program works in its folder: whatever is attached to a database, for example, works there.

use std::{
    io,
    path::{Path, PathBuf},
};

use sys::proc;

use crate::fs::{entry::Entry, regular};

/// A file with the number of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The folder in which all processes of the program work.
    pub folder: PathBuf,
    /// The program's name.
    pub program: String,
}

/// Which process has the number that a file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// The file does not name a process.
    Nobody,
    /// The process has ended, or it is another user's. The program deals with that by itself.
    NotOurs,
    /// It is a process of this gateway's user.
    Ours,
}

/// Whether the file is of no use to anybody and prevents the program from starting.
const fn is_stale(named: Named, in_use: bool) -> bool {
    match named {
        Named::Nobody | Named::Ours => !in_use,
        Named::NotOurs => false,
    }
}

impl PidFile {
    /// Removes the file if it is stale, and returns whether it did. A program that has begun since the file was
    /// read has a file of its own there, which stays.
    ///
    /// # Errors
    /// /proc cannot be read, or the file cannot be removed.
    pub fn remove_if_stale(&self) -> io::Result<bool> {
        let Some(found) = Entry::find(&self.path)? else {
            return Ok(false);
        };
        let text = match regular::text(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            read => read?,
        };
        let named = text
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok());
        let named = match named {
            None => Named::Nobody,
            Some(pid) if proc::stat(pid).is_ok_and(|stat| !stat.zombie) => {
                // Nobody may see where another user's process works.
                proc::cwd(pid).map_or(Named::NotOurs, |_| Named::Ours)
            }
            Some(_) => Named::NotOurs,
        };
        Ok(is_stale(named, self.in_use()?) && found.remove()?)
    }

    /// Whether a process of the program works in the folder.
    pub fn in_use(&self) -> io::Result<bool> {
        // A folder that is not there is used by nobody.
        let Ok(folder) = self.folder.canonicalize() else {
            return Ok(false);
        };
        let all = proc::all().map_err(io::Error::other)?;
        Ok(all
            .iter()
            .any(|stat| !stat.zombie && self.uses(stat.pid, &folder)))
    }

    fn uses(&self, pid: i32, folder: &Path) -> bool {
        proc::cwd(pid).is_ok_and(|there| there == folder)
            && proc::name(pid).is_ok_and(|name| name == self.program)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        process::{Child, Command},
    };

    use super::*;

    fn sleep(folder: &Path) -> Child {
        let mut command = Command::new("/bin/sleep");
        command.arg("60").current_dir(folder).spawn().unwrap()
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Makes a file that says `text`, in a folder where `program` would work.
    fn removed(folder: &Path, program: &str, text: &str) -> bool {
        let file = PidFile {
            path: folder.join("postmaster.pid"),
            folder: folder.to_owned(),
            program: program.to_owned(),
        };
        fs::write(&file.path, text).unwrap();
        let removed = file.remove_if_stale().unwrap();
        assert_eq!(file.path.exists(), !removed);
        removed
    }

    #[test]
    fn a_number_of_another_program_of_ours_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id();
        assert!(removed(
            folder.path(),
            "postgres",
            &format!("{own}\n/data\n")
        ));
        // Somebody has a shell there.
        let guest = sleep(folder.path());
        assert!(removed(
            folder.path(),
            "postgres",
            &format!("{}\n", guest.id())
        ));
        end(guest);
    }

    #[test]
    fn a_file_that_names_nobody_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        assert!(removed(folder.path(), "postgres", ""));
        assert!(removed(folder.path(), "postgres", "nonsense\n"));
        // The program itself sees to these, and looks at its shared memory first.
        assert!(!removed(
            folder.path(),
            "postgres",
            &format!("{}\n", i32::MAX)
        ));
    }

    #[test]
    fn nothing_is_stale_while_the_folder_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let server = sleep(folder.path());
        let own = std::process::id();
        for text in [
            format!("{}\n", server.id()),
            format!("{own}\n"),
            String::new(),
        ] {
            assert!(!removed(folder.path(), "sleep", &text), "{text}");
        }
        end(server);
        assert!(removed(folder.path(), "sleep", &format!("{own}\n")));
    }

    #[test]
    fn a_file_that_is_not_there_is_not_stale() {
        let folder = tempfile::tempdir().unwrap();
        let file = PidFile {
            path: folder.path().join("none"),
            folder: folder.path().to_owned(),
            program: "postgres".to_owned(),
        };
        assert!(!file.remove_if_stale().unwrap());
    }
}
