//! The folder of what set-up needs for a while: temporary files of all that it runs, the home that
//! they see, uv's cache, and the settings of the package managers.
//!
//! It is within the state, so a set-up that was cut off leaves nothing elsewhere, and the next one
//! removes what it left.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    environment::Environment,
    error::SetupError,
    folders::{make_folder, remove, write_durably},
    sources::Sources,
};

/// Removed at its end.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder anew. The caller has the lock of set-up, and nothing of an earlier set-up runs.
    pub(crate) fn make(state: &Path) -> Result<Self, SetupError> {
        let folder = state.join("setup-tmp");
        remove(&folder)?;
        for part in ["home", "tmp", "uv"] {
            make_folder(&folder.join(part))?;
        }
        Ok(Self(folder))
    }

    /// Returns the environment of the programs that set-up runs.
    pub(crate) fn variables(
        &self,
        environment: &Environment,
    ) -> Result<BTreeMap<String, String>, SetupError> {
        let sources = Sources::of(environment);
        let (uv_toml, npmrc) = (self.0.join("uv.toml"), self.0.join("npmrc"));
        let none = self.0.join("npmrc.none");
        // Credentials may be in them.
        write_durably(&uv_toml, sources.uv_toml.as_bytes(), 0o600)?;
        write_durably(&npmrc, sources.npmrc.as_bytes(), 0o600)?;
        let mut variables = environment.for_children(&self.0.join("home"));
        variables.extend(caches(environment));
        variables.extend(sources.variables);
        let text = |path: &Path| path.display().to_string();
        let ours = [
            ("TMPDIR", text(&self.0.join("tmp"))),
            ("PIP_CONFIG_FILE", "/dev/null".to_owned()),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1".to_owned()),
            ("UV_CONFIG_FILE", text(&uv_toml)),
            ("UV_CACHE_DIR", text(&self.0.join("uv"))),
            ("npm_config_userconfig", text(&npmrc)),
            ("npm_config_globalconfig", text(&none)),
        ];
        variables.extend(ours.map(|(name, value)| (name.to_owned(), value)));
        Ok(variables)
    }
}

/// The caches of pip and npm, which compare what they take from there with the lock's hash, stay
/// where the person who runs set-up has them.
fn caches(environment: &Environment) -> BTreeMap<String, String> {
    let home = environment.writable_home();
    let of = |name: &str, set: Option<&str>, rest: &str| {
        let folder = match set {
            Some(folder) => PathBuf::from(folder),
            None => home.as_ref()?.join(rest),
        };
        Some((name.to_owned(), folder.display().to_string()))
    };
    let cache = environment.get("XDG_CACHE_HOME");
    [
        of("XDG_CACHE_HOME", cache, ".cache"),
        of("npm_config_cache", None, ".npm"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now, the next set-up removes, or says why not.
        let _left = remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_an_earlier_one_left_is_removed_and_nothing_is_left_at_the_end() {
        let state = tempfile::tempdir().unwrap();
        let left = state.path().join("setup-tmp/tmp/pip-unpack-x/deep");
        fs::create_dir_all(&left).unwrap();
        let scratch = Scratch::make(state.path()).unwrap();
        assert!(!left.exists() && state.path().join("setup-tmp/tmp").is_dir());
        drop(scratch);
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_run_sees_a_home_and_settings_of_ours() {
        let state = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        fs::write(
            home.path().join(".npmrc"),
            "dry-run=true\nregistry=https://r/\n",
        )
        .unwrap();
        let scratch = Scratch::make(state.path()).unwrap();
        let environment = Environment::new([
            ("HOME", home.path().to_str().unwrap()),
            ("TMPDIR", "/elsewhere"),
            ("XDG_CONFIG_HOME", "/elsewhere"),
            ("UV_CACHE_DIR", "/elsewhere"),
            ("PGHOST", "/elsewhere"),
            ("LD_PRELOAD", "/elsewhere"),
            ("NODE_OPTIONS", "--require=/elsewhere"),
            ("PYTHONPATH", "/elsewhere"),
        ]);
        let variables = scratch.variables(&environment).unwrap();
        assert!(
            !variables.values().any(|value| value.contains("elsewhere")),
            "{variables:?}"
        );
        for name in ["HOME", "TMPDIR", "UV_CACHE_DIR", "UV_CONFIG_FILE"] {
            assert!(
                Path::new(&variables[name]).starts_with(state.path()),
                "{name}"
            );
        }
        let npmrc = fs::read_to_string(&variables["npm_config_userconfig"]).unwrap();
        assert!(npmrc.ends_with("registry=https://r/\n"), "{npmrc}");
        assert!(!npmrc.contains("dry-run"), "{npmrc}");
        let cache = home.path().join(".npm").display().to_string();
        assert_eq!(variables["npm_config_cache"], cache);
    }
}
