//! The query engine: our own from the files in this program and from npm, a native one by a
//! download whose hash is checked, and the database client that is generated for LiteLLM.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{super::settings::EngineSource, ENGINE, engine_files};
use crate::{
    provision::{
        command::Call,
        contents,
        error::SetupError,
        execution::Execution,
        folders::{make_folder, write_durably},
        hash::sha256_of_file,
        payload_folder,
        site_packages::site_packages,
        steps::python::own_files,
    },
    python::DOWNLOAD,
};

/// Our engine: files from this program, packages from npm by the lock's hashes.
pub(super) fn build(execution: &mut Execution<'_>, folder: &Path) -> Result<(), SetupError> {
    payload_folder::begin(folder)?;
    for file in engine_files::ALL {
        let path = folder.join(file.path);
        make_folder(path.parent().unwrap_or(folder))?;
        write_durably(
            &path,
            file.contents.as_bytes(),
            if file.is_program() { 0o700 } else { 0o600 },
        )?;
    }
    let mut call = execution
        .npm("installing the query engine's packages")?
        .args([
            "ci",
            "--ignore-scripts",
            "--omit=dev",
            "--no-audit",
            "--no-fund",
        ])
        .cwd(folder);
    if let Some(offline) = &execution.options.offline {
        call = call.args(["--offline", "--cache"]).arg(offline.join("npm"));
    }
    execution.run_with_size(&call)?;
    if let Some(damage) = contents::missing(ENGINE, folder, "") {
        return Err(damage.into());
    }
    payload_folder::finish(folder, "")
}

/// A native engine from where the settings say.
pub(super) fn build_native(execution: &mut Execution<'_>, folder: &Path) -> Result<(), SetupError> {
    let settings = execution.settings;
    match &EngineSource::of(settings) {
        EngineSource::Download { url, sha256 } => download(execution, folder, url, sha256),
        EngineSource::Wasm | EngineSource::Program(_) => Ok(()),
    }
}

fn download(
    execution: &mut Execution<'_>,
    folder: &Path,
    url: &str,
    sha256: &str,
) -> Result<(), SetupError> {
    payload_folder::begin(folder)?;
    let (beside, place) = (
        folder.join("query-engine.unchecked"),
        folder.join("query-engine"),
    );
    let call = Call::new(
        "downloading the native query engine",
        execution.python_for_tools()?,
    )
    .args(["-I", "-c", DOWNLOAD])
    .arg(&beside)
    .input(format!("{url}\n"));
    execution.run_with_size(&call)?;
    let contents = fs::read(&beside).map_err(SetupError::io("read", &beside))?;
    let found = sha256_of_file(&contents);
    if found != sha256 {
        fs::remove_file(&beside).map_err(SetupError::io("remove", &beside))?;
        return Err(wrong_hash(url, sha256, &found));
    }
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o700))
        .map_err(SetupError::io("make executable", &beside))?;
    fs::rename(&beside, &place).map_err(SetupError::io("rename", &beside))?;
    payload_folder::finish(folder, sha256)
}

/// A downloaded file is not the one that was asked for.
fn wrong_hash(url: &str, wanted: &str, found: &str) -> SetupError {
    SetupError::Refused(format!(
        "{} has the SHA-256 {found}, but [engine] sha256 says {wanted}: nothing of it was run. \
         Correct the key if the new file is the right one",
        without_password(url)
    ))
}

/// An address as it may be shown.
fn without_password(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest
                .split_once('/')
                .map_or((rest, None), |(h, p)| (h, Some(p)));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            path.map_or_else(
                || format!("{scheme}://{host}"),
                |p| format!("{scheme}://{host}/{p}"),
            )
        }
        None => url.to_owned(),
    }
}

/// LiteLLM's database client, generated into its environment.
pub(super) fn generate_client(
    execution: &mut Execution<'_>,
    environment: &Path,
) -> Result<(), SetupError> {
    let packages = site_packages(environment)?;
    own_files(&packages.join("prisma"))?;
    let generate = execution.payload(ENGINE)?.join("generate");
    let call = Call::new("generating LiteLLM's database client", execution.node()?)
        .arg(generate)
        .arg("--python")
        .arg(environment.join("bin/python"))
        .arg("--schema")
        .arg(packages.join("litellm/proxy/schema.prisma"));
    execution.run(&call)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::PathBuf};

    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(
            without_password("https://u:p@h.example/a@b"),
            "https://h.example/a@b"
        );
        assert_eq!(without_password("http://h.example"), "http://h.example");
    }

    #[test]
    fn every_file_of_the_engine_is_embedded() {
        fn files(folder: &Path, base: &Path, found: &mut BTreeSet<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let inside = path.strip_prefix(base).unwrap().to_owned();
                if path.is_dir()
                    && !["node_modules", "test"]
                        .iter()
                        .any(|d| inside.starts_with(d))
                {
                    files(&path, base, found);
                } else if path.is_file() {
                    found.insert(inside);
                }
            }
        }
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine");
        let mut there = BTreeSet::new();
        files(&base, &base, &mut there);
        there.remove(Path::new("README.md"));
        let embedded: BTreeSet<_> = engine_files::ALL
            .iter()
            .map(|f| PathBuf::from(f.path))
            .collect();
        assert_eq!(
            embedded, there,
            "engine_files.rs is not in step with engine/"
        );
        let generate = engine_files::ALL
            .iter()
            .find(|f| f.path == "generate")
            .unwrap();
        assert!(generate.is_program());
    }
}
