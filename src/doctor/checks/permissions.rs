//! Whether others can read or change what is ours.

use std::path::Path;

use super::{Check, Facts, Group, Verdict};
use crate::{
    config::exposed::{Exposed, Reader, Rights},
    doctor::{
        facts::{Entry, Sharing},
        fix::{quote, root},
    },
};

pub(super) const CHECK: Check = Check {
    id: "permissions",
    group: Group::Gateway,
    title: "Permissions",
    looks: "Owner and mode of the secrets, the database, the folders of state and run, and \
        gateway.toml; and of every folder and link on the way to them, for whoever may write one \
        of those puts files of their own in the place of ours. A gateway.toml with a service's \
        environment in it has to be closed to readers as well.",
    why: "Who reads the secrets has the providers' keys and the database; who writes the \
        configuration runs programs as the gateway. A database server refuses a \
        folder that others can open.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let entries = &facts.gateway.entries;
    let (mut found, mut fixes) = (Vec::new(), Vec::new());
    let mut handed_over: Vec<&Path> = Vec::new();
    for entry in entries {
        let path = entry.path.display();
        let quoted = quote(&entry.path.to_string_lossy());
        let covered = handed_over
            .iter()
            .any(|above| entry.path.starts_with(above));
        if !is_owned(entry, facts) && !covered {
            let (owner, user) = (entry.owner, &facts.scope.user);
            found.push(format!("{path} belongs to user {owner} and not to {user}"));
            fixes.push(root(facts, &format!("chown -R {}: {quoted}", quote(user))));
            handed_over.push(&entry.path);
        }
        let commands = commands_that_close(entry, facts, &quoted);
        if !commands.is_empty() {
            found.push(format!("{path} has mode {:04o}", entry.mode));
            // Who owns it may change the mode.
            let own = facts.scope.uid == Some(entry.owner);
            let as_owner = |command: String| if own { command } else { root(facts, &command) };
            fixes.extend(commands.into_iter().map(as_owner));
        }
    }
    for danger in &facts.gateway.dangers {
        if entries.iter().any(|entry| entry.path == danger.path) {
            continue;
        }
        found.push(danger.to_string());
        // Seldom are the folders above one's own.
        fixes.extend(danger.command().map(|command| root(facts, &command)));
    }
    match (found.is_empty(), entries.is_empty()) {
        (true, true) => Verdict::ok("nothing is there yet"),
        (true, false) => {
            Verdict::ok("only the gateway's user can read the secrets or change anything")
        }
        (false, _) => {
            let fix = (!fixes.is_empty()).then(|| fixes.join(" && "));
            Verdict::problem(found.join("; ")).fix(fix)
        }
    }
}

/// The gateway's user owns it; the configuration of a machine may be root's.
fn is_owned(entry: &Entry, facts: &Facts) -> bool {
    let by_root = entry.owner == 0 && entry.path == facts.scope.paths.config;
    by_root || facts.scope.uid.is_none_or(|uid| uid == entry.owner)
}

/// The commands that take away what is too much.
fn commands_that_close(entry: &Entry, facts: &Facts, path: &str) -> Vec<String> {
    let Entry {
        owner, group, mode, ..
    } = *entry;
    let chmod = |taken: &str| vec![format!("chmod {taken} {path}")];
    match entry.sharing {
        Sharing::Private if mode & 0o077 != 0 => chmod("go-rwx"),
        Sharing::NotWritable if mode & 0o022 != 0 => chmod("go-w"),
        Sharing::RootsGroup => {
            let reader = Reader {
                uid: facts.scope.uid,
                gid: facts.scope.gid,
            };
            let exposed = Exposed::of(Rights { owner, group, mode }, reader);
            exposed.map_or_else(Vec::new, |exposed| exposed.commands(path))
        }
        Sharing::Private | Sharing::NotWritable => Vec::new(),
    }
}
