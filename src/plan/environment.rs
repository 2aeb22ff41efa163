//! Where the variables of services come from, besides `gateway.toml`: keys are to stand neither in it nor in a
//! command. A service of the user's own may have a file of variables, and everywhere a value `secret:NAME` stands
//! for a secret of the user's own.
//!
//! The form of a file is that of `EnvironmentFile=` (systemd.exec(5)), without continued lines: `NAME=VALUE`, blank
//! lines, comments that begin with `#` or `;`, and values in single or double quotes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use nix::unistd::{Uid, getegid, geteuid};

use crate::{
    config::{
        exposed::{Exposed, Reader, Rights},
        paths::Paths,
        settings::Settings,
    },
    fs::regular,
    secrets::own::{OwnName, OwnSecretError, OwnSecrets},
    services::{self, own_files::OwnFileError},
    shell,
    trust::{self, Untrusted, Who},
};

/// Why a file with variables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// It cannot be read.
    #[error("cannot read {}, the environment of {service}", path.display())]
    Read {
        /// The service whose environment it is.
        service: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "{} is open to other users (mode {mode:04o}) and is the environment of {service}: {command}",
        path.display()
    )]
    Open {
        /// The service whose environment it is.
        service: String,
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What closes it.
        command: String,
    },
    /// A secret that it names cannot be used.
    #[error(transparent)]
    Secret(#[from] OwnSecretError),
    /// A file of the user's own that a service reads.
    #[error(transparent)]
    File(#[from] OwnFileError),
    /// Others could change it, or put another one in its place.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// A line says no variable. The line itself may be half a key.
    #[error("{}:{line}: expected NAME=VALUE, in the environment of {service}", path.display())]
    Line {
        /// The service whose environment it is.
        service: String,
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
}

/// Whoever runs this is the gateway.
pub fn ourselves() -> Reader {
    Reader {
        uid: Some(geteuid().as_raw()),
        gid: Some(getegid().as_raw()),
    }
}

/// The secrets of the user's own, as the gateway itself sees them: with the credentials that its manager has
/// handed in.
pub fn own_secrets(paths: &Paths) -> OwnSecrets {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    OwnSecrets::new(&paths.secrets(), credentials)
}

/// Adds the variables of these files to what the settings say; a variable of the settings is stronger. Puts the
/// secrets into the places where they are named, and reads the files of the user's own that services read.
/// `reader` is whose gateway it is. Returns what a person should know of these files.
///
/// # Errors
/// The first file or secret that cannot be used.
pub fn add(
    settings: &mut Settings,
    reader: Reader,
    own: &OwnSecrets,
) -> Result<Vec<String>, EnvironmentError> {
    for service in &mut settings.custom {
        // The values of a file are what they are: programs that know of no gateway have written some.
        let place = format!("service.{}.environment", service.name);
        reveal(&mut service.environment, &place, own)?;
        if let Some(path) = &service.environment_file {
            let mut all = read(service.name.as_str(), path, reader)?;
            all.append(&mut service.environment);
            service.environment = all;
        }
    }
    for (service, variables) in &mut settings.environments {
        reveal(
            &mut variables.0,
            &format!("the environment of {service}"),
            own,
        )?;
    }
    read_files(settings, reader, own)
}

/// Reads the files of the user's own that the built-in services of these settings read. Returns what a person
/// should know of them.
fn read_files(
    settings: &mut Settings,
    reader: Reader,
    own: &OwnSecrets,
) -> Result<Vec<String>, EnvironmentError> {
    let mut warnings = Vec::new();
    for service in services::ALL {
        let Some(read) = (service.read)(settings, own, &|path| trusted(path, reader))? else {
            continue;
        };
        warnings.extend(read.warnings);
        let name = service.service_name();
        let variables = settings.environments.entry(name.clone()).or_default();
        variables.0.extend(read.variables);
        settings.files.insert(name, read.files);
    }
    Ok(warnings)
}

/// Which services use which secret of the user's own.
#[derive(Debug, Default)]
pub struct Uses(BTreeMap<OwnName, BTreeSet<String>>);

impl Uses {
    /// The services that use this secret, by their names.
    pub fn services(&self, name: &OwnName) -> Vec<&str> {
        let services = self.0.get(name).into_iter().flatten();
        services.map(String::as_str).collect()
    }
}

/// Which secrets these settings name, and the files of the user's own that services read.
///
/// # Errors
/// One of these files cannot be used, so that nobody knows what it names.
pub fn uses(settings: &Settings, own: &OwnSecrets) -> Result<Uses, OwnFileError> {
    let custom = settings.custom.iter();
    let custom = custom.map(|service| (&service.name, &service.environment));
    let built_in = settings.environments.iter();
    let built_in = built_in.map(|(service, variables)| (service, &variables.0));
    let mut uses = Uses::default();
    for (service, variables) in custom.chain(built_in) {
        let named = variables.values().map(|value| OwnName::referred_to(value));
        for name in named.flatten().flatten() {
            let services = uses.0.entry(name).or_default();
            services.insert(service.to_string());
        }
    }
    for service in services::ALL {
        let read = (service.read)(settings, own, &|_| Ok(()))?;
        for name in read.into_iter().flat_map(|read| read.secrets) {
            let services = uses.0.entry(name).or_default();
            services.insert(service.built_in.name.to_owned());
        }
    }
    Ok(uses)
}

/// Refuses a file that others could change. Without a user of the gateway nobody can be trusted or not.
fn trusted(path: &Path, reader: Reader) -> Result<(), Untrusted> {
    reader.uid.map_or(Ok(()), |uid| {
        trust::check([path], Who::of(Uid::from_raw(uid)))
    })
}

/// Puts the secrets in the place of their names.
fn reveal(
    variables: &mut BTreeMap<String, String>,
    place: &str,
    own: &OwnSecrets,
) -> Result<(), OwnSecretError> {
    for (variable, value) in variables {
        if let Some(name) = OwnName::referred_to(value) {
            let by = format!("{variable} in {place}");
            let name = name.map_err(|wrong| OwnSecretError::Name {
                wrong,
                by: by.clone(),
            })?;
            *value = own.read(&name, &by)?.expose().to_owned();
        }
    }
    Ok(())
}

fn read(
    service: &str,
    path: &Path,
    reader: Reader,
) -> Result<BTreeMap<String, String>, EnvironmentError> {
    let failed = |source| EnvironmentError::Read {
        service: service.to_owned(),
        path: path.to_owned(),
        source,
    };
    let rights = Rights::of(
        &regular::open(path)
            .and_then(|file| file.metadata())
            .map_err(failed)?,
    );
    if let Some(exposed) = Exposed::of(rights, reader) {
        let quoted = shell::quote(&path.to_string_lossy());
        return Err(EnvironmentError::Open {
            service: service.to_owned(),
            path: path.to_owned(),
            mode: rights.mode,
            command: exposed.commands(&quoted).join(" && "),
        });
    }
    trusted(path, reader)?;
    let text = regular::text(path).map_err(failed)?;
    variables(&text).map_err(|line| EnvironmentError::Line {
        service: service.to_owned(),
        path: path.to_owned(),
        line,
    })
}

/// What a text says, or the number of the line that says nothing. Pure.
fn variables(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let lines = text.lines().map(str::trim).enumerate();
    let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', ';']));
    let variable = |(number, line): (usize, &str)| {
        let (name, value) = line.split_once('=').ok_or(number + 1)?;
        let name = name.trim_end();
        let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value = unquoted(value.trim_start()).ok_or(number + 1)?;
        if first && rest && !value.contains('\0') {
            Ok((name.to_owned(), value.to_owned()))
        } else {
            Err(number + 1)
        }
    };
    said.map(variable).collect()
}

/// The value without its quotes. `None` if the closing one is missing.
fn unquoted(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn of(text: &str) -> Result<Vec<(String, String)>, usize> {
        variables(text).map(|all| all.into_iter().collect())
    }

    #[test]
    fn variables_are_read_as_systemd_reads_them() {
        let text =
            "\n# a comment\n; another\nA=1\n B = two words \nC=\"quoted \"\nD='#'\nE=\nF=a=b\n";
        let wanted = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "quoted "),
            ("D", "#"),
            ("E", ""),
            ("F", "a=b"),
        ];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(of(text), Ok(wanted.to_vec()));
    }

    #[test]
    fn a_line_that_says_no_variable_is_named_by_its_number_alone() {
        for wrong in ["export", "1A=x", "A B=x", "=x", "A=\"open", "-A=x"] {
            assert_eq!(of(&format!("OK=1\n\n{wrong}\n")), Err(3), "{wrong}");
        }
        let path = PathBuf::from("/keys");
        let service = "mine".to_owned();
        let error = EnvironmentError::Line {
            service,
            path,
            line: 3,
        };
        let text = "/keys:3: expected NAME=VALUE, in the environment of mine";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_what_closes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "KEY=sk-1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        let error = read("mine", &path, ourselves()).unwrap_err().to_string();
        assert!(error.contains("(mode 0604)"), "{error}");
        let close = format!(
            "chmod 06{}0 {}",
            if geteuid().is_root() { 4 } else { 0 },
            path.display()
        );
        assert!(error.ends_with(&close), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read("mine", &path, ourselves()).unwrap()["KEY"], "sk-1");
        let error = read("mine", Path::new("/nonexistent/keys"), ourselves()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read /nonexistent/keys"),
            "{error}"
        );
    }
}
