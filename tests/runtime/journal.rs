//! What the services' lines become in a journal, and what never gets there.

use std::{
    collections::BTreeMap,
    io::Read as _,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use ai_gateway::control::types::Call;
use supervise::effect::StateName;

use crate::{
    gateway::{Gateway, JOURNAL, name},
    scenarios::SECRET,
};

/// A test that hears nothing fails, instead of waiting for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// A journal that keeps everything.
struct Journal {
    folder: tempfile::TempDir,
    // A stream's whole text, once its writer is gone.
    texts: mpsc::Receiver<String>,
}

impl Journal {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(Self::socket(folder.path())).expect("a socket");
        let (sender, texts) = mpsc::sync_channel(100);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                thread::spawn(move || {
                    // Nobody to tell is a test that has ended.
                    let _told = sender.send(read(stream));
                });
            }
        });
        Self { folder, texts }
    }

    fn socket(folder: &Path) -> PathBuf {
        folder.join("stdout")
    }

    /// The lines of each identifier, now that all writers have ended: until these are among them.
    fn lines(&self, wanted: &[&str]) -> BTreeMap<String, Vec<String>> {
        let mut lines = BTreeMap::<String, Vec<String>>::new();
        while !wanted.iter().all(|name| lines.contains_key(*name)) {
            let text = self.texts.recv_timeout(PATIENCE).expect("a stream");
            assert!(!text.contains(SECRET), "{text}");
            let mut text = text.lines().map(str::to_owned);
            let identifier = text.next().expect("a header");
            // Unit, priority, level prefix, three times forwarding.
            let header: Vec<_> = text.by_ref().take(6).collect();
            assert_eq!(header, ["", "6", "1", "0", "0", "0"]);
            lines.entry(identifier).or_default().extend(text);
        }
        lines
    }
}

fn read(mut stream: UnixStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    text
}

#[test]
fn every_service_has_a_stream_of_its_own_with_priorities_and_without_secrets() {
    let journal = Journal::new();
    let socket = Journal::socket(journal.folder.path());
    let socket = socket.to_str().unwrap();
    let gateway = Gateway::start_with("secretive", &[(JOURNAL, socket)]);
    gateway.ask(&Call::Start(None)).unwrap_err();
    gateway.until(|status| {
        let state = |service: &str| status.services[service].state;
        state("ill") == StateName::Failed
            && state("broken") == StateName::Failed
            && state("says") == StateName::Ready
            && state("postgres") == StateName::Ready
    });
    for service in ["says", "postgres", "ill", "broken"] {
        let why = gateway.ask(&Call::Why(name(service))).unwrap();
        assert!(!format!("{why:?}").contains(SECRET));
    }
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
    assert!(!gateway.log("ai-gateway").contains(SECRET));

    let lines = journal.lines(&["says", "postgres"]);
    assert_eq!(lines["says"], ["<3>an error", "a line"]);
    assert_eq!(
        lines["postgres"],
        [
            "<6>[1] LOG:  ready to accept",
            "<3>[2] a@b ERROR:  no",
            "<3>[2] a@b STATEMENT:  SELECT",
            "<3>\t1"
        ]
    );
}
