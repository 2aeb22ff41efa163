use clap::CommandFactory as _;

use super::*;

fn verbs() -> Vec<clap::Command> {
    let mut cli = Cli::command();
    cli.build();
    let shown = cli.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.cloned().collect()
}

#[test]
fn the_definitions_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_and_every_argument_says_what_it_is_for() {
    assert!(verbs().len() > 10);
    for verb in verbs() {
        let about = verb
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(!about.is_empty(), "{} has no help", verb.get_name());
        assert!(!about.ends_with('.'), "{}: {about}", verb.get_name());
        for argument in verb.get_arguments() {
            let help = argument
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                !help.is_empty(),
                "{} {}",
                verb.get_name(),
                argument.get_id()
            );
        }
    }
}

#[test]
fn help_fits_into_80_columns() {
    let mut all = verbs();
    all.push(Cli::command());
    for mut verb in all {
        for help in [verb.render_help(), verb.render_long_help()] {
            for line in help.to_string().lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", verb.get_name());
            }
        }
    }
}
