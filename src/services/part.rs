//! What the plan of one service is made from, and what it is.

use std::path::PathBuf;

use supervise::{
    recycle::RecyclePolicy,
    spec::{Limits, ServiceName, ServiceSpec},
};

use super::secrets::Secrets;
use crate::{
    config::{paths::Paths, settings::Settings},
    identity::PidFile,
    provision::Installation,
    stack::RenderedFile,
};

/// What one service adds to the stack.
#[derive(Debug)]
pub(super) struct ServicePlan {
    pub(super) spec: ServiceSpec,
    /// Besides its working folder and the folder of its rendered files.
    pub(super) folders: Vec<PathBuf>,
    pub(super) files: Vec<RenderedFile>,
    /// Files with a process's number that keep it from starting.
    pub(super) pid_files: Vec<PidFile>,
}

/// What every service's plan is made from.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    pub(super) settings: &'a Settings,
    pub(super) paths: &'a Paths,
    pub(super) installed: &'a Installation,
    pub(super) secrets: &'a Secrets,
    /// How many files a service may have open. `None` if it is not known.
    pub(super) open_files: Option<u64>,
    /// How many pools of connections to the database all services have together.
    pub(super) database_pools: u32,
}

impl Inputs<'_> {
    pub(super) fn limits(&self, service: &ServiceName) -> Limits {
        self.settings
            .limits
            .get(service)
            .cloned()
            .unwrap_or_default()
    }

    /// How a service that may leak is watched.
    pub(super) fn recycle(&self) -> Option<RecyclePolicy> {
        let recycle = &self.settings.recycle;
        recycle.enabled.then_some(RecyclePolicy {
            every: recycle.every,
            youngest: recycle.youngest,
            at: recycle.hour,
        })
    }
}
