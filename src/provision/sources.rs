//! Where packages come from, and nothing else, of what the package managers were told.
//!
//! pip, uv and npm read files and variables in which a person names a company's mirror, and in which
//! one stray line (`dry-run`, `target`, `no-deps`) makes an installation that is none. So they get a
//! home of set-up's own and none of those files, and from here the settings that say where packages
//! come from and how to get there: indexes, credentials, proxies, certificates, timeouts. What is
//! not listed here does not get through. Which package is installed is the locks' to say: each has
//! its hash there.
//!
//! Pure but for [`Sources::of`], which reads.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use super::environment::Environment;
use crate::fs::regular;

/// pip's options that get through, as its files spell them. Of its variables the same.
const PIP: [&str; 13] = [
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "keyring-provider",
    "no-index",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
];

/// uv's keys that get through, at the top and in `[pip]`.
const UV: [&str; 12] = [
    "allow-insecure-host",
    "extra-index-url",
    "find-links",
    "http-proxy",
    "https-proxy",
    "index",
    "index-strategy",
    "index-url",
    "keyring-provider",
    "native-tls",
    "no-proxy",
    "python-install-mirror",
];

/// uv's variables that get through. Its cache is not among them: what lies there unpacked was
/// checked by whoever put it there.
const UV_VARIABLES: [&str; 19] = [
    "UV_CONCURRENT_DOWNLOADS",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_CONNECT_TIMEOUT",
    "UV_HTTP_RETRIES",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_LOCK_TIMEOUT",
    "UV_NATIVE_TLS",
    "UV_NO_PROGRESS",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
];

/// npm's keys that get through, beside those of one registry (`//host/:_authToken`) and of one
/// scope (`@scope:registry`). Its cache is kept by the hash of what is in it.
const NPM: [&str; 18] = [
    "ca",
    "ca[]",
    "cache",
    "cafile",
    "cert",
    "fetch-retries",
    "fetch-retry-factor",
    "fetch-retry-maxtimeout",
    "fetch-retry-mintimeout",
    "fetch-timeout",
    "https-proxy",
    "key",
    "maxsockets",
    "noproxy",
    "proxy",
    "registry",
    "replace-registry-host",
    "strict-ssl",
];

/// What of a registry gets through.
const NPM_OF_HOST: [&str; 7] = [
    "_auth",
    "_authToken",
    "_password",
    "cafile",
    "certfile",
    "keyfile",
    "username",
];

/// What set-up tells the package managers of where packages come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    /// The variables that pip, uv and npm read.
    pub(crate) variables: BTreeMap<String, String>,
    /// The contents of the file that uv reads.
    pub(crate) uv_toml: String,
    /// The contents of the file that npm reads.
    pub(crate) npmrc: String,
}

impl Sources {
    /// Reads what the person who runs set-up has told them.
    pub(crate) fn of(environment: &Environment) -> Self {
        let read = |paths: Vec<PathBuf>| -> Vec<String> {
            let texts = paths.into_iter().map(|path| regular::text(&path));
            texts.filter_map(Result::ok).collect()
        };
        let mut variables = pip(&read(pip_files(environment)));
        variables.extend(variables_of(environment));
        Self {
            variables,
            uv_toml: uv(&read(uv_files(environment))),
            npmrc: npm(&read(npm_files(environment)), &|name| {
                environment.get(name).map(str::to_owned)
            }),
        }
    }
}

fn in_home(environment: &Environment, path: &str) -> Option<PathBuf> {
    Some(PathBuf::from(environment.get("HOME")?).join(path))
}

fn in_config(environment: &Environment, path: &str) -> Option<PathBuf> {
    match environment.get("XDG_CONFIG_HOME") {
        Some(folder) => Some(PathBuf::from(folder).join(path)),
        None => in_home(environment, &format!(".config/{path}")),
    }
}

fn in_system(environment: &Environment, path: &str) -> Vec<PathBuf> {
    let folders = environment.get("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg");
    let folders = std::env::split_paths(folders);
    folders.map(|folder| folder.join(path)).collect()
}

/// The weakest first.
fn pip_files(environment: &Environment) -> Vec<PathBuf> {
    let named = environment.get("PIP_CONFIG_FILE");
    if named == Some("/dev/null") {
        return Vec::new();
    }
    let mut files = in_system(environment, "pip/pip.conf");
    files.push("/etc/pip.conf".into());
    match named {
        Some(named) => files.push(named.into()),
        None => {
            files.extend(in_home(environment, ".pip/pip.conf"));
            files.extend(in_config(environment, "pip/pip.conf"));
        }
    }
    files
}

/// The weakest first.
fn uv_files(environment: &Environment) -> Vec<PathBuf> {
    if environment.get("UV_NO_CONFIG").is_some() {
        return Vec::new();
    }
    if let Some(named) = environment.get("UV_CONFIG_FILE") {
        return vec![named.into()];
    }
    let mut files = vec![PathBuf::from("/etc/uv/uv.toml")];
    files.extend(in_system(environment, "uv/uv.toml"));
    files.extend(in_config(environment, "uv/uv.toml"));
    files
}

/// The weakest first.
fn npm_files(environment: &Environment) -> Vec<PathBuf> {
    let named = |upper, lower| environment.get(lower).or_else(|| environment.get(upper));
    let global = match named("NPM_CONFIG_GLOBALCONFIG", "npm_config_globalconfig") {
        Some(named) => vec![named.into()],
        None => ["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc"]
            .map(PathBuf::from)
            .to_vec(),
    };
    let user = match named("NPM_CONFIG_USERCONFIG", "npm_config_userconfig") {
        Some(named) => Some(named.into()),
        None => in_home(environment, ".npmrc"),
    };
    global.into_iter().chain(user).collect()
}

/// Of the variables those that say where packages come from.
fn variables_of(environment: &Environment) -> BTreeMap<String, String> {
    let variables = environment.all_variables().filter(|(name, _)| {
        let pip = name.strip_prefix("PIP_").map(dashed);
        let npm = name
            .strip_prefix("npm_config_")
            .or_else(|| name.strip_prefix("NPM_CONFIG_"));
        // Credentials of an index that has a name.
        let of_index = name.starts_with("UV_INDEX_")
            && (name.ends_with("_USERNAME") || name.ends_with("_PASSWORD"));
        UV_VARIABLES.contains(name)
            || of_index
            || pip.is_some_and(|option| PIP.contains(&option.as_str()))
            || npm.is_some_and(|key| npm_key(&dashed_but_hosts(key)))
    });
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn dashed(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn dashed_but_hosts(name: &str) -> String {
    if name.starts_with("//") || name.starts_with('@') {
        name.to_owned()
    } else {
        dashed(name)
    }
}

/// The variables for pip that say what its files said; a later file is stronger than one before it,
/// and `[install]` stronger than `[global]`.
fn pip(files: &[String]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for section in ["global", "install"] {
        for text in files {
            for (at, key, value) in ini(text) {
                let key = key.replace('_', "-");
                if at == section && PIP.contains(&key.as_str()) {
                    let name = format!("PIP_{}", key.to_ascii_uppercase().replace('-', "_"));
                    found.insert(name, value);
                }
            }
        }
    }
    found
}

/// Sections, keys and values as Python's configparser has them.
fn ini(text: &str) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    let mut section = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some((_, _, value)) = found.last_mut()
        {
            // Lists go on in lines that are indented; in a variable blanks divide them.
            let _infallible = write!(value, " {trimmed}");
        } else if let Some(name) = trimmed.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, value)) = trimmed.split_once(['=', ':']) {
            let key = key.trim().to_ascii_lowercase();
            found.push((section.clone(), key, value.trim().to_owned()));
        }
    }
    for (_, _, value) in &mut found {
        let trimmed = value.trim().to_owned();
        *value = trimmed;
    }
    found
}

/// uv's file with the keys of all that get through; a list is what the stronger file says and then
/// the weaker one's, as uv does it.
fn uv(files: &[String]) -> String {
    let mut merged = toml::Table::new();
    for text in files {
        // One that uv would refuse names nothing.
        let Ok(mut table) = text.parse::<toml::Table>() else {
            continue;
        };
        let pip = match table.remove("pip") {
            Some(toml::Value::Table(pip)) => pip,
            _ => toml::Table::new(),
        };
        for (key, value) in table.into_iter().chain(pip) {
            if !UV.contains(&key.as_str()) {
                continue;
            }
            match (merged.get_mut(&key), value) {
                (Some(toml::Value::Array(weaker)), toml::Value::Array(mut stronger)) => {
                    stronger.append(weaker);
                    *weaker = stronger;
                }
                (_, value) => {
                    merged.insert(key, value);
                }
            }
        }
    }
    merged.to_string()
}

/// npm's file with the keys of all that get through. Of two values of a key npm takes the later.
fn npm(files: &[String], variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut kept = String::new();
    for line in files.iter().flat_map(|text| text.lines()) {
        if let Some((key, value)) = line.split_once('=')
            && npm_key(key.trim())
        {
            let _infallible = writeln!(kept, "{}={}", key.trim(), expanded(value.trim(), variable));
        }
    }
    kept
}

fn npm_key(key: &str) -> bool {
    if let Some(rest) = key.strip_prefix("//") {
        let last = rest.rsplit_once(':').map(|(_, last)| last);
        return last.is_some_and(|last| NPM_OF_HOST.contains(&last));
    }
    if key.starts_with('@') {
        return key.ends_with(":registry");
    }
    NPM.contains(&key)
}

/// With each `${NAME}` replaced: npm itself gets none of those variables.
fn expanded(value: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut rest = value;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, end)) = after.split_once('}') else {
            break;
        };
        let optional = name.strip_suffix('?');
        text += before;
        match variable(optional.unwrap_or(name)) {
            Some(value) => text += &value,
            None if optional.is_some() => {}
            None => text += &format!("${{{name}}}"),
        }
        rest = end;
    }
    text + rest
}

#[cfg(test)]
mod tests;
