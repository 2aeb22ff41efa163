//! `ai-gateway doctor`: what this machine offers and lacks, for a person and for a script.

use std::{collections::BTreeMap, path::Path};

use anstyle::{AnsiColor, Style};

use nix::unistd::Uid;

use super::{
    context::{Context, Screen, now, print, variable},
    failure::{CommandExit, Failure},
    owner::Owner,
    status::pretty,
    text::{BOLD, DIM, Line, colour},
};
use crate::{
    doctor::{self, Check, Facts, Finding, Group, Level, Mode, Scope, World, facts},
    services,
};

/// Look at what this machine offers and lacks
///
/// Changes nothing. Each finding is ok, a warning (the gateway runs, and something is worse than
/// it could be) or a problem (it does not run, or is not safe), with why it matters and the
/// command that fixes it.
///
/// Exits with 0 if there is no problem and with 1 if there is one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print a JSON list: id, level, found, why and fix of each finding
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    if context.user.is_root() {
        // Root has another PATH than the gateway's user, so it would find other programs.
        variables.insert("PATH".into(), SYSTEM_PATH.into());
    }
    let world = World {
        root: Path::new("/"),
        variables: &variables,
        ask: &facts::ask,
        landlock: sys::kernel::landlock_abi().ok().flatten(),
        synchronised: sys::kernel::clock_is_synchronised().ok(),
        now: now(),
    };
    let checks = services::checks();
    let findings = doctor::examine(&checks, &Facts::gather(&world, scope(context)));
    if args.json {
        print(pretty(&findings)?)?;
    } else {
        let lines = lines(&checks, &findings, Screen::find());
        let text: String = lines
            .iter()
            .map(|line| line.render(usize::MAX) + "\n")
            .collect();
        print(text)?;
    }
    match doctor::worst(&findings) {
        Level::Ok | Level::Warning => Ok(()),
        Level::Problem => Err(Failure::AlreadyReported(CommandExit::Failed)),
    }
}

const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn scope(context: &Context) -> Scope {
    let owner = Owner::find(context);
    let folder = variable("AI_GATEWAY_HOME").is_some_and(|home| !home.is_empty());
    Scope {
        schema: services::schema(),
        catalog: services::catalog(),
        paths: context.paths.clone(),
        mode: match (folder, context.system) {
            (true, _) => Mode::Folder,
            (false, true) => Mode::System,
            (false, false) => Mode::User,
        },
        uid: owner.uid.map(Uid::as_raw),
        gid: owner.gid,
        user: owner.name,
        root: context.user.is_root(),
    }
}

/// Text in longer lines is hard to read.
const WIDEST: usize = 100;

/// The whole picture: a table of what is well, and under what is not, why it matters and what
/// fixes it.
fn lines(checks: &[Check], findings: &[Finding], screen: Screen) -> Vec<Line> {
    let width = screen.width.min(WIDEST);
    let titles = checks.iter().map(|check| check.title.chars().count());
    let column = titles.max().unwrap_or(0);
    let mut lines = Vec::new();
    for group in Group::ALL {
        lines.push(Line::new().and(BOLD, group.title()));
        let of_group = checks
            .iter()
            .zip(findings)
            .filter(|(check, _)| check.group == group);
        for (check, finding) in of_group {
            let symbol = symbol(finding.level, screen.unicode);
            let head = Line::new()
                .plain("  ")
                .and(style(finding.level), symbol)
                .plain(format!(" {:<column$}  ", check.title));
            let indent = head.width();
            lines.extend(hanging(head, &Line::new().plain(&finding.found), width));
            if finding.level != Level::Ok {
                let blank = || Line::new().plain(" ".repeat(indent));
                lines.extend(hanging(blank(), &Line::new().and(DIM, finding.why), width));
                // A command that is wrapped could not be copied.
                lines.extend(
                    finding
                        .fix
                        .iter()
                        .map(|fix| blank().and(DIM, "$ ").and(colour(AnsiColor::Cyan), fix)),
                );
            }
        }
        lines.push(Line::new());
    }
    lines.push(sum(findings));
    lines
}

/// `text` after `head`, wrapped if it is too long for one line.
fn hanging(head: Line, text: &Line, width: usize) -> Vec<Line> {
    let indent = head.width();
    // On a very narrow screen, lines that are too long are better than lines of one word each.
    let room = width.saturating_sub(indent).max(24);
    let mut first = Some(head);
    let pieces = text.wrapped(room).into_iter().map(|piece| {
        let before = first.take();
        before
            .unwrap_or_else(|| Line::new().plain(" ".repeat(indent)))
            .join(piece)
    });
    pieces.collect()
}

fn sum(findings: &[Finding]) -> Line {
    let count = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let part = |level, one: &str, many: &str| {
        let count = count(level);
        let word = if count == 1 { one } else { many };
        let style = if count == 0 { DIM } else { style(level) };
        Line::new().and(style, format!("{count} {word}"))
    };
    part(Level::Problem, "problem", "problems")
        .plain(", ")
        .join(part(Level::Warning, "warning", "warnings"))
        .plain(", ")
        .join(part(Level::Ok, "ok", "ok"))
}

const fn symbol(level: Level, unicode: bool) -> &'static str {
    let (wide, ascii) = match level {
        Level::Ok => ("✓", "*"),
        Level::Warning => ("▲", "!"),
        Level::Problem => ("✗", "x"),
    };
    if unicode { wide } else { ascii }
}

const fn style(level: Level) -> Style {
    colour(match level {
        Level::Ok => AnsiColor::Green,
        Level::Warning => AnsiColor::Yellow,
        Level::Problem => AnsiColor::Red,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All is well but for the last two, of which one can be mended.
    fn findings(checks: &[Check]) -> Vec<Finding> {
        let last = checks.len() - 1;
        let all = checks.iter().enumerate().map(|(number, check)| {
            let (level, found, fix) = match number {
                n if n == last => (
                    Level::Problem,
                    "a thing that takes many words to tell and more than a line of a narrow screen",
                    Some("a command --that is=longer than a line of such a screen and stays whole"),
                ),
                n if n + 1 == last => (Level::Warning, "half a thing", None),
                _ => (Level::Ok, "fine", None),
            };
            Finding {
                id: check.id,
                level,
                found: found.into(),
                why: "It matters, for a reason that is a sentence of some length.",
                fix: fix.map(str::to_owned),
            }
        });
        all.collect()
    }

    fn picture(width: usize, unicode: bool) -> Vec<String> {
        let screen = Screen {
            width,
            height: usize::MAX,
            unicode,
            terminal: true,
        };
        let checks = services::checks();
        let lines = lines(&checks, &findings(&checks), screen);
        let plain =
            |line: &Line| anstream::adapter::strip_str(&line.render(usize::MAX)).to_string();
        lines.iter().map(plain).collect()
    }

    #[test]
    fn a_person_sees_groups_and_what_fixes_them() {
        insta::assert_snapshot!(picture(66, true).join("\n"));
    }

    #[test]
    fn prose_keeps_to_the_screen_and_commands_stay_whole() {
        for width in [46, 66, 100, 200] {
            for line in picture(width, false) {
                let fits = line.chars().count() <= width.min(WIDEST);
                assert!(
                    fits || line.trim_start().starts_with("$ "),
                    "{width}: {line}"
                );
                assert!(line.is_ascii() && !line.ends_with(' '), "{line:?}");
            }
        }
    }
}
