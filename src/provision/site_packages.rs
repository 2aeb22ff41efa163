//! Where a virtual environment has its packages.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::error::SetupError;

/// Returns the folder that an environment has its packages in.
pub(crate) fn site_packages(environment: &Path) -> Result<PathBuf, SetupError> {
    let lib = environment.join("lib");
    let mut entries = fs::read_dir(&lib).map_err(SetupError::io("read", &lib))?;
    let found = entries.find_map(|entry| {
        let path = entry.ok()?.path().join("site-packages");
        path.is_dir().then_some(path)
    });
    found.ok_or_else(|| {
        SetupError::io("find site-packages in", &lib)(std::io::ErrorKind::NotFound.into())
    })
}
