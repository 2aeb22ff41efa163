//! The flags of set-up that set keys of the configuration. Which keys have one is declared with the keys.

use clap::{Arg, ArgMatches, Command, Error};

use super::questions::Answers;
use crate::{config::ValueKind, services};

/// The keys that were typed as flags, with their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags(Answers);

impl Flags {
    /// What the command line says of the configuration, by key.
    pub(super) const fn answers(&self) -> &Answers {
        &self.0
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let flags = services::schema().flags();
        command.args(flags.filter_map(|(key, flag)| {
            let name = key.short?;
            let argument = Arg::new(name)
                .long(name)
                .value_name(flag.value)
                .help(flag.help)
                // A budget below zero gets the answer that explains what to do instead.
                .allow_negative_numbers(matches!(key.kind, ValueKind::Budget(_)));
            Some(argument)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let flags = services::schema().flags();
        let typed = flags.filter_map(|(key, _)| {
            let value = matches.get_one::<String>(key.short?)?;
            Some((key.name, value.clone()))
        });
        Ok(Self(typed.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
