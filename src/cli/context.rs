//! What a command knows of its surroundings: paths, user, terminal, time.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use nix::unistd::{Uid, User};

use super::failure::Failure;
use crate::{
    config::paths::{CONTROL_SOCKET, Paths, PathsError},
    control::client::{Client, ClientError},
    lock::Holder,
    services,
};

/// The user of a gateway for the whole machine.
pub(super) const SYSTEM_USER: &str = "ai-gateway";

/// The surroundings of a command.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// Where everything is.
    pub(super) paths: Paths,
    /// The user who runs the command.
    pub(super) user: Uid,
    /// Whether the machine's gateway is meant, and not a person's own.
    pub(super) system: bool,
}

impl Context {
    /// Finds out the surroundings.
    ///
    /// # Errors
    /// There is no place for a gateway: no home folder, for example.
    pub(super) fn find() -> Result<Self, Failure> {
        let user = Uid::effective();
        let service_user = || User::from_uid(user).ok().flatten();
        let system = user.is_root() || service_user().is_some_and(|user| user.name == SYSTEM_USER);
        let looked_up = |name: &str| match name {
            RUNTIME_DIR => runtime_folder(user).map(|folder| folder.display().to_string()),
            _ => variable(name),
        };
        refuse_what_is_no_text()?;
        let mut paths = Paths::find(looked_up, system)?;
        paths.check(&services::schema().built_in)?;
        // Looks for a daemon that was started where there was no runtime folder, such as by cron at boot.
        let beside_state = paths.state.join("run");
        let listens = |run: &Path| run.join(CONTROL_SOCKET).exists();
        if !listens(&paths.run) && listens(&beside_state) {
            paths.run = beside_state;
        }
        Ok(Self {
            paths,
            user,
            system,
        })
    }

    /// Connects to the daemon.
    ///
    /// # Errors
    /// See [`Client::connect`]. Also: a daemon runs and cannot be reached.
    pub(super) fn connect(&self) -> Result<Client, ClientError> {
        let path = self.paths.control_socket();
        let error = match Client::connect(&path) {
            Err(error @ ClientError::NotRunning { .. }) => error,
            connected => return connected,
        };
        let Some(Holder { pid, listens, .. }) = Holder::find(&self.paths.state) else {
            return Err(error);
        };
        if !listens {
            return Err(ClientError::Starting { pid });
        }
        // The daemon may have begun to listen after the first attempt.
        match Client::connect(&path) {
            Err(ClientError::NotRunning { path }) => Err(ClientError::OutOfReach { pid, path }),
            connected => connected,
        }
    }
}

/// The variable that names a user's runtime folder.
pub(super) const RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";

/// The user's runtime folder. Where su or cron has not set the variable, it is where systemd makes
/// it (pam_systemd(8)), so that every command finds the same gateway.
pub(super) fn runtime_folder(user: Uid) -> Option<PathBuf> {
    let set = variable(RUNTIME_DIR).filter(|folder| !folder.is_empty());
    set.map(PathBuf::from)
        .or_else(|| made_by_systemd(Path::new("/run/user"), user))
}

/// The user's folder in `folders`. `None` if there is none, or if it belongs to another user.
fn made_by_systemd(folders: &Path, user: Uid) -> Option<PathBuf> {
    let folder = folders.join(user.to_string());
    let own = std::fs::metadata(&folder).is_ok_and(|found| found.uid() == user.as_raw());
    own.then_some(folder)
}

/// Refuses folders whose names are not UTF-8, because they cannot be written into the services' files.
/// Ignoring such a variable would mean to use another folder.
fn refuse_what_is_no_text() -> Result<(), PathsError> {
    const FOLDERS: [&str; 5] = [
        "AI_GATEWAY_HOME",
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        RUNTIME_DIR,
    ];
    let no_text = |name: &&str| std::env::var_os(name).is_some_and(|v| v.to_str().is_none());
    match FOLDERS.into_iter().find(no_text) {
        Some(variable) => Err(PathsError::NotText { variable }),
        None => Ok(()),
    }
}

/// An environment variable, if it is UTF-8.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The only place in the command line that reads the clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line's one look at the clock; everything else gets it as data"
)]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

/// What the output device can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// The width in columns. Unlimited if there is no terminal.
    pub(super) width: usize,
    /// The height in rows. Unlimited if there is no terminal.
    pub(super) height: usize,
    /// Whether it shows more than ASCII.
    pub(super) unicode: bool,
    /// Whether it is a terminal, so that a person looks at it.
    pub(super) terminal: bool,
}

impl Screen {
    /// The device behind standard output.
    pub(super) fn find() -> Self {
        let terminal = io::stdout().is_terminal();
        let size = terminal_size::terminal_size_of(io::stdout()).filter(|_| terminal);
        let (width, height) = size.map_or((usize::MAX, usize::MAX), |(width, height)| {
            (width.0.into(), height.0.into())
        });
        Self {
            width,
            height,
            unicode: is_unicode(variable),
            terminal,
        }
    }
}

/// Whether the locale's characters are those of Unicode: the first variable that is set decides
/// (locale(7)).
fn is_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty());
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Writes to standard output, with colours only if they can be shown and are wanted.
///
/// # Errors
/// A broken pipe is [`Failure::BrokenPipe`].
pub(super) fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Prints a message for a person on standard error. If that is closed there is nobody to read it.
pub(super) fn tell(text: impl fmt::Display) {
    let mut out = anstream::stderr().lock();
    let _gone = write!(out, "{text}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_folder_is_the_users_own_or_none() {
        let folders = tempfile::tempdir().unwrap();
        let us = Uid::effective();
        let found = |user| made_by_systemd(folders.path(), user);
        assert_eq!(found(us), None);
        let own = folders.path().join(us.to_string());
        std::fs::create_dir(&own).unwrap();
        assert_eq!(found(us), Some(own));
        let other = Uid::from_raw(us.as_raw() + 1);
        std::fs::create_dir(folders.path().join(other.to_string())).unwrap();
        assert_eq!(found(other), None, "we have made it");
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        let unicode = |set: &[(&str, &str)]| {
            is_unicode(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(unicode(&[("LANG", "en_GB.UTF-8")]));
        assert!(unicode(&[("LANG", "C"), ("LC_ALL", "C.utf8")]));
        assert!(unicode(&[("LANG", "C.UTF-8"), ("LC_ALL", "")]));
        assert!(!unicode(&[("LANG", "C.UTF-8"), ("LC_CTYPE", "POSIX")]));
        assert!(!unicode(&[]));
    }
}
