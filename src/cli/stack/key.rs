//! `ai-gateway key`: the first login, and the key of the API.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::admin::{self, First};
use crate::cli::{
    context::{Context, Screen, print},
    failure::{CommandExit, Failure},
    settings,
    status::pretty,
    text::{BOLD, DIM, Line},
};
use crate::{
    secrets::{SecretError, SecretKind, SecretStore},
    services::litellm,
    services::open_webui::{self, OpenWebUi},
};

/// The name of the administrator on LiteLLM's admin page.
const ADMIN: &str = "admin";

/// Show the first logins and the API's master key
///
/// On a terminal the values are shown; elsewhere only the files that hold them, unless a value is
/// asked for by its name, with --show or with --json:
///
///   curl -H "Authorization: Bearer $(ai-gateway key api)" …
///
/// Open WebUI's login is the account that set-up has made, the admin page's the one that LiteLLM's
/// first start has made; a password that was changed in the browser is not known here. The master
/// key may do everything: make keys of their own for people and programs on the admin page.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Print this value and nothing else
    #[arg(value_enum, conflicts_with_all = ["json", "show"])]
    name: Option<Name>,
    /// Show the values, wherever the output goes
    #[arg(long)]
    show: bool,
    /// Print one JSON object, with the values
    #[arg(long)]
    json: bool,
}

/// The secrets that people need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// The password of LiteLLM's admin page
    Password,
    /// The master key of the API
    Api,
    /// The password that Open WebUI's first account was made with
    Webui,
}

impl Name {
    const fn kind(self) -> SecretKind {
        match self {
            Self::Password => litellm::UI_PASSWORD,
            Self::Api => litellm::MASTER_KEY,
            Self::Webui => open_webui::ADMIN_PASSWORD,
        }
    }
}

pub(in crate::cli) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let store = SecretStore::new(context.paths.secrets());
    if let Some(name) = args.name {
        return print(read(&store, name)? + "\n");
    }
    let entry = |name| Ok::<_, Failure>((read(&store, name)?, file(&store, name)));
    let (password, api) = (entry(Name::Password)?, entry(Name::Api)?);
    let webui = match webui(context) {
        WebUi::Account(email) => match store.holds(open_webui::ADMIN_PASSWORD) {
            Ok(false) => Err(Some("made at the next start")),
            Ok(true) | Err(_) => Ok((email, entry(Name::Webui)?)),
        },
        WebUi::Others => Err(Some(
            "accounts of their own: 'ai-gateway admin list' shows them",
        )),
        WebUi::None => Err(None),
    };
    if args.json {
        let entry = |(value, file): (String, PathBuf)| json!({ "value": value, "file": file });
        let mut all = Map::new();
        all.insert("user".into(), Value::from(ADMIN));
        all.insert("password".into(), entry(password));
        all.insert("api".into(), entry(api));
        let webui = webui.ok();
        let webui = webui.map(|(user, secret)| json!({ "user": user, "password": entry(secret) }));
        all.insert("webui".into(), Value::from(webui));
        return print(pretty(&all)?);
    }
    let shown = args.show || Screen::find().terminal;
    let line = |name: &str, value: &str| {
        Line::new()
            .and(DIM, format!("{name:<21}"))
            .and(BOLD, value)
            .render(usize::MAX)
            + "\n"
    };
    let secret = |name, (value, file): (String, PathBuf)| {
        if shown {
            line(name, &value)
        } else {
            line(name, &format!("in {}", file.display()))
        }
    };
    let webui = match webui {
        Ok((email, password)) => [
            line("Open WebUI login", &email),
            secret("Open WebUI password", password),
        ]
        .concat(),
        Err(Some(others)) => line("Open WebUI login", others),
        Err(None) => String::new(),
    };
    let text = [
        webui,
        line("Admin page login", ADMIN),
        secret("Admin page password", password),
        secret("API master key", api),
    ]
    .concat();
    print(text)
}

/// What there is to say about Open WebUI's login.
enum WebUi {
    /// The address of the account that set-up has made, or that the next start makes.
    Account(String),
    /// There were accounts before set-up could make one.
    Others,
    /// Open WebUI is not a part of this gateway.
    None,
}

fn webui(context: &Context) -> WebUi {
    // Even if the configuration cannot be read, the keys are shown.
    let settings = settings::read(context, &[]).map(|loaded| loaded.settings);
    match (settings, admin::first(context)) {
        (Ok(settings), _) if !settings.has(open_webui::NAME) => WebUi::None,
        (_, Some(First { email: Some(email) })) => WebUi::Account(email),
        (_, Some(First { email: None })) => WebUi::Others,
        (Ok(settings), None) => WebUi::Account(OpenWebUi::of(&settings).admin_email),
        (Err(_), None) => WebUi::None,
    }
}

fn file(store: &SecretStore, name: Name) -> PathBuf {
    store.path(name.kind())
}

fn read(store: &SecretStore, name: Name) -> Result<String, Failure> {
    match store.read(name.kind()) {
        Ok(secret) => Ok(secret.expose().to_owned()),
        Err(SecretError::Io { source, path, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Err(Failure::new(CommandExit::Failed, "there are no keys yet")
                .cause(format!("{} does not exist", path.display()))
                .hint("'ai-gateway setup' makes them"))
        }
        Err(error @ SecretError::Io { .. }) => Err(Failure::of(CommandExit::NotPermitted, &error)),
        Err(error) => Err(Failure::of(CommandExit::Failed, &error)),
    }
}
