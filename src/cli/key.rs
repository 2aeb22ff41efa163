//! `ai-gateway key`: the first login, and the key of the API.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{
    context::{Context, Screen, print},
    failure::{Exit, Failure},
    status::pretty,
    text::{BOLD, DIM, Line},
};
use crate::secrets::{Kind, SecretError, SecretStore};

/// The name of the administrator on LiteLLM's admin page.
const ADMIN: &str = "admin";

/// Show the admin login and the API's master key
///
/// On a terminal the values are shown; elsewhere only the files that hold them, unless a value is
/// asked for by its name, with --show or with --json:
///
///   curl -H "Authorization: Bearer $(ai-gateway key api)" …
///
/// The master key may do everything: make keys of their own for people and programs on the admin
/// page.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
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

/// Those secrets that are a person's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// The password of the admin page
    Password,
    /// The master key of the API
    Api,
}

impl Name {
    const fn kind(self) -> Kind {
        match self {
            Self::Password => Kind::LitellmUiPassword,
            Self::Api => Kind::LitellmMasterKey,
        }
    }
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let store = SecretStore::new(context.paths.secrets());
    if let Some(name) = args.name {
        return print(read(&store, name)? + "\n");
    }
    let (password, api) = (read(&store, Name::Password)?, read(&store, Name::Api)?);
    let (password_file, api_file) = (file(&store, Name::Password), file(&store, Name::Api));
    if args.json {
        let entry = |value: String, file: PathBuf| json!({ "value": value, "file": file });
        let mut all = Map::new();
        all.insert("user".into(), Value::from(ADMIN));
        all.insert("password".into(), entry(password, password_file));
        all.insert("api".into(), entry(api, api_file));
        return print(pretty(&all)?);
    }
    let shown = args.show || Screen::find().terminal;
    let line = |name: &str, value: &str| {
        Line::new()
            .and(DIM, format!("{name:<16}"))
            .and(BOLD, value)
            .render(usize::MAX)
            + "\n"
    };
    let secret = |name, value: &str, file: PathBuf| {
        if shown {
            line(name, value)
        } else {
            line(name, &format!("in {}", file.display()))
        }
    };
    let text = [
        line("Admin user", ADMIN),
        secret("Admin password", &password, password_file),
        secret("API master key", &api, api_file),
    ]
    .concat();
    print(text)
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
            Err(Failure::new(Exit::Failed, "there are no keys yet")
                .cause(format!("{} does not exist", path.display()))
                .hint("'ai-gateway setup' makes them"))
        }
        Err(error @ SecretError::Io { .. }) => Err(Failure::of(Exit::NotPermitted, &error)),
        Err(error) => Err(Failure::of(Exit::Failed, &error)),
    }
}
