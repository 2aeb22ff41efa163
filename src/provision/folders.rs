//! Folders of ours, and files in them that survive a loss of power.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use super::error::SetupError;
use crate::fs::draft::{self, Survives};

/// Makes a folder that only we may enter, together with the folders above it.
pub(crate) fn make_folder(folder: &Path) -> Result<(), SetupError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(SetupError::io("make the folder", folder))
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove(folder: &Path) -> Result<(), SetupError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(SetupError::io("remove", folder)(e)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file that survives a loss of power.
pub(crate) fn write_durably(path: &Path, contents: &[u8], mode: u32) -> Result<(), SetupError> {
    Ok(draft::replace(
        path,
        contents,
        mode,
        Survives::ALossOfPower,
    )?)
}

/// Makes the names in a folder survive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), SetupError> {
    Ok(draft::flush_folder(folder)?)
}
