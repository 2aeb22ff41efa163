use std::fs;

use super::{entry::Entry, *};

const EARLY: &str = "2026-11-24T02:12:33.000001Z";
const LATE: &str = "2026-11-24T02:12:33.000002Z";

fn printed(entries: &[Entry]) -> Vec<String> {
    let line = |entry: &Entry| format!("{} {}", entry.service, entry.message);
    entries.iter().map(line).collect()
}

fn last(folder: &std::path::Path, only: Option<&str>, count: usize) -> Vec<String> {
    let mut logs = files::open(folder, only).unwrap();
    printed(&files::last(folder, &mut logs, count).unwrap())
}

#[test]
fn lines_of_several_services_come_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("b.log", format!("{EARLY} first\n{LATE} third\n"));
    write("a.log", format!("{EARLY} second\nno time\n"));
    write("other.txt", "no log".into());
    let all = ["a second", "a no time", "b first", "b third"];
    assert_eq!(last(folder.path(), None, 10), all);
    assert_eq!(last(folder.path(), None, 2), all[2..]);
    assert_eq!(last(folder.path(), Some("a"), 1), ["a no time"]);
    assert!(last(folder.path(), None, 0).is_empty());
}

#[test]
fn what_was_put_aside_comes_before() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("a.log.1", format!("{EARLY} 1\n{EARLY} 2\n"));
    write("a.log", format!("{LATE} 3\n"));
    assert_eq!(last(folder.path(), None, 2), ["a 2", "a 3"]);
    assert_eq!(last(folder.path(), None, 9), ["a 1", "a 2", "a 3"]);
}

#[test]
fn the_end_of_a_long_file_begins_with_a_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..20_000).map(|n| format!("{EARLY} {n}\n")).collect();
    assert!(lines.len() > 300_000);
    fs::write(folder.path().join("a.log"), lines).unwrap();
    let wanted: Vec<String> = (17_000..20_000).map(|n| format!("a {n}")).collect();
    assert_eq!(last(folder.path(), None, 3_000), wanted);
}

#[test]
fn a_line_is_printed_with_its_time_and_who_said_it() {
    let entry = Entry {
        time: LATE.into(),
        service: "nginx".into(),
        message: "up".into(),
    };
    let text = Printer { json: false }.line(&entry);
    assert_eq!(
        anstream::adapter::strip_str(&text).to_string(),
        "02:12:33Z nginx      | up\n"
    );
    insta::assert_snapshot!(Printer { json: true }.line(&entry), @r#"{"time":"2026-11-24T02:12:33.000002Z","service":"nginx","message":"up"}"#);
}
