//! The environment variables that set-up was started with, and the few that its children get.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use crate::base_environment::{self, SYSTEM_FOLDERS};

/// What set-up knows of its environment. It comes in as data, so that tests can say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// Passed on as they are: how the network is reached, and who we are. Nothing that changes what a
/// program does; [`super::sources`] knows where packages come from.
const PASSED: [&str; 18] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NETRC",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "USER",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

impl Environment {
    /// Returns the environment of this process.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// Makes an environment of these variables and no others.
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

    /// Returns the folders of PATH that are absolute.
    pub fn path(&self) -> Vec<PathBuf> {
        std::env::split_paths(OsStr::new(self.get("PATH").unwrap_or_default()))
            .filter(|folder| folder.is_absolute())
            .collect()
    }

    /// The folders of PATH, and then those where distributions put programs that it may lack.
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let also = SYSTEM_FOLDERS.into_iter().chain(["/usr/sbin"]);
        self.path().into_iter().chain(also.map(PathBuf::from))
    }

    /// Every program of that name on PATH and where distributions put them, the first one first.
    pub(crate) fn all(&self, program: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in self.folders() {
            let path = folder.join(program);
            if !found.contains(&path) && is_program(&path) {
                found.push(path);
            }
        }
        found
    }

    /// Returns all variables.
    pub(crate) fn all_variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let set = self.0.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The home of whoever runs set-up, unless it is missing or closed to us, as that of a
    /// service's user may be.
    pub(crate) fn writable_home(&self) -> Option<PathBuf> {
        let home = self.get("HOME")?;
        access(home, AccessFlags::W_OK).ok()?;
        Some(home.into())
    }

    /// What the programs that set-up runs get: no more than they need, and `home` in the place of
    /// one in which there may be files for them.
    pub(crate) fn for_children(&self, home: &Path) -> BTreeMap<String, String> {
        let mut variables = self.with_home(home);
        if let Some(netrc) = self.netrc() {
            variables.insert("NETRC".into(), netrc);
        }
        variables
    }

    /// What a program gets that is only asked what it is: a version manager's shim looks for the
    /// program itself below the home.
    pub(crate) fn for_looking(&self, home: &Path) -> BTreeMap<String, String> {
        let own = self.writable_home();
        self.with_home(own.as_deref().unwrap_or(home))
    }

    fn with_home(&self, home: &Path) -> BTreeMap<String, String> {
        let passed = |(name, value): (&str, &str)| {
            let listed = PASSED.contains(&name);
            listed.then(|| (name.to_owned(), value.to_owned()))
        };
        let mut variables = base_environment::variables(self.folders(), home);
        variables.extend(self.all_variables().filter_map(passed));
        variables
    }

    /// The credentials of indexes where programs look for them below the home.
    fn netrc(&self) -> Option<String> {
        let default = || {
            let file = Path::new(self.get("HOME")?).join(".netrc");
            file.is_file().then(|| file.display().to_string())
        };
        self.get("NETRC").map(str::to_owned).or_else(default)
    }
}

/// Returns whether there is a file that we may execute.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_get_proxies_and_certificates_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".netrc"), "").unwrap();
        let environment = Environment::new([
            ("PATH", "/a:relative:/b"),
            ("HOME", home.path().to_str().unwrap()),
            ("https_proxy", "http://p"),
            ("SSL_CERT_FILE", "/ca"),
            ("PIP_INDEX_URL", "http://m"),
            ("UV_PYTHON", "3.9"),
            ("PROVIDER_KEY", "sk-x"),
            ("PYTHONPATH", "/evil"),
            ("LD_PRELOAD", "/evil"),
        ]);
        let children = environment.for_children(Path::new("/none"));
        let names: Vec<_> = children.keys().map(String::as_str).collect();
        let wanted = [
            "HOME",
            "LANG",
            "NETRC",
            "PATH",
            "SSL_CERT_FILE",
            "https_proxy",
        ];
        assert_eq!(names, wanted);
        assert!(children["PATH"].starts_with("/a:/b:/usr/local/bin"));
        assert_eq!(children["HOME"], "/none");
    }

    #[test]
    fn a_missing_home_is_stood_in_for() {
        for there in [
            Environment::default(),
            Environment::new([("HOME", "/nonexistent")]),
        ] {
            assert_eq!(there.for_looking(Path::new("/state"))["HOME"], "/state");
        }
        let real = tempfile::tempdir().unwrap();
        let home = real.path().display().to_string();
        let there = Environment::new([("HOME", home.as_str())]);
        assert_eq!(there.for_looking(Path::new("/state"))["HOME"], home);
    }
}
