//! `ai-gateway profile`: how much the services may use.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    context::{Context, print},
    failure::Failure,
    settings,
    status::pretty,
    text::{self, BOLD, DIM, Line},
};
use crate::config::{Loaded, Resources, machine, profile};

/// Show or set how much the services may use
///
/// Without a name, shows the profiles, which one is in effect, and what fits this machine. With one,
/// writes it to gateway.toml, and a daemon that runs takes it up.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// tiny, small, medium, large, or local, which limits nothing
    #[arg(value_name = "NAME")]
    profile: Option<String>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "profile")]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(profile) = &args.profile {
        return settings::set(context, "profile", profile);
    }
    let loaded = settings::read(context, &[])?;
    if args.json {
        return print(pretty(&as_json(&loaded, machine::facts(Path::new("/"))))?);
    }
    let lines = lines(&loaded, machine::facts(Path::new("/")));
    let text: String = lines
        .iter()
        .map(|line| line.render(usize::MAX) + "\n")
        .collect();
    print(text)
}

fn lines(loaded: &Loaded, machine: Option<Resources>) -> Vec<Line> {
    let mut lines = list(loaded, machine, |_| true);
    let chosen = &loaded.settings.profile;
    lines.push(Line::new());
    lines.push(Line::new().plain(format!(
        "Profile {chosen} is in effect: {}",
        loaded.origin("profile")
    )));
    lines
}

fn as_json(loaded: &Loaded, machine: Option<Resources>) -> Value {
    let services = &loaded.settings.built_in;
    let profiles = profile::all(loaded.schema());
    let profiles = profiles.map(|profile| {
        let sum = profile.sum(services);
        json!({
            "name": profile.name,
            "memory": (sum > 0).then_some(sum),
            "fits": machine.is_none_or(|machine| profile.fits(machine, services)),
            "about": profile.about,
        })
    });
    json!({
        "profile": loaded.settings.profile,
        "origin": loaded.origin("profile").to_string(),
        "profiles": profiles.collect::<Vec<_>>(),
    })
}

/// Those that fit the machine, the one in effect marked.
pub(super) fn fitting(loaded: &Loaded, machine: Option<Resources>) -> Vec<Line> {
    list(loaded, machine, |fits| fits)
}

fn list(loaded: &Loaded, machine: Option<Resources>, shows: impl Fn(bool) -> bool) -> Vec<Line> {
    let chosen = loaded.settings.profile.as_str();
    let services = &loaded.settings.built_in;
    let profiles = profile::all(loaded.schema());
    profiles
        .filter_map(|profile| {
            let here = profile.name == chosen;
            let memory = match profile.sum(services) {
                0 => "no limits".to_owned(),
                sum => text::size(sum),
            };
            let fits = machine.is_none_or(|machine| profile.fits(machine, services));
            let style = if here { BOLD } else { anstyle::Style::new() };
            let line = Line::new()
                .and(style, if here { "* " } else { "  " })
                .and(style, format!("{:<8}{memory:>9}  ", profile.name))
                .plain(profile.about)
                .and(
                    DIM,
                    if fits {
                        ""
                    } else {
                        " (too big for this machine)"
                    },
                );
            shows(fits).then_some(line)
        })
        .collect()
}
