//! A `config.yaml` of the user's own: read, checked, and what of it the gateway decides.
//!
//! LiteLLM is told where the file lies, so that Python files beside it are found, and gets the texts that were checked
//! here (`python/in_litellm/gateway_config.py`). So a mistake is shown before anything restarts, and a file that was
//! changed since counts from the next reload on.
//!
//! Reading is in [`read`]; what comes of the texts is decided by pure functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use yaml_rust2::{Yaml, YamlLoader, yaml::Hash};

use super::{
    SERVICE,
    configuration::{DECIDES, LEFT_OUT},
    settings::{CONFIG, DECIDED},
};
use crate::{
    config::settings::{OwnFiles, Settings},
    fs::regular,
    secrets::own::{OwnName, OwnSecretError, OwnSecrets},
    services::{
        own_environment::decided,
        own_files::{OwnFileError, Read, Trusted},
    },
};

/// What a value begins with that LiteLLM takes from its environment.
const FROM_ENVIRONMENT: &str = "os.environ/";

/// More Python files than this below the folder of a configuration are no callbacks of LiteLLM's.
const MODULES_MAX: usize = 200;
/// A callback is named by its module, and each dot in that name is a folder.
const MODULE_DEPTH_MAX: usize = 4;

/// Reads the configuration that these settings name, with all that it includes. `None` if they name none.
///
/// # Errors
/// The first file that others could change, that cannot be read or is no configuration, or a variable that nobody
/// gives.
pub(super) fn read(
    settings: &Settings,
    own: &OwnSecrets,
    trusted: Trusted<'_>,
) -> Result<Option<Read>, OwnFileError> {
    let Some(root) = settings.values.path(CONFIG) else {
        return Ok(None);
    };
    let root = absolute(&root);
    let mut texts = BTreeMap::new();
    let found = with_includes(&root, trusted, &mut texts)?;
    let mut digests = BTreeMap::new();
    for module in modules(&root) {
        trusted(&module)?;
        let bytes = regular::bytes(&module).map_err(unreadable(&module))?;
        digests.insert(module, format!("{:x}", Sha256::digest(bytes)));
    }
    let variables = variables(settings, own, &root, &found)?;
    Ok(Some(Read {
        warnings: overridden(&root, &found),
        secrets: variables
            .keys()
            .filter_map(|name| OwnName::new(name).ok())
            .collect(),
        files: OwnFiles {
            root,
            texts,
            digests,
        },
        variables,
    }))
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> OwnFileError {
    move |source| OwnFileError::Read {
        key: CONFIG,
        path: path.to_owned(),
        source,
    }
}

/// The secrets by which variables are given that the files name and nobody else gives. With a key management system
/// LiteLLM asks that one first, so what is missing here need not be missing there.
fn variables(
    settings: &Settings,
    own: &OwnSecrets,
    root: &Path,
    found: &[Yaml],
) -> Result<BTreeMap<String, String>, OwnFileError> {
    let given = settings.environments.get(&SERVICE.service_name());
    let is_given = |name: &str| given.is_some_and(|given| given.0.contains_key(name));
    let managed = found.iter().any(|table| {
        table["general_settings"]["key_management_system"]
            .as_str()
            .is_some()
    });
    let mut variables = BTreeMap::new();
    for name in named(found) {
        if is_given(&name) || decided(&name, &DECIDED).is_some() {
            continue;
        }
        let missing = || OwnFileError::Variable {
            path: root.to_owned(),
            name: name.clone(),
        };
        let read = OwnName::new(&name).map(|secret| own.read(&secret, CONFIG));
        match read {
            Ok(Ok(secret)) => {
                variables.insert(name, secret.expose().to_owned());
            }
            Ok(Err(OwnSecretError::Missing { .. })) | Err(_) if managed => {}
            Ok(Err(OwnSecretError::Missing { .. })) | Err(_) => return Err(missing()),
            Ok(Err(other)) => return Err(other.into()),
        }
    }
    Ok(variables)
}

/// The file and what it includes, one after the other.
fn with_includes(
    root: &Path,
    trusted: Trusted<'_>,
    texts: &mut BTreeMap<PathBuf, String>,
) -> Result<Vec<Yaml>, OwnFileError> {
    let mut todo = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = todo.pop() {
        if texts.contains_key(&path) {
            continue;
        }
        // Before it is read: what others could write is not even parsed.
        trusted(&path)?;
        let text = regular::text(&path).map_err(unreadable(&path))?;
        let table = parse(&path, &text)?;
        todo.extend(includes(root, &path, &table)?);
        texts.insert(path, text);
        found.push(table);
    }
    Ok(found)
}

/// The table that a text is, with its merges done. An empty one is a table without entries.
fn parse(path: &Path, text: &str) -> Result<Yaml, OwnFileError> {
    let mut documents = YamlLoader::load_from_str(text).map_err(|error| OwnFileError::Syntax {
        path: path.to_owned(),
        line: error.marker().line(),
        column: error.marker().col() + 1,
        what: error.info().to_owned(),
    })?;
    let shape = |what| OwnFileError::Shape {
        path: path.to_owned(),
        what,
    };
    if documents.len() > 1 {
        return Err(shape("has more than one document"));
    }
    match documents.pop().map(without_merges) {
        Some(table @ Yaml::Hash(_)) => Ok(table),
        None | Some(Yaml::Null) => Ok(Yaml::Hash(Hash::new())),
        Some(_) => Err(shape("does not consist of keys with values")),
    }
}

/// `<<` brings the entries of another table, or of several, of which the first counts; those that are written out
/// count before them. LiteLLM's own reader does the same.
fn without_merges(value: Yaml) -> Yaml {
    match value {
        Yaml::Array(items) => Yaml::Array(items.into_iter().map(without_merges).collect()),
        Yaml::Hash(entries) => {
            let merge = Yaml::String("<<".to_owned());
            let mut found = Hash::new();
            let mut merged = Vec::new();
            for (key, value) in entries {
                match (key == merge, without_merges(value)) {
                    (true, Yaml::Array(tables)) => merged.extend(tables),
                    (true, table) => merged.push(table),
                    (false, value) => {
                        found.insert(key, value);
                    }
                }
            }
            for table in merged.into_iter().filter_map(Yaml::into_hash) {
                for (key, value) in table {
                    found.entry(key).or_insert(value);
                }
            }
            Yaml::Hash(found)
        }
        other => other,
    }
}

/// The files that a file includes, as LiteLLM finds them (`resolve_include_file_path`): beside the file, or beside the
/// first one if only that is there.
fn includes(root: &Path, path: &Path, table: &Yaml) -> Result<Vec<PathBuf>, OwnFileError> {
    let shape = || OwnFileError::Shape {
        path: path.to_owned(),
        what: "has an `include` that is no list of file names",
    };
    let listed = &table["include"];
    if listed.is_badvalue() || listed.is_null() {
        return Ok(Vec::new());
    }
    let beside =
        |file: &Path, name: &str| absolute(&file.parent().unwrap_or(Path::new("/")).join(name));
    let all = listed.as_vec().ok_or_else(shape)?.iter().map(|name| {
        let name = name.as_str().ok_or_else(shape)?;
        let (declared, first) = (beside(path, name), beside(root, name));
        Ok(if !declared.exists() && first.exists() {
            first
        } else {
            declared
        })
    });
    all.collect()
}

/// The path without `.` and `..`, by its text alone, as Python's `os.path.abspath` has it.
fn absolute(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

/// The Python files beside it and in the folders below, where LiteLLM looks for callbacks. A folder that cannot be
/// listed has none.
fn modules(root: &Path) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<_> = root
        .parent()
        .map(|folder| (folder.to_owned(), 0))
        .into_iter()
        .collect();
    while let Some((folder, depth)) = todo.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && depth < MODULE_DEPTH_MAX && !name.starts_with(['.', '_']) {
                todo.push((path, depth + 1));
            } else if path.extension().is_some_and(|of| of == "py") && path.is_file() {
                found.insert(path);
            }
        }
        if found.len() > MODULES_MAX {
            break;
        }
    }
    found.into_iter().take(MODULES_MAX).collect()
}

/// The variables that values are taken from.
fn named(found: &[Yaml]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut todo: Vec<&Yaml> = found.iter().collect();
    while let Some(value) = todo.pop() {
        match value {
            Yaml::String(text) => {
                names.extend(text.strip_prefix(FROM_ENVIRONMENT).map(str::to_owned));
            }
            Yaml::Array(items) => todo.extend(items),
            Yaml::Hash(entries) => todo.extend(entries.values()),
            _ => {}
        }
    }
    names
}

/// The variables that the files set themselves.
fn sets(found: &[Yaml]) -> BTreeSet<String> {
    let tables = found.iter().map(|table| &table["environment_variables"]);
    let entries = tables.filter_map(Yaml::as_hash).flatten();
    entries
        .filter_map(|(name, _)| name.as_str().map(str::to_owned))
        .collect()
}

/// What the files say and the gateway decides, a sentence for each.
fn overridden(root: &Path, found: &[Yaml]) -> Vec<String> {
    let root = root.display();
    let keys = DECIDES.iter().chain(&LEFT_OUT);
    let keys = keys.filter(|(section, key, _)| {
        found
            .iter()
            .any(|table| !table[*section][*key].is_badvalue())
    });
    let keys = keys.map(|(section, key, why)| {
        format!("{section}.{key} has no effect in {root} and what it includes: {why}")
    });
    let names = sets(found).into_iter();
    let variables = names.filter_map(|name| {
        let why = decided(&name, &DECIDED)?;
        Some(format!(
            "environment_variables.{name} has no effect in {root} and what it includes: {why}"
        ))
    });
    keys.chain(variables).collect()
}

#[cfg(test)]
mod tests;
