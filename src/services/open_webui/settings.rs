//! Its keys of `gateway.toml`, and what they say.

use super::own_variables as variables;
use crate::config::{
    ValueKind,
    schema::{
        AskWhen, Declaration, Default, Key,
        keys::{asked, flag, key, short},
    },
    settings::Settings,
};

/// Variables of a person's own.
pub(super) const ENVIRONMENT: &str = "open_webui.environment";
/// Whether it is a part of the gateway.
pub(super) const SWITCH: &str = "open_webui.enabled";

pub(super) const DECLARATION: Declaration = Declaration {
    keys: KEYS,
    tables: &[("open_webui", "Open WebUI, the chat page.")],
    removed: &[],
    check: Some(|all, _| variables::check(all)),
    programs: None,
};

const KEYS: &[Key] = &[
    short(
        "open-webui",
        key(
            "open_webui.enabled",
            ValueKind::Bool,
            Default::Value("true"),
            "true",
            "Whether it is a part of the gateway at all.",
        ),
    ),
    short(
        "signup",
        key(
            "open_webui.signup",
            ValueKind::Bool,
            Default::Value("false"),
            "false",
            "Whether people may make accounts of their own on the sign-up page; an administrator lets each of them in. Otherwise administrators make the accounts, in the browser or with 'ai-gateway admin create'. This key decides, not the switch in Open WebUI's settings.",
        ),
    ),
    asked(
        "E-mail address of Open WebUI's administrator",
        AskWhen::IfFirst,
        flag(
            "admin-email",
            "EMAIL",
            "The e-mail address of Open WebUI's first account, the administrator's",
            key(
                "open_webui.admin_email",
                ValueKind::Email,
                Default::Value("\"admin@localhost\""),
                "\"ada@example.org\"",
                "The e-mail address of the first account, the administrator's. It counts until that account is made, which is before anybody can reach Open WebUI.",
            ),
        ),
    ),
    flag(
        "admin-name",
        "NAME",
        "The name of that account",
        key(
            "open_webui.admin_name",
            ValueKind::PersonName,
            Default::Value("\"Admin\""),
            "\"Ada\"",
            "The name of the first account.",
        ),
    ),
    short(
        "open-webui-environment",
        key(
            ENVIRONMENT,
            ValueKind::Environment,
            Default::Value("{}"),
            "{ OAUTH_CLIENT_SECRET = \"secret:oidc\" }",
            "More variables for Open WebUI: single sign-on, web search, mail, object storage. A value \"secret:NAME\" is the secret of that name ('ai-gateway secret set NAME'). Many are only the first value of a setting, which is kept in the database afterwards; `config check` says which. A change restarts Open WebUI.",
        ),
    ),
];

/// What they say, where it is a part of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenWebUi {
    /// Whether people may make accounts of their own.
    pub signup: bool,
    /// The address of the first account, in lower case.
    pub admin_email: String,
    /// The name of the first account.
    pub admin_name: String,
}

impl OpenWebUi {
    /// Of these settings.
    pub fn of(settings: &Settings) -> Self {
        let values = &settings.values;
        Self {
            signup: values.flag("open_webui.signup"),
            admin_email: values.text("open_webui.admin_email").to_owned(),
            admin_name: values.text("open_webui.admin_name").to_owned(),
        }
    }
}
