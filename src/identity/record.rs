//! What the daemon has launched, as it is written into the state folder.
//!
//! The record is for whoever comes after a daemon that was killed. It says which processes are the gateway's,
//! and how and in which order they are stopped. It holds no secret, so it does not have the commands of a
//! stop.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use supervise::spec::{ServiceName, ServiceSpec, StopStep};

use super::GatewayId;
use crate::fs::{
    draft::{Survives, replace},
    regular,
};

/// The record of the processes that run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchRecord {
    /// The gateway's number. The record in a copied state folder is about processes of the original gateway.
    gateway: String,
    /// In which numbering the numbers of processes are valid ([`sys::proc::numbering`]).
    numbering: String,
    /// The main process of each service.
    pub processes: Vec<RecordedProcess>,
}

/// A main process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedProcess {
    /// The name of its service.
    pub service: ServiceName,
    /// Its number, which is also that of its process group and of its session.
    pub pid: i32,
    /// When it was started, in clock ticks since boot.
    pub started: u64,
    /// Its cgroup, where it has one of its own.
    pub cgroup: Option<String>,
    /// The working folder of its service.
    pub folder: PathBuf,
    /// The services that must not be stopped before it.
    pub requires: BTreeSet<ServiceName>,
    /// The signals by which it is stopped, in order.
    pub stop: Vec<Signal>,
}

/// A signal to a main process, as a step of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The number of the signal.
    pub signal: i32,
    /// How long to wait for the end of the process.
    pub patience: Duration,
}

impl Signal {
    /// The steps of a specification that are signals.
    pub fn of(spec: &ServiceSpec) -> Vec<Self> {
        let steps = spec.stop.iter().filter_map(|step| match step {
            StopStep::Signal { signal, timeout } => Some(Self {
                signal: *signal,
                patience: *timeout,
            }),
            StopStep::Run { .. } => None,
        });
        steps.collect()
    }
}

impl LaunchRecord {
    /// Makes an empty record.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn new(gateway: &GatewayId) -> io::Result<Self> {
        Ok(Self {
            gateway: gateway.to_string(),
            numbering: sys::proc::numbering().map_err(io::Error::other)?,
            processes: Vec::new(),
        })
    }

    /// Reads the record of this gateway. `None` if there is none, or its numbers no longer mean the same.
    pub fn read(state: &Path, gateway: &GatewayId) -> Option<Self> {
        let text = regular::text(&path(state)).ok()?;
        let read: Self = serde_json::from_str(&text).ok()?;
        let fresh = Self::new(gateway).ok()?;
        (read.gateway == fresh.gateway && read.numbering == fresh.numbering).then_some(read)
    }

    /// Records a main process in the place of its service's previous one.
    pub fn begin(&mut self, process: RecordedProcess) {
        self.end(&process.service);
        self.processes.push(process);
    }

    /// Removes a service of which nothing is left, and returns whether it was in the record.
    pub fn end(&mut self, service: &ServiceName) -> bool {
        let before = self.processes.len();
        self.processes.retain(|process| process.service != *service);
        self.processes.len() < before
    }

    /// Writes the record, as a whole or not at all. It is not synchronised to the disk, because a crash of
    /// the machine makes it worthless.
    ///
    /// # Errors
    /// The file system refuses it.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let written = replace(&path(state), &text, 0o600, Survives::TheProgram);
        written.map_err(|error| error.source)
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("processes.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};

    #[test]
    fn a_record_is_believed_by_its_own_gateway_alone() {
        let state = tempfile::tempdir().unwrap();
        let gateway = GatewayId::of(state.path()).unwrap();
        assert_eq!(LaunchRecord::read(state.path(), &gateway), None);
        let mut record = LaunchRecord::new(&gateway).unwrap();
        let process = RecordedProcess {
            service: ServiceName::new("a").unwrap(),
            pid: 7,
            started: 9,
            cgroup: None,
            folder: "/a".into(),
            requires: BTreeSet::new(),
            stop: vec![Signal {
                signal: 15,
                patience: Duration::from_secs(3),
            }],
        };
        record.begin(process.clone());
        record.begin(RecordedProcess { pid: 8, ..process });
        assert_eq!(record.processes.len(), 1);
        record.write(state.path()).unwrap();
        assert_eq!(
            LaunchRecord::read(state.path(), &gateway),
            Some(record.clone())
        );
        let other = tempfile::tempdir().unwrap();
        let other = GatewayId::of(other.path()).unwrap();
        assert_eq!(LaunchRecord::read(state.path(), &other), None);
        record.numbering = "another boot".to_owned();
        record.write(state.path()).unwrap();
        assert_eq!(LaunchRecord::read(state.path(), &gateway), None);
    }

    #[test]
    fn a_pipe_beside_the_record_is_no_wait() {
        let state = tempfile::tempdir().unwrap();
        let record = LaunchRecord::new(&GatewayId::of(state.path()).unwrap()).unwrap();
        pipe_at(&state.path().join(".processes.json.new"));
        let folder = state.path().to_owned();
        at_once(move || record.write(&folder)).unwrap();
    }
}
