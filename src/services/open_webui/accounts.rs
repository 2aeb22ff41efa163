//! Open WebUI's accounts, as `ai-gateway admin` looks at them and changes them.
//!
//! They are two tables of Open WebUI's database: `user`, and `auth` with the password's hash and
//! the stamp of its sessions. Open WebUI reads both anew for each request, so a change takes effect
//! at once. The hash is made by the very library that Open WebUI compares it with.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    child,
    database::{self, Database, PsqlError, row},
    python::PASSWORD_HASH,
};
use crate::{base_environment, secrets::Secret};

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The address by which it signs in.
    pub email: String,
    /// What others see.
    pub name: String,
    /// `admin`, `user`, or `pending`: not let in yet.
    pub role: String,
    /// Whether it may sign in at all.
    pub active: bool,
    /// Seconds since 1970.
    pub created_at: i64,
    /// The same, of its last request.
    pub last_active_at: i64,
}

/// Why an account was not looked at or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// PostgreSQL does not do its part.
    #[error("cannot {action}: Open WebUI's database does not answer as it should")]
    Database {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: PsqlError,
    },
    /// No account has this address.
    #[error("there is no account {email}")]
    Unknown {
        /// The address.
        email: String,
    },
    /// Another account has this address.
    #[error("there is an account {email} already")]
    Exists {
        /// The address.
        email: String,
    },
    /// Open WebUI's Python does not do its part.
    #[error("cannot hash the password with {}", python.display())]
    Hash {
        /// Its Python.
        python: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// What an account is to be.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// The address, in lower case.
    pub email: &'a str,
    /// What others see.
    pub name: &'a str,
    /// `admin` or `user`.
    pub role: &'a str,
    /// As [`hash`] makes it.
    pub hash: &'a str,
}

/// Where the accounts are.
#[derive(Debug)]
pub struct Accounts {
    /// How to reach them.
    pub database: Database,
    /// Of Open WebUI's role.
    pub password: Secret,
}

const LIST: &str = r#"
SELECT json_build_object(
  'email', coalesce("user".email, ''), 'name', "user".name, 'role', coalesce("user".role, ''),
  'active', coalesce(auth.active, false),
  'created_at', coalesce("user".created_at, 0), 'last_active_at', coalesce("user".last_active_at, 0))
FROM "user" LEFT JOIN auth ON auth.id = "user".id
ORDER BY "user".created_at, "user".email;
"#;

/// The lock keeps a sign-up of the same address out.
const CREATE: &str = r#"
LOCK TABLE "user" IN SHARE ROW EXCLUSIVE MODE;
WITH made AS (
  INSERT INTO "user" (id, name, email, role, profile_image_url, last_active_at, updated_at, created_at)
  SELECT gen_random_uuid()::text, name, email, role, '/user.png', at, at, at
  FROM given, (SELECT extract(epoch FROM now())::bigint AS at) AS moment
  WHERE NOT EXISTS (SELECT 1 FROM "user" AS other WHERE lower(other.email) = given.email)
  RETURNING id, email
)
INSERT INTO auth (id, email, password, active, session_stamp)
SELECT made.id, made.email, given.password, true, gen_random_uuid()::text FROM made, given
RETURNING email;
"#;

/// Another stamp ends the account's sessions, and a login that waits for its second factor begins
/// anew; the second factor itself stays, as when Open WebUI changes a password.
const RESET: &str = r#"
UPDATE auth SET
  password = given.password,
  session_stamp = gen_random_uuid()::text,
  mfa = CASE WHEN auth.mfa IS NULL THEN NULL ELSE (auth.mfa::jsonb
    || '{"login_challenge": null, "manage_challenge": null, "reset_ticket": null}'
    || jsonb_build_object('revision', gen_random_uuid()::text))::json END
FROM given, "user"
WHERE "user".id = auth.id AND lower("user".email) = given.email
RETURNING "user".email;
"#;

const PROMOTE: &str = r#"
UPDATE "user" SET role = given.role, updated_at = extract(epoch FROM now())::bigint
FROM given WHERE lower("user".email) = given.email
RETURNING "user".email;
"#;

impl Accounts {
    /// All of them, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn list(&self) -> Result<Vec<Account>, AccountError> {
        let action = "list the accounts";
        let rows = self.run(action, LIST)?;
        let accounts = rows.lines().map(serde_json::from_str);
        let strange = |e: serde_json::Error| AccountError::Database {
            action,
            source: PsqlError::Database {
                message: e.to_string(),
            },
        };
        accounts.collect::<Result<_, _>>().map_err(strange)
    }

    /// Makes one.
    ///
    /// # Errors
    /// Its address is another account's; the database's.
    pub fn create(&self, new: &NewAccount<'_>) -> Result<(), AccountError> {
        let given = [new.email, new.name, new.role, new.hash];
        match self.change("make the account", CREATE, given)? {
            true => Ok(()),
            false => Err(AccountError::Exists {
                email: new.email.to_owned(),
            }),
        }
    }

    /// Gives one another password and ends its sessions.
    ///
    /// # Errors
    /// There is none of this address; the database's.
    pub fn reset_password(&self, email: &str, hash: &str) -> Result<(), AccountError> {
        self.known(email, RESET, "change the password", ["", hash])
    }

    /// Makes an administrator of one.
    ///
    /// # Errors
    /// There is none of this address; the database's.
    pub fn promote(&self, email: &str) -> Result<(), AccountError> {
        self.known(email, PROMOTE, "change the role", ["admin", ""])
    }

    fn known(
        &self,
        email: &str,
        statement: &str,
        action: &'static str,
        [role, hash]: [&str; 2],
    ) -> Result<(), AccountError> {
        match self.change(action, statement, [email, "", role, hash])? {
            true => Ok(()),
            false => Err(AccountError::Unknown {
                email: email.to_owned(),
            }),
        }
    }

    /// Whether an account was changed.
    fn change(
        &self,
        action: &'static str,
        statement: &str,
        given: [&str; 4],
    ) -> Result<bool, AccountError> {
        let script = SCRIPT
            .replace("@STATEMENT@", statement)
            .replace("@ROW@", &row(&given));
        Ok(!self.run(action, &script)?.trim().is_empty())
    }

    fn run(&self, action: &'static str, script: &str) -> Result<String, AccountError> {
        database::run(&self.database, &self.password, script)
            .map_err(|source| AccountError::Database { action, source })
    }
}

const SCRIPT: &str = include_str!("accounts.sql");

/// The hash of a password, by Open WebUI's Python.
///
/// # Errors
/// It does not run, or says something else.
pub fn hash(python: &Path, password: &Secret) -> Result<String, AccountError> {
    let failed = |source| AccountError::Hash {
        python: python.to_owned(),
        source,
    };
    let mut command = base_environment::command(python, &base_environment::of_the_system());
    command.args(["-I", "-c", PASSWORD_HASH]);
    let output = child::run(&mut command, password.expose().as_bytes()).map_err(failed)?;
    let hash = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && hash.starts_with('$') {
        return Ok(hash);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(failed(io::Error::other(said)))
}
