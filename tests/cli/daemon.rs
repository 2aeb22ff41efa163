//! The daemon's end of the control socket, for tests of the command line.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use ai_gateway::control::{
    handle::{Handle, Order, PendingCall, Question, Tell},
    server,
    types::{Call, GatewayStatus, Refusal, Reply},
};
use nix::unistd::Uid;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// The daemon's end, in a thread: the product's own server, and a loop that knows one status.
pub(crate) struct Daemon {
    status: Arc<Mutex<GatewayStatus>>,
    asked: Arc<Mutex<Vec<Call>>>,
    changes: watch::Sender<u64>,
    held: watch::Sender<bool>,
    stays: Arc<AtomicBool>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    pub(crate) fn start(
        socket: &Path,
        owner: Uid,
        status: GatewayStatus,
        answer: impl FnMut(&Call) -> Result<Reply, Refusal> + Send + 'static,
    ) -> Self {
        let (changes, changed) = watch::channel(0);
        let daemon = Self {
            status: Arc::new(Mutex::new(status)),
            asked: Arc::default(),
            changes,
            held: watch::Sender::new(false),
            stays: Arc::default(),
            stop: Arc::new(Notify::new()),
            thread: None,
        };
        let (orders, ordered) = mpsc::channel(4);
        let (asks, asked) = mpsc::channel(4);
        let serving = Serving {
            log: Arc::clone(&daemon.asked),
            ordered,
            asked,
            held: daemon.held.subscribe(),
            stays: Arc::clone(&daemon.stays),
            stop: Arc::clone(&daemon.stop),
        };
        let handle = Handle {
            orders,
            tell: Teller {
                status: Arc::clone(&daemon.status),
                asks,
                changes: changed,
            },
        };
        let (socket, stop) = (socket.to_owned(), Arc::clone(&daemon.stop));
        let (listens, listening) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (listener, _name) = server::bind(&socket).unwrap();
                listens.send(()).unwrap();
                let server = server::serve(listener, handle, owner, stop.notified());
                tokio::join!(server, serving.run(answer));
            });
        });
        listening.recv().unwrap();
        Self {
            thread: Some(thread),
            ..daemon
        }
    }

    /// Another status, of which those who watch are told.
    pub(crate) fn becomes(&self, status: GatewayStatus) {
        *self.status.lock().unwrap() = status;
        self.changes.send_modify(|count| *count += 1);
    }

    /// Keeps its answers but for the status, or gives them at last.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Has it listen on after it has answered a stop.
    pub(crate) fn stays(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// What was asked of it, but for the status.
    pub(crate) fn asked(&self) -> Vec<Call> {
        self.asked.lock().unwrap().clone()
    }

    /// Ends it and waits for that.
    pub(crate) fn end(mut self) {
        self.stop.notify_one();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What somebody asks, and where the answer goes.
type Asked = (Call, oneshot::Sender<Result<Reply, Refusal>>);

/// Tells the status by itself, and has the rest answered.
#[derive(Clone)]
struct Teller {
    status: Arc<Mutex<GatewayStatus>>,
    asks: mpsc::Sender<Asked>,
    changes: watch::Receiver<u64>,
}

impl Tell for Teller {
    async fn tell(&mut self, question: Question) -> Result<Reply, Refusal> {
        let call = match question {
            Question::Status => {
                self.changes.mark_unchanged();
                let status = self.status.lock().unwrap().clone();
                return Ok(Reply::Status(Box::new(status)));
            }
            Question::Why(service) => Call::Why(service),
            Question::Blame(service) => Call::Blame(service),
        };
        let (reply, answer) = oneshot::channel();
        let sent = self.asks.send((call, reply)).await;
        sent.map_err(|_| Refusal::Ending)?;
        answer.await.map_err(|_| Refusal::Ending)?
    }

    async fn changed(&mut self) -> bool {
        self.changes.changed().await.is_ok()
    }
}

struct Serving {
    log: Arc<Mutex<Vec<Call>>>,
    ordered: mpsc::Receiver<PendingCall>,
    asked: mpsc::Receiver<Asked>,
    held: watch::Receiver<bool>,
    stays: Arc<AtomicBool>,
    stop: Arc<Notify>,
}

impl Serving {
    /// Ends when the server has gone and with it everybody who could ask.
    async fn run(mut self, mut answer: impl FnMut(&Call) -> Result<Reply, Refusal>) {
        while let Some((call, reply)) = self.next().await {
            self.log.lock().unwrap().push(call.clone());
            let (answered, mut held) = (answer(&call), self.held.clone());
            let ends = call == Call::Stop(None) && !self.stays.load(Ordering::Relaxed);
            let stop = ends.then(|| Arc::clone(&self.stop));
            tokio::spawn(async move {
                let _released = held.wait_for(|held| !held).await;
                // Whoever asked may be gone.
                let _heard = reply.send(answered);
                if let Some(stop) = stop {
                    stop.notify_one();
                }
            });
        }
    }

    async fn next(&mut self) -> Option<Asked> {
        tokio::select! {
            Some(asked) = self.asked.recv() => Some(asked),
            Some(PendingCall { order, reply }) = self.ordered.recv() => {
                let call = match order {
                    Order::Start(service) => Call::Start(service),
                    Order::Stop(service) => Call::Stop(service),
                    Order::Restart(service) => Call::Restart(service),
                    Order::Reload(service) => Call::Reload(service),
                    Order::Preview => Call::Preview,
                };
                Some((call, reply))
            }
            else => None,
        }
    }
}
