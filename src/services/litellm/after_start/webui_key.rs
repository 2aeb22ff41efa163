//! The virtual key with which Open WebUI asks LiteLLM: that it is there, in its team, and works.
//!
//! Its value is made by set-up and registered at LiteLLM's first start. A value that was registered
//! once and is no longer there was revoked, so it is never registered again: a new one is made.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Arguments, api::Api};
use crate::secrets::{Secret, SecretError, SecretStore};
use crate::{fs::regular, services::open_webui};

/// The team that Open WebUI's spending is counted under.
pub const TEAM: &str = "open-webui-team";
const TEAM_NAME: &str = "Open WebUI Team";
const KEY_NAME: &str = "Open WebUI Key";

/// What was done about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOutcome {
    /// It was there.
    Kept,
    /// It was new, and is registered now.
    Registered,
    /// It had been revoked; another value is in its place.
    Replaced,
}

/// Why Open WebUI has no key that works.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// LiteLLM does not do its part.
    #[error(transparent)]
    Api(#[from] super::ApiError),
    /// The secrets cannot be read or written.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What was registered cannot be remembered.
    #[error("cannot {action} {}", path.display())]
    Memory {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
}

/// Makes it so. One question where all is well.
///
/// # Errors
/// LiteLLM's refusal, or the kernel's.
pub(super) fn ensure(told: &Arguments, api: &Api) -> Result<KeyOutcome, KeyError> {
    let store = SecretStore::new(told.secrets.clone());
    let memory = Memory::of(told);
    let key = store.read(open_webui::VIRTUAL_KEY)?;
    let hash = hash(&key);
    if works(api, &hash)? {
        // After a restored backup the memory may be older than the database.
        memory.set(&hash)?;
        return Ok(KeyOutcome::Kept);
    }
    make_team(api)?;
    remove_others(api)?;
    if memory.get()?.as_deref() == Some(&hash) {
        let key = store.renew(open_webui::VIRTUAL_KEY)?;
        register(api, &key)?;
        memory.set(&self::hash(&key))?;
        return Ok(KeyOutcome::Replaced);
    }
    register(api, &key)?;
    memory.set(&hash)?;
    Ok(KeyOutcome::Registered)
}

/// Asks for the key by its hash: a path may be logged, and a key's value is a secret. It asks for a
/// list, since LiteLLM logs a traceback for a single thing that is not there, and since it still
/// gives the single key when that was deleted.
fn works(api: &Api, hash: &str) -> Result<bool, super::ApiError> {
    let keys = list(
        api,
        &format!("/key/list?return_full_object=true&key_hash={hash}"),
        "keys",
    )?;
    Ok(keys.iter().any(|key| key["blocked"] != Value::Bool(true)))
}

fn make_team(api: &Api) -> Result<(), super::ApiError> {
    if list(api, &format!("/v2/team/list?team_id={TEAM}"), "teams")?.is_empty() {
        let team = json!({"team_id": TEAM, "team_alias": TEAM_NAME});
        api.post("make Open WebUI's team", "/team/new", &team)?
            .done()?;
    }
    Ok(())
}

/// Removes a blocked key, or one of the same name that an administrator made out of ours: there can
/// be only one of a name.
fn remove_others(api: &Api) -> Result<(), super::ApiError> {
    let path = format!(
        "/key/list?return_full_object=true&key_alias={}",
        KEY_NAME.replace(' ', "%20")
    );
    let keys = list(api, &path, "keys")?;
    let same_name = keys.iter().filter(|key| key["key_alias"] == KEY_NAME);
    let hashes: Vec<&Value> = same_name.map(|key| &key["token"]).collect();
    if !hashes.is_empty() {
        let body = json!({"keys": hashes});
        api.post("remove Open WebUI's old key", "/key/delete", &body)?
            .found()?;
    }
    Ok(())
}

fn list(api: &Api, path: &str, of: &str) -> Result<Vec<Value>, super::ApiError> {
    let mut body = api
        .get("look for Open WebUI's key and team", path)?
        .done()?;
    match body[of].take() {
        Value::Array(things) => Ok(things),
        _ => Ok(vec![]),
    }
}

fn register(api: &Api, key: &Secret) -> Result<(), super::ApiError> {
    let body = json!({"key": key.expose(), "team_id": TEAM, "key_alias": KEY_NAME});
    api.post("register Open WebUI's key", "/key/generate", &body)?
        .done()?;
    Ok(())
}

/// The name that LiteLLM keeps a key under.
fn hash(key: &Secret) -> String {
    let digest = Sha256::digest(key.expose());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Remembers the hash of the value that was registered last.
struct Memory(PathBuf);

impl Memory {
    fn of(told: &Arguments) -> Self {
        Self(told.memory.join("registered-key"))
    }

    fn get(&self) -> Result<Option<String>, KeyError> {
        match regular::text(&self.0) {
            Ok(hash) => Ok(Some(hash)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.error("read", e)),
        }
    }

    fn set(&self, hash: &str) -> Result<(), KeyError> {
        if self.get()?.as_deref() == Some(hash) {
            return Ok(());
        }
        let written = regular::create(&self.0).and_then(|mut file| file.write_all(hash.as_bytes()));
        written.map_err(|e| self.error("write", e))
    }

    fn error(&self, action: &'static str, source: io::Error) -> KeyError {
        KeyError::Memory {
            action,
            path: self.0.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests;
