//! What the daemon has launched, and that it is written down for whoever comes after it.

use std::{io, path::PathBuf};

use supervise::{event::Instance, spec::ServiceSpec};
use sys::proc;

use crate::identity::{GatewayId, Record, Recorded, Signal};

/// The gateway's number and the record of its main processes.
#[derive(Debug)]
pub(in crate::runtime) struct Launched {
    gateway: GatewayId,
    record: Record,
    state: PathBuf,
    /// Whether a failure to write was told.
    told: bool,
}

impl Launched {
    /// Nothing runs yet.
    pub(in crate::runtime) fn nothing(gateway: GatewayId, state: PathBuf) -> io::Result<Self> {
        let record = Record::new(&gateway)?;
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

    /// A main process was launched, a child of ours that is not reaped.
    pub(in crate::runtime) fn begin(
        &mut self,
        spec: &ServiceSpec,
        pid: i32,
        cgroup: Option<String>,
    ) -> u64 {
        let started = proc::stat(pid).map_or(0, |stat| stat.started);
        self.record.begin(Recorded {
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

    /// Nothing is left of an instance.
    pub(in crate::runtime) fn end(&mut self, instance: &Instance) {
        if self.record.end(&instance.service) {
            self.write();
        }
    }

    /// A service is not held up by a full disk: most processes are known by their mark alone.
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
