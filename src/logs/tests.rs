//! Lines through pipes into files.

use std::{io::Write, sync::Arc};

use tokio::sync::Mutex;

use super::*;

fn name() -> ServiceName {
    ServiceName::new("litellm").unwrap()
}

fn files(folder: &Path) -> Output {
    Output::Files {
        folder: folder.to_owned(),
        terminal: false,
    }
}

/// The lines of a log without their times, which have to be there.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let (time, text) = line.split_once(' ').unwrap();
        humantime::parse_rfc3339(time).unwrap();
        text.to_owned()
    };
    text.lines().map(line).collect()
}

#[test]
fn the_journal_is_taken_only_where_our_own_output_goes_to_it() {
    let folder = Path::new("/state/logs");
    let stderr = fs::metadata("/proc/self/fd/2").unwrap();
    let ours = format!("{}:{}", stderr.dev(), stderr.ino());
    let journal = Output::Journal(JOURNAL_STREAM_SOCKET.into());
    assert_eq!(Output::find(Some(&ours), folder, false), journal);
    for other in [None, Some("1:2"), Some(""), Some("x:y")] {
        assert_eq!(Output::find(other, folder, false), files(folder));
    }
}

#[tokio::test]
async fn lines_reach_the_file_whole_and_the_one_waited_for_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let sink = files(folder.path()).sink(&name()).unwrap();
    let (mut reader, end) = Reader::pipe(Arc::new(Mutex::new(sink))).unwrap();
    let seen = reader.wait_for("ready to");
    let mut end = fs::File::from(end);
    end.write_all(b"one\r\n\nready to serve\nno end").unwrap();
    drop(end);
    reader.run().await;
    seen.await.unwrap();
    let log = folder.path().join("litellm.log");
    assert_eq!(lines(&log), ["one", "", "ready to serve", "no end"]);
}

#[tokio::test]
async fn a_line_that_never_came_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let sink = files(folder.path()).sink(&name()).unwrap();
    let (mut reader, end) = Reader::pipe(Arc::new(Mutex::new(sink))).unwrap();
    let seen = reader.wait_for("ready");
    drop(end);
    reader.run().await;
    assert!(seen.await.is_err());
}

#[tokio::test]
async fn a_line_without_end_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let sink = files(folder.path()).sink(&name()).unwrap();
    let (reader, end) = Reader::pipe(Arc::new(Mutex::new(sink))).unwrap();
    let writer = std::thread::spawn(move || {
        fs::File::from(end)
            .write_all(&[b'x'; (64 << 10) + 3])
            .unwrap();
    });
    reader.run().await;
    writer.join().unwrap();
    let lengths: Vec<_> = lines(&folder.path().join("litellm.log"))
        .iter()
        .map(String::len)
        .collect();
    assert_eq!(lengths, [64 << 10, 3]);
}

#[test]
fn a_log_never_grows_beyond_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogFile::with_size(folder.path(), "a", 1000).unwrap();
    for number in 0..100 {
        log.lines(format!("line {number}\n").as_bytes());
    }
    let (now, before) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
    for file in [&now, &before] {
        assert!(fs::metadata(file).unwrap().len() <= 1000);
    }
    let kept: Vec<_> = [lines(&before), lines(&now)].concat();
    let first = 100 - kept.len();
    let wanted: Vec<_> = (first..100).map(|n| format!("line {n}")).collect();
    assert_eq!(kept, wanted);
}

#[test]
fn lines_that_were_lost_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogFile::open(folder.path(), "a").unwrap();
    log.write_to("/dev/full");
    log.lines(b"one\ntwo\n");
    log.lines(b"three\n");
    log.write_to(folder.path().join("a.log"));
    log.lines(b"four\n");
    let wanted = ["(3 lines were lost here)", "four"];
    assert_eq!(lines(&folder.path().join("a.log")), wanted);
}
