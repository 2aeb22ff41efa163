//! A person's gateway, found however they came: by a login, su or cron.

use std::{fs, path::Path};

use ai_gateway::control::types::Reply;
use nix::unistd::Uid;

use crate::bench::{Bench, ready};

/// What a person sees who has no folder of the gateway's own in the environment.
fn seen(bench: &Bench, runtime: Option<&Path>) -> String {
    let mut command = bench.as_person("status");
    command.env_remove("AI_GATEWAY_HOME");
    if let Some(folder) = runtime {
        command.env("XDG_RUNTIME_DIR", folder);
    }
    bench.seen(&mut command)
}

/// Whether someone who runs the tests has a gateway of their own, which is then the one that is
/// found.
fn has_one(uid: Uid) -> bool {
    Path::new(&format!("/run/user/{uid}/ai-gateway/control.sock")).exists()
}

#[test]
fn a_daemon_that_began_without_a_runtime_folder_is_found_with_and_without_one() {
    let bench = Bench::new();
    let beside_state = bench.folder().join("home/.local/share/ai-gateway/run");
    let _daemon = bench.persons_daemon_in(&beside_state, ready(), |_| Ok(Reply::Done(Vec::new())));
    let login = bench.runtime_folder();
    fs::create_dir(&login).unwrap();
    let mut ways = vec![Some(login.as_path())];
    if !has_one(Uid::effective()) {
        ways.extend([None, Some(Path::new(""))]);
    }
    for way in ways {
        let seen = seen(&bench, way);
        assert!(seen.starts_with("exit: 0\n"), "{way:?}: {seen}");
        assert!(seen.contains("ai-gateway is ready"), "{way:?}: {seen}");
    }
}

#[test]
fn the_runtime_folder_comes_first() {
    let bench = Bench::new();
    let beside_state = bench.folder().join("home/.local/share/ai-gateway/run");
    let mut older = ready();
    older.profile = "tiny".into();
    let _older = bench.persons_daemon_in(&beside_state, older, |_| Ok(Reply::Done(Vec::new())));
    let _daemon = bench.persons_daemon(ready(), |_| Ok(Reply::Done(Vec::new())));
    let seen = seen(&bench, Some(&bench.runtime_folder()));
    assert!(seen.contains("profile small"), "{seen}");
}
