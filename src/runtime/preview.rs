//! What a new configuration would come to, were it taken up now: per service, and per key. Pure.

use std::collections::BTreeMap;

use supervise::{
    change::{Class, class, differences},
    machine::{Reconfigured, Uptake},
    spec::{ServiceName, ServiceSpec},
};

use super::Alone;
use crate::control::types::{KeyPreview, Preview, ServicePreview, Step};

/// Puts it together: the whole by what the machine says, each key by what it would change alone.
pub(super) fn preview<'a>(
    whole: Reconfigured,
    running: impl Iterator<Item = &'a ServiceSpec>,
    alone: &[Alone],
) -> Preview {
    let running: BTreeMap<_, _> = running.map(|spec| (&spec.name, spec)).collect();
    let keys = alone.iter().map(|(key, specs)| KeyPreview {
        key: key.clone(),
        services: of_key(&running, specs),
    });
    Preview {
        services: services(whole),
        keys: keys.collect(),
    }
}

fn services(whole: Reconfigured) -> Vec<ServicePreview> {
    let Reconfigured {
        added,
        changed,
        removed,
    } = whole;
    let plain = |service, step| ServicePreview {
        service,
        step,
        fields: Vec::new(),
    };
    let added = added.into_iter().map(|name| plain(name, Step::Start));
    let removed = removed.into_iter().map(|name| plain(name, Step::Stop));
    let changed = changed.into_iter().map(|changed| ServicePreview {
        service: changed.service,
        step: match changed.uptake {
            Uptake::Live => Step::Live,
            Uptake::Reload => Step::Reload,
            Uptake::Restart => Step::Restart,
            Uptake::NextStart => Step::NextStart,
        },
        fields: changed.fields.iter().map(ToString::to_string).collect(),
    });
    let mut all: Vec<_> = added.chain(changed).chain(removed).collect();
    all.sort_by(|one, other| one.service.cmp(&other.service));
    all
}

fn of_key(
    running: &BTreeMap<&ServiceName, &ServiceSpec>,
    specs: &[ServiceSpec],
) -> BTreeMap<ServiceName, Step> {
    let changed = specs.iter().filter_map(|spec| {
        let step = match running.get(&spec.name) {
            None => Step::Start,
            Some(known) => match class(&differences(known, spec))? {
                Class::Live => Step::Live,
                Class::Reload => Step::Reload,
                Class::Restart => Step::Restart,
            },
        };
        Some((spec.name.clone(), step))
    });
    let goes = |name: &&&ServiceName| !specs.iter().any(|spec| spec.name == ***name);
    let gone = running.keys().filter(goes);
    let gone = gone.map(|name| ((*name).clone(), Step::Stop));
    changed.chain(gone).collect()
}
