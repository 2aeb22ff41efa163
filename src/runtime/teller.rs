//! Answers questions from the snapshot, without the loop.
//!
//! If an answer needs something measured or read, a worker does that first, and the snapshot is taken after
//! it. So the states in an answer are as new as possible. A caller who was told that an order is done sees
//! its result in the next answer, because the loop publishes before it answers orders.

use std::{future::Future, sync::Arc};

use supervise::spec::ServiceName;
use tokio::{sync::watch, task::JoinSet};

use super::{
    look,
    measure::{self, Places, Subject},
    pulse::Pulse,
    worker::{Asker, worker},
};
use crate::{
    clock::Clock,
    config::paths::Paths,
    control::{
        handle::{Question, Tell},
        types::{Refusal, Reply},
    },
    publish::{self, Figures, Files, Snapshot},
};

/// Answers questions.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    pulse: Arc<Pulse>,
    measure: Asker<Subject, Figures>,
    look: Asker<(), Files>,
    clock: Clock,
}

impl Teller {
    /// Answers from the snapshots that arrive by `snapshots`. Its workers are tasks of `workers`, and do
    /// nothing until somebody asks.
    pub(super) fn new(
        snapshots: watch::Receiver<Arc<Snapshot>>,
        pulse: Arc<Pulse>,
        (clock, paths, places): (Clock, Paths, Places),
        workers: &mut JoinSet<()>,
    ) -> Self {
        let (measure, measuring) = worker(measure::LIMIT);
        workers.spawn(measure::serve(measuring, snapshots.clone(), places));
        let (look, looking) = worker(look::LIMIT);
        workers.spawn(look::serve(looking, snapshots.clone(), paths, clock));
        Self {
            snapshots,
            pulse,
            measure,
            look,
            clock,
        }
    }

    /// The snapshot as it is now.
    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Refusal> {
        self.snapshots.has_changed().map_err(|_| Refusal::Ending)?;
        Ok(Arc::clone(&self.snapshots.borrow_and_update()))
    }

    async fn figures(&self, of: Subject) -> Arc<Figures> {
        self.measure.ask(of).await.unwrap_or_default()
    }

    async fn files(&self) -> Arc<Files> {
        self.look.ask(()).await.unwrap_or_default()
    }

    async fn answer(&mut self, question: Question) -> Result<Reply, Refusal> {
        self.pulse.beats().await;
        match question {
            Question::Status => {
                let (figures, files) = tokio::join!(self.figures(None), self.files());
                let snapshot = self.snapshot()?;
                let status = publish::status(&snapshot, self.clock.reading(), &figures, &files);
                Ok(Reply::Status(Box::new(status)))
            }
            Question::Why(service) => {
                known(&*self.snapshot()?, &service)?;
                let figures = self.figures(Some(service.clone())).await;
                let snapshot = self.snapshot()?;
                let why = publish::why(&snapshot, &service, self.clock.reading(), &figures);
                let why = why.ok_or_else(|| Refusal::Failed(format!("{service} is gone")))?;
                Ok(Reply::Why(Box::new(why)))
            }
            Question::Blame(service) => {
                if let Some(service) = &service {
                    known(&*self.snapshot()?, service)?;
                }
                let files = self.files().await;
                let snapshot = self.snapshot()?;
                let now = self.clock.reading();
                let blame = publish::blame(&snapshot, service.as_ref(), now, &files);
                Ok(Reply::Blame(Box::new(blame)))
            }
        }
    }
}

impl Tell for Teller {
    fn tell(&mut self, question: Question) -> impl Future<Output = Result<Reply, Refusal>> + Send {
        self.answer(question)
    }

    async fn changed(&mut self) -> bool {
        self.snapshots.changed().await.is_ok()
    }
}

fn known(snapshot: &Snapshot, service: &ServiceName) -> Result<(), Refusal> {
    if snapshot.service(service).is_some() {
        return Ok(());
    }
    let names = snapshot
        .services
        .iter()
        .map(|known| known.name().to_string());
    Err(Refusal::UnknownService {
        name: service.to_string(),
        known: names.collect(),
    })
}

#[cfg(test)]
mod tests;
