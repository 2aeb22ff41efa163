//! Logs from files and from a journal.

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use insta::assert_snapshot;

use crate::bench::Bench;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write(
        "state/logs/litellm.log",
        "2026-11-24T02:12:33.000001Z one\n2026-11-24T02:12:35.000001Z three\n",
    );
    bench.write("state/logs/nginx.log", "2026-11-24T02:12:34.000001Z two\n");
    bench
}

#[test]
fn logs_of_all_services_are_told_in_the_order_of_time() {
    let bench = bench();
    assert_snapshot!(bench.run("logs"), @"
    exit: 0
    --- stdout ---
    02:12:33Z litellm    | one
    02:12:34Z nginx      | two
    02:12:35Z litellm    | three
    ");
    assert_snapshot!(bench.run("logs litellm -n 1"), @"
    exit: 0
    --- stdout ---
    02:12:35Z litellm    | three
    ");
    assert_snapshot!(bench.run("logs nginx --json"), @r#"
    exit: 0
    --- stdout ---
    {"time":"2026-11-24T02:12:34.000001Z","service":"nginx","message":"two"}
    "#);
}

#[test]
fn a_log_that_is_not_there_is_told_which_there_are() {
    assert_snapshot!(bench().run("logs postgres"), @"
    exit: 2
    --- stderr ---
    error: there is no log of postgres
    hint: there are logs of litellm and nginx
    ");
    assert_snapshot!(Bench::new().run("logs"), @"
    exit: 1
    --- stderr ---
    error: there are no logs in $TEST/gw/state/logs
    hint: 'ai-gateway setup' sets it up
    ");
}

#[test]
fn following_shows_what_is_added_even_after_a_file_was_put_aside() {
    let bench = bench();
    let mut child = bench
        .child("logs -f -n 1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    let add = |name: &str, text: &str| {
        let path = bench.logs().join(name);
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    assert_eq!(next(), "02:12:35Z litellm    | three");
    add(
        "nginx.log",
        "2026-11-24T02:12:36.000001Z four\n2026-11-24T02:12:37.0",
    );
    assert_eq!(next(), "02:12:36Z nginx      | four");
    add("nginx.log", "00001Z five\n");
    assert_eq!(next(), "02:12:37Z nginx      | five");
    std::fs::rename(
        bench.logs().join("nginx.log"),
        bench.logs().join("nginx.log.1"),
    )
    .unwrap();
    add("nginx.log", "2026-11-24T02:12:38.000001Z six\n");
    assert_eq!(next(), "02:12:38Z nginx      | six");
    add("mine.log", "2026-11-24T02:12:39.000001Z seven\n");
    assert_eq!(next(), "02:12:39Z mine       | seven");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_unit_has_its_logs_in_the_journal() {
    let bench = Bench::new();
    bench.program("systemctl", "echo loaded");
    bench.program(
        "journalctl",
        "echo \"$@\" >&2\n\
         echo '{\"__REALTIME_TIMESTAMP\":\"1795486353123456\",\
         \"SYSLOG_IDENTIFIER\":\"litellm\",\"MESSAGE\":\"up\"}'",
    );
    let mut command = bench.command("logs litellm -n 5 -f");
    let seen = bench.seen(command.env_remove("AI_GATEWAY_HOME"));
    assert_snapshot!(seen.replace("--user ", ""), @"
    exit: 0
    --- stdout ---
    02:12:33Z litellm    | up
    --- stderr ---
    --unit ai-gateway.service --output=json --no-pager --quiet --lines=5 --identifier=litellm --follow
    ");
}

#[test]
fn a_number_of_lines_that_is_none_is_explained() {
    for number in ["-1", "abc", "1.5"] {
        let seen = bench().run(&format!("logs -n {number}"));
        assert!(seen.starts_with("exit: 2\n"), "{seen}");
        assert!(
            seen.contains("expected a number of lines such as 20"),
            "{seen}"
        );
    }
}
