//! What the program makes is closed to others whatever umask it was started with, and what others
//! could have changed is refused at every way in.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use serde_json::Value;

use crate::{
    bench::{Bench, free_port},
    set_up::{Running, set_up, until},
};

/// All below a folder, and the folder, that others can write; links have no mode.
fn open_to_others(path: &Path) -> Vec<PathBuf> {
    let found = fs::symlink_metadata(path).unwrap();
    if found.is_symlink() {
        return Vec::new();
    }
    let open = found.mode() & 0o022 != 0;
    let mut all: Vec<_> = open.then(|| path.to_owned()).into_iter().collect();
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap().flatten() {
            all.extend(open_to_others(&entry.path()));
        }
    }
    all
}

const NONE: [PathBuf; 0] = [];

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn commands_make_nothing_that_others_could_write() {
    let setup = format!(
        "setup --yes --profile local --port {} --admin-port {} --offline offline",
        free_port(),
        free_port()
    );
    for (verb, made) in [
        (setup.as_str(), "state/setup.lock"),
        ("start", "state/logs/last-words"),
        ("config set profile local", "gateway.toml"),
        ("profile local", "gateway.toml"),
        ("budget 7", "gateway.toml"),
    ] {
        let bench = Bench::new();
        // With nothing in it: set-up ends at its first installation, and asks no registry.
        fs::create_dir_all(bench.folder().join("offline/wheels")).unwrap();
        let mut command = Command::from_std(bench.person_in_shell("umask 000", verb));
        let seen = bench.seen(&mut command);
        assert!(bench.home().join(made).exists(), "{verb}: {seen}");
        assert_eq!(open_to_others(&bench.home()), NONE, "{verb}");
        let mode = fs::metadata(bench.home()).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700, "{verb}");
    }
}

#[test]
fn a_daemon_makes_nothing_that_others_could_use() {
    let bench = set_up();
    for folder in ["", "state", "state/postgres", "state/payloads"] {
        chmod(&bench.home().join(folder), 0o700);
    }
    let running = Running::start(&bench, "000");
    let left = bench.home().join("state/postgres/started");
    until("PostgreSQL's stand-in leaves a file", || left.exists());
    assert_eq!(open_to_others(&bench.home()), NONE);
    let socket = fs::metadata(bench.socket()).unwrap();
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.mode() & 0o777, 0o600);
    for made in ["run", "state/logs", "state/services/nginx"] {
        let mode = fs::metadata(bench.home().join(made)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700, "{made}");
    }
    drop(running);
}

/// What is opened to others, as what it is named, with the mode that it has and should have.
fn dangers(bench: &Bench) -> [(PathBuf, u32, u32); 3] {
    [
        (bench.home().join("gateway.toml"), 0o666, 0o600),
        (bench.home(), 0o777, 0o755),
        (bench.folder().to_owned(), 0o777, 0o755),
    ]
}

#[test]
fn a_reload_and_a_start_refuse_what_others_could_have_changed() {
    let bench = set_up();
    let mut running = Running::start(&bench, "022");
    for (path, open, closed) in dangers(&bench) {
        chmod(&path, open);
        let said = format!(
            "{} can be written by every user (mode {open:04o}): whoever can change it can run \
             programs as the gateway and read its secrets",
            path.display()
        );
        let said = said.replace(bench.folder().to_str().unwrap(), "$TEST");
        let told = bench.seen(&mut bench.as_person("reload"));
        assert!(told.starts_with("exit: 78\n"), "{told}");
        assert!(told.contains(&said), "{told}");
        assert!(running.runs());
        chmod(&path, closed);
    }
    let told = bench.seen(&mut bench.as_person("reload"));
    assert!(told.starts_with("exit: 0\n"), "{told}");
    drop(running);
    for (path, open, closed) in dangers(&bench) {
        chmod(&path, open);
        let told = bench.seen(&mut bench.as_person("start"));
        assert!(told.starts_with("exit: 78\n"), "{told}");
        assert!(told.contains("can be written by every user"), "{told}");
        chmod(&path, closed);
    }
}

#[test]
fn doctor_names_a_folder_that_others_can_write() {
    for at in 0..3 {
        let bench = Bench::new();
        bench.program("getent", "echo 192.0.2.1 STREAM example.com");
        bench.write("gateway.toml", "profile = \"local\"\n");
        let mut command = bench.as_person("doctor --json");
        let (path, open, _) = dangers(&bench)[at].clone();
        chmod(&path, open);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let found = all.iter().find(|one| one["id"] == "permissions").unwrap();
        assert_eq!(found["level"], "problem", "{found}");
        let text = format!("{}", path.display());
        assert!(found["found"].as_str().unwrap().contains(&text), "{found}");
        let fix = found["fix"].as_str().unwrap();
        assert!(fix.ends_with(&format!("chmod go-w {text}")), "{fix}");
    }
}
