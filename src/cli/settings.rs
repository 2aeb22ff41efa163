//! The configuration as a command reads and changes it.

use std::{path::Path, time::Duration};

use super::{
    context::{Context, print, tell, variable},
    failure::{Exit, Failure},
    owner::Owner,
    reread,
    say::say,
};
use crate::{
    config::{
        self, Loaded,
        edit::{self, Draft},
        exposed, machine,
        ports::{self, Reason, TakenPort},
    },
    control::{client::ClientError, types::Refusal},
    plan, runtime, services,
};

/// For a look at a file, if its file system answers.
const LOOK: Duration = Duration::from_secs(5);

/// Reads it.
pub(super) fn read(context: &Context, flags: &[(&str, &str)]) -> Result<Loaded, Failure> {
    Ok(config::read(
        services::schema(),
        &context.paths,
        &variable,
        flags,
    )?)
}

/// Those of them that the gateway could not have at its start: somebody else listens there, or it is
/// a low port and this is no gateway of the machine, whose unit may listen on those.
pub(super) fn held_ports(context: &Context, loaded: &Loaded) -> Vec<TakenPort> {
    let mut taken = plan::taken_ports(&context.paths, loaded);
    taken.retain(|port| is_in_the_way(&port.reason, context.system));
    taken
}

const fn is_in_the_way(reason: &Reason, system: bool) -> bool {
    match reason {
        Reason::Held { .. } | Reason::HeldBySomebody => true,
        Reason::Privileged => !system,
        Reason::NotOurs | Reason::Other(_) => false,
    }
}

/// Tells what somebody should know of it.
pub(super) fn warn(loaded: &Loaded) {
    if !loaded.warnings.is_empty() {
        tell(loaded.warnings.render(true) + "\n");
    }
}

/// Sets one key in the file, if the result is valid.
pub(super) fn change(context: &Context, key: &str, value: &str) -> Result<Loaded, Failure> {
    let machine = machine::facts(Path::new("/"));
    let path = &context.paths.config;
    Ok(edit::change(
        services::schema(),
        path,
        key,
        value,
        &variable,
        machine,
    )?)
}

/// Closes a file that is open to others and may hold keys: what a service of one's own finds in
/// its environment. Tells and answers with a warning if it stays open.
pub(super) fn close(context: &Context, loaded: &Loaded) -> Option<String> {
    let warning = warning(&left_open(context, loaded)?);
    tell(&warning);
    Some(warning)
}

/// Closes it and says so. Some: it stays open, because it is not ours to close or the kernel refused.
fn left_open(context: &Context, loaded: &Loaded) -> Option<exposed::Found> {
    let found = exposed(context, loaded)?;
    let closed = found.close(context.user.as_raw(), Owner::find(context).reader());
    closed.map(|text| tell(text + "\n")).err()
}

/// Warns and closes for a command that only asks a daemon, whose own words nobody sees. What cannot be
/// read is the daemon's to say. Answers with the warnings, as the daemon words them, so that they need
/// not be told twice.
pub(super) fn look_over(context: &Context) -> Vec<String> {
    let own = context.clone();
    let look = move || {
        let Ok(loaded) = read(&own, &[]) else {
            return Vec::new();
        };
        warn(&loaded);
        let unwise = loaded.warnings.render(false) + "\n";
        let unwise = (!loaded.warnings.is_empty()).then_some(unwise);
        unwise.into_iter().chain(close(&own, &loaded)).collect()
    };
    runtime::within(LOOK, look).unwrap_or_default()
}

/// A file that is open to others and may hold keys.
pub(super) fn exposed(context: &Context, loaded: &Loaded) -> Option<exposed::Found> {
    let keys = loaded.settings.has_environment();
    keys.then(|| exposed::look(&context.paths.config, Owner::find(context).reader()))?
}

/// The warning of it, which every command tells in the same words.
pub(super) fn warning(found: &exposed::Found) -> String {
    format!("warning: {found}\n")
}

/// The value of a key as it stands in TOML.
pub(super) fn value<'a>(loaded: &'a Loaded, key: &str) -> &'a str {
    let row = loaded.rows.iter().find(|row| row.key == key);
    row.map_or("", |row| row.value.as_deref().unwrap_or(row.unset))
}

/// Sets one key, has a daemon that runs take it up, and says what has changed by it. The file is
/// written only if what comes of it is right, and is as it was if the daemon refuses it.
pub(super) fn set(context: &Context, key: &str, value: &str) -> Result<(), Failure> {
    let machine = machine::facts(Path::new("/"));
    let path = &context.paths.config;
    let draft = edit::draft(services::schema(), path, key, value, &variable, machine)?;
    // A file that is wrong as it is may be what is being set right.
    let before = read(context, &[]).ok();
    let changed = before
        .as_ref()
        .map(|before| before.values.differing(&draft.loaded.values));
    warn(&draft.loaded);
    refuse_taken(context, &draft.loaded, changed.as_deref())?;
    let running = match context.connect() {
        Ok(mut client) => Some(client.status()?.configuration),
        Err(ClientError::NotRunning { .. }) => None,
        Err(other) => return Err(other.into()),
    };
    write(context, &draft)?;
    let applied = running.as_ref().is_some_and(|now| now.differs.is_empty());
    if changed.as_ref().is_some_and(Vec::is_empty) && (applied || running.is_none()) {
        return print(format!(
            "Nothing changes: {key} is {} ({}).\n",
            self::value(&draft.loaded, key),
            draft.loaded.origin(key)
        ));
    }
    print(match &before {
        Some(before) => changes(before, &draft.loaded),
        None => format!("{key}: {}\n", self::value(&draft.loaded, key)),
    })?;
    match running {
        Some(_) => apply(context, &draft),
        None => print("ai-gateway is not running: this takes effect at its next start.\n"),
    }
}

/// Writes the file. One that is open to others is closed before, for what is new in it may be the keys;
/// root's is replaced by one that the gateway reads by its group. One that would stay open is not
/// written.
fn write(context: &Context, draft: &Draft) -> Result<(), Failure> {
    let Some(open) = left_open(context, &draft.loaded) else {
        return Ok(draft.write(None)?);
    };
    if !draft.is_new() {
        tell(warning(&open));
        return Ok(());
    }
    let Some(rights) = open.replacement(context.user.as_raw()) else {
        return Err(Failure::new(Exit::Failed, "nothing was written").cause(open.to_string()));
    };
    draft.write(Some(rights))?;
    tell(open.closed() + "\n");
    Ok(())
}

/// A port that this change would have the gateway listen on, and that somebody else has.
fn refuse_taken(
    context: &Context,
    loaded: &Loaded,
    changed: Option<&[String]>,
) -> Result<(), Failure> {
    let mut taken = held_ports(context, loaded);
    taken.retain(|port| {
        let address = ports::address_key(&port.key);
        let concerns = |key: &String| *key == port.key || key == address;
        changed.is_none_or(|changed| changed.iter().any(concerns))
    });
    if taken.is_empty() {
        return Ok(());
    }
    let report = ports::report(loaded, &taken).render(true);
    Err(Failure::Report(Exit::Failed, report))
}

/// Has the daemon read the file.
fn apply(context: &Context, draft: &Draft) -> Result<(), Failure> {
    match reread::ask(context)? {
        Ok(reply) => say(&reply, reread::DONE),
        Err(ClientError::Refused(Refusal::Ending)) => {
            print("ai-gateway is stopping: this takes effect at its next start.\n")
        }
        Err(refused @ ClientError::Refused(Refusal::Configuration(_))) => {
            draft.undo()?;
            // What it refused is gone; that it stays in the status would be no help.
            let _still_refused = reread::ask(context)?;
            let path = context.paths.config.display();
            tell(format!(
                "{path} is as it was, because ai-gateway refused this:\n"
            ));
            Err(refused.into())
        }
        Err(other) => Err(other.into()),
    }
}

/// A line for each key whose value is another one.
fn changes(before: &Loaded, after: &Loaded) -> String {
    let rows = after.rows.iter();
    let lines = rows.filter_map(|row| {
        let (old, new) = (value(before, &row.key), value(after, &row.key));
        (old != new).then(|| format!("{}: {old} -> {new}\n", row.key))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_port_is_in_the_way_of_a_person_and_not_of_the_machines_unit() {
        assert!(is_in_the_way(&Reason::Privileged, false));
        assert!(!is_in_the_way(&Reason::Privileged, true));
        for system in [true, false] {
            assert!(is_in_the_way(&Reason::HeldBySomebody, system));
            assert!(!is_in_the_way(&Reason::NotOurs, system));
        }
    }
}
