//! The password of Open WebUI's first account, as set-up asks for it.

use super::password;
use crate::{
    cli::{
        context::Context,
        failure::{CommandExit, Failure},
    },
    config::Loaded,
    secrets::{Secret, SecretKind, SecretStore},
    services::open_webui::{self, OpenWebUi},
};

/// How set-up gets the password of Open WebUI's first account.
pub(in crate::cli) struct FirstPassword {
    /// It was read from standard input.
    pub(in crate::cli) given: Option<Secret>,
    /// There is no account yet, so a person may choose one.
    pub(in crate::cli) open: bool,
}

impl FirstPassword {
    pub(in crate::cli) fn find(
        from_standard_input: bool,
        context: &Context,
        loaded: &Loaded,
    ) -> Result<Self, Failure> {
        let store = SecretStore::new(context.paths.secrets());
        let has = store.holds(open_webui::ADMIN_PASSWORD);
        let has = has.map_err(|e| Failure::of(CommandExit::Failed, &e))?;
        let open = !has && loaded.settings.has(open_webui::NAME);
        if !from_standard_input {
            return Ok(Self { given: None, open });
        }
        if has {
            let email = &OpenWebUi::of(&loaded.settings).admin_email;
            return Err(Failure::new(
                CommandExit::Failed,
                "the first account has a password already",
            )
            .hint(format!(
                "'ai-gateway admin reset-password {email}' changes it while the gateway runs"
            )));
        }
        let given = Some(password::from_standard_input()?);
        Ok(Self { given, open })
    }
}

/// As set-up takes it.
pub(in crate::cli) fn chosen(password: Option<Secret>) -> Vec<(SecretKind, Secret)> {
    let password = password.map(|password| (open_webui::ADMIN_PASSWORD, password));
    password.into_iter().collect()
}

/// Asks a person for it. `None` if a random one is to be made.
pub(in crate::cli) fn ask_password() -> Result<Option<Secret>, Failure> {
    password::asked(
        "Password of that account (Enter: a random one, which 'ai-gateway key' shows): ",
    )
}
