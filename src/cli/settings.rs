//! The configuration as a command reads and changes it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use super::{
    context::{Context, print, tell, variable},
    failure::{Exit, Failure},
    reload,
};
use crate::{
    config::{
        self, Loaded, edit, machine,
        ports::{self, Reason, TakenPort},
        settings::Settings,
    },
    control::{client::ClientError, types::Urls},
    stack,
};

/// Reads it.
pub(super) fn read(context: &Context, flags: &[(&str, &str)]) -> Result<Loaded, Failure> {
    Ok(config::read(&context.paths, &variable, flags)?)
}

/// Where people reach it.
pub(super) fn urls(settings: &Settings) -> Urls {
    let front = stack::front_address(&settings.listen);
    Urls {
        webui: settings
            .open_webui
            .enabled
            .then(|| format!("http://{front}")),
        api: format!("http://{front}/api/litellm/v1"),
        admin: format!("http://{}/ui", stack::litellm_address(&settings.listen)),
    }
}

/// The ports that this gateway cannot listen on.
pub(super) fn taken_ports(context: &Context, loaded: &Loaded) -> Vec<TakenPort> {
    let mut taken = ports::in_use(loaded);
    // Before a reload our own services hold them, and before a start those that a killed daemon
    // has left, which do not stay.
    taken.retain(|port| !port.is_held_from(&context.paths.services()));
    taken
}

/// Those of them that somebody else listens on. Whether a low port may be listened on is another
/// matter for a unit than for us.
pub(super) fn held_ports(context: &Context, loaded: &Loaded) -> Vec<TakenPort> {
    let mut taken = taken_ports(context, loaded);
    taken.retain(|port| matches!(port.reason, Reason::Held { .. } | Reason::HeldBySomebody));
    taken
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
    Ok(edit::change(path, key, value, &variable, machine)?)
}

/// Closes a file of ours that others can read and that may hold keys: what a service of one's own
/// finds in its environment. Other people's files stay as they are, and `doctor` names them.
pub(super) fn close(context: &Context, loaded: &Loaded) -> Result<(), Failure> {
    let path = &context.paths.config;
    let Ok(found) = fs::metadata(path) else {
        return Ok(());
    };
    let (mode, own) = (found.mode() & 0o7777, found.uid() == context.user.as_raw());
    if !own || mode & 0o077 == 0 || !loaded.settings.has_environment() {
        return Ok(());
    }
    let closed = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    closed.map_err(|e| {
        let what = format!("cannot close {} to other users", path.display());
        Failure::new(Exit::Failed, what).cause(e.to_string())
    })?;
    let path = path.display();
    tell(format!(
        "{path} had mode {mode:04o}, and a service's environment in it: it has 0600 now.\n"
    ));
    Ok(())
}

/// The value of a key as it stands in TOML.
pub(super) fn value<'a>(loaded: &'a Loaded, key: &str) -> &'a str {
    let row = loaded.rows.iter().find(|row| row.key == key);
    row.map_or("", |row| row.value.as_deref().unwrap_or(row.unset))
}

/// Sets one key, says what has changed by it, and has a daemon that runs take it up.
pub(super) fn set(context: &Context, key: &str, value: &str) -> Result<(), Failure> {
    let before = read(context, &[])?;
    let after = change(context, key, value)?;
    warn(&after);
    let changed = changes(&before, &after);
    if changed.is_empty() {
        return print(format!(
            "Nothing changes: {key} is {} ({}).\n",
            self::value(&after, key),
            after.origin(key)
        ));
    }
    print(changed.concat())?;
    match context.connect() {
        Ok(_) => reload::ask(context),
        Err(ClientError::NotRunning { .. }) => {
            print("ai-gateway is not running: this takes effect at its next start.\n")
        }
        Err(other) => Err(other.into()),
    }
}

/// Every key whose value is another one.
fn changes(before: &Loaded, after: &Loaded) -> Vec<String> {
    let rows = after.rows.iter();
    let lines = rows.filter_map(|row| {
        let (old, new) = (value(before, &row.key), value(after, &row.key));
        (old != new).then(|| format!("{}: {old} -> {new}\n", row.key))
    });
    lines.collect()
}
