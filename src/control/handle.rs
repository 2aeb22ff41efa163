//! The two ways from the control socket into the daemon.
//!
//! A [`Question`] changes nothing. [`Tell`] answers it from what the daemon has published, and the loop
//! that owns the state does not notice. An [`Order`] changes something, or needs the state itself: it waits
//! in a queue for the loop.

use std::future::Future;

use supervise::spec::ServiceName;
use tokio::sync::{mpsc, oneshot};

use super::types::{Call, Refusal, Reply};

/// A call that is answered from what was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// [`Call::Status`].
    Status,
    /// [`Call::Why`].
    Why(ServiceName),
    /// [`Call::Blame`].
    Blame(Option<ServiceName>),
}

/// A call that the loop carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// [`Call::Start`].
    Start(Option<ServiceName>),
    /// [`Call::Stop`].
    Stop(Option<ServiceName>),
    /// [`Call::Restart`].
    Restart(Option<ServiceName>),
    /// [`Call::Reload`].
    Reload(Option<ServiceName>),
    /// [`Call::Preview`].
    Preview,
}

/// Which way a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The call is answered from what was published.
    Question(Question),
    /// The call goes to the loop.
    Order(Order),
}

impl From<Call> for Way {
    fn from(call: Call) -> Self {
        match call {
            Call::Status => Self::Question(Question::Status),
            Call::Why(service) => Self::Question(Question::Why(service)),
            Call::Blame(service) => Self::Question(Question::Blame(service)),
            Call::Start(service) => Self::Order(Order::Start(service)),
            Call::Stop(service) => Self::Order(Order::Stop(service)),
            Call::Restart(service) => Self::Order(Order::Restart(service)),
            Call::Reload(service) => Self::Order(Order::Reload(service)),
            Call::Preview => Self::Order(Order::Preview),
        }
    }
}

/// Answers questions. Each connection has one of its own.
pub trait Tell: Clone + Send + 'static {
    /// Answers the question. What the answer shows counts as seen from here on.
    fn tell(&mut self, question: Question) -> impl Future<Output = Result<Reply, Refusal>> + Send;

    /// Waits until there is something that was not seen yet. The result is false if the daemon ends. It is
    /// safe to cancel this.
    fn changed(&mut self) -> impl Future<Output = bool> + Send;
}

/// Takes the answer to an order back to the connection that gave the order. If it is dropped without an
/// answer, it tells the connection that the daemon ends.
pub type ReplySender = oneshot::Sender<Result<Reply, Refusal>>;

/// An order on its way to the loop.
#[derive(Debug)]
pub struct PendingCall {
    /// What is to be done.
    pub order: Order,
    /// Where the answer goes.
    pub reply: ReplySender,
}

/// What the control server has of the daemon.
#[derive(Debug, Clone)]
pub struct Handle<T> {
    /// The queue to the loop.
    pub orders: mpsc::Sender<PendingCall>,
    /// What answers the questions.
    pub tell: T,
}

impl<T: Tell> Handle<T> {
    /// Has a call answered, whichever way it goes.
    ///
    /// # Errors
    /// The daemon refuses it, or ends.
    pub async fn ask(&mut self, call: Call) -> Result<Reply, Refusal> {
        match call.into() {
            Way::Question(question) => self.tell.tell(question).await,
            Way::Order(order) => {
                let (reply, answer) = oneshot::channel();
                let pending = PendingCall { order, reply };
                let sent = self.orders.send(pending).await;
                sent.map_err(|_| Refusal::Ending)?;
                answer.await.map_err(|_| Refusal::Ending)?
            }
        }
    }
}
