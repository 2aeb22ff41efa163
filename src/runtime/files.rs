//! Writes the folders and files of a stack. Only the gateway's user may enter these folders and read these
//! files.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{
    fs::draft::{self, Survives},
    stack::Stack,
};

/// A folder or file that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct FilesError {
    /// The folder or file.
    pub path: PathBuf,
    /// What the file system said.
    #[source]
    pub source: io::Error,
}

/// Makes the folders and writes the files. Each file is replaced as a whole or not at all, so a service
/// that reads it at the same time sees either the old or the new one.
///
/// # Errors
/// The first folder or file that cannot be made.
pub fn write(stack: &Stack) -> Result<(), FilesError> {
    let cwds = stack.services.iter().map(|service| &service.command.cwd);
    for folder in stack.folders.iter().chain(cwds) {
        make_folder(folder).map_err(|source| FilesError {
            path: folder.clone(),
            source,
        })?;
    }
    for file in &stack.files {
        replace(&file.path, &file.contents).map_err(|source| FilesError {
            path: file.path.clone(),
            source,
        })?;
    }
    Ok(())
}

/// Makes a folder that only the gateway's user may enter, whatever the umask is.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        return DirBuilder::new().recursive(true).mode(0o700).create(folder);
    }
    let meta = fs::metadata(folder)?;
    if meta.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(folder, PermissionsExt::from_mode(0o700))?;
    }
    Ok(())
}

fn replace(path: &Path, contents: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let replaced = draft::replace(path, contents.as_bytes(), 0o600, Survives::TheProgram);
    replaced.map_err(|error| error.source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};

    #[test]
    fn a_pipe_beside_a_rendered_file_is_no_wait() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nginx.conf");
        replace(&file, "one").unwrap();
        pipe_at(&folder.path().join(".nginx.conf.new"));
        let at = file.clone();
        at_once(move || replace(&at, "two")).unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "two");
    }
}
