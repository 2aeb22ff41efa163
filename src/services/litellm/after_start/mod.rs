//! What has to be right once LiteLLM answers: Open WebUI's key, its connection, the demo model.
//!
//! LiteLLM's specification runs it as a command of this program, `ai-gateway internal`, after each start.

mod api;
mod arguments;
pub mod demo;
mod unix;
pub mod webui_key;

use self::{
    api::Api,
    demo::DemoOutcome,
    webui_key::{KeyError, KeyOutcome},
};
pub use self::{
    api::ApiError,
    arguments::{Arguments, ArgumentsError},
};
use crate::{
    secrets::SecretStore,
    services::open_webui,
    services::open_webui::{ConnectionError, connection},
};

/// What was done.
#[derive(Debug)]
pub struct AfterStart {
    /// What was done about the key. `None` if there is no Open WebUI.
    pub key: Option<KeyOutcome>,
    /// About the demo model.
    pub demo: DemoOutcome,
    /// So many settings of Open WebUI were changed. Chats, speech and images follow at once;
    /// embeddings when Open WebUI is started again.
    pub changed: usize,
    /// What Open WebUI keeps could not be looked at. No reason for LiteLLM not to be ready.
    pub connection_error: Option<ConnectionError>,
}

/// Makes it so. Three short questions where all is well.
///
/// # Errors
/// LiteLLM's refusal, or the kernel's.
pub fn run(told: &Arguments) -> Result<AfterStart, KeyError> {
    let store = SecretStore::new(told.secrets.clone());
    let api = Api::new(&told.litellm, store.read(super::MASTER_KEY)?);
    let mut done = AfterStart {
        key: None,
        demo: demo::ensure(&api, told.demo_model, told.workers)?,
        changed: 0,
        connection_error: None,
    };
    let Some(database) = &told.open_webui else {
        return Ok(done);
    };
    let password = store.read(open_webui::DATABASE_PASSWORD)?;
    let mend = |done: &mut AfterStart| {
        let key = store.read(open_webui::VIRTUAL_KEY)?;
        match connection::mend(database, &password, &told.api_base, &key) {
            Ok(changed) => done.changed += changed,
            Err(error) => done.connection_error = Some(error),
        }
        Ok::<_, KeyError>(())
    };
    // Before the key may change, so that a connection with another address is known by its key.
    mend(&mut done)?;
    let outcome = webui_key::ensure(told, &api)?;
    done.key = Some(outcome);
    if outcome == KeyOutcome::Replaced {
        mend(&mut done)?;
    }
    Ok(done)
}

#[cfg(test)]
mod fake;
