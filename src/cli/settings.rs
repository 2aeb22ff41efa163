//! How commands read and change the configuration.

use std::{path::Path, time::Duration};

use super::{
    context::{Context, print, tell, variable},
    failure::{CommandExit, Failure},
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

/// How long a command waits for a file, if its file system does not answer.
const LOOK: Duration = Duration::from_secs(5);

/// Reads the configuration.
pub(super) fn read(context: &Context, flags: &[(&str, &str)]) -> Result<Loaded, Failure> {
    Ok(config::read(
        services::schema(),
        &context.paths,
        &variable,
        flags,
    )?)
}

/// The ports that the gateway could not get at its start: another program listens there, or the port is
/// below 1024 and this is a person's gateway, whose unit may not listen on such ports.
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

/// Prints the warnings about the configuration.
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

/// Makes a file private that other users can read and that may hold keys: what a service of one's own has
/// in its environment. Prints what was done, and returns a warning if the file stays open.
pub(super) fn close(context: &Context, loaded: &Loaded) -> Option<String> {
    let warning = warning(&left_open(context, loaded)?);
    tell(&warning);
    Some(warning)
}

/// Makes the file private and says so. Returns the warning if it stays open because it belongs to another
/// user or the kernel refused.
fn left_open(context: &Context, loaded: &Loaded) -> Option<exposed::Found> {
    let found = exposed(context, loaded)?;
    let closed = found.close(context.user.as_raw(), Owner::find(context).reader());
    closed.map(|text| tell(text + "\n")).err()
}

/// Warns about open files, and makes them private, for a command that only asks a daemon whose own warnings
/// nobody sees. Files that cannot be read are left to the daemon. Returns the warnings in the daemon's
/// words, so that they are not printed twice.
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

/// A configuration file that other users can read and that may hold keys.
pub(super) fn exposed(context: &Context, loaded: &Loaded) -> Option<exposed::Found> {
    let keys = loaded.settings.has_environment();
    keys.then(|| exposed::look(&context.paths.config, Owner::find(context).reader()))?
}

/// The warning about it, which is the same for every command.
pub(super) fn warning(found: &exposed::Found) -> String {
    format!("warning: {found}\n")
}

/// The value of a key in TOML.
pub(super) fn value<'a>(loaded: &'a Loaded, key: &str) -> &'a str {
    let row = loaded.rows.iter().find(|row| row.key == key);
    row.map_or("", |row| row.value.as_deref().unwrap_or(row.unset))
}

/// Sets one key, asks a running daemon to apply it, and says what has changed. The file is written only if
/// the result is valid, and gets its old text back if the daemon refuses it.
pub(super) fn set(context: &Context, key: &str, value: &str) -> Result<(), Failure> {
    let machine = machine::facts(Path::new("/"));
    let path = &context.paths.config;
    let draft = edit::draft(services::schema(), path, key, value, &variable, machine)?;
    // The file may be wrong as it is, and this change may be what corrects it.
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

/// Writes the file. If other users can read it, it is made private before, because the new text may contain
/// the keys. A file of root's is replaced by one that the gateway reads through its group. A file that
/// would stay open is not written.
fn write(context: &Context, draft: &Draft) -> Result<(), Failure> {
    let Some(open) = left_open(context, &draft.loaded) else {
        return Ok(draft.write(None)?);
    };
    if !draft.is_new() {
        tell(warning(&open));
        return Ok(());
    }
    let Some(rights) = open.replacement(context.user.as_raw()) else {
        return Err(
            Failure::new(CommandExit::Failed, "nothing was written").cause(open.to_string())
        );
    };
    draft.write(Some(rights))?;
    tell(open.closed() + "\n");
    Ok(())
}

/// A port on which the gateway would listen after this change, and which another program has.
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
    Err(Failure::Report(CommandExit::Failed, report))
}

/// Asks the daemon to read the file.
fn apply(context: &Context, draft: &Draft) -> Result<(), Failure> {
    match reread::ask(context)? {
        Ok(reply) => say(&reply, reread::DONE),
        Err(ClientError::Refused(Refusal::Ending)) => {
            print("ai-gateway is stopping: this takes effect at its next start.\n")
        }
        Err(refused @ ClientError::Refused(Refusal::Configuration(_))) => {
            draft.undo()?;
            // The text that the daemon refused is gone, so the refusal in the status would only confuse: a
            // second reload removes it.
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
