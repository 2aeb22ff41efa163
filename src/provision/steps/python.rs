//! The Python environments: the tools by venv and pip, which every Python brings, and LiteLLM and
//! Open WebUI by uv. All from hash-locked requirements, wheels only, so that nothing is executed
//! while it is installed.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::payload;
use crate::{
    provision::{
        Context,
        command::{Call, joined},
        contents, embedded,
        error::SetupError,
        plan::Payload,
        record::write_durably,
    },
    python::{COMPILE_LITELLM, DIET},
    services,
};

/// Files that run in every Python of an environment, as Debian's own venv module puts them there.
const EXPECTED_PTH: [&str; 1] = ["distutils-precedence.pth"];

/// The tools' environment: pip is what there is before there is uv.
pub(in crate::provision) fn tools(cx: &mut Context<'_>, folder: &Path) -> Result<(), SetupError> {
    payload::begin(folder)?;
    let python = cx.python()?;
    let venv = Call::new("making the tools' environment", python)
        .args(["-I", "-m", "venv"])
        .arg(folder);
    cx.run(&venv)?;
    let lock = write_lock(folder, embedded::TOOLS_LOCK)?;
    let mut install = Call::new("installing the tools", folder.join("bin/python"))
        .known_as("pip")
        .args([
            "-I",
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--no-deps",
        ])
        .args([
            "--only-binary",
            ":all:",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--progress-bar", "off", "--requirement"])
        .arg(lock);
    if let Some(offline) = &cx.options.offline {
        install = install
            .arg("--no-index")
            .arg(joined("--find-links=", &offline.join("wheels")));
    }
    cx.run_with_size(&install)?;
    check_pth(folder, &EXPECTED_PTH)?;
    payload::finish(folder, &contents::verify(Payload::Tools, folder)?)
}

/// LiteLLM's environment with its generated database client.
pub(in crate::provision) fn litellm(cx: &mut Context<'_>, folder: &Path) -> Result<(), SetupError> {
    let digest = sync(cx, folder, Payload::Litellm, embedded::LITELLM_LOCK)?;
    super::engine::generate_client(cx, folder)?;
    if cx.settings.diet.bytecode {
        compile(cx, folder);
    }
    payload::finish(folder, &digest)
}

/// Lets Python keep the bytecode of what LiteLLM's start imports, and of nothing else: of all that
/// is installed it would be 300 MB. The first start would compile it otherwise, which takes longer
/// than all else that it does, and 50 MB of memory that it keeps. The diet's module keeps this
/// import small as well.
fn compile(cx: &mut Context<'_>, environment: &Path) {
    let script = format!("{DIET}\n{COMPILE_LITELLM}");
    let mut call = Call::new("compiling LiteLLM", environment.join("bin/python"))
        .known_as("Python")
        .args(["-I", "-c"])
        .arg(script);
    call.env = services::litellm::CONSTANTS
        .into_iter()
        .chain([("AI_GATEWAY_DIET", "lazy_types late_gc")])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if let Err(error) = cx.run(&call) {
        cx.progress.message(&format!(
            "{error}: LiteLLM's first start does it, and takes longer"
        ));
    }
}

/// Open WebUI's environment.
pub(in crate::provision) fn open_webui(
    cx: &mut Context<'_>,
    folder: &Path,
) -> Result<(), SetupError> {
    let digest = sync(cx, folder, Payload::OpenWebui, embedded::OPEN_WEBUI_LOCK)?;
    // It writes these anew at each start.
    own_files(&site_packages(folder)?.join("open_webui/static"))?;
    payload::finish(folder, &digest)
}

/// `sync` and not `install`: the lock as it stands. A resolver would ask for what was left out.
/// Returns the digest of what was installed.
fn sync(
    cx: &mut Context<'_>,
    folder: &Path,
    payload: Payload,
    lock: &str,
) -> Result<String, SetupError> {
    payload::begin(folder)?;
    let (uv, python) = (cx.uv()?, cx.python()?);
    let name = payload.name();
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
    cx.run(&venv)?;
    let lock_file = write_lock(folder, lock)?;
    let mut call = Call::new(format!("installing {name}"), &uv)
        .args(["pip", "sync", "--require-hashes", "--no-build", "--python"])
        .arg(folder.join("bin/python"));
    if let Some(offline) = &cx.options.offline {
        call = call
            .args(["--offline", "--no-index", "--find-links"])
            .arg(offline.join("wheels"));
    }
    cx.run_with_size(&call.arg(lock_file))?;
    check_pth(folder, &[])?;
    Ok(contents::verify(payload, folder)?)
}

/// Beside what is installed from it, for whoever wants to know.
fn write_lock(folder: &Path, lock: &str) -> Result<PathBuf, SetupError> {
    let path = folder.join("requirements.txt");
    write_durably(&path, lock.as_bytes(), 0o600)?;
    Ok(path)
}

/// The folder of an environment's packages.
pub(in crate::provision) fn site_packages(environment: &Path) -> Result<PathBuf, SetupError> {
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

/// Open WebUI's page as it was built, if it is laid out as nginx's configuration has it.
pub(in crate::provision) fn frontend(environment: &Path) -> Option<PathBuf> {
    let folder = site_packages(environment).ok()?.join("open_webui/frontend");
    folder.join("_app/immutable").is_dir().then_some(folder)
}

/// Refuses an environment with a `.pth` file that nobody expects.
fn check_pth(environment: &Path, expected: &[&str]) -> Result<(), SetupError> {
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
pub(super) fn own_files(folder: &Path) -> Result<(), SetupError> {
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
        fs::write(packages.join("litellm_init.pth"), "import os").unwrap();
        let error = check_pth(dir.path(), &EXPECTED_PTH).unwrap_err();
        assert!(
            matches!(&error, SetupError::UnexpectedPth { path } if path.ends_with("litellm_init.pth")),
            "{error}"
        );
    }

    #[test]
    fn a_linked_file_becomes_our_own_and_keeps_its_contents() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, ours) = (dir.path().join("cache"), dir.path().join("prisma/deep"));
        fs::create_dir_all(&ours).unwrap();
        fs::write(&cache, "one").unwrap();
        fs::hard_link(&cache, ours.join("types.py")).unwrap();
        own_files(&dir.path().join("prisma")).unwrap();
        assert_eq!(fs::read_to_string(ours.join("types.py")).unwrap(), "one");
        fs::write(ours.join("types.py"), "two").unwrap();
        assert_eq!(fs::read_to_string(&cache).unwrap(), "one");
    }
}
