//! `ai-gateway completions`: what a shell needs to complete our commands.
//!
//! The scripts are the same for every version: they ask the program what may come next, because
//! only it knows the services, the keys and the profiles. `candidates` answers, from the same
//! definitions as the help (pure).

use clap::{Command, ValueEnum};

use super::{
    context::{Context, print},
    failure::Failure,
    settings,
};
use crate::config::{ValueKind, schema::PROFILES};
use crate::services::schema;

/// What stands for the names of files, which the shell itself knows best.
const FILES: &str = ":files";

/// Print completions for a shell
///
/// For bash, in ~/.bashrc:
///
///   source <(ai-gateway completions bash)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that we have a script for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Fish,
    Zsh,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    print(match args.shell {
        Shell::Bash => include_str!("completions/ai-gateway.bash"),
        Shell::Fish => include_str!("completions/ai-gateway.fish"),
        Shell::Zsh => include_str!("completions/ai-gateway.zsh"),
    })
}

/// Prints what may stand in the place of the last word of a command line of `root`, one a line.
pub(super) fn answer(root: &Command, words: &[String]) -> Result<(), Failure> {
    let found = candidates(root, words, &services);
    print(
        found
            .iter()
            .map(|word| format!("{word}\n"))
            .collect::<String>(),
    )
}

/// The services that the configuration has; where it is wrong, those that every gateway has.
fn services() -> Vec<String> {
    let loaded = Context::find().and_then(|context| settings::read(&context, &[]));
    loaded.map_or_else(
        |_| schema().names().map(str::to_owned).collect(),
        |loaded| {
            let names = loaded.settings.limits.keys();
            names.map(ToString::to_string).collect()
        },
    )
}

/// What may stand in the place of the last of `words`, which may be empty.
fn candidates(root: &Command, words: &[String], services: &dyn Fn() -> Vec<String>) -> Vec<String> {
    let Some((current, before)) = words.split_last() else {
        return Vec::new();
    };
    let mut place = Place {
        command: root,
        positional: Vec::new(),
        option: None,
    };
    for word in before {
        place.take(word);
    }
    let values = |id: &str| values(place.command.get_name(), id, &place.positional, services);
    let mut found: Vec<String> = match place.option {
        Some(id) => values(id),
        None if current.starts_with('-') => flags(place.command),
        None if place.command.has_subcommands() => {
            let verbs = place.command.get_subcommands();
            let known = place.positional.is_empty();
            let shown = verbs.filter(|verb| known && !verb.is_hide_set());
            shown.map(|verb| verb.get_name().to_owned()).collect()
        }
        None => {
            let argument = place.command.get_positionals().nth(place.positional.len());
            argument.map_or_else(Vec::new, |argument| values(argument.get_id().as_str()))
        }
    };
    found.retain(|word| word == FILES || word.starts_with(current.as_str()));
    found
}

/// Where in the command line we are.
struct Place<'a> {
    command: &'a Command,
    /// The words that are neither verbs nor options.
    positional: Vec<String>,
    /// The option whose value comes next.
    option: Option<&'a str>,
}

impl Place<'_> {
    fn take(&mut self, word: &str) {
        if self.option.take().is_some() {
            return;
        }
        if let Some(name) = word.strip_prefix('-') {
            let mut options = self.command.get_arguments();
            let option = options.find(|option| {
                let long = option.get_long().map(str::to_owned);
                let short = option.get_short().map(String::from);
                match name.strip_prefix('-') {
                    Some(name) => long.as_deref() == Some(name),
                    None => short.as_deref() == Some(name),
                }
            });
            let takes_value = option.filter(|option| option.get_action().takes_values());
            self.option = takes_value.map(|option| option.get_id().as_str());
        } else if let Some(verb) = self.command.find_subcommand(word) {
            self.command = verb;
        } else {
            self.positional.push(word.to_owned());
        }
    }
}

fn flags(command: &Command) -> Vec<String> {
    let arguments = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set());
    let long = arguments.filter_map(clap::Arg::get_long);
    let flags = long.map(|long| format!("--{long}"));
    flags.chain(["--help".to_owned()]).collect()
}

/// The values of an argument, by its name.
fn values(
    verb: &str,
    argument: &str,
    before: &[String],
    services: &dyn Fn() -> Vec<String>,
) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match argument {
        "service" if verb == "logs" => {
            let mut all = services();
            all.push("ai-gateway".to_owned());
            all
        }
        "service" => services(),
        "profile" => words(&PROFILES),
        "budget" => words(&["test", "prod", "unlimited"]),
        "shell" => words(&["bash", "fish", "zsh"]),
        "key" => keys(&services()),
        "value" => before
            .first()
            .map_or_else(Vec::new, |key| values_of_key(key)),
        "offline" | "program" | "folder" => words(&[FILES]),
        _ => Vec::new(),
    }
}

/// Every key, those of limits for each service.
fn keys(services: &[String]) -> Vec<String> {
    let named = |key: &'static str| -> Vec<String> {
        if key.starts_with("limits.") {
            let names = services.iter();
            names.map(|service| key.replace('*', service)).collect()
        } else if key.contains('*') {
            let own = services.iter().filter(|name| !schema().brings(name));
            own.map(|service| key.replace('*', service)).collect()
        } else {
            vec![key.to_owned()]
        }
    };
    schema()
        .keys
        .iter()
        .flat_map(|key| named(key.name))
        .collect()
}

fn values_of_key(key: &str) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match schema().find(key).map(|key| key.kind) {
        Some(ValueKind::Bool) => words(&["true", "false"]),
        Some(ValueKind::Choice(choices)) => words(choices),
        Some(ValueKind::Budget(_)) => words(&["test", "prod", "unlimited"]),
        Some(ValueKind::Path) => words(&[FILES]),
        Some(_) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn after(line: &str) -> Vec<String> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let services = || ["litellm", "nginx", "mailer"].map(str::to_owned).into();
        candidates(&Cli::command(), &words, &services)
    }

    #[test]
    fn verbs_flags_and_values_are_offered_where_they_may_stand() {
        assert_eq!(after("sta"), ["start", "status"]);
        assert!(!after("").contains(&"internal".to_owned()));
        assert_eq!(after("restart "), ["litellm", "nginx", "mailer"]);
        assert_eq!(after("logs -f a"), ["ai-gateway"]);
        assert_eq!(after("logs -n 20 li"), ["litellm"]);
        assert_eq!(after("logs -n "), Vec::<String>::new());
        assert_eq!(after("profile s"), ["small"]);
        assert_eq!(after("budget "), ["test", "prod", "unlimited"]);
        assert_eq!(after("budget prod "), Vec::<String>::new());
        assert_eq!(after("setup --profile m"), ["medium"]);
        assert_eq!(after("setup --offline "), [FILES]);
        assert_eq!(after("config s"), ["show", "set"]);
        assert_eq!(after("config set listen.p"), ["listen.port"]);
        assert_eq!(
            after("config set limits.mailer.cpu"),
            ["limits.mailer.cpus", "limits.mailer.cpu_weight"]
        );
        assert_eq!(
            after("config set service.mailer.rest"),
            ["service.mailer.restart"]
        );
        assert_eq!(after("config set litellm.demo_model "), ["true", "false"]);
        assert_eq!(after("completions z"), ["zsh"]);
        assert!(after("status --").contains(&"--json".to_owned()));
        assert_eq!(after("nonsense "), Vec::<String>::new());
    }

    #[test]
    fn every_value_that_is_offered_for_a_key_is_one() {
        for key in &schema().keys {
            for value in values_of_key(key.name) {
                let name = key.name.replace('*', "nginx");
                let fits = crate::config::edit::check_typed(schema(), &name, &value);
                assert!(value == FILES || fits.is_ok(), "{name} {value}");
            }
        }
    }
}
