//! The Python that set-up brings: uv downloads the archive, compares its hash with the one that uv has in itself, and
//! unpacks it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::provision::{
    brought_python::{BUILD, IN_BUNDLE, VERSION},
    command::{Call, joined},
    error::SetupError,
    execution::Execution,
    folders::make_folder,
    payload_folder,
};

/// The variable by which a person names a mirror, to uv and to us.
const MIRROR: &str = "UV_PYTHON_INSTALL_MIRROR";

/// Makes the payload's folder.
pub(crate) fn build(execution: &mut Execution<'_>, folder: &Path) -> Result<(), SetupError> {
    payload_folder::begin(folder)?;
    let uv = execution.uv()?;
    let mut call = install(&uv, folder, &source(execution));
    if let Some(offline) = &execution.options.offline {
        let mirror = file_address(&offline.join(IN_BUNDLE));
        call = call.arg("--offline").arg("--mirror").arg(mirror);
    }
    execution.run_with_size(&call).map_err(not_brought)?;
    link_programs(folder)?;
    payload_folder::finish(folder, "")
}

/// Puts the archive into a folder for `--offline`. uv keeps what it downloads, and has compared its hash when it
/// has unpacked it.
pub(crate) fn bundle(
    execution: &mut Execution<'_>,
    folder: &Path,
    scratch: &Path,
) -> Result<(), SetupError> {
    let (archives, unpacked) = (scratch.join("archives"), scratch.join("python"));
    let uv = execution.uv()?;
    let text = archives.display().to_string();
    let call = install(&uv, &unpacked, &source(execution))
        .env(BTreeMap::from([("UV_PYTHON_CACHE_DIR".to_owned(), text)]));
    execution.run_with_size(&call).map_err(not_brought)?;
    let kept = only_entry(&archives, |_| true)?;
    let place = folder.join(IN_BUNDLE).join(BUILD);
    make_folder(&place)?;
    let place = place.join(name_on_mirror(&kept)?);
    // The folder may be on another disk, and then it cannot be renamed.
    fs::copy(&kept, &place)
        .map(drop)
        .map_err(SetupError::io("write", &place))
}

/// Has uv unpack the Python into a folder, and do nothing beside.
fn install(uv: &Path, folder: &Path, source: &str) -> Call {
    let build = ("UV_PYTHON_CPYTHON_BUILD".to_owned(), BUILD.to_owned());
    Call::new(format!("installing Python {VERSION} from {source}"), uv)
        .args(["python", "install", "--no-bin", "--no-progress"])
        .arg(joined("--install-dir=", folder))
        .arg(format!("cpython-{VERSION}"))
        .env(BTreeMap::from([build]))
}

/// Where the archive comes from, for people. The address of a mirror may have a password in it.
fn source(execution: &Execution<'_>) -> String {
    if let Some(offline) = &execution.options.offline {
        return offline.join(IN_BUNDLE).display().to_string();
    }
    if execution.runner.env.contains_key(MIRROR) {
        return format!("the mirror that {MIRROR} names");
    }
    "the address that uv knows".to_owned()
}

/// What a person can do about it, before what uv has said.
fn not_brought(error: SetupError) -> SetupError {
    match error {
        SetupError::Command(source) => SetupError::PythonNotBrought {
            version: VERSION,
            source,
        },
        other => other,
    }
}

/// The name of uv's folder has the processor in it, so a link says where the programs are.
fn link_programs(folder: &Path) -> Result<(), SetupError> {
    let whole = format!("cpython-{VERSION}-");
    let unpacked = only_entry(folder, |name| name.starts_with(&whole))?;
    let name = unpacked.file_name().unwrap_or_default();
    let link = folder.join("bin");
    symlink(Path::new(name).join("bin"), &link).map_err(SetupError::io("create", &link))
}

/// The one entry of a folder whose name is like that.
fn only_entry(folder: &Path, is: impl Fn(&str) -> bool) -> Result<PathBuf, SetupError> {
    let entries = fs::read_dir(folder).map_err(SetupError::io("read", folder))?;
    let mut found = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        (!name.starts_with('.') && is(&name)).then(|| folder.join(name))
    });
    found.next().ok_or_else(|| {
        let missing = std::io::ErrorKind::NotFound.into();
        SetupError::io("find what uv has put into", folder)(missing)
    })
}

/// uv keeps an archive as `<some digits of its hash>-<name>`, with `-` in the place of `+`.
fn name_on_mirror(kept: &Path) -> Result<String, SetupError> {
    let name = kept.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.split_once('-')).map(|(_, n)| n);
    let (as_kept, as_named) = (format!("{VERSION}-{BUILD}"), format!("{VERSION}+{BUILD}"));
    let named = name.filter(|name| name.contains(&as_kept));
    let named = named.map(|name| name.replacen(&as_kept, &as_named, 1));
    named.ok_or_else(|| {
        let unknown = std::io::ErrorKind::InvalidData.into();
        SetupError::io("understand the name of the archive", kept)(unknown)
    })
}

/// The address of a folder (RFC 8089).
fn file_address(folder: &Path) -> String {
    use std::{fmt::Write as _, os::unix::ffi::OsStrExt as _};

    let mut address = "file://".to_owned();
    for byte in folder.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            address.push(char::from(*byte));
        } else {
            let _infallible = write!(address, "%{byte:02X}");
        }
    }
    address
}

#[cfg(test)]
mod tests;
