//! What the Python environments share: uv installs them from hash-locked requirements, wheels only, so
//! that nothing is executed while it is installed.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::provision::{
    command::Call,
    contents,
    error::SetupError,
    execution::Execution,
    folders::write_durably,
    model::{Packages, Payload},
    payload_folder,
    site_packages::site_packages,
};

/// Files that run in every Python of an environment, as Debian's own venv module puts them there.
pub(crate) const EXPECTED_PTH: [&str; 1] = ["distutils-precedence.pth"];

/// Installs what the lock names into a new environment, and returns the digest of what was installed. It is `sync`
/// and not `install`, because a resolver would ask for what was left out of the lock.
pub(crate) fn sync(
    execution: &mut Execution<'_>,
    folder: &Path,
    payload: Payload,
) -> Result<String, SetupError> {
    payload_folder::begin(folder)?;
    let (uv, python) = (execution.uv()?, execution.python()?);
    let name = payload.name;
    let venv = Call::new(format!("making the environment of {name}"), &uv)
        .args([
            "venv",
            "--no-python-downloads",
            "--allow-existing",
            "--quiet",
            "--python",
        ])
        .arg(python)
        .arg(folder);
    execution.run(&venv)?;
    let lock = write_lock(folder, payload)?;
    let mut call = Call::new(format!("installing {name}"), &uv)
        .args(["pip", "sync", "--require-hashes", "--no-build", "--python"])
        .arg(folder.join("bin/python"));
    if let Some(offline) = &execution.options.offline {
        call = call
            .args(["--offline", "--no-index", "--find-links"])
            .arg(offline.join("wheels"));
    }
    execution.run_with_size(&call.arg(lock))?;
    check_pth(folder, &[])?;
    Ok(contents::verify(payload, folder)?)
}

/// Beside what is installed from it, for whoever wants to know.
pub(crate) fn write_lock(folder: &Path, payload: Payload) -> Result<PathBuf, SetupError> {
    let path = folder.join("requirements.txt");
    let lock = match payload.packages {
        Packages::Python { lock, .. } => lock,
        Packages::Npm { .. } | Packages::None => "",
    };
    write_durably(&path, lock.as_bytes(), 0o600)?;
    Ok(path)
}

/// Refuses an environment with a `.pth` file that nobody expects.
pub(crate) fn check_pth(environment: &Path, expected: &[&str]) -> Result<(), SetupError> {
    let packages = site_packages(environment)?;
    let found: BTreeSet<_> = fs::read_dir(&packages)
        .map_err(SetupError::io("read", &packages))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".pth") && !expected.contains(&name.as_str()))
        .collect();
    match found.first() {
        None => Ok(()),
        Some(name) => Err(SetupError::UnexpectedPth {
            path: packages.join(name),
        }),
    }
}

/// uv links a package's files to those in its cache: whoever overwrites one overwrites it for every
/// environment of this user. So those that will be overwritten become files of their own.
pub(crate) fn own_files(folder: &Path) -> Result<(), SetupError> {
    let entries = fs::read_dir(folder).map_err(SetupError::io("read", folder))?;
    for entry in entries {
        let path = entry.map_err(SetupError::io("read", folder))?.path();
        let meta = path
            .symlink_metadata()
            .map_err(SetupError::io("read", &path))?;
        if meta.is_dir() {
            own_files(&path)?;
        } else if meta.is_file() && meta.nlink() > 1 {
            let copy = path.with_extension("own");
            fs::copy(&path, &copy).map_err(SetupError::io("copy", &path))?;
            fs::rename(&copy, &path).map_err(SetupError::io("replace", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pth_file_that_nobody_expects_is_refused_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let packages = dir.path().join("lib/python3.11/site-packages");
        fs::create_dir_all(&packages).unwrap();
        fs::write(packages.join("distutils-precedence.pth"), "").unwrap();
        fs::write(packages.join("module.py"), "").unwrap();
        check_pth(dir.path(), &EXPECTED_PTH).unwrap();
        fs::write(packages.join("package_init.pth"), "import os").unwrap();
        let error = check_pth(dir.path(), &EXPECTED_PTH).unwrap_err();
        assert!(
            matches!(&error, SetupError::UnexpectedPth { path } if path.ends_with("package_init.pth")),
            "{error}"
        );
    }

    #[test]
    fn a_linked_file_becomes_our_own_and_keeps_its_contents() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, ours) = (dir.path().join("cache"), dir.path().join("package/deep"));
        fs::create_dir_all(&ours).unwrap();
        fs::write(&cache, "one").unwrap();
        fs::hard_link(&cache, ours.join("types.py")).unwrap();
        own_files(&dir.path().join("package")).unwrap();
        assert_eq!(fs::read_to_string(ours.join("types.py")).unwrap(), "one");
        fs::write(ours.join("types.py"), "two").unwrap();
        assert_eq!(fs::read_to_string(&cache).unwrap(), "one");
    }
}
