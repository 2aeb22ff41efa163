//! Pipes where files are expected: a command says so or does without, and never waits for whoever
//! would write to them.

use std::fs;

use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::bench::Bench;

/// A pipe at this place in the gateway's folder.
fn pipe(bench: &Bench, path: &str) {
    let path = bench.home().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
}

#[test]
fn no_command_waits_at_a_pipe() {
    for (path, verb, wanted) in [
        ("state/logs/litellm.log", "logs", "it is not a regular file"),
        ("state/logs/last-words", "start", "it is not a regular file"),
        (
            "state/secrets/open-webui-admin-password",
            "setup --yes",
            "it is not a regular file",
        ),
        ("state/secrets/open-webui-admin-password", "doctor", ""),
        ("state/postgres/PG_VERSION", "doctor", ""),
    ] {
        let bench = Bench::new();
        bench.write("gateway.toml", "profile = \"local\"\n");
        pipe(&bench, path);
        let mut command = bench.as_person(verb);
        bench.give_to_the_person();
        let seen = bench.seen(&mut command);
        // A command that was ended by its deadline has no code.
        assert!(seen.starts_with("exit: "), "{verb} with {path}: {seen}");
        assert!(seen.contains(wanted), "{verb} with {path}: {seen}");
    }
}
