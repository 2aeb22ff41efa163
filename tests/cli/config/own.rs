//! Services of people's own.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// What a table of a service says, the exit code of `config check` for it, and words of what it prints.
const KINDS: [(&str, i32, &str); 12] = [
    ("kind = \"external\"", 78, "`service.mine.probe` is missing"),
    (
        "kind = \"external\"\nprobe = { notify = true }",
        78,
        "what somebody else runs is asked by http or tcp",
    ),
    ("kind = \"task\"", 78, "`service.mine.command` is missing"),
    (
        "kind = \"task\"\ncommand = [\"/bin/true\"]\nschedule = \"at four\"",
        78,
        "expected a time of the day such as \"04:00\", or \"every 6 h\"",
    ),
    (
        "kind = \"task\"\ncommand = [\"/bin/true\"]\nschedule = \"every 5 s\"",
        78,
        "expected a minute or more",
    ),
    (
        "command = [\"/bin/true\"]\nreload = \"KILL\"",
        78,
        "no process can take this one up",
    ),
    (
        "command = [\"/bin/true\"]\nsuccess_exit = [0]",
        78,
        "expected an array of exit codes from 1 to 255",
    ),
    (
        "command = [\"/bin/true\"]\nschedule = \"04:00\"",
        0,
        "not used with kind \"daemon\"",
    ),
    (
        "kind = \"external\"\nprobe = { tcp = \"192.0.2.1:80\" }",
        0,
        "",
    ),
    (
        "kind = \"external\"\nprobe = { tcp = \"192.0.2.1:80\" }\n[limits.mine]\ncpus = 1",
        0,
        "somebody else runs it",
    ),
    (
        "kind = \"task\"\ncommand = [\"/bin/true\"]\nschedule = \"every 6 h\"\ndeadline = \"5 min\"",
        0,
        "",
    ),
    (
        "command = [\"/bin/true\"]\nreload = [\"/bin/true\", \"x\"]",
        0,
        "",
    ),
];

/// The exit code of `config check` for a service with this table, and what it prints.
fn checked(table: &str) -> (Option<i32>, String) {
    let bench = bench(&format!(
        "[listen]\nport = {}\nadmin_port = {}\n[service.mine]\n{table}",
        free_port(),
        free_port()
    ));
    let output = bench.command("config check").output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_service_of_ones_own_has_what_goes_with_its_kind() {
    for (table, code, words) in KINDS {
        let (exit, said) = checked(table);
        assert_eq!(exit, Some(code), "{table}: {said}");
        assert!(said.contains(words), "{table}: {said}");
    }
}

#[test]
fn a_file_with_keys_is_held_to_what_it_has_to_be() {
    let bench = bench("");
    let keys = bench.home().join("keys.env");
    bench.write(
        "gateway.toml",
        &format!(
            "profile = \"local\"\n[listen]\nport = {}\nadmin_port = {}\n[service.mine]\n\
             command = [\"/bin/true\"]\nenvironment_file = \"{}\"\n",
            free_port(),
            free_port(),
            keys.display()
        ),
    );
    let check = || {
        let output = bench.command("config check").output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = check();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("the environment of mine"), "{said}");
    std::fs::write(&keys, "KEY=sk-1\nsk-2\n").unwrap();
    let mode = |mode| std::fs::set_permissions(&keys, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    assert!(check().1.contains("is open to other users (mode 0644)"));
    mode(0o600);
    let (code, said) = check();
    assert!(said.contains("keys.env:2: expected NAME=VALUE"), "{said}");
    assert!(code == Some(78) && !said.contains("sk-"), "{said}");
    std::fs::write(&keys, "KEY=sk-1\n").unwrap();
    assert_eq!(check().0, Some(0));
}
