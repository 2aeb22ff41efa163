//! A `config.yaml` of the user's own: read, checked, and what of it the gateway decides.
//!
//! LiteLLM reads the file where it lies (`python/in_litellm/gateway_config.py`), so includes and Python files
//! beside it are found. Here the same files are read first, so that a mistake is shown before anything restarts,
//! and a change of one of them restarts LiteLLM.
//!
//! Reading is in [`read`]; what comes of the texts is decided by pure functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use yaml_rust2::{Yaml, YamlLoader};

use super::{
    SERVICE,
    configuration::{DECIDES, LEFT_OUT},
    settings::{CONFIG, DECIDED},
};
use crate::{
    config::settings::{OwnFiles, Settings},
    fs::regular,
    secrets::own::{OwnName, OwnSecrets},
    services::{
        own_environment::decided,
        own_files::{OwnFileError, Read},
    },
};

/// What a value begins with that LiteLLM takes from its environment.
const FROM_ENVIRONMENT: &str = "os.environ/";

/// More Python files than this beside a configuration are no hooks of LiteLLM's.
const MODULES_MAX: usize = 100;

/// Reads the configuration that these settings name, with all that it includes. `None` if they name none.
///
/// # Errors
/// The first file that cannot be read or is no configuration, or a variable that nobody gives.
pub(super) fn read(settings: &Settings, own: &OwnSecrets) -> Result<Option<Read>, OwnFileError> {
    let Some(path) = settings.values.path(CONFIG) else {
        return Ok(None);
    };
    let mut texts = BTreeMap::new();
    let found = with_includes(&path, &mut texts)?;
    for module in modules(&path) {
        let text = text(&module)?;
        texts.insert(module, text);
    }
    let given = settings.environments.get(&SERVICE.service_name());
    let mut variables = BTreeMap::new();
    for name in named(&found) {
        let is_given =
            given.is_some_and(|given| given.0.contains_key(&name)) || sets(&found).contains(&name);
        if is_given || decided(&name, &DECIDED).is_some() {
            continue;
        }
        let secret = OwnName::new(&name).ok();
        let secret = secret.and_then(|secret| own.read(&secret, CONFIG).ok());
        let Some(secret) = secret else {
            return Err(OwnFileError::Variable { path, name });
        };
        variables.insert(name, secret.expose().to_owned());
    }
    Ok(Some(Read {
        warnings: overridden(&path, &found),
        files: OwnFiles { texts },
        variables,
    }))
}

/// The file and what it includes, one after the other.
fn with_includes(
    path: &Path,
    texts: &mut BTreeMap<PathBuf, String>,
) -> Result<Vec<Yaml>, OwnFileError> {
    let mut todo = vec![path.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = todo.pop() {
        if texts.contains_key(&path) {
            continue;
        }
        let text = text(&path)?;
        let table = parse(&path, &text)?;
        todo.extend(includes(&path, &table));
        texts.insert(path, text);
        found.push(table);
    }
    Ok(found)
}

fn text(path: &Path) -> Result<String, OwnFileError> {
    regular::text(path).map_err(|source| OwnFileError::Read {
        key: CONFIG,
        path: path.to_owned(),
        source,
    })
}

/// The table that a text is. An empty one is a table without entries.
fn parse(path: &Path, text: &str) -> Result<Yaml, OwnFileError> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| OwnFileError::Syntax {
        path: path.to_owned(),
        line: error.marker().line(),
        column: error.marker().col() + 1,
        what: error.info().to_owned(),
    })?;
    match documents.into_iter().next() {
        Some(table @ Yaml::Hash(_)) => Ok(table),
        None | Some(Yaml::Null) => Ok(Yaml::Hash(yaml_rust2::yaml::Hash::new())),
        Some(_) => Err(OwnFileError::NoTable {
            path: path.to_owned(),
        }),
    }
}

/// As LiteLLM finds them: beside the file.
fn includes(path: &Path, table: &Yaml) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let all = table["include"].as_vec().into_iter().flatten();
    let names = all.filter_map(Yaml::as_str);
    names.map(|name| folder.join(name)).collect()
}

/// The Python files beside it, where LiteLLM looks for callbacks. A folder that cannot be listed has none.
fn modules(path: &Path) -> Vec<PathBuf> {
    let listed = path.parent().map(fs::read_dir);
    let entries = listed.into_iter().flatten().flatten().flatten();
    let paths = entries.map(|entry: fs::DirEntry| entry.path());
    let python =
        paths.filter(|path| path.extension().is_some_and(|of| of == "py") && path.is_file());
    let mut all: Vec<_> = python.take(MODULES_MAX).collect();
    all.sort();
    all
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

/// The variables that the files set and the gateway decides.
pub(super) fn decided_variables(files: &OwnFiles) -> Vec<String> {
    let tables = files
        .texts
        .iter()
        .filter_map(|(path, text)| parse(path, text).ok());
    let names = sets(&tables.collect::<Vec<_>>()).into_iter();
    names
        .filter(|name| decided(name, &DECIDED).is_some())
        .collect()
}

/// What the files say and the gateway decides, a sentence for each.
fn overridden(path: &Path, found: &[Yaml]) -> Vec<String> {
    let path = path.display();
    let keys = DECIDES.iter().chain(&LEFT_OUT);
    let keys = keys.filter(|(section, key, _)| {
        found
            .iter()
            .any(|table| !table[*section][*key].is_badvalue())
    });
    let keys =
        keys.map(|(section, key, why)| format!("{section}.{key} in {path} has no effect: {why}"));
    let names = sets(found).into_iter();
    let variables = names.filter_map(|name| {
        let why = decided(&name, &DECIDED)?;
        Some(format!(
            "environment_variables.{name} in {path} has no effect: {why}"
        ))
    });
    keys.chain(variables).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Yaml {
        parse(Path::new("/c.yaml"), text).unwrap()
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let text = "model_list:\n  - model_name: a\n    litellm_params: {model: b\n";
        let error = parse(Path::new("/c.yaml"), text).unwrap_err().to_string();
        assert!(error.starts_with("/c.yaml:4:1: "), "{error}");
        let error = parse(Path::new("/c.yaml"), "- a\n")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/c.yaml is no table of keys"), "{error}");
        assert_eq!(of("# nothing\n"), of("{}"));
    }

    #[test]
    fn the_variables_that_are_named_anywhere_are_found() {
        let found = [of(
            "model_list: [{litellm_params: {api_key: os.environ/A, x: [os.environ/B]}}]\n\
             environment_variables: {C: os.environ/D, E: x}",
        )];
        assert_eq!(
            named(&found).into_iter().collect::<Vec<_>>(),
            ["A", "B", "D"]
        );
        assert_eq!(sets(&found).into_iter().collect::<Vec<_>>(), ["C", "E"]);
    }

    #[test]
    fn what_the_gateway_decides_is_named_once_with_the_reason() {
        let found = [of(
            "litellm_settings: {max_budget: 5, telemetry: true}\ngeneral_settings: {master_key: x}\n\
             environment_variables: {DATABASE_URL: x, GROQ_API_KEY: y}",
        )];
        let told = overridden(Path::new("/c.yaml"), &found);
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(
            told[0],
            "litellm_settings.max_budget in /c.yaml has no effect: the key budget decides it"
        );
        assert!(
            told[1].starts_with("general_settings.master_key in /c.yaml"),
            "{told:?}"
        );
        assert!(
            told[2].starts_with("environment_variables.DATABASE_URL"),
            "{told:?}"
        );
    }

    #[test]
    fn a_file_that_includes_itself_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        fs::write(&path, "include: [c.yaml, m.yaml]\n").unwrap();
        fs::write(folder.path().join("m.yaml"), "model_list: []\n").unwrap();
        let mut texts = BTreeMap::new();
        assert_eq!(with_includes(&path, &mut texts).unwrap().len(), 2);
        fs::write(&path, "include: [none.yaml]\n").unwrap();
        let error = with_includes(&path, &mut BTreeMap::new())
            .unwrap_err()
            .to_string();
        assert!(error.contains("none.yaml"), "{error}");
    }
}
