//! The paths of a gateway: the configuration file, the state that is kept, and the folder of what exists
//! only while the daemon runs.
//!
//! This is pure: the environment is passed in as a function. The folders of a service are found by its name;
//! what a service asks of its paths ([`PathRules`]) is declared by the service.

use std::path::{Path, PathBuf};

use supervise::spec::ServiceName;

use super::schema::BuiltIn;

/// The longest path that fits into the address of a Unix socket, in bytes (unix(7): 108 with the final
/// zero).
pub const SOCKET_PATH_MAX: usize = 107;

/// The name of the daemon's socket, in [`Paths::run`].
pub const CONTROL_SOCKET: &str = "control.sock";

/// The folders of one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file. It need not exist.
    pub config: PathBuf,
    /// The state that is kept: secrets, payloads, the database, logs.
    pub state: PathBuf,
    /// What exists only while the daemon runs: sockets and rendered files.
    pub run: PathBuf,
}

/// What a service asks of the paths of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathRules {
    /// Characters that break the service if a path has them, each with the reason.
    pub unusable: &'static [(char, &'static str)],
    /// The names of sockets, and of files that are named after sockets, in the folder of the service's
    /// rendered files.
    pub sockets: &'static [&'static str],
    /// Whether the service keeps data in a folder of its own, which is [`Paths::data`].
    pub keeps_data: bool,
}

impl PathRules {
    /// The rules of a service that works in every folder, listens on no Unix socket and keeps no data.
    pub const NONE: Self = Self {
        unusable: &[],
        sockets: &[],
        keeps_data: false,
    };
}

/// Why no paths can be found for a gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathsError {
    /// Neither a home folder nor `AI_GATEWAY_HOME` is set.
    #[error(
        "neither HOME nor AI_GATEWAY_HOME is set: set AI_GATEWAY_HOME to a folder for the gateway"
    )]
    NoHome,
    /// A path is not UTF-8, so it cannot be written into a file of settings.
    #[error("{variable} is not UTF-8 text: choose a folder whose name is")]
    NotText {
        /// The environment variable.
        variable: &'static str,
    },
    /// A relative path, which would depend on the folder in which the command is typed.
    #[error("{variable} is {value:?}: it has to be an absolute path")]
    Relative {
        /// The environment variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// A path has a character with which a part of the stack cannot work.
    #[error("{} holds {character:?}, which does not work there: {why}; choose a folder without it", path.display())]
    Character {
        /// The folder or file.
        path: PathBuf,
        /// The character.
        character: char,
        /// What the character would break.
        why: &'static str,
    },
    /// A folder is too deep for the address of a Unix socket.
    #[error(
        "{} is too long: a socket in it would have {length} bytes and the kernel takes \
         {SOCKET_PATH_MAX}: set AI_GATEWAY_HOME to a shorter path",
        run.display()
    )]
    TooLong {
        /// The folder.
        run: PathBuf,
        /// The length of the longest socket's path, in bytes.
        length: usize,
    },
}

/// Why a path must not have this character, whichever services the gateway has. `None` if it may. Characters
/// that neither this nor a service refuses were tried from set-up to a chat.
fn unusable(character: char) -> Option<&'static str> {
    Some(match character {
        '\'' | '"' | '\\' | '`' => {
            "the scripts of a Python environment and the files that are rendered quote their paths"
        }
        ':' => "it divides the folders of PATH",
        '\u{2028}' | '\u{2029}' => "it ends a line in the files that are rendered",
        _ if character.is_control() => "it ends a line or means something to a terminal",
        _ => return None,
    })
}

impl Paths {
    /// Finds the paths. `system` says that this is the service user of a whole machine, not a person.
    ///
    /// # Errors
    /// There is no home folder, a path is relative, or sockets in a folder could not be reached.
    pub fn find(
        variable: impl Fn(&str) -> Option<String>,
        system: bool,
    ) -> Result<Self, PathsError> {
        let folder = |name: &'static str| match variable(name) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) if Path::new(&value).is_absolute() => Ok(Some(PathBuf::from(value))),
            Some(value) => Err(PathsError::Relative {
                variable: name,
                value,
            }),
        };
        let paths = if let Some(home) = folder("AI_GATEWAY_HOME")? {
            Self {
                config: home.join("gateway.toml"),
                state: home.join("state"),
                run: home.join("run"),
            }
        } else if system {
            Self {
                config: "/etc/ai-gateway/gateway.toml".into(),
                state: "/var/lib/ai-gateway".into(),
                run: "/run/ai-gateway".into(),
            }
        } else {
            let home = folder("HOME")?;
            let under_home = |name, rest: &str| {
                Ok(match folder(name)? {
                    Some(folder) => folder,
                    None => home.as_deref().ok_or(PathsError::NoHome)?.join(rest),
                }
                .join("ai-gateway"))
            };
            let state = under_home("XDG_DATA_HOME", ".local/share")?;
            Self {
                config: under_home("XDG_CONFIG_HOME", ".config")?.join("gateway.toml"),
                run: folder("XDG_RUNTIME_DIR")?
                    .map_or_else(|| state.join("run"), |run| run.join("ai-gateway")),
                state,
            }
        };
        paths.refuse(unusable)?;
        paths.refuse_long(&paths.control_socket())?;
        Ok(paths)
    }

    /// Checks that these services can work with the paths. Each command does this after [`Self::find`].
    ///
    /// # Errors
    /// A path has a character that breaks one of them, or a socket of one of them could not be reached.
    pub fn check(&self, services: &[BuiltIn]) -> Result<(), PathsError> {
        let refused = |character| {
            let mut all = services.iter().flat_map(|service| service.paths.unusable);
            let found = all.find(|(known, _)| *known == character);
            found.map(|(_, why)| *why)
        };
        self.refuse(refused)?;
        for service in services {
            let folder = self.run.join(service.name);
            let mut sockets = service.paths.sockets.iter();
            sockets.try_for_each(|name| self.refuse_long(&folder.join(name)))?;
        }
        Ok(())
    }

    fn refuse(&self, why: impl Fn(char) -> Option<&'static str>) -> Result<(), PathsError> {
        for path in [&self.config, &self.state, &self.run] {
            let text = path.to_string_lossy();
            if let Some((character, why)) = text.chars().find_map(|c| Some((c, why(c)?))) {
                let path = path.clone();
                return Err(PathsError::Character {
                    path,
                    character,
                    why,
                });
            }
        }
        Ok(())
    }

    fn refuse_long(&self, socket: &Path) -> Result<(), PathsError> {
        let length = socket.as_os_str().len();
        if length <= SOCKET_PATH_MAX {
            return Ok(());
        }
        Err(PathsError::TooLong {
            run: self.run.clone(),
            length,
        })
    }

    /// The paths that nobody but the gateway's user and root may be able to change, because who can change
    /// them can do everything that the gateway can. `data` are folders in which services keep data.
    pub fn trusted(&self, data: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        let (config, state, run) = (self.config.clone(), self.state.clone(), self.run.clone());
        [config, state, run, self.secrets(), self.payloads()]
            .into_iter()
            .chain(data)
            .chain([self.services(), self.logs()])
            .collect()
    }

    /// The folders of those of these services that keep data in one.
    pub fn data_folders(&self, services: &[BuiltIn]) -> Vec<PathBuf> {
        let keeping = services.iter().filter(|service| service.paths.keeps_data);
        keeping
            .map(|service| self.state.join(service.name))
            .collect()
    }

    /// The folder of the secrets, of mode 0700.
    pub fn secrets(&self) -> PathBuf {
        self.state.join("secrets")
    }

    /// The folder of the payloads. It has a folder for each payload, which has one for each version and a
    /// link named `current`.
    pub fn payloads(&self) -> PathBuf {
        self.state.join("payloads")
    }

    /// The socket on which the daemon listens for the command line.
    pub fn control_socket(&self) -> PathBuf {
        self.run.join(CONTROL_SOCKET)
    }

    /// The folder of the log files, if there is no journal.
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// The working folders of all services.
    pub fn services(&self) -> PathBuf {
        self.state.join("services")
    }

    /// The working folder of a service, which no other service has.
    pub fn service(&self, name: &ServiceName) -> PathBuf {
        self.services().join(name.as_str())
    }

    /// The folder of the data that a service keeps. Only a service that says so has one
    /// ([`PathRules::keeps_data`]).
    pub fn data(&self, name: &ServiceName) -> PathBuf {
        self.state.join(name.as_str())
    }

    /// The folder of what is there only while a service runs: its sockets, and the files that are rendered for
    /// it at each start.
    pub fn rendered(&self, name: &ServiceName) -> PathBuf {
        self.run.join(name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services;

    fn find(variables: &[(&str, &str)], system: bool) -> Result<Paths, PathsError> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, v)| (*v).to_owned())
        };
        Paths::find(variable, system)
    }

    #[test]
    fn one_folder_holds_everything_if_it_is_named() {
        let paths = find(&[("AI_GATEWAY_HOME", "/srv/gw"), ("HOME", "/home/a")], true).unwrap();
        assert_eq!(paths.config, Path::new("/srv/gw/gateway.toml"));
        assert_eq!(paths.state, Path::new("/srv/gw/state"));
        assert_eq!(paths.run, Path::new("/srv/gw/run"));
    }

    #[test]
    fn a_machines_gateway_lives_where_systemd_makes_its_folders() {
        let paths = find(&[], true).unwrap();
        assert_eq!(paths.config, Path::new("/etc/ai-gateway/gateway.toml"));
        assert_eq!(paths.state, Path::new("/var/lib/ai-gateway"));
        assert_eq!(paths.run, Path::new("/run/ai-gateway"));
    }

    #[test]
    fn a_persons_gateway_follows_the_xdg_folders_and_their_defaults() {
        let all = [
            ("HOME", "/home/a"),
            ("XDG_CONFIG_HOME", "/c"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
        ];
        let paths = find(&all, false).unwrap();
        assert_eq!(paths.config, Path::new("/c/ai-gateway/gateway.toml"));
        assert_eq!(paths.state, Path::new("/d/ai-gateway"));
        assert_eq!(paths.run, Path::new("/run/user/1/ai-gateway"));
        let paths = find(&all[..1], false).unwrap();
        assert_eq!(
            paths.config,
            Path::new("/home/a/.config/ai-gateway/gateway.toml")
        );
        assert_eq!(paths.state, Path::new("/home/a/.local/share/ai-gateway"));
        assert_eq!(paths.run, Path::new("/home/a/.local/share/ai-gateway/run"));
    }

    #[test]
    fn every_printable_character_works_or_is_refused_with_the_reason() {
        let home = |c: char| format!("/srv/a{c}b");
        let refused: String = (' '..='~')
            .filter(|c| find(&[("AI_GATEWAY_HOME", &home(*c))], false).is_err())
            .collect();
        assert_eq!(refused, "\"':\\`");
        for c in ['\n', '\t', '\u{7f}', '\u{2028}'] {
            assert!(find(&[("AI_GATEWAY_HOME", &home(c))], false).is_err());
        }
        for c in ['é', '文', '🙂'] {
            assert!(find(&[("AI_GATEWAY_HOME", &home(c))], false).is_ok());
        }
        let refused_by_services: String = (' '..='~')
            .filter_map(|c| {
                let paths = find(&[("AI_GATEWAY_HOME", &home(c))], false).ok()?;
                let refused = paths.check(&services::schema().built_in).is_err();
                refused.then_some(c)
            })
            .collect();
        assert_eq!(refused_by_services, "$%*,");
        // This holds for a folder from any of the variables.
        for name in [
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
            "HOME",
        ] {
            let all = [("HOME", "/h"), (name, "/it's")];
            let all = if name == "HOME" { &all[1..] } else { &all[..] };
            let error = find(all, false).unwrap_err().to_string();
            assert!(error.contains("holds '\\''"), "{error}");
        }
    }

    #[test]
    fn bad_places_are_refused() {
        assert_eq!(find(&[], false), Err(PathsError::NoHome));
        let relative = find(&[("AI_GATEWAY_HOME", "gw")], false).unwrap_err();
        assert_eq!(
            relative.to_string(),
            "AI_GATEWAY_HOME is \"gw\": it has to be an absolute path"
        );
        let deep = |length| format!("/{}", "d".repeat(length));
        let error = find(&[("AI_GATEWAY_HOME", &deep(100))], false).unwrap_err();
        assert!(matches!(error, PathsError::TooLong { .. }), "{error}");
        // Its sockets are longer than the daemon's own.
        let paths = find(&[("AI_GATEWAY_HOME", &deep(80))], false).unwrap();
        let error = paths.check(&services::schema().built_in).unwrap_err();
        assert!(matches!(error, PathsError::TooLong { .. }), "{error}");
    }
}
