//! The teller beside a loop that is this test: it publishes, carries out orders, and turns when it wants to.

use std::{
    process::Command,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc as threads,
    },
};

use supervise::effect::StateName;
use tokio::{
    sync::mpsc,
    time::{Duration, advance, timeout},
};

use super::*;
use crate::{
    control::{
        handle::{Handle, Order, PendingCall},
        types::{Call, GatewayStatus, ServiceStatus as Told, Why},
    },
    identity::GatewayId,
    publish::{
        Compare, Compared, Process, ServiceFacts, Whole,
        fixtures::{facts, name},
    },
    runtime::publisher::Publisher,
};

/// A daemon without a machine.
struct Daemon {
    publisher: Publisher,
    orders: mpsc::Receiver<PendingCall>,
    pulse: Arc<Pulse>,
    handle: Handle<Teller>,
    /// How often the configuration on disk was looked at.
    looks: Arc<AtomicUsize>,
    /// Each look waits here until it is dropped.
    gate: Option<threads::Sender<()>>,
    folder: tempfile::TempDir,
    _workers: JoinSet<()>,
}

impl Daemon {
    fn start() -> Self {
        let mut daemon = Self::with_a_gate();
        daemon.gate = None;
        daemon
    }

    /// A daemon in which no look at the configuration ends before the gate is dropped.
    fn with_a_gate() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let (gate, closed) = threads::channel::<()>();
        let closed = std::sync::Mutex::new(closed);
        let look = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            // Nothing is ever sent.
            let _opened = closed.lock().unwrap().recv();
            Compared::default()
        };
        let whole = Whole {
            compare: Compare::new(look, Vec::new),
            ..Whole::default()
        };
        let clock = Clock::start();
        let publisher = Publisher::new(whole, clock.now());
        let pulse = Arc::new(Pulse::start());
        pulse.waits(None);
        let (to_loop, orders) = mpsc::channel(1);
        let mut workers = JoinSet::new();
        let home = folder.path().to_owned();
        let paths = Paths::find(
            |variable| (variable == "AI_GATEWAY_HOME").then(|| home.to_str().unwrap().to_owned()),
            false,
        );
        let places = Places {
            gateway: GatewayId::of(folder.path()).unwrap(),
            groups: None,
        };
        let tell = Teller::new(
            publisher.subscribe(),
            Arc::clone(&pulse),
            (clock, paths.unwrap(), places),
            &mut workers,
        );
        Self {
            publisher,
            orders,
            pulse,
            handle: Handle {
                orders: to_loop,
                tell,
            },
            looks,
            gate: Some(gate),
            folder,
            _workers: workers,
        }
    }

    fn publish(&mut self, of: &str, state: StateName, process: Option<Process>) {
        let facts = |_: &ServiceName| {
            let facts = facts(of, state);
            Some(ServiceFacts { process, ..facts })
        };
        let published = self.publisher.publish([name(of)].into(), facts);
        assert!(published);
    }

    async fn status(&mut self) -> GatewayStatus {
        match self.handle.ask(Call::Status).await {
            Ok(Reply::Status(status)) => *status,
            other => panic!("not a status: {other:?}"),
        }
    }

    async fn why(&mut self, of: &str) -> Why {
        match self.handle.ask(Call::Why(name(of))).await {
            Ok(Reply::Why(why)) => *why,
            other => panic!("not an answer to why: {other:?}"),
        }
    }
}

fn state_of(status: &GatewayStatus, of: &str) -> StateName {
    let Told { state, .. } = status.services[&name(of)];
    state
}

#[tokio::test]
async fn a_thousand_readers_at_once_do_not_enter_the_loop_and_share_what_takes_time() {
    let mut daemon = Daemon::with_a_gate();
    for n in 0..100 {
        daemon.publish(&format!("s{n}"), StateName::Ready, None);
    }
    let mut readers = JoinSet::new();
    let ask = |readers: &mut JoinSet<_>| {
        let mut handle = daemon.handle.clone();
        readers.spawn(async move { handle.ask(Call::Status).await });
    };
    ask(&mut readers);
    while daemon.looks.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        ask(&mut readers);
    }
    while daemon.handle.tell.look.waiting() < 1000 {
        tokio::task::yield_now().await;
    }
    daemon.gate = None;
    for answer in readers.join_all().await {
        let Ok(Reply::Status(status)) = answer else {
            panic!("not a status: {answer:?}")
        };
        assert_eq!(status.services.len(), 100);
    }
    assert!(
        daemon.orders.try_recv().is_err(),
        "one has entered the loop"
    );
    let looks = daemon.looks.load(Ordering::Relaxed);
    assert_eq!(looks, 2, "one for the first reader, one for all others");
}

#[tokio::test]
async fn a_service_is_measured_for_who_asks_without_the_loop() {
    let mut daemon = Daemon::start();
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let started = sys::proc::stat(pid).unwrap().started;
    daemon.publish("a", StateName::Ready, Some(Process { pid, started }));
    daemon.publish("b", StateName::Stopped, None);
    let (a, b) = (daemon.why("a").await, daemon.why("b").await);
    let status = daemon.status().await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(a.status.memory.current > Some(0), "{a:?}");
    assert!(a.status.cpu.usage_usec.is_some(), "{a:?}");
    assert_eq!(b.status.memory.current, None);
    assert!(status.services[&name("a")].memory.current > Some(0));
    assert!(daemon.orders.try_recv().is_err(), "it has entered the loop");
}

#[tokio::test]
async fn whoever_was_answered_sees_in_the_next_status_what_was_done() {
    let mut daemon = Daemon::start();
    daemon.publish("a", StateName::Ready, None);
    assert_eq!(state_of(&daemon.status().await, "a"), StateName::Ready);
    let mut handle = daemon.handle.clone();
    let stopped = tokio::spawn(async move {
        handle.ask(Call::Stop(Some(name("a")))).await?;
        handle.ask(Call::Status).await
    });
    let PendingCall { order, reply } = daemon.orders.recv().await.unwrap();
    assert_eq!(order, Order::Stop(Some(name("a"))));
    daemon.publish("a", StateName::Stopped, None);
    reply.send(Ok(Reply::Done(Vec::new()))).unwrap();
    let Ok(Reply::Status(status)) = stopped.await.unwrap() else {
        panic!("not a status")
    };
    assert_eq!(state_of(&status, "a"), StateName::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_hangs_is_not_hidden_by_what_it_has_published() {
    const AS_LONG_AS_THE_COMMAND_LINE_WAITS: Duration = crate::control::client::PATIENCE;
    let mut daemon = Daemon::start();
    daemon.publish("a", StateName::Ready, None);
    let questions = [Call::Status, Call::Why(name("a")), Call::Blame(None)];
    for question in &questions {
        daemon.handle.ask(question.clone()).await.unwrap();
    }
    daemon.pulse.begins();
    advance(Duration::from_secs(2)).await;
    for question in questions {
        let answer = daemon.handle.ask(question);
        let answer = timeout(AS_LONG_AS_THE_COMMAND_LINE_WAITS, answer).await;
        assert!(answer.is_err(), "{answer:?}");
    }
    // It goes on after all.
    daemon.pulse.waits(None);
    daemon.status().await;
}

#[tokio::test]
async fn a_stranger_is_told_who_there_is_and_the_end_ends_it() {
    let mut daemon = Daemon::start();
    daemon.publish("a", StateName::Ready, None);
    for call in [Call::Why(name("b")), Call::Blame(Some(name("b")))] {
        let refusal = daemon.handle.ask(call).await.unwrap_err();
        assert_eq!(refusal.to_string(), "no service is named b: there are a");
    }
    let mut handle = daemon.handle.clone();
    assert!(handle.ask(Call::Status).await.is_ok());
    let Daemon {
        publisher,
        folder: _folder,
        ..
    } = daemon;
    drop(publisher);
    assert!(!handle.tell.changed().await);
    assert_eq!(handle.ask(Call::Status).await, Err(Refusal::Ending));
}
