//! Which processes the daemon has launched, kept in a file for a daemon or a command that comes after it.

use std::{io, path::PathBuf};

use supervise::{event::Instance, spec::ServiceSpec};
use sys::proc;

use crate::identity::{GatewayId, LaunchRecord, RecordedProcess, Signal};

/// The gateway's number and the record of its main processes.
#[derive(Debug)]
pub(in crate::runtime) struct Launched {
    gateway: GatewayId,
    record: LaunchRecord,
    state: PathBuf,
    /// Whether the log has been told that the record cannot be written.
    told: bool,
}

impl Launched {
    /// Nothing runs yet.
    pub(in crate::runtime) fn nothing(gateway: GatewayId, state: PathBuf) -> io::Result<Self> {
        let record = LaunchRecord::new(&gateway)?;
        record.write(&state)?;
        Ok(Self {
            gateway,
            record,
            state,
            told: false,
        })
    }

    /// The gateway's number.
    pub(in crate::runtime) fn gateway(&self) -> &GatewayId {
        &self.gateway
    }

    /// The mark of a process of this instance.
    pub(in crate::runtime) fn mark(&self, instance: &Instance) -> String {
        self.gateway.mark(instance)
    }

    /// Records a main process that was just launched: a child of this process that is not reaped yet.
    pub(in crate::runtime) fn begin(
        &mut self,
        spec: &ServiceSpec,
        pid: i32,
        cgroup: Option<String>,
    ) -> u64 {
        let started = proc::stat(pid).map_or(0, |stat| stat.started);
        self.record.begin(RecordedProcess {
            service: spec.name.clone(),
            pid,
            started,
            cgroup,
            folder: spec.command.cwd.clone(),
            requires: spec.requires.clone(),
            stop: Signal::of(spec),
        });
        self.write();
        started
    }

    /// Removes an instance of which nothing is left.
    pub(in crate::runtime) fn end(&mut self, instance: &Instance) {
        if self.record.end(&instance.service) {
            self.write();
        }
    }

    /// Writes the record. A full disk must not keep a service from starting, so a failure is only logged:
    /// most processes can be recognised by their mark alone.
    fn write(&mut self) {
        match self.record.write(&self.state) {
            Ok(()) => self.told = false,
            Err(error) if !self.told => {
                self.told = true;
                tracing::warn!(%error, "cannot write down what was launched");
            }
            Err(_) => {}
        }
    }
}
