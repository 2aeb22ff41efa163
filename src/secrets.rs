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
    regular,
};

/// Which secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// LiteLLM's administrator key. LiteLLM wants it to begin with `sk-`.
    LitellmMasterKey,
    /// Encrypts the providers' keys in LiteLLM's database: lose it and they are lost.
    LitellmSaltKey,
    /// The password of LiteLLM's admin page.
    LitellmUiPassword,
    /// The password of Open WebUI's first account, its administrator's.
    OpenWebuiAdminPassword,
    /// Signs Open WebUI's sessions: a new one logs everybody out.
    OpenWebuiSecretKey,
    /// The virtual key with which Open WebUI asks LiteLLM.
    OpenWebuiVirtualKey,
    /// The database password of LiteLLM's role.
    PostgresLitellmPassword,
    /// The database password of Open WebUI's role.
    PostgresOpenWebuiPassword,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::LitellmMasterKey,
        Self::LitellmSaltKey,
        Self::LitellmUiPassword,
        Self::OpenWebuiAdminPassword,
        Self::OpenWebuiSecretKey,
        Self::OpenWebuiVirtualKey,
        Self::PostgresLitellmPassword,
        Self::PostgresOpenWebuiPassword,
    ];

    /// The name of its file.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::LitellmMasterKey => "litellm-master-key",
            Self::LitellmSaltKey => "litellm-salt-key",
            Self::LitellmUiPassword => "litellm-ui-password",
            Self::OpenWebuiAdminPassword => "open-webui-admin-password",
            Self::OpenWebuiSecretKey => "open-webui-secret-key",
            Self::OpenWebuiVirtualKey => "open-webui-virtual-key",
            Self::PostgresLitellmPassword => "postgres-litellm-password",
            Self::PostgresOpenWebuiPassword => "postgres-open-webui-password",
        }
    }

    /// What comes of another value.
    pub const fn lost(self) -> &'static str {
        match self {
            Self::LitellmMasterKey => "whoever uses the master key needs the new one",
            Self::LitellmSaltKey => {
                "the providers' keys that were saved in LiteLLM cannot be read again and have to be \
                 entered anew"
            }
            Self::LitellmUiPassword => "the password of LiteLLM's admin page is another one",
            Self::OpenWebuiAdminPassword => {
                "the password that is shown is not that of the first account: \
                 'ai-gateway admin reset-password' sets it"
            }
            Self::OpenWebuiSecretKey => "everybody has to log in to Open WebUI again",
            Self::OpenWebuiVirtualKey => "Open WebUI gets a new key, and its spending a new line",
            Self::PostgresLitellmPassword | Self::PostgresOpenWebuiPassword => {
                "nothing is lost: set-up tells the database"
            }
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::LitellmMasterKey | Self::LitellmSaltKey | Self::OpenWebuiVirtualKey => "sk-",
            Self::LitellmUiPassword
            | Self::OpenWebuiAdminPassword
            | Self::OpenWebuiSecretKey
            | Self::PostgresLitellmPassword
            | Self::PostgresOpenWebuiPassword => "",
        }
    }

    /// 256 bits for machines; 96 for those that a person types.
    const fn random_bytes(self) -> usize {
        match self {
            Self::LitellmUiPassword | Self::OpenWebuiAdminPassword => 12,
            Self::LitellmMasterKey
            | Self::LitellmSaltKey
            | Self::OpenWebuiSecretKey
            | Self::OpenWebuiVirtualKey
            | Self::PostgresLitellmPassword
            | Self::PostgresOpenWebuiPassword => 32,
        }
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
    pub fn generate(kind: Kind) -> Result<Self, SecretError> {
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
        path.display(), go_on(&[*kind]), kind.lost()
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// Which secret it is.
        kind: Kind,
    },
    /// A database without the key that its contents are encrypted with.
    #[error(
        "{} is missing or empty, but {} holds a database whose provider keys are encrypted with it: \
         restore the file from a backup; or, to go on without it: 'ai-gateway setup \
         --accept-salt-key' ({})",
        path.display(), database.display(), Kind::LitellmSaltKey.lost()
    )]
    SaltKeyLost {
        /// Where the salt key should be.
        path: PathBuf,
        /// The database's folder.
        database: PathBuf,
    },
}

/// The command that takes other secrets than those that the database was set up with.
pub const fn go_on(changed: &[Kind]) -> &'static str {
    let mut at = 0;
    while at < changed.len() {
        if matches!(changed[at], Kind::LitellmSaltKey) {
            return "ai-gateway setup --accept-salt-key";
        }
        at += 1;
    }
    "ai-gateway setup"
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
    pub fn path(&self, kind: Kind) -> PathBuf {
        self.folder.join(kind.file_name())
    }

    /// Makes every secret that is missing and returns which were made. `database` is the folder
    /// of an existing database cluster, or none on a new machine.
    ///
    /// # Errors
    /// Refuses, before anything is made, when there is a database and no salt key.
    pub fn make_missing(&self, database: Option<&Path>) -> Result<Vec<Kind>, SecretError> {
        let salt_key = self.path(Kind::LitellmSaltKey);
        if let Some(database) = database
            && !self.holds(Kind::LitellmSaltKey)?
        {
            return Err(SecretError::SaltKeyLost {
                path: salt_key,
                database: database.to_owned(),
            });
        }
        self.make_folder()?;
        let mut made = Vec::new();
        for kind in Kind::ALL {
            if self.holds(kind)? {
                continue;
            }
            // A file with nothing in it is no secret that could be overwritten.
            let path = self.path(kind);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error("remove", &path)(e));
                }
                Ok(()) | Err(_) => {}
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
    pub fn holds(&self, kind: Kind) -> Result<bool, SecretError> {
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
    pub fn read(&self, kind: Kind) -> Result<Secret, SecretError> {
        let path = self.path(kind);
        let mode = fs::metadata(&path)
            .map_err(io_error("read", &path))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed {
                path,
                mode: mode & 0o7777,
                wanted: 0o600,
            });
        }
        let text = regular::text(&path).map_err(io_error("read", &path))?;
        let value = text.trim_end_matches(['\n', '\r']);
        if value.is_empty() {
            return Err(SecretError::Empty { path, kind });
        }
        Ok(Secret(value.to_owned()))
    }

    /// Puts a new value in place of Open WebUI's virtual key, whose old one was revoked. Beside it
    /// and the password of Open WebUI's first account, no secret is ever replaced.
    ///
    /// # Errors
    /// The kernel's, and then the old value is still there.
    pub fn renew_virtual_key(&self) -> Result<Secret, SecretError> {
        let kind = Kind::OpenWebuiVirtualKey;
        let value = Secret(generate(kind)?);
        self.replace(kind, &value)?;
        Ok(value)
    }

    /// Makes the password of Open WebUI's first account if it is missing. True: it was.
    ///
    /// # Errors
    /// The kernel's.
    pub fn make_admin_password(&self) -> Result<bool, SecretError> {
        let kind = Kind::OpenWebuiAdminPassword;
        Ok(!self.holds(kind)? && self.make(kind)?)
    }

    /// Keeps the password of Open WebUI's first account, which its owner has chosen or changed.
    ///
    /// # Errors
    /// The kernel's, and then the old value is still there.
    pub fn keep_admin_password(&self, password: &Secret) -> Result<(), SecretError> {
        self.make_folder()?;
        self.replace(Kind::OpenWebuiAdminPassword, password)
    }

    fn replace(&self, kind: Kind, value: &Secret) -> Result<(), SecretError> {
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
    fn make(&self, kind: Kind) -> Result<bool, SecretError> {
        let draft = self.draft(kind, &generate(kind)?)?;
        Ok(draft.put_if_missing(Survives::ALossOfPower)?)
    }

    /// A file with this value, beside its place.
    fn draft(&self, kind: Kind, value: &str) -> Result<Draft, SecretError> {
        let mut draft = Draft::new(&self.path(kind), 0o600)?;
        draft.write(value.as_bytes())?;
        Ok(draft)
    }
}

fn generate(kind: Kind) -> Result<String, SecretError> {
    let mut bytes = vec![0; kind.random_bytes()];
    getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
    Ok(bytes.iter().fold(kind.prefix().to_owned(), |text, byte| {
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
