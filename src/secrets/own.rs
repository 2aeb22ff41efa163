//! The secrets of the user's own: a provider's key, a client secret, a password for mail.
//!
//! Each is a file in `own` inside the folder of the gateway's secrets, with mode 0600. A configuration names one
//! as `secret:NAME`. A systemd credential of the same name (`LoadCredential=` in the unit) comes first: it is
//! how an administrator hands in a secret that is kept elsewhere.
//!
//! The command line sets, lists and removes them; the plan reads the ones that the configuration names and hands
//! each to the service that names it. Nothing else reads them.

use std::{
    fmt,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Secret, io_error, private_text, without_line_end};
use crate::{
    fs::{
        draft::{Draft, Survives},
        regular,
    },
    secrets::SecretError,
};

/// The folder inside the folder of the gateway's secrets.
const FOLDER: &str = "own";

/// What a value begins with that names a secret.
pub const PREFIX: &str = "secret:";

/// The longest value, in bytes. The key file of a cloud's service account has about 3 kB, and the kernel takes no
/// variable of more than 128 kB.
pub const VALUE_MAX: u64 = 64 * 1024;

/// The name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnName(String);

/// A text that cannot name a secret. It may be a secret itself, so it is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this cannot name a secret: a name has 1 to 64 letters, digits, underscores, dots and hyphens, and begins with a \
     letter, a digit or an underscore"
)]
pub struct WrongName;

impl OwnName {
    /// Takes a name that follows the grammar. Such a name is also a file name that leads nowhere else.
    ///
    /// # Errors
    /// It does not follow the grammar.
    pub fn new(text: &str) -> Result<Self, WrongName> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let fits = (1..=64).contains(&text.len())
            && text.starts_with(plain)
            && text.chars().all(|c| plain(c) || c == '-' || c == '.');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(WrongName)
        }
    }

    /// The name that a value refers to. `None` if the value is no reference.
    pub fn referred_to(value: &str) -> Option<Result<Self, WrongName>> {
        value.strip_prefix(PREFIX).map(Self::new)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a secret of the user's own cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnSecretError {
    /// There is none of this name.
    #[error(
        "there is no secret {name}, which {by} names: 'ai-gateway secret set {name}' asks for it{}",
        there_are(.known)
    )]
    Missing {
        /// Its name.
        name: OwnName,
        /// What names it.
        by: String,
        /// The names that there are.
        known: Vec<OwnName>,
    },
    /// What should be its name is none.
    #[error("{by}: {wrong}")]
    Name {
        /// What was taken for a name.
        wrong: WrongName,
        /// What names it.
        by: String,
    },
    /// It has no value that a variable could have.
    #[error("the secret is {0}")]
    Value(&'static str),
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] SecretError),
}

fn there_are(names: &[OwnName]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<_> = names.iter().map(OwnName::as_str).collect();
    format!(" (there are: {})", names.join(", "))
}

/// A secret that is there, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: OwnName,
    /// When it was set.
    pub set: SystemTime,
}

/// Where the secrets of the user's own are.
#[derive(Debug, Clone)]
pub struct OwnSecrets {
    folder: PathBuf,
    /// The folder of systemd's credentials. `None` if the manager has handed in none.
    credentials: Option<PathBuf>,
}

impl OwnSecrets {
    /// Those of the gateway whose secrets are in this folder. Nothing is made or read yet. `credentials` is what
    /// `CREDENTIALS_DIRECTORY` says (systemd.exec(5)).
    pub fn new(secrets: &Path, credentials: Option<PathBuf>) -> Self {
        Self {
            folder: secrets.join(FOLDER),
            credentials,
        }
    }

    /// Keeps a value, in the place of an earlier one. A line end behind it is not a part of it.
    ///
    /// # Errors
    /// The value fits into no variable, or the kernel says no; then the earlier value is still there.
    pub fn set(&self, name: &OwnName, value: &str) -> Result<(), OwnSecretError> {
        let value = without_line_end(value);
        if value.is_empty() {
            return Err(OwnSecretError::Value("empty"));
        }
        if value.contains('\0') {
            return Err(OwnSecretError::Value("not text: it has a zero byte in it"));
        }
        if value.len() as u64 > VALUE_MAX {
            return Err(OwnSecretError::Value("longer than 64 KiB"));
        }
        self.make_folder()?;
        let path = self.path(name);
        let mut draft = Draft::new(&path, 0o600).map_err(SecretError::from)?;
        draft.write(value.as_bytes()).map_err(SecretError::from)?;
        draft
            .put(Survives::ALossOfPower)
            .map_err(SecretError::from)?;
        Ok(())
    }

    /// Removes one. False if there was none.
    ///
    /// # Errors
    /// The kernel's.
    pub fn remove(&self, name: &OwnName) -> Result<bool, OwnSecretError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io_error("remove", &path)(error).into()),
        }
    }

    /// Those that are kept here, by their names.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, OwnSecretError> {
        let failed = || io_error("read", &self.folder);
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            found => found.map_err(failed())?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed())?;
            // A draft that a crash has left has no name that follows the grammar.
            let name = entry.file_name();
            let Some(Ok(name)) = name.to_str().map(OwnName::new) else {
                continue;
            };
            let set = entry.metadata().and_then(|file| file.modified());
            let set = set.map_err(io_error("read", &entry.path()))?;
            all.push(Listed { name, set });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The value of one. `by` says what names it.
    ///
    /// # Errors
    /// There is none, it is empty, or others can read its file.
    pub fn read(&self, name: &OwnName, by: &str) -> Result<Secret, OwnSecretError> {
        if let Some(value) = self.credential(name)? {
            return Ok(value);
        }
        let kept = private_text(&self.path(name));
        let kept = kept.and_then(|value| self.usable(name, Secret::chosen(value)));
        match kept {
            Err(SecretError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(OwnSecretError::Missing {
                    name: name.clone(),
                    by: by.to_owned(),
                    known: self.list()?.into_iter().map(|one| one.name).collect(),
                })
            }
            found => Ok(found?),
        }
    }

    /// The manager answers for the mode of a credential.
    fn credential(&self, name: &OwnName) -> Result<Option<Secret>, OwnSecretError> {
        let Some(folder) = &self.credentials else {
            return Ok(None);
        };
        let path = folder.join(name.as_str());
        match regular::text(&path) {
            Ok(text) => {
                let value = Secret::chosen(without_line_end(&text).to_owned());
                Ok(Some(self.usable(name, value)?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path)(error).into()),
        }
    }

    /// Refuses a value that no variable can have, whoever has written it.
    fn usable(&self, name: &OwnName, value: Secret) -> Result<Secret, SecretError> {
        if !value.expose().is_empty() && !value.expose().contains('\0') {
            return Ok(value);
        }
        let source = io::Error::new(
            io::ErrorKind::InvalidData,
            "it is empty, or has a zero byte in it",
        );
        Err(io_error("use", &self.path(name))(source))
    }

    fn path(&self, name: &OwnName) -> PathBuf {
        self.folder.join(name.as_str())
    }

    fn make_folder(&self) -> Result<(), SecretError> {
        let mut builder = DirBuilder::new();
        let builder = builder.recursive(true).mode(0o700);
        builder
            .create(&self.folder)
            .map_err(io_error("make the folder", &self.folder))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn name(text: &str) -> OwnName {
        OwnName::new(text).unwrap()
    }

    fn of(folder: &Path) -> OwnSecrets {
        OwnSecrets::new(folder, None)
    }

    #[test]
    fn a_name_is_a_plain_word() {
        for good in ["GROQ_API_KEY", "a", "mail.password", "0-x", "_x"] {
            assert!(OwnName::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for wrong in ["", ".", "..", "../x", "a/b", "a b", "-x", "ä", "a\0", &long] {
            assert!(OwnName::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_set_is_read_and_listed_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let own = of(folder.path());
        assert_eq!(own.list().unwrap(), []);
        own.set(&name("B"), "second\n").unwrap();
        own.set(&name("A"), "first").unwrap();
        own.set(&name("A"), "two\nlines\r\n").unwrap();
        let listed = own.list().unwrap();
        let names: Vec<_> = listed.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["A", "B"]);
        assert_eq!(own.read(&name("A"), "x").unwrap().expose(), "two\nlines");
        assert_eq!(own.read(&name("B"), "x").unwrap().expose(), "second");
        let path = folder.path().join("own/A");
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert!(own.remove(&name("A")).unwrap());
        assert!(!own.remove(&name("A")).unwrap());
    }

    #[test]
    fn a_value_that_no_variable_can_have_is_refused_and_the_earlier_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let own = of(folder.path());
        own.set(&name("A"), "kept").unwrap();
        for wrong in ["", "\n", "a\0b", &"x".repeat(64 * 1024 + 1)] {
            assert!(own.set(&name("A"), wrong).is_err());
        }
        assert_eq!(own.read(&name("A"), "x").unwrap().expose(), "kept");
    }

    #[test]
    fn one_that_is_missing_is_told_with_what_names_it_and_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let own = of(folder.path());
        let missing = |own: &OwnSecrets| {
            let error = own.read(&name("KEY"), "litellm.environment.KEY");
            error.unwrap_err().to_string()
        };
        let text = "there is no secret KEY, which litellm.environment.KEY names: 'ai-gateway secret set KEY' asks for \
                    it";
        assert_eq!(missing(&own), text);
        own.set(&name("OTHER"), "x").unwrap();
        assert_eq!(missing(&own), format!("{text} (there are: OTHER)"));
    }

    #[test]
    fn one_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let own = of(folder.path());
        own.set(&name("A"), "x").unwrap();
        let path = folder.path().join("own/A");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = own.read(&name("A"), "x").unwrap_err().to_string();
        assert!(error.contains("chmod 0600"), "{error}");
    }

    #[test]
    fn a_credential_of_the_manager_comes_first() {
        let (folder, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = OwnSecrets::new(folder.path(), Some(credentials.path().to_owned()));
        own.set(&name("A"), "kept here").unwrap();
        assert_eq!(own.read(&name("A"), "x").unwrap().expose(), "kept here");
        fs::write(credentials.path().join("A"), "handed in\n").unwrap();
        assert_eq!(own.read(&name("A"), "x").unwrap().expose(), "handed in");
    }
}
