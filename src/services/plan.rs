//! The plan of a stack: the services of a list and the user's own, put together.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

use supervise::spec::{ServiceName, ServiceSpec};

use super::{custom, part::Inputs, secrets::Secrets, service::Service};
use crate::{
    config::{paths::Paths, settings::Settings},
    logs::Dialect,
    provision::Installation,
    stack::{RenderedFile, Stack},
};

/// Plans a stack of these services and of the user's own. `open_files` is how many files a service may have
/// open, where that is known.
pub fn plan(
    services: &[&Service],
    settings: &Settings,
    paths: &Paths,
    installed: &Installation,
    secrets: &Secrets,
    open_files: Option<u64>,
) -> Stack {
    let pools = services.iter().map(|of| (of.database_pools)(settings));
    let inputs = Inputs {
        settings,
        paths,
        installed,
        secrets,
        open_files,
        database_pools: pools.sum(),
    };
    let ours = services.iter().filter_map(|of| {
        let mut part = (of.plan)(&inputs)?;
        part.spec.recycle = inputs.recycle().filter(|_| of.built_in.leaks);
        Some(part)
    });
    let customs = settings.custom.iter();
    let customs = customs.map(|service| custom::plan(&inputs, service));

    let mut stack = Stack {
        folders: vec![paths.state.clone(), paths.run.clone()],
        ..Stack::default()
    };
    for part in ours.chain(customs) {
        let name = part.spec.name.clone();
        stack.folders.push(paths.service(&name));
        stack.folders.push(paths.rendered(&name));
        stack.folders.extend(part.folders);
        stack.services.push(with_marks(part.spec, &part.files));
        stack.files.extend(part.files);
        let pid_files = part.pid_files.into_iter();
        let pid_files = pid_files.map(|file| (name.clone(), file));
        stack.particulars.pid_files.extend(pid_files);
    }
    stack.particulars.dialects = dialects(services);
    stack
}

/// How the lines of those that have a dialect are told apart.
pub fn dialects(services: &[&Service]) -> BTreeMap<ServiceName, Dialect> {
    let dialects = services.iter();
    let dialects = dialects.filter_map(|of| Some((of.service_name(), of.dialect?)));
    dialects.collect()
}

/// The service with a mark of each file that it reads, so that a reload that changes no more than
/// a file (a budget is nowhere else) has the service take it up.
fn with_marks(mut spec: ServiceSpec, files: &[RenderedFile]) -> ServiceSpec {
    let marks = files.iter().map(|file| {
        let hash = Sha256::digest(&file.contents);
        // It only has to differ: half of it does.
        let half = hash.iter().take(16);
        let mark = half.fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        (file.path.clone(), mark)
    });
    spec.files = marks.collect();
    spec
}
