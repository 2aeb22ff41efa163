//! What a new configuration would change if it were applied now, per service and per key. This is pure.

use supervise::{
    machine::{Reconfigured, Uptake},
    spec::ServiceName,
};

use crate::control::types::{KeyPreview, Preview, ReloadStep, ServicePreview};

/// Combines what the machine says of the whole configuration and of each changed key alone.
pub(super) fn preview(
    whole: Reconfigured,
    alone: impl Iterator<Item = (String, Reconfigured)>,
) -> Preview {
    let keys = alone.map(|(key, changes)| {
        let found = services(changes);
        let over_limit = found.iter().filter_map(|service| {
            let why = service.over_limit.clone()?;
            Some((service.service.clone(), why))
        });
        KeyPreview {
            key,
            over_limit: over_limit.collect(),
            services: found
                .into_iter()
                .map(|service| (service.service, service.step))
                .collect(),
        }
    });
    Preview {
        services: services(whole),
        keys: keys.collect(),
    }
}

/// The result is in the order of the names.
fn services(changes: Reconfigured) -> Vec<ServicePreview> {
    let Reconfigured {
        added,
        changed,
        removed,
    } = changes;
    let plain = |service: ServiceName, step| ServicePreview {
        service,
        step,
        fields: Vec::new(),
        over_limit: None,
    };
    let added = added.into_iter().map(|name| plain(name, ReloadStep::Start));
    let removed = removed
        .into_iter()
        .map(|name| plain(name, ReloadStep::Stop));
    let changed = changed.into_iter().map(|changed| ServicePreview {
        service: changed.service,
        step: match changed.uptake {
            Uptake::Live => ReloadStep::Live,
            Uptake::Reload => ReloadStep::Reload,
            Uptake::Restart => ReloadStep::Restart,
            Uptake::NextStart => ReloadStep::NextStart,
        },
        fields: changed.fields.iter().map(ToString::to_string).collect(),
        over_limit: changed.over_limit,
    });
    let mut all: Vec<_> = added.chain(changed).chain(removed).collect();
    all.sort_by(|one, other| one.service.cmp(&other.service));
    all
}
