//! Whether a payload has in it what its lock names.
//!
//! Every installed package has a RECORD with the hash of each of its files, which its installer
//! wrote from a wheel whose own hash is in the lock. Right after an installation each file is
//! compared with it ([`verify`]); later only whether all are there ([`missing`]), because what runs may
//! write some of them anew. The digest of all RECORDs
//! goes into the payload's marker, so that one that is changed later is noticed.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    hash::hex,
    model::{Damage, Packages, Payload},
    requirements::{self, Pinned, Target},
    site_packages::site_packages,
};
use crate::fs::regular;

/// One file of a package, as the package's RECORD lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Recorded {
    path: PathBuf,
    /// The hash of its contents: SHA-256 in base64 for addresses, without padding.
    sha256: Option<String>,
}

/// The packages of an environment.
struct Installed {
    found: BTreeSet<Pinned>,
    files: Vec<Recorded>,
    /// The digest of all RECORDs.
    digest: String,
}

/// What a payload lacks of its lock, or its RECORDs of what the marker says of them. Looks at no
/// file's contents but theirs.
pub(crate) fn missing(payload: Payload, folder: &Path, marker: &str) -> Option<Damage> {
    let mut faults = Vec::new();
    match payload.packages {
        Packages::Npm { lock, .. } => faults = modules(folder, lock),
        Packages::Python { lock, .. } => match installed(folder) {
            Ok(installed) => {
                faults = absent(folder, lock, &installed);
                let digest = marker.trim();
                if !digest.is_empty() && digest != installed.digest {
                    faults.push("its lists of files are not those that were installed".into());
                }
            }
            Err(fault) => faults.push(fault),
        },
        Packages::None => {}
    }
    Damage::of(payload.name, faults)
}

/// Compares every file of every package with its RECORD. Returns the digest of all RECORDs.
pub(crate) fn verify(payload: Payload, folder: &Path) -> Result<String, Damage> {
    let Packages::Python { lock, .. } = payload.packages else {
        return Ok(String::new());
    };
    let damage = |faults| Damage::of(payload.name, faults);
    let installed = installed(folder).map_err(|fault| Damage {
        payload: payload.name,
        faults: vec![fault],
        count: 1,
    })?;
    let mut faults = absent(folder, lock, &installed);
    if faults.is_empty() {
        faults = changed(&installed.files);
    }
    damage(faults).map_or(Ok(installed.digest), Err)
}

/// Packages of the lock, and files of packages, that are not there.
fn absent(folder: &Path, lock: &str, installed: &Installed) -> Vec<String> {
    let Some(python) = version(folder) else {
        return vec![format!(
            "{} names no version",
            folder.join("pyvenv.cfg").display()
        )];
    };
    let target = Target {
        python,
        machine: std::env::consts::ARCH,
    };
    let wanted = requirements::wanted(lock, &target).into_iter();
    let packages = wanted
        .filter(|pinned| !installed.found.contains(pinned))
        .map(|pinned| format!("the package {} {} is missing", pinned.name, pinned.version));
    let files = installed.files.iter();
    let files = files
        .filter(|file| file.sha256.is_some() && fs::symlink_metadata(&file.path).is_err())
        .map(|file| format!("{} is missing", file.path.display()));
    packages.chain(files).collect()
}

/// Returns the files whose contents are not those of their packages. There are gigabytes of them, so all processors
/// read.
fn changed(files: &[Recorded]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let look = || {
        let mut faults = Vec::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(wanted) = &file.sha256 else { continue };
            match bytes(&file.path) {
                Ok(contents) if base64(&Sha256::digest(&contents)) == *wanted => {}
                Ok(_) => faults.push(format!(
                    "{} is not the file of its package",
                    file.path.display()
                )),
                Err(e) => faults.push(format!("{}: {e}", file.path.display())),
            }
        }
        faults
    };
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut faults: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..workers.min(8)).map(|_| scope.spawn(look)).collect();
        let own = look();
        let found = others.into_iter().map(|worker| {
            // A worker that panicked has looked at nothing that could be trusted.
            worker
                .join()
                .unwrap_or_else(|_| vec!["it could not be looked at".to_owned()])
        });
        found.flatten().chain(own).collect()
    });
    faults.sort();
    faults
}

/// The bytes of a file of a package, however long it is.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    regular::open_long(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same as text.
fn text(path: &Path) -> io::Result<String> {
    io::read_to_string(regular::open_long(path)?)
}

fn installed(folder: &Path) -> Result<Installed, String> {
    let packages = site_packages(folder).map_err(|e| e.to_string())?;
    let unreadable = |e: std::io::Error| format!("{}: {e}", packages.display());
    let mut names: Vec<_> = fs::read_dir(&packages)
        .map_err(unreadable)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".dist-info"))
        .collect();
    names.sort();
    let mut hash = Sha256::new();
    let (mut found, mut files) = (BTreeSet::new(), Vec::new());
    for name in names {
        let path = packages.join(&name).join("RECORD");
        let text = text(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        hash.update(Sha256::digest(&text));
        files.extend(text.lines().filter_map(|line| {
            let (path, sha256) = recorded(line)?;
            let path = packages.join(path);
            Some(Recorded { path, sha256 })
        }));
        let pinned = name.trim_end_matches(".dist-info").rsplit_once('-');
        found.extend(pinned.map(|(name, version)| Pinned {
            name: requirements::normal(name),
            version: version.to_owned(),
        }));
    }
    Ok(Installed {
        found,
        files,
        digest: hex(&hash.finalize()),
    })
}

/// One line of a RECORD: a path, its hash and its size, the path in quotes where it has to be.
fn recorded(line: &str) -> Option<(String, Option<String>)> {
    let (path, rest) = match line.strip_prefix('"') {
        Some(quoted) => {
            let (path, rest) = quoted.rsplit_once("\",")?;
            (path.replace("\"\"", "\""), rest)
        }
        None => {
            let (path, rest) = line.split_once(',')?;
            (path.to_owned(), rest)
        }
    };
    let hash = rest.split(',').next()?;
    Some((path, hash.strip_prefix("sha256=").map(str::to_owned)))
}

/// The version of Python that an environment was made with.
fn version(folder: &Path) -> Option<(u32, u32, u32)> {
    let text = text(&folder.join("pyvenv.cfg")).ok()?;
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        ["version", "version_info"]
            .contains(&key.trim())
            .then(|| value.trim())
    })?;
    let mut numbers = value.split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// Packages of npm's lock that are not there at their version.
fn modules(folder: &Path, lock: &str) -> Vec<String> {
    let lock: Value = serde_json::from_str(lock).unwrap_or_default();
    let packages = lock["packages"].as_object().into_iter().flatten();
    let faults = packages.filter_map(|(place, wanted)| {
        if !place.starts_with("node_modules/") || wanted["dev"] == true {
            return None;
        }
        let text = text(&folder.join(place).join("package.json")).ok();
        let found: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
        match found {
            None if wanted["optional"] == true => None,
            Some(found) if found["version"] == wanted["version"] => None,
            Some(_) => Some(format!("{place} has another version")),
            None => Some(format!("{place} is missing")),
        }
    });
    faults.collect()
}

/// As RECORD writes it: the alphabet for addresses, no padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(ALPHABET[bits >> (18 - 6 * place) & 63]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fs::regular::tests::{at_once, pipe_at},
        provision::{fixtures, tools::TOOLS},
    };

    #[test]
    fn a_line_of_a_record_is_a_path_and_a_hash() {
        let line = |text| recorded(text).unwrap();
        assert_eq!(
            line("a/b.py,sha256=x_-,12"),
            ("a/b.py".into(), Some("x_-".into()))
        );
        assert_eq!(line("a/RECORD,,"), ("a/RECORD".into(), None));
        assert_eq!(
            line("\"a, \"\"b\"\".py\",sha256=x,1"),
            ("a, \"b\".py".into(), Some("x".into()))
        );
    }

    #[test]
    fn base64_is_that_of_records() {
        // Of an empty file, as every RECORD has it.
        let empty = base64(&Sha256::digest(b""));
        assert_eq!(empty, "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
        for (bytes, text) in [(&b"f"[..], "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v")] {
            assert_eq!(base64(bytes), text);
        }
    }

    fn environment() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let packages = dir.path().join("lib/python3.11/site-packages");
        fs::create_dir_all(&packages).unwrap();
        fs::write(dir.path().join("pyvenv.cfg"), "version = 3.11.2\n").unwrap();
        let target = Target {
            python: (3, 11, 2),
            machine: std::env::consts::ARCH,
        };
        for pinned in requirements::wanted(fixtures::lock(TOOLS), &target) {
            let info = packages.join(format!("{}-{}.dist-info", pinned.name, pinned.version));
            fs::create_dir(&info).unwrap();
            let line = format!(
                "{}.py,sha256={},0\n",
                pinned.name,
                base64(&Sha256::digest(b""))
            );
            fs::write(packages.join(format!("{}.py", pinned.name)), "").unwrap();
            fs::write(info.join("RECORD"), line).unwrap();
        }
        (dir, packages)
    }

    #[test]
    fn what_is_whole_has_a_digest_and_lacks_nothing() {
        let (dir, _) = environment();
        let digest = verify(TOOLS, dir.path()).unwrap();
        assert_eq!(missing(TOOLS, dir.path(), &digest), None);
        assert_eq!(missing(TOOLS, dir.path(), ""), None, "of an older version");
    }

    #[test]
    fn a_changed_a_missing_and_an_unlisted_file_are_told_apart() {
        let (dir, packages) = environment();
        let digest = verify(TOOLS, dir.path()).unwrap();
        fs::write(packages.join("uv.py"), "import os").unwrap();
        let damage = verify(TOOLS, dir.path()).unwrap_err().to_string();
        assert!(
            damage.ends_with("uv.py is not the file of its package"),
            "{damage}"
        );
        fs::remove_file(packages.join("uv.py")).unwrap();
        let damage = missing(TOOLS, dir.path(), &digest).unwrap();
        assert!(damage.to_string().ends_with("uv.py is missing"), "{damage}");
        let info = fs::read_dir(&packages)
            .unwrap()
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with("uv-"));
        fs::write(info.unwrap().path().join("RECORD"), "").unwrap();
        let damage = missing(TOOLS, dir.path(), &digest).unwrap();
        assert!(
            damage.to_string().contains("not those that were installed"),
            "{damage}"
        );
    }

    #[test]
    fn a_package_of_the_lock_that_is_not_there_is_named() {
        let (dir, packages) = environment();
        fs::rename(packages.join("uv.py"), dir.path().join("uv.py")).unwrap();
        for entry in fs::read_dir(&packages).unwrap().flatten() {
            if entry.file_name().to_string_lossy().ends_with(".dist-info") {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        let damage = verify(TOOLS, dir.path()).unwrap_err();
        assert!(damage.to_string().contains("the package uv "), "{damage}");
        assert!(damage.count >= 2, "{damage}");
    }

    #[test]
    fn npms_packages_are_held_against_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let lock = fixtures::lock(fixtures::ENGINE);
        let all = modules(dir.path(), lock);
        assert!(
            all.iter()
                .any(|fault| fault == "node_modules/pg is missing"),
            "{all:?}"
        );
        let value: Value = serde_json::from_str(lock).unwrap();
        for (place, wanted) in value["packages"].as_object().unwrap() {
            if place.starts_with("node_modules/") && wanted["optional"] != true {
                let folder = dir.path().join(place);
                fs::create_dir_all(&folder).unwrap();
                let text = format!("{{\"version\": {}}}", wanted["version"]);
                fs::write(folder.join("package.json"), text).unwrap();
            }
        }
        assert_eq!(modules(dir.path(), lock), Vec::<String>::new());
        fs::write(dir.path().join("node_modules/pg/package.json"), "{}").unwrap();
        assert_eq!(
            modules(dir.path(), lock),
            ["node_modules/pg has another version"]
        );
    }

    #[test]
    fn a_pipe_among_the_files_is_a_fault_and_not_a_wait() {
        let (dir, packages) = environment();
        let folder = dir.path().to_owned();
        let digest = verify(TOOLS, dir.path()).unwrap();
        pipe_at(&packages.join("uv.py"));
        let of = folder.clone();
        let damage = at_once(move || verify(TOOLS, &of)).unwrap_err();
        let damage = damage.to_string();
        assert!(
            damage.ends_with("uv.py: it is not a regular file"),
            "{damage}"
        );
        let info = fs::read_dir(&packages).unwrap().flatten();
        let mut infos = info.filter(|entry| entry.path().is_dir());
        pipe_at(&infos.next().unwrap().path().join("RECORD"));
        let of = folder.clone();
        let damage = at_once(move || missing(TOOLS, &of, &digest));
        assert!(damage.is_some());
        pipe_at(&folder.join("pyvenv.cfg"));
        assert_eq!(at_once(move || version(&folder)), None);
    }

    #[test]
    fn a_pipe_in_the_place_of_npms_description_is_a_missing_package() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("node_modules/pg");
        fs::create_dir_all(&folder).unwrap();
        pipe_at(&folder.join("package.json"));
        let at = dir.path().to_owned();
        let all = at_once(move || modules(&at, fixtures::lock(fixtures::ENGINE)));
        let missing = |fault: &String| fault == "node_modules/pg is missing";
        assert!(all.iter().any(missing), "{all:?}");
    }
}
