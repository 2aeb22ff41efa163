//! The gateway's secrets: made once by set-up, read at every start, one file each.
//!
//! The folder has mode 0700 and the files 0600. A secret that exists is never overwritten: it is
//! written beside its place, flushed, and linked into it, which fails where something is already
//! there; so a crash at any point leaves either the whole secret or none. Values come from the
//! operating system's randomness and leave this module only through [`Secret::expose`].

use std::{
    fmt,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::fs::{
    draft::{Draft, DraftError, Survives},
    entry::Entry,
    regular,
};

pub mod own;

/// Which secret. Whoever needs it declares it; two are the same if they are in the same file.
#[derive(Clone, Copy)]
pub struct SecretKind {
    /// The name of its file.
    pub file_name: &'static str,
    /// What it begins with.
    pub prefix: &'static str,
    /// How much randomness it holds: 32 bytes for machines, 12 for those that a person types.
    pub random_bytes: usize,
    /// What comes of another value.
    pub lost: &'static str,
    /// Whether the database is held to the value that it was set up with.
    pub compared: bool,
    /// Whether something in the database is encrypted with it: lose it, and that is lost.
    pub encrypts: bool,
    /// Whether a start makes a value where there never was one, as in a gateway that was set up by a program that
    /// did not know this secret. Not if somebody else has to know the value first, as the database knows its
    /// roles' passwords, nor if something may be encrypted with what stood in for it before: that is set-up's.
    pub made_at_start: bool,
}

impl PartialEq for SecretKind {
    fn eq(&self, other: &Self) -> bool {
        self.file_name == other.file_name
    }
}

impl Eq for SecretKind {}

impl fmt::Debug for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file_name)
    }
}

/// The value of a secret. Its `Debug` output shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret that a person has chosen.
    pub const fn chosen(value: String) -> Self {
        Self(value)
    }

    /// A new one, as set-up makes them.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn generate(kind: SecretKind) -> Result<Self, SecretError> {
        generate(kind).map(Self)
    }

    /// The value itself, for the process that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// Why a secret cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The kernel said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The operating system has no randomness to give.
    #[error("the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
    /// It is open to others.
    #[error("{} is open to other users (mode {mode:04o}): run 'chmod {wanted:04o} {}'", path.display(), path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// The mode that it has.
        mode: u32,
        /// The mode that it should have.
        wanted: u32,
    },
    /// There is nothing in it.
    #[error(
        "{} is empty: restore it from a backup, or let '{}' make a new one ({})",
        path.display(), go_on(&[*kind]), kind.lost
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// Which secret it is.
        kind: SecretKind,
    },
    /// A database without the key that its contents are encrypted with.
    #[error(
        "{} is missing or empty, but {} holds a database whose provider keys are encrypted with it: \
         restore the file from a backup; or, to go on without it: 'ai-gateway setup \
         --accept-salt-key' ({})",
        path.display(), database.display(), kind.lost
    )]
    SaltKeyLost {
        /// Where the salt key should be.
        path: PathBuf,
        /// Which secret it is.
        kind: SecretKind,
        /// The database's folder.
        database: PathBuf,
    },
}

/// The command that takes other secrets than those that the database was set up with.
pub fn go_on(changed: &[SecretKind]) -> &'static str {
    if changed.iter().any(|kind| kind.encrypts) {
        "ai-gateway setup --accept-salt-key"
    } else {
        "ai-gateway setup"
    }
}

/// The folder that holds the secrets.
#[derive(Debug, Clone)]
pub struct SecretStore {
    folder: PathBuf,
}

impl SecretStore {
    /// A store in `folder`; nothing is made or read yet.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The file of one secret.
    pub fn path(&self, kind: SecretKind) -> PathBuf {
        self.folder.join(kind.file_name)
    }

    /// Makes every one of these that is missing and returns which were made. `database` is the folder
    /// of an existing database cluster, or none on a new machine.
    ///
    /// # Errors
    /// Refuses, before anything is made, when there is a database and not what its contents are encrypted with.
    pub fn make_missing(
        &self,
        kinds: &[SecretKind],
        database: Option<&Path>,
    ) -> Result<Vec<SecretKind>, SecretError> {
        if let Some(database) = database {
            for kind in kinds.iter().copied().filter(|kind| kind.encrypts) {
                if !self.holds(kind)? {
                    return Err(SecretError::SaltKeyLost {
                        path: self.path(kind),
                        kind,
                        database: database.to_owned(),
                    });
                }
            }
        }
        self.make_folder()?;
        let mut made = Vec::new();
        for kind in kinds.iter().copied() {
            let path = self.path(kind);
            let found = Entry::find(&path).map_err(io_error("read", &path))?;
            if self.holds(kind)? {
                continue;
            }
            // A file with nothing in it is no secret that could be overwritten. If another program has put one
            // there since, that one stays.
            if let Some(empty) = found {
                empty.remove().map_err(io_error("remove", &path))?;
            }
            if self.make(kind)? {
                made.push(kind);
            }
        }
        Ok(made)
    }

    /// Whether there is anything in the file of a secret.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn holds(&self, kind: SecretKind) -> Result<bool, SecretError> {
        let path = self.path(kind);
        match regular::bytes(&path) {
            Ok(bytes) => Ok(!bytes.trim_ascii().is_empty()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(io_error("read", &path)(e)),
        }
    }

    /// So many random bytes, in hexadecimal, for what is no secret.
    pub(crate) fn random(&self, bytes: usize) -> Result<String, SecretError> {
        let mut found = vec![0; bytes];
        getrandom::fill(&mut found).map_err(SecretError::Random)?;
        Ok(found.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads one secret, without the line end that an editor may have left.
    ///
    /// # Errors
    /// Refuses a file that other users can read, and an empty one.
    pub fn read(&self, kind: SecretKind) -> Result<Secret, SecretError> {
        let path = self.path(kind);
        let value = private_text(&path)?;
        if value.is_empty() {
            return Err(SecretError::Empty { path, kind });
        }
        Ok(Secret(value))
    }

    /// Puts a new value in the place of a secret that can have one at any time, such as a key that was revoked.
    ///
    /// # Errors
    /// The kernel's, and then the old value is still there.
    pub fn renew(&self, kind: SecretKind) -> Result<Secret, SecretError> {
        let value = Secret(generate(kind)?);
        self.replace(kind, &value)?;
        Ok(value)
    }

    /// Keeps a secret that its owner has chosen or changed.
    ///
    /// # Errors
    /// The kernel's, and then the old value is still there.
    pub fn keep(&self, kind: SecretKind, chosen: &Secret) -> Result<(), SecretError> {
        self.make_folder()?;
        self.replace(kind, chosen)
    }

    fn replace(&self, kind: SecretKind, value: &Secret) -> Result<(), SecretError> {
        let draft = self.draft(kind, value.expose())?;
        Ok(draft.put(Survives::ALossOfPower)?)
    }

    fn make_folder(&self) -> Result<(), SecretError> {
        let folder = &self.folder;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io_error("make the folder", folder))?;
        let mode = fs::metadata(folder)
            .map_err(io_error("read", folder))?
            .permissions()
            .mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        Err(SecretError::Exposed {
            path: folder.clone(),
            mode: mode & 0o7777,
            wanted: 0o700,
        })
    }

    /// False: somebody else made it in the meantime, and theirs stays.
    fn make(&self, kind: SecretKind) -> Result<bool, SecretError> {
        let draft = self.draft(kind, &generate(kind)?)?;
        Ok(draft.put_if_missing(Survives::ALossOfPower)?)
    }

    /// A file with this value, beside its place.
    fn draft(&self, kind: SecretKind, value: &str) -> Result<Draft, SecretError> {
        let mut draft = Draft::new(&self.path(kind), 0o600)?;
        draft.write(value.as_bytes())?;
        Ok(draft)
    }
}

/// The text of a file that nobody else can read, without the line end that an editor may have left.
fn private_text(path: &Path) -> Result<String, SecretError> {
    let mode = fs::metadata(path)
        .map_err(io_error("read", path))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(SecretError::Exposed {
            path: path.to_owned(),
            mode: mode & 0o7777,
            wanted: 0o600,
        });
    }
    let text = regular::text(path).map_err(io_error("read", path))?;
    Ok(without_line_end(&text).to_owned())
}

fn without_line_end(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

fn generate(kind: SecretKind) -> Result<String, SecretError> {
    let mut bytes = vec![0; kind.random_bytes];
    getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
    Ok(bytes.iter().fold(kind.prefix.to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    }))
}

impl From<DraftError> for SecretError {
    fn from(error: DraftError) -> Self {
        io_error(error.action, &error.path)(error.source)
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SecretError {
    move |source| SecretError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
