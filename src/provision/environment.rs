//! The environment variables that set-up was started with, and the few that its children get.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

/// What set-up knows of its environment. It comes in as data, so that tests can say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// Passed on as they are: where the network and the caches are.
const PASSED: [&str; 22] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NETRC",
];

/// Indexes, mirrors and certificates of the three package managers.
const PASSED_PREFIXES: [&str; 4] = ["PIP_", "UV_", "NPM_CONFIG_", "npm_config_"];

/// Of those, the ones that would put packages elsewhere or take other ones than the lock's.
const HELD_BACK: [&str; 19] = [
    "PIP_CONSTRAINT",
    "PIP_PREFIX",
    "PIP_REQUIREMENT",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "UV_CONSTRAINT",
    "UV_EXCLUDE_NEWER",
    "UV_OVERRIDE",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIRECTORY",
    "NPM_CONFIG_GLOBAL",
    "npm_config_global",
    "NPM_CONFIG_PREFIX",
    "npm_config_prefix",
];

/// Where distributions put programs that PATH may lack.
const ALSO: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"];

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// These variables and no other.
    pub fn new<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        Self(variables.map(|(n, v)| (n.into(), v.into())).collect())
    }

    /// The value of a variable that is neither missing nor empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// The folders of PATH, absolute ones only, and nothing else.
    pub fn path(&self) -> Vec<PathBuf> {
        std::env::split_paths(OsStr::new(self.get("PATH").unwrap_or_default()))
            .filter(|folder| folder.is_absolute())
            .collect()
    }

    /// A program on PATH or where distributions put them.
    pub(super) fn find(&self, program: &str) -> Option<PathBuf> {
        self.all(program).into_iter().next()
    }

    /// Each program of that name, the first one first.
    pub(super) fn all(&self, program: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in self.path().into_iter().chain(ALSO.map(PathBuf::from)) {
            let path = folder.join(program);
            if !found.contains(&path) && is_program(&path) {
                found.push(path);
            }
        }
        found
    }

    /// What the programs that set-up runs get: no more than they need. `home` stands in for a home
    /// that is missing or closed to us, as that of a service's user may be.
    pub(super) fn for_children(&self, home: &Path) -> BTreeMap<String, String> {
        let passed = |name: &str| {
            let listed =
                PASSED.contains(&name) || PASSED_PREFIXES.iter().any(|p| name.starts_with(p));
            listed && !HELD_BACK.contains(&name)
        };
        let mut variables: BTreeMap<_, _> = self
            .0
            .iter()
            .filter(|(name, _)| passed(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let writable = |home: &&str| access(*home, AccessFlags::W_OK).is_ok();
        let home = self
            .get("HOME")
            .filter(writable)
            .map_or_else(|| home.display().to_string(), str::to_owned);
        variables.insert("HOME".into(), home);
        variables.insert("LANG".into(), "C.UTF-8".into());
        let folders = self.path().into_iter().chain(ALSO.map(PathBuf::from));
        let path = std::env::join_paths(folders).unwrap_or_default();
        variables.insert("PATH".into(), path.to_string_lossy().into_owned());
        variables
    }
}

/// A file that somebody may execute.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_get_mirrors_and_proxies_but_nothing_that_moves_packages() {
        let environment = Environment::new([
            ("PATH", "/a:relative:/b"),
            ("HOME", "/home/a"),
            ("https_proxy", "http://p"),
            ("PIP_INDEX_URL", "http://m"),
            ("PIP_TARGET", "/elsewhere"),
            ("UV_PYTHON", "3.9"),
            ("npm_config_registry", "http://n"),
            ("LITELLM_MASTER_KEY", "sk-x"),
            ("PYTHONPATH", "/evil"),
        ]);
        let children = environment.for_children(Path::new("/none"));
        let names: Vec<_> = children.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "HOME",
                "LANG",
                "PATH",
                "PIP_INDEX_URL",
                "https_proxy",
                "npm_config_registry"
            ]
        );
        assert!(children["PATH"].starts_with("/a:/b:/usr/local/bin"));
    }

    #[test]
    fn a_missing_home_is_stood_in_for() {
        for there in [
            Environment::default(),
            Environment::new([("HOME", "/nonexistent")]),
        ] {
            assert_eq!(there.for_children(Path::new("/state"))["HOME"], "/state");
        }
        let real = tempfile::tempdir().unwrap();
        let home = real.path().display().to_string();
        let there = Environment::new([("HOME", home.as_str())]);
        assert_eq!(there.for_children(Path::new("/state"))["HOME"], home);
    }
}
