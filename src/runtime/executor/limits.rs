//! What instances use, and which limits are in force for them.

use std::time::Duration;

use supervise::{
    event::{Event, Instance},
    recycle::{Usage, ceiling},
    spec::Limits,
};

use super::{Executor, instances::Running};
use crate::{causes::chain, runtime::groups};

impl Executor {
    /// Why an instance cannot run with these limits: it uses more memory than they allow, and the kernel
    /// would kill it. `None` if it can, or if no limit is enforced.
    pub(in crate::runtime) fn over_limit(
        &self,
        instance: &Instance,
        limits: &Limits,
    ) -> Option<String> {
        let ceiling = ceiling(limits)?;
        let held = usage(self.instances.get(instance)?)?.held;
        (held > ceiling).then(|| {
            format!(
                "it holds {} MB, and its new limit is {} MB",
                held / 1_000_000,
                ceiling / 1_000_000
            )
        })
    }

    /// Puts new limits in force, unless the kernel would then kill the instance.
    pub(super) fn limit(&self, instance: Instance, limits: &Limits) -> Option<Event> {
        let running = self.instances.get(&instance)?;
        let result = match (self.over_limit(&instance, limits), &running.group) {
            (Some(why), _) => Err(why),
            (None, Some(group)) => groups::enforce(group, limits).map_err(|e| chain(&e)),
            (None, None) => Ok(()),
        };
        Some(Event::Limited { instance, result })
    }
}

/// What an instance uses, if the kernel counts that and enforces its limit.
pub(super) fn usage(running: &Running) -> Option<Usage> {
    let group = running.group.as_ref()?;
    if !group.has("memory.max") {
        return None;
    }
    let stat = group.memory_stat().ok()?;
    let events = group.memory_events().ok()?;
    let pressure = group.memory_pressure().ok()?.unwrap_or_default();
    let reclaimable = stat.active_file + stat.inactive_file + stat.slab_reclaimable;
    Some(Usage {
        held: group.memory_current().ok()?.saturating_sub(reclaimable),
        at_limit: events.high + events.max,
        stalled: Duration::from_micros(pressure.some_usec),
        cpu: Duration::from_micros(group.cpu_stat().ok()?.usage_usec),
    })
}
