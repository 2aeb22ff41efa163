//! What set-up asks a person: for the values of keys, as they are declared with the keys, and whether to go on.
//!
//! Each answer is checked against the whole configuration at once. If it is wrong, the question is asked
//! again with the reason. Enter accepts the proposal, and then nothing is written.

use std::{
    io::{self, BufRead as _},
    path::Path,
};

use super::super::{
    context::{Context, tell},
    failure::{CommandExit, Failure},
    profile, settings,
    text::Line,
};
use crate::{
    config::{
        Loaded, Origin, Resources, machine,
        ports::{Reason, TakenPort},
        schema::AskWhen,
    },
    provision::Plan,
    services,
};

/// Keys and their values, as if they had been typed as flags.
pub(super) type Answers = Vec<(&'static str, String)>;

/// The width of the narrowest terminal that people use.
const WIDTH: usize = 80;

/// The questions, each with its key, in the order in which they are asked.
fn questions() -> impl Iterator<Item = (&'static str, &'static str, AskWhen)> {
    let flags = services::schema().flags();
    flags.filter_map(|(key, flag)| {
        let (text, when) = flag.question?;
        Some((key.name, text, when))
    })
}

/// Asks for what is not decided yet, and returns the resulting settings.
///
/// # Errors
/// The input ended, or the configuration was wrong before any answer.
pub(super) fn ask(
    context: &Context,
    answers: &mut Answers,
    first: bool,
) -> Result<Loaded, Failure> {
    let mut loaded = read(context, answers)?;
    for (key, text, when) in questions() {
        let answered = answers.iter().any(|(known, _)| *known == key);
        // An environment variable overrides the file, so an answer would have no effect.
        let fixed = matches!(loaded.origin(key), Origin::Environment(_));
        let needed = match when {
            AskWhen::Always => true,
            AskWhen::IfTaken => taken(context, &loaded, key).is_some(),
            AskWhen::IfFirst => first,
        };
        if answered || fixed || !needed {
            continue;
        }
        if key == "profile" {
            tell(profiles(&loaded, machine::facts(Path::new("/"))));
        }
        loaded = answer(context, (key, text), answers, loaded)?;
    }
    Ok(loaded)
}

/// Shows the plan, and asks whether to carry it out.
///
/// # Errors
/// The answer is no, or the input ended.
pub(super) fn agree(plan: &Plan) -> Result<(), Failure> {
    tell(format!("\n{plan}\n"));
    loop {
        tell("Go on? [Y/n] ");
        match line()?.to_ascii_lowercase().as_str() {
            "?" => tell(AGREEING),
            "" | "y" | "yes" => return Ok(()),
            "n" | "no" => return Err(nothing_done()),
            _ => tell("Answer y or n.\n"),
        }
    }
}

/// Asks until the answer is valid.
fn answer(
    context: &Context,
    (key, text): (&'static str, &str),
    answers: &mut Answers,
    loaded: Loaded,
) -> Result<Loaded, Failure> {
    let holds = settings::value(&loaded, key).trim_matches('"').to_owned();
    let mut loaded = loaded;
    let mut proposed = holds.clone();
    if let Some(port) = taken(context, &loaded, key) {
        propose_free(&port, &mut proposed);
    }
    loop {
        tell(format!("{text} [{proposed}]: "));
        let typed = line()?;
        if typed == "?" {
            tell(explanation(key));
            continue;
        }
        let value = if typed.is_empty() { &proposed } else { &typed };
        let mut tried = answers.clone();
        if typed.is_empty() && *value == holds {
            tried.retain(|(known, _)| *known != key);
        } else {
            tried.push((key, value.clone()));
        }
        match read(context, &tried) {
            Ok(read) => loaded = read,
            Err(wrong @ Failure::Report(..)) => {
                tell(wrong.text());
                continue;
            }
            Err(other) => return Err(other),
        }
        match taken(context, &loaded, key) {
            Some(port) => propose_free(&port, &mut proposed),
            None => {
                *answers = tried;
                return Ok(loaded);
            }
        }
    }
}

/// What it means to go on.
const AGREEING: &str = "\
With y, or Enter, all of the above is done; it can be cut off anywhere and
run again. With n nothing is done, and nothing of your answers is written.
";

/// What a key is for and which values it can have, for a person who typed `?`.
fn explanation(key: &str) -> String {
    let Some(key) = services::schema().find(key) else {
        return String::new();
    };
    let text = format!(
        "{} It is {}. Enter takes what is in brackets.",
        key.doc,
        key.kind.expected()
    );
    let lines = Line::new().plain(text).wrapped(WIDTH);
    lines
        .iter()
        .map(|line| line.render(usize::MAX) + "\n")
        .collect()
}

/// Says why a port cannot be used, and proposes another one.
fn propose_free(port: &TakenPort, proposed: &mut String) {
    let how = match port.reason {
        Reason::Privileged => "cannot be used by this user",
        _ => "is taken",
    };
    tell(format!(
        "Port {} {how}: {}.\n",
        port.address.port(),
        port.reason
    ));
    if let Some(free) = port.free {
        *proposed = free.to_string();
    }
}

fn taken(context: &Context, loaded: &Loaded, key: &str) -> Option<TakenPort> {
    let mut taken = settings::held_ports(context, loaded).into_iter();
    taken.find(|port| port.key == key)
}

fn read(context: &Context, answers: &Answers) -> Result<Loaded, Failure> {
    settings::read(context, &borrowed(answers))
}

/// The answers in the form that the configuration takes.
pub(super) fn borrowed(answers: &Answers) -> Vec<(&str, &str)> {
    let pairs = answers.iter();
    pairs.map(|(key, value)| (*key, value.as_str())).collect()
}

/// What this machine has, and which profiles fit it.
fn profiles(loaded: &Loaded, machine: Option<Resources>) -> String {
    let has = machine.map_or_else(String::new, |machine| {
        let cpus = match machine.cpus {
            1 => "1 CPU".to_owned(),
            cpus => format!("{cpus} CPUs"),
        };
        let memory = super::super::text::size(machine.memory_bytes);
        format!("This machine has {memory} of memory and {cpus}. ")
    });
    let lines = profile::fitting(loaded, machine);
    let lines: String = lines
        .iter()
        .map(|line| line.render(usize::MAX) + "\n")
        .collect();
    format!("{has}What the services may use of it:\n{lines}")
}

/// One line of input, without its end and without blanks around it.
fn line() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_until(b'\n', &mut bytes);
    let read = read.map_err(|e| {
        Failure::new(CommandExit::Failed, "cannot read the answer").cause(e.to_string())
    })?;
    // The end of the input does not count as yes.
    if read == 0 {
        tell("\n");
        return Err(nothing_done());
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

fn nothing_done() -> Failure {
    Failure::new(CommandExit::Failed, "nothing was done")
}
