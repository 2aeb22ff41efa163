//! What the processes of all services have in common: the parts that specifications are made of.

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use supervise::spec::{EnvValue, RestartMode, RestartPolicy, StopStep};

/// How many connections are to be able to wait at each listening socket while its service restarts: the
/// kernel's own default since Linux 5.4, and no fewer than nginx has to LiteLLM.
pub const QUEUE: u32 = 4096;

/// What every process gets. `path` goes before the system's folders.
pub(super) fn environment(home: &Path, path: &[&Path]) -> BTreeMap<String, EnvValue> {
    let own = path.iter().map(|folder| folder.display().to_string());
    let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(str::to_owned);
    let path: Vec<String> = own.chain(system).collect();
    BTreeMap::from([
        plain("PATH", path.join(":")),
        plain("HOME", home.display()),
        plain("LANG", "C.UTF-8"),
    ])
}

pub(super) fn plain(name: &str, value: impl fmt::Display) -> (String, EnvValue) {
    (name.to_owned(), EnvValue::Plain(value.to_string()))
}

pub(super) fn secret(name: &str, value: impl Into<String>) -> (String, EnvValue) {
    (name.to_owned(), EnvValue::Secret(value.into()))
}

/// For services that must always be there.
pub(super) fn always(stable: Duration) -> RestartPolicy {
    RestartPolicy {
        mode: RestartMode::Always,
        base: Duration::from_secs(1),
        cap: Duration::from_secs(60),
        burst: 10,
        stable,
    }
}

/// A signal, and how long to wait for the end of the service after it.
pub(super) const fn signal(signal: i32, seconds: u64) -> StopStep {
    StopStep::Signal {
        signal,
        timeout: Duration::from_secs(seconds),
    }
}

/// `text` with everything that means something in a URL escaped.
pub(super) fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
        url
    })
}
