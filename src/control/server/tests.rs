use std::{os::unix::fs::MetadataExt as _, sync::Arc};

use supervise::spec::ServiceName;
use tempfile::TempDir;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use super::*;
use crate::control::{
    handle::{Order, PendingCall},
    types::{Call, Reply},
    wire,
};

/// A daemon that publishes a number, and whose loop is this test.
struct Daemon {
    folder: TempDir,
    calls: mpsc::Receiver<PendingCall>,
    changes: watch::Sender<u64>,
    stop: Arc<Notify>,
    server: JoinHandle<()>,
}

/// Tells the number, and knows no service.
#[derive(Clone)]
struct Published(watch::Receiver<u64>);

impl Tell for Published {
    async fn tell(&mut self, question: Question) -> Result<Reply, Refusal> {
        match question {
            Question::Status => {
                let number = *self.0.borrow_and_update();
                Ok(Reply::Done(vec![format!("published {number}")]))
            }
            Question::Why(_) | Question::Blame(_) => Err(Refusal::UnknownService {
                name: "x".into(),
                known: vec!["litellm".into()],
            }),
        }
    }

    async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

impl Daemon {
    fn start() -> Self {
        let owner = Uid::effective();
        let folder = tempfile::tempdir().unwrap();
        let (listener, _name) = bind(&folder.path().join("run/control.sock")).unwrap();
        let (asks_to, calls) = mpsc::channel(4);
        let (changes, changes_seen) = watch::channel(0);
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let handle = Handle {
            orders: asks_to,
            tell: Published(changes_seen),
        };
        let server = tokio::spawn(async move {
            serve(listener, handle, owner, stopped.notified()).await;
        });
        Self {
            folder,
            calls,
            changes,
            stop,
            server,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/control.sock")
    }

    async fn connect(&self) -> Caller {
        Caller {
            stream: UnixStream::connect(self.socket()).await.unwrap(),
            frames: Frames::new(wire::ANSWER_MAX),
        }
    }

    /// Answers the next order with its name.
    async fn answer(&mut self) -> Order {
        let ask = self.calls.recv().await.unwrap();
        // The caller may be gone: that is what some tests are about.
        let _heard = ask
            .reply
            .send(Ok(Reply::Done(vec![format!("{:?}", ask.order)])));
        ask.order
    }
}

struct Caller {
    stream: UnixStream,
    frames: Frames,
}

impl Caller {
    async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn ask(&mut self, call: &Call) {
        self.say(&frame(&Request::of(call))).await;
    }

    /// `None` if the connection has ended.
    async fn hear(&mut self) -> Option<serde_json::Value> {
        loop {
            if let Some(message) = self.frames.take().unwrap() {
                return Some(serde_json::from_slice(&message).unwrap());
            }
            let mut chunk = [0; 1024];
            match self.stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.frames.push(&chunk[..length]),
            }
        }
    }

    async fn hear_done(&mut self) -> String {
        let answer = self.hear().await.unwrap();
        answer["parameters"]["messages"][0]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn why(name: &str) -> Call {
    Call::Why(ServiceName::new(name).unwrap())
}

#[tokio::test]
async fn the_socket_is_nobody_elses() {
    let daemon = Daemon::start();
    let socket = fs::metadata(daemon.socket()).unwrap();
    let folder = fs::metadata(daemon.folder.path().join("run")).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o600);
    assert_eq!(folder.mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_folder_that_others_could_enter_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let _listener = bind(&folder.path().join("s")).unwrap();
    assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let first = bind(&path).unwrap();
    assert!(matches!(bind(&path), Err(BindError::InUse { .. })));
    drop(first);
    assert!(path.exists(), "a daemon that is killed leaves its socket");
    let _second = bind(&path).unwrap();
    StdStream::connect(&path).unwrap();
}

#[tokio::test]
async fn a_file_in_the_way_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    fs::write(&path, "somebody's").unwrap();
    assert!(matches!(bind(&path), Err(BindError::InTheWay { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"somebody's");
}

#[tokio::test]
async fn calls_in_pieces_and_several_at_once_are_answered_in_their_order() {
    let mut daemon = Daemon::start();
    let mut caller = daemon.connect().await;
    let both = [
        frame(&Request::of(&Call::Reload(None))),
        frame(&Request::of(&Call::Start(None))),
    ]
    .concat();
    let (first, second) = both.split_at(10);
    caller.say(first).await;
    caller.say(second).await;
    assert_eq!(daemon.answer().await, Order::Reload(None));
    assert_eq!(daemon.answer().await, Order::Start(None));
    assert_eq!(caller.hear_done().await, "Reload(None)");
    assert_eq!(caller.hear_done().await, "Start(None)");
}

#[tokio::test]
async fn a_slow_call_holds_nobody_else_up() {
    let mut daemon = Daemon::start();
    let (mut slow, mut quick) = (daemon.connect().await, daemon.connect().await);
    slow.ask(&Call::Reload(None)).await;
    let pending = daemon.calls.recv().await.unwrap();
    quick.ask(&Call::Stop(None)).await;
    assert_eq!(daemon.answer().await, Order::Stop(None));
    assert_eq!(quick.hear_done().await, "Stop(None)");
    pending
        .reply
        .send(Ok(Reply::Done(vec!["late".into()])))
        .unwrap();
    assert_eq!(slow.hear_done().await, "late");
}

#[tokio::test]
async fn a_caller_that_dies_in_the_middle_takes_nothing_with_it() {
    let mut daemon = Daemon::start();
    let mut dying = daemon.connect().await;
    dying.ask(&Call::Reload(None)).await;
    let ask = daemon.calls.recv().await.unwrap();
    drop(dying);
    let _unheard = ask.reply.send(Ok(Reply::Done(vec![])));
    let mut half = daemon.connect().await;
    half.say(b"{\"method\":").await;
    drop(half);
    let mut caller = daemon.connect().await;
    caller.ask(&Call::Start(None)).await;
    daemon.answer().await;
    assert_eq!(caller.hear_done().await, "Start(None)");
}

#[tokio::test]
async fn garbage_and_endless_messages_end_the_connection() {
    let daemon = Daemon::start();
    for bad in [&b"hello\0"[..], b"[]\0", b"\0", &[b'x'; CALL_MAX + 1]] {
        let mut caller = daemon.connect().await;
        // The daemon may close while we still write.
        let _cut_off = caller.stream.write_all(bad).await;
        assert_eq!(caller.hear().await, None);
    }
}

#[tokio::test]
async fn it_describes_itself() {
    let daemon = Daemon::start();
    let mut caller = daemon.connect().await;
    caller
        .say(b"{\"method\":\"org.varlink.service.GetInfo\"}\0")
        .await;
    let info = caller.hear().await.unwrap();
    assert_eq!(info["parameters"]["product"], "ai-gateway");
    for interface in info["parameters"]["interfaces"].as_array().unwrap() {
        let request = serde_json::json!({
            "method": "org.varlink.service.GetInterfaceDescription",
            "parameters": { "interface": interface },
        });
        caller.say(&frame(&request)).await;
        let answer = caller.hear().await.unwrap();
        let description = answer["parameters"]["description"].as_str().unwrap();
        assert!(description.contains(&format!("interface {}\n", interface.as_str().unwrap())));
    }
    caller.say(b"{\"method\":\"io.nobody.Knows\"}\0").await;
    assert_eq!(
        caller.hear().await.unwrap()["error"],
        "org.varlink.service.InterfaceNotFound"
    );
}

#[tokio::test]
async fn a_one_way_call_is_done_and_not_answered() {
    let mut daemon = Daemon::start();
    let mut caller = daemon.connect().await;
    caller
        .say(b"{\"method\":\"io.aigateway.Control.Reload\",\"oneway\":true}\0")
        .await;
    assert_eq!(daemon.answer().await, Order::Reload(None));
    caller.ask(&Call::Start(None)).await;
    daemon.answer().await;
    assert_eq!(caller.hear_done().await, "Start(None)");
}

#[tokio::test]
async fn a_refusal_arrives_with_its_details() {
    let daemon = Daemon::start();
    let mut caller = daemon.connect().await;
    caller.ask(&why("x")).await;
    let answer = caller.hear().await.unwrap();
    assert_eq!(answer["error"], "io.aigateway.Control.UnknownService");
    assert_eq!(answer["parameters"]["known"][0], "litellm");
}

#[tokio::test]
async fn a_thousand_questions_do_not_enter_the_loop() {
    let mut daemon = Daemon::start();
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut caller = daemon.connect().await;
        for _ in 0..32 {
            caller.ask(&Call::Status).await;
        }
        callers.push(caller);
    }
    for caller in &mut callers {
        for _ in 0..32 {
            assert_eq!(caller.hear_done().await, "published 0");
        }
    }
    let ordered = daemon.calls.try_recv();
    assert!(ordered.is_err(), "{ordered:?}");
}

#[tokio::test]
async fn watching_tells_each_change_until_the_daemon_ends() {
    let daemon = Daemon::start();
    let mut caller = daemon.connect().await;
    caller.say(&frame(&Request::watch())).await;
    for change in 1..=3 {
        let status = caller.hear().await.unwrap();
        assert_eq!(status["continues"], true);
        assert_eq!(
            status["parameters"]["messages"][0],
            format!("published {}", change - 1)
        );
        daemon.changes.send_replace(change);
    }
    assert!(caller.hear().await.is_some());
    daemon.stop.notify_one();
    assert_eq!(caller.hear().await, None);
    daemon.server.await.unwrap();
}

#[tokio::test]
async fn a_loop_that_is_gone_is_an_answer_too() {
    let mut daemon = Daemon::start();
    let mut caller = daemon.connect().await;
    caller.ask(&Call::Reload(None)).await;
    drop(daemon.calls.recv().await.unwrap());
    assert_eq!(
        caller.hear().await.unwrap()["error"],
        "io.aigateway.Control.Ending"
    );
    daemon.calls.close();
    caller.ask(&Call::Reload(None)).await;
    assert_eq!(
        caller.hear().await.unwrap()["error"],
        "io.aigateway.Control.Ending"
    );
}

#[tokio::test]
async fn the_last_answer_is_heard_although_the_daemon_ends() {
    let mut daemon = Daemon::start();
    let (mut caller, mut idle) = (daemon.connect().await, daemon.connect().await);
    caller.ask(&Call::Stop(None)).await;
    let ask = daemon.calls.recv().await.unwrap();
    daemon.stop.notify_one();
    assert_eq!(idle.hear().await, None);
    ask.reply
        .send(Ok(Reply::Done(vec!["stopped".into()])))
        .unwrap();
    assert_eq!(caller.hear_done().await, "stopped");
    assert_eq!(caller.hear().await, None);
    daemon.server.await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_not_finished_in_time_ends_the_connection() {
    let mut daemon = Daemon::start();
    let mut caller = daemon.connect().await;
    caller.ask(&Call::Reload(None)).await;
    daemon.answer().await;
    caller.hear_done().await;
    caller.say(b"{\"method\"").await;
    // A byte now and then is no message either. Time passes only here.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let mut talking = tokio::time::interval(Duration::from_secs(1));
    let ended = async {
        loop {
            tokio::select! {
                heard = caller.hear() => break heard,
                _ = talking.tick() => {}
            }
        }
    };
    assert_eq!(ended.await, None);
    assert!(began.elapsed() <= MESSAGE_TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn whoever_does_nothing_keeps_nobody_out() {
    let mut daemon = Daemon::start();
    let mut watcher = daemon.connect().await;
    watcher.say(&frame(&Request::watch())).await;
    watcher.hear().await.unwrap();
    let mut idle = Vec::new();
    for _ in 1..CONNECTIONS_MAX {
        let mut caller = daemon.connect().await;
        caller.say(b"{\"method\":\"io.aiga").await;
        idle.push(caller);
    }
    let mut callers = Vec::new();
    for _ in 0..3 {
        let mut caller = daemon.connect().await;
        caller.ask(&Call::Reload(None)).await;
        daemon.answer().await;
        assert_eq!(caller.hear_done().await, "Reload(None)");
        callers.push(caller);
    }
    // The oldest ones made room, and not who was there first and is served.
    for gone in &mut idle[..3] {
        assert_eq!(gone.hear().await, None);
    }
    daemon.changes.send_replace(1);
    assert_eq!(watcher.hear().await.unwrap()["continues"], true);
}

#[tokio::test]
async fn too_many_calls_are_turned_away_with_a_reason() {
    let mut daemon = Daemon::start();
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut caller = daemon.connect().await;
        caller.ask(&Call::Reload(None)).await;
        // It is kept waiting.
        open.push((daemon.calls.recv().await.unwrap(), caller));
    }
    let mut one_more = daemon.connect().await;
    let answer = one_more.hear().await.unwrap();
    assert_eq!(answer["error"], "io.aigateway.Control.Failed");
    assert_eq!(one_more.hear().await, None);
    let (ask, mut last) = open.pop().unwrap();
    ask.reply
        .send(Ok(Reply::Done(vec!["reloaded".into()])))
        .unwrap();
    assert_eq!(last.hear_done().await, "reloaded");
}

#[test]
fn only_the_owner_and_root_may_speak() {
    let (owner, other) = (Uid::from_raw(1500), Uid::from_raw(1501));
    assert!(may_speak(owner, owner));
    assert!(may_speak(Uid::from_raw(0), owner));
    assert!(!may_speak(other, owner));
    assert!(!may_speak(other, Uid::from_raw(0)));
}
