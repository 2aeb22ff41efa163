//! Work that takes time and that several callers may request at once: measuring, and reading files.
//!
//! ```text
//!  Asker ──▶ questions ──▶ Worker: next ──▶ work (a thread apart) ──▶ the same answer for all of them
//! ```
//!
//! One piece of work answers everybody who asked before it began; whoever asks later gets the result of the
//! next one. So an answer is never older than its question, two pieces of work never run at once, and their
//! number does not grow with the number of callers. While nobody asks there is no thread.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, timeout},
};

use super::apart::Apart;

/// How many questions may wait in the queue. Further callers wait in their own tasks. The control socket
/// has far fewer callers than this.
const QUESTIONS: usize = 1024;

/// A question, and where its answer is sent.
type Pending<Q, T> = (Q, oneshot::Sender<Arc<T>>);

/// The side of the callers: it asks the worker.
#[derive(Debug)]
pub(super) struct Asker<Q, T>(mpsc::Sender<Pending<Q, T>>);

/// The side that does the work.
#[derive(Debug)]
pub(super) struct Worker<Q, T> {
    questions: mpsc::Receiver<Pending<Q, T>>,
    thread: Apart,
    limit: Duration,
}

/// The callers that one piece of work answers.
#[derive(Debug)]
pub(super) struct Batch<Q, T>(Vec<Pending<Q, T>>);

/// Makes a worker that gives up work which takes longer than `limit`, and the side that asks it.
pub(super) fn worker<Q, T>(limit: Duration) -> (Asker<Q, T>, Worker<Q, T>) {
    let (to, questions) = mpsc::channel(QUESTIONS);
    let worker = Worker {
        questions,
        thread: Apart::default(),
        limit,
    };
    (Asker(to), worker)
}

impl<Q, T> Clone for Asker<Q, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q, T> Asker<Q, T> {
    /// A result of work that began after this question. `None` if the daemon ends.
    pub(super) async fn ask(&self, question: Q) -> Option<Arc<T>> {
        let (reply, answer) = oneshot::channel();
        self.0.send((question, reply)).await.ok()?;
        answer.await.ok()
    }

    /// How many questions wait in the queue.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        QUESTIONS - self.0.capacity()
    }
}

impl<Q, T: Send + 'static> Worker<Q, T> {
    /// Waits for the first question, and returns all that have been asked by then. `None` if nobody will
    /// ask any more. It is safe to cancel.
    pub(super) async fn next(&mut self) -> Option<Batch<Q, T>> {
        let mut all = vec![self.questions.recv().await?];
        while let Ok(more) = self.questions.try_recv() {
            all.push(more);
        }
        Some(Batch(all))
    }

    /// The result of the work. `None` if it takes too long, or if an earlier piece of work has not ended.
    pub(super) async fn work(&mut self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let found = self.thread.begin(work).ok()?;
        timeout(self.limit, found).await.ok()?.ok()
    }
}

impl<Q, T> Batch<Q, T> {
    /// The questions.
    pub(super) fn questions(&self) -> impl Iterator<Item = &Q> {
        self.0.iter().map(|(question, _)| question)
    }

    /// Answers all of them.
    pub(super) fn answer(self, found: T) {
        let found = Arc::new(found);
        for (_, reply) in self.0 {
            // The caller may have gone away.
            drop(reply.send(Arc::clone(&found)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as threads;

    use tokio::task::JoinSet;

    use super::*;

    /// Does one piece of work for each gate, which says that it has begun and waits to be let go on.
    async fn work_at(
        gates: Vec<(threads::Receiver<()>, oneshot::Sender<()>)>,
        of: Worker<(), u32>,
    ) {
        let mut worker = of;
        for (number, (gate, begun)) in (1..).zip(gates) {
            let batch = worker.next().await.unwrap();
            let found = worker.work(move || {
                begun.send(()).unwrap();
                gate.recv().unwrap();
                number
            });
            batch.answer(found.await.unwrap());
        }
        assert!(worker.next().await.is_none(), "there is a third question");
    }

    #[tokio::test]
    async fn a_thousand_callers_are_answered_by_one_piece_of_work_and_none_by_an_older_one() {
        let (asker, worker) = worker(Duration::from_secs(60));
        let ((open, gate), (begun, has_begun)) = (threads::channel(), oneshot::channel());
        let ((open_later, later_gate), (later_begun, _unread)) =
            (threads::channel(), oneshot::channel());
        let gates = vec![(gate, begun), (later_gate, later_begun)];
        let work = tokio::spawn(work_at(gates, worker));
        let mut callers = JoinSet::new();
        let ask = |callers: &mut JoinSet<_>| {
            let asker = asker.clone();
            callers.spawn(async move { asker.ask(()).await });
        };
        ask(&mut callers);
        has_begun.await.unwrap();
        for _ in 0..1000 {
            ask(&mut callers);
        }
        while asker.waiting() < 1000 {
            tokio::task::yield_now().await;
        }
        open.send(()).unwrap();
        open_later.send(()).unwrap();
        let answers: Vec<_> = callers.join_all().await;
        let by = |number| {
            answers
                .iter()
                .filter(|a| a.as_deref() == Some(&number))
                .count()
        };
        assert_eq!((by(1), by(2)), (1, 1000));
        drop(asker);
        work.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_never_ends_is_given_up_and_is_not_begun_again() {
        let (_asker, mut worker) = worker::<(), ()>(Duration::from_millis(10));
        let (_keep, never) = threads::channel::<()>();
        let stuck = worker.work(move || never.recv().unwrap_or_default());
        assert_eq!(stuck.await, None);
        assert_eq!(worker.work(|| ()).await, None);
    }
}
