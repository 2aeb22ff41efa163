//! `ai-gateway secret`: the secrets of the user's own.

use std::io::{self, IsTerminal as _, Read as _};

use super::{
    context::{Context, print, tell},
    failure::{CommandExit, Failure},
    prompt::{discard_more, hidden_line, somebody_is_there, unreadable},
    root, settings,
    status::pretty,
    text,
};
use crate::{
    plan::environment::{self, Uses},
    secrets::own::{Listed, OwnName, OwnSecretError, OwnSecrets, WrongName},
};

/// Keep secrets of your own: keys of providers, passwords
///
/// The configuration names one as "secret:NAME" in any environment. Each is a file that only the gateway's user
/// can read, and goes to the service that names it and nowhere else.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Keep a secret, in the place of an earlier one of this name
    ///
    /// Asks for the value, one line, without showing it. If standard input is no terminal, all of it is the value:
    /// that is the way for a value of several lines.
    Set {
        /// Letters, digits, underscores, dots and hyphens
        name: String,
    },
    /// List the names, and which services use them
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a secret
    Remove {
        /// The name
        name: String,
        /// Also if the configuration names it
        #[arg(long)]
        force: bool,
    },
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    // If root did this, the files would belong to root.
    root::refuse(context, "secret")?;
    let own = environment::own_secrets(&context.paths);
    match &args.verb {
        Verb::Set { name } => set(context, &own, &named(name)?),
        Verb::List { json } => list(context, &own, *json),
        Verb::Remove { name, force } => remove(context, &own, &named(name)?, *force),
    }
}

fn named(text: &str) -> Result<OwnName, Failure> {
    OwnName::new(text)
        .map_err(|wrong: WrongName| Failure::new(CommandExit::Usage, wrong.to_string()))
}

fn set(context: &Context, own: &OwnSecrets, name: &OwnName) -> Result<(), Failure> {
    let value = value(name)?;
    own.set(name, &value).map_err(|error| match error {
        OwnSecretError::Value(_) => Failure::of(CommandExit::Usage, &error),
        other => Failure::of(CommandExit::Failed, &other),
    })?;
    print(format!("The secret {name} is kept.\n"))?;
    // Whoever sets a secret may be about to fix a configuration that names it.
    let uses = uses(context, own).unwrap_or_default();
    let services = uses.services(name);
    if !services.is_empty() && context.connect().is_ok() {
        let (list, use_it) = (text::list(&services), verb(&services, "uses", "use"));
        print(format!(
            "{list} {use_it} it: 'ai-gateway reload' restarts {} with the new value.\n",
            verb(&services, "it", "them")
        ))?;
    }
    Ok(())
}

fn verb<'a>(services: &[&str], one: &'a str, more: &'a str) -> &'a str {
    if services.len() == 1 { one } else { more }
}

/// What a person types, or all of standard input.
fn value(name: &OwnName) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        if !somebody_is_there() {
            return Err(Failure::new(
                CommandExit::Usage,
                "standard error is no terminal, so nobody would see the question",
            )
            .hint(format!("ai-gateway secret set {name} < FILE")));
        }
        let typed = hidden_line(&format!("The value of {name}: "))?;
        let typed = typed.ok_or_else(|| Failure::new(CommandExit::Failed, "nothing was done"))?;
        if discard_more()? {
            return Err(Failure::new(
                CommandExit::Usage,
                "more than one line was pasted, and nothing was done",
            )
            .hint(format!("ai-gateway secret set {name} < FILE")));
        }
        return Ok(typed);
    }
    let mut bytes = Vec::new();
    // More than a secret may have, with its line end, is enough to refuse it.
    let limit = crate::secrets::own::VALUE_MAX + 8;
    let read = io::stdin().lock().take(limit).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(&error))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(
            CommandExit::Usage,
            "the value on standard input is not UTF-8 text",
        )
    })
}

/// Which services use which secret, by the configuration.
///
/// # Errors
/// The configuration, or a file that it names, cannot be used, so that nobody knows.
fn uses(context: &Context, own: &OwnSecrets) -> Result<Uses, Failure> {
    let loaded = settings::read(context, &[])?;
    let uses = environment::uses(&loaded.settings, own);
    uses.map_err(|error| Failure::of(CommandExit::Configuration, &error))
}

fn list(context: &Context, own: &OwnSecrets, json: bool) -> Result<(), Failure> {
    let all = own
        .list()
        .map_err(|error| Failure::of(CommandExit::Failed, &error))?;
    let uses = uses(context, own).unwrap_or_else(|failure| {
        tell(failure.text());
        tell("Which of them are used cannot be told because of that.\n");
        Uses::default()
    });
    if json {
        return print(pretty(&as_json(&all, &uses))?);
    }
    if all.is_empty() {
        tell("There are no secrets of your own: 'ai-gateway secret set NAME' keeps one.\n");
        return Ok(());
    }
    let width = all.iter().map(|one| one.name.as_str().len()).max();
    let width = width.unwrap_or_default();
    let lines = all.iter().map(|one| {
        let services = uses.services(&one.name);
        let used = if services.is_empty() {
            "not used".to_owned()
        } else {
            format!("used by {}", text::list(&services))
        };
        let set = humantime::format_rfc3339_seconds(one.set);
        format!("{:<width$}  set {set}  {used}\n", one.name)
    });
    print(lines.collect::<String>())
}

fn as_json(all: &[Listed], uses: &Uses) -> serde_json::Value {
    let all = all.iter().map(|one| {
        serde_json::json!({
            "name": one.name.as_str(),
            "set": humantime::format_rfc3339_seconds(one.set).to_string(),
            "used_by": uses.services(&one.name),
        })
    });
    all.collect()
}

fn remove(context: &Context, own: &OwnSecrets, name: &OwnName, force: bool) -> Result<(), Failure> {
    let uses = match uses(context, own) {
        Err(_) if force => Uses::default(),
        Err(failure) => {
            return Err(failure
                .cause("so nobody knows whether a service needs the secret")
                .hint("--force removes it all the same"));
        }
        Ok(uses) => uses,
    };
    let services = uses.services(name);
    if !services.is_empty() && !force {
        let what = format!("{} would not start without {name}", text::list(&services));
        return Err(Failure::new(CommandExit::Failed, what)
            .cause(format!("{} names it", context.paths.config.display()))
            .hint("--force removes it all the same"));
    }
    let gone = own
        .remove(name)
        .map_err(|error| Failure::of(CommandExit::Failed, &error))?;
    if gone {
        print(format!("The secret {name} is gone.\n"))
    } else {
        Err(
            Failure::new(CommandExit::Failed, format!("there is no secret {name}"))
                .hint("'ai-gateway secret list' shows those that there are"),
        )
    }
}
