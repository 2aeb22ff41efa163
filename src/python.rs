//! The Python of this program, embedded from `python/`: what runs inside LiteLLM and Open WebUI, and
//! what set-up and some commands have a Python run.
//!
//! A service's modules are written flat into its folder of rendered files, where they import each
//! other by their plain names. `python/tests` tests them on the locked packages. The only place that
//! embeds Python; a test of ours keeps the lists in step with the folder. Called by whoever makes a
//! service's files or runs a script.

/// One module: the name of its file, and all of it.
pub(crate) type Module = (&'static str, &'static str);

macro_rules! contents {
    ($folder:literal, $name:literal) => {
        include_str!(concat!("../python/", $folder, "/", $name))
    };
}

macro_rules! modules {
    ($folder:literal: $($name:literal)+) => {
        &[$(($name, contents!($folder, $name))),+]
    };
}

/// What runs in both services.
pub(crate) const IN_BOTH: &[Module] = modules!("in_both":
    "diet.py"
    "diet_imports.py"
    "diet_models.py"
    "gateway_log.py"
);

/// What runs in LiteLLM alone.
pub(crate) const IN_LITELLM: &[Module] = modules!("in_litellm":
    "admin_account.py"
    "admin_budget.py"
    "database_client.py"
    "demo_model.py"
    "diet_litellm.py"
    "engine_environment.py"
    "engine_patience.py"
    "engine_socket.py"
    "gateway_app.py"
    "gateway_drain.py"
    "gateway_server.py"
    "model_prices.py"
    "model_spend.py"
    "own_tables.py"
    "spend_commit.py"
    "spend_file.py"
    "spend_hooks.py"
    "spend_journal.py"
    "uncompressed.py"
);

/// What runs in Open WebUI alone.
pub(crate) const IN_OPEN_WEBUI: &[Module] = modules!("in_open_webui":
    "diet_indexes.py"
    "diet_open_webui.py"
    "first_account.py"
    "webui_app.py"
);

/// The diet's own module, which set-up has executed before `COMPILE_LITELLM`.
pub(crate) const DIET: &str = contents!("in_both", "diet.py");
/// As a program it lets Open WebUI migrate and makes its first account.
pub(crate) const FIRST_ACCOUNT: &str = contents!("in_open_webui", "first_account.py");

/// Lets Python keep the bytecode of what LiteLLM's start imports.
pub(crate) const COMPILE_LITELLM: &str = contents!("commands", "compile_litellm.py");
/// Fetches a file.
pub(crate) const DOWNLOAD: &str = contents!("commands", "download.py");
/// Prints what an interpreter is, for any version of Python 3.
pub(crate) const INTERPRETER: &str = contents!("commands", "interpreter.py");
/// Prints LiteLLM's views, for psql.
pub(crate) const LITELLM_VIEWS: &str = contents!("commands", "litellm_views.py");
/// Prints the hash that Open WebUI has of a password.
pub(crate) const PASSWORD_HASH: &str = contents!("commands", "password_hash.py");

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    #[test]
    fn every_module_is_embedded_once() {
        let commands = [
            COMPILE_LITELLM,
            DOWNLOAD,
            INTERPRETER,
            LITELLM_VIEWS,
            PASSWORD_HASH,
        ];
        let mut embedded = BTreeMap::new();
        let modules = [IN_BOTH, IN_LITELLM, IN_OPEN_WEBUI].concat();
        for contents in modules.iter().map(|module| module.1).chain(commands) {
            *embedded.entry(contents).or_insert(0) += 1;
        }
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        for folder in folders(&base) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|kind| kind == "py") {
                    let contents = fs::read_to_string(&path).unwrap();
                    let times = embedded.remove(contents.as_str()).unwrap_or(0);
                    let path = path.display();
                    assert_eq!(times, 1, "src/python.rs is not in step with {path}");
                }
            }
        }
        assert!(embedded.is_empty(), "{:?}", embedded.keys());
    }

    /// Those that have something to embed: all but the tests.
    fn folders(base: &Path) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(base).unwrap();
        let folders = entries.map(|entry| entry.unwrap().path());
        folders
            .filter(|path| path.is_dir() && !path.ends_with("tests"))
            .collect()
    }

    #[test]
    fn no_service_has_two_modules_of_one_name() {
        for own in [IN_LITELLM, IN_OPEN_WEBUI] {
            let mut names: Vec<_> = own.iter().chain(IN_BOTH).map(|module| module.0).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        }
    }
}
