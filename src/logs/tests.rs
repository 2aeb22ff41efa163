//! Lines through pipes into files.

use std::{io::Write, sync::Arc};

use tokio::sync::Mutex;

use super::*;
use crate::fs::regular::tests::{at_once, pipe_at};

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
    let sink = files(folder.path()).sink(&name(), None).unwrap();
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
    let sink = files(folder.path()).sink(&name(), None).unwrap();
    let (mut reader, end) = Reader::pipe(Arc::new(Mutex::new(sink))).unwrap();
    let seen = reader.wait_for("ready");
    drop(end);
    reader.run().await;
    assert!(seen.await.is_err());
}

#[tokio::test]
async fn a_line_without_end_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let sink = files(folder.path()).sink(&name(), None).unwrap();
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

/// A journal's socket for streams, and what was written to it.
struct Journal {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    listener: std::os::unix::net::UnixListener,
}

impl Journal {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("stdout");
        Self {
            listener: std::os::unix::net::UnixListener::bind(&socket).expect("a socket"),
            socket,
            _folder: folder,
        }
    }

    /// The lines of the next stream, after its header.
    fn lines(&self) -> Vec<String> {
        let mut text = String::new();
        let (mut stream, _) = self.listener.accept().expect("a stream");
        std::io::Read::read_to_string(&mut stream, &mut text).expect("text");
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "litellm");
        lines[7..].to_vec()
    }
}

#[tokio::test]
async fn what_cannot_say_how_urgent_it_is_is_read_along() {
    fn dialect(line: &str) -> Option<Priority> {
        line.contains("ERROR")
            .then_some(Priority::Error)
            .or_else(|| line.contains("LOG").then_some(Priority::Info))
    }
    let journal = Journal::new();
    let output = Output::Journal(journal.socket.clone());
    let sink = output.sink(&name(), Some(dialect)).unwrap();
    let (reader, end) = Reader::pipe(Arc::new(Mutex::new(sink))).unwrap();
    fs::File::from(end)
        .write_all(b"[1] LOG:  up\n[2] a@b ERROR:  no\n[2] a@b DETAIL:  because\n")
        .unwrap();
    reader.run().await;
    assert_eq!(
        journal.lines(),
        [
            "<6>[1] LOG:  up",
            "<3>[2] a@b ERROR:  no",
            "<3>[2] a@b DETAIL:  because"
        ]
    );
}

#[test]
fn a_pipe_in_the_place_of_a_log_is_an_error_and_not_a_wait() {
    let folder = tempfile::tempdir().unwrap();
    pipe_at(&folder.path().join("a.log"));
    let at = folder.path().to_owned();
    assert!(at_once(move || LogFile::open(&at, "a")).is_err());
}
