//! What only files tell: how the configuration on disk differs, and what the services have written into
//! their folders. A file may be on a mount that does not answer, so a worker reads the files, when somebody
//! asks.
//!
//! There is one more occasion. A service overwrites its milestones at its next start, but the last start of
//! everything has to be shown as it was. So the files are also read once when everything has become ready.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use supervise::{event::Time, spec::ServiceName};
use tokio::sync::watch;

use super::{skipped, worker::Worker};
use crate::{
    clock::Clock,
    config::paths::Paths,
    fs::regular,
    publish::{Files, Own, ServiceSnapshot, Snapshot},
    stack::MILESTONES,
};

/// How long a status waits for files.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// Reads files for callers, until the daemon ends.
pub(super) async fn serve(
    mut worker: Worker<(), Files>,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    paths: Paths,
    clock: Clock,
) {
    let paths = Arc::new(paths);
    let mut kept = (None, BTreeMap::new());
    loop {
        let batch = tokio::select! {
            batch = worker.next() => match batch {
                Some(batch) => Some(batch),
                None => return,
            },
            changed = snapshots.changed() => match changed {
                Ok(()) => None,
                Err(_) => return,
            },
        };
        let keeps = is_to_be_kept(&snapshots.borrow_and_update(), kept.0);
        if batch.is_none() && keeps.is_none() {
            continue;
        }
        let (snapshot, paths) = (snapshots.borrow().clone(), Arc::clone(&paths));
        let asked = batch.is_some();
        let work = move || {
            let own = own(&snapshot.services, clock);
            if asked {
                files(&snapshot, &paths, own)
            } else {
                let nothing = Files::default();
                Files { own, ..nothing }
            }
        };
        let read = worker.work(work).await;
        // What could not be read may be read the next time.
        if let (Some(read), Some(_)) = (&read, keeps) {
            kept = (keeps, read.own.clone());
        }
        let mut found = read.unwrap_or_else(Files::unread);
        found.kept.clone_from(&kept.1);
        if let Some(batch) = batch {
            batch.answer(found);
        }
    }
}

/// The last start of everything, if it is over and its files were not read yet.
fn is_to_be_kept(snapshot: &Snapshot, kept: Option<Time>) -> Option<Time> {
    let starts = &snapshot.starts;
    let over = starts.kept.as_ref().map(|_| starts.asked);
    over.filter(|_| kept != over)
}

fn files(snapshot: &Snapshot, paths: &Paths, own: BTreeMap<ServiceName, Own>) -> Files {
    let names = snapshot.services.iter().map(|service| service.name());
    let skipped = names.flat_map(|name| skipped::read(name, &paths.rendered(name)));
    Files {
        compared: snapshot.whole.compare.look(),
        skipped: skipped.collect(),
        own,
        kept: BTreeMap::new(),
    }
}

fn own(services: &[Arc<ServiceSnapshot>], clock: Clock) -> BTreeMap<ServiceName, Own> {
    let own = services.iter().filter_map(|service| {
        let (imported, started) = left(&service.now.folder.join(MILESTONES))?;
        let [imported, started] = clock.of_monotonic([imported, started]);
        let own = Own {
            imported: imported?,
            started: started?,
        };
        Some((service.name().clone(), own))
    });
    own.collect()
}

fn left(file: &Path) -> Option<(Duration, Duration)> {
    let text = regular::text(file).ok()?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok().map(Duration::from_nanos);
    Some((next()?, next()?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_left_is_two_numbers_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(MILESTONES);
        assert_eq!(left(&file), None);
        for (text, found) in [
            ("1500000000 2000000000\n", Some((1500, 2000))),
            ("1500000000", None),
            ("soon later", None),
        ] {
            fs::write(&file, text).unwrap();
            let found = found.map(|(a, b)| (Duration::from_millis(a), Duration::from_millis(b)));
            assert_eq!(left(&file), found, "{text}");
        }
    }
}
