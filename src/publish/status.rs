//! The status of everything, and why a service is in its state. Both are made from a snapshot and from what
//! was measured for them.

use std::collections::BTreeMap;

use supervise::{machine, spec::ServiceName};

use super::{
    blame::Own,
    configuration::Compared,
    snapshot::{Now, ServiceSnapshot, Snapshot},
};
use crate::control::types::{
    ConfigurationState, Cpu, DietState, GatewayStatus, HistoryEntry, Memory, ServiceStatus,
    SkippedMeasure, Why,
};

/// What a service uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its memory.
    pub memory: Memory,
    /// The CPU that it has used so far, in microseconds.
    pub cpu_usec: Option<u64>,
}

/// What each service uses. A service of which nothing is known is left out.
pub type Figures = BTreeMap<ServiceName, Usage>;

/// What is known only from files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// How the configuration on disk differs from the one in effect.
    pub compared: Compared,
    /// Measures of the diet that services have skipped.
    pub skipped: Vec<SkippedMeasure>,
    /// What services themselves say of their newest start.
    pub own: BTreeMap<ServiceName, Own>,
    /// What they said when everything was ready for the first time after the last start of all services.
    pub kept: BTreeMap<ServiceName, Own>,
}

impl Files {
    /// What is told if the files could not be read in time.
    pub fn unread() -> Self {
        let compared = Compared {
            differs: Vec::new(),
            invalid: Some("it cannot be read: its file system does not answer".to_owned()),
        };
        Self {
            compared,
            ..Self::default()
        }
    }
}

/// Makes the status of the whole gateway.
pub fn status(snapshot: &Snapshot, now: Now, figures: &Figures, files: &Files) -> GatewayStatus {
    let whole = &snapshot.whole;
    let services = snapshot.services.iter().map(|known| {
        let name = known.name();
        let usage = figures.get(name).cloned().unwrap_or_default();
        (name.clone(), service(snapshot, known, now, usage))
    });
    GatewayStatus {
        state: snapshot.state(),
        profile: whole.profile.clone(),
        limits: whole.limits.clone(),
        urls: whole.urls.clone(),
        configuration: ConfigurationState {
            differs: files.compared.differs.clone(),
            invalid: files.compared.invalid.clone(),
            refused: snapshot.refused.clone(),
        },
        diet: DietState {
            skipped: files.skipped.clone(),
        },
        services: services.collect(),
    }
}

/// Explains a service's current state. `None` if there is no such service.
pub fn why(snapshot: &Snapshot, name: &ServiceName, now: Now, figures: &Figures) -> Option<Why> {
    let known = snapshot.service(name)?;
    let usage = figures.get(name).cloned().unwrap_or_default();
    let history = known.history.iter().map(|transition| HistoryEntry {
        at: now.rfc3339(transition.at),
        state: transition.state,
        reason: transition.reason.to_string(),
    });
    Some(Why {
        service: name.clone(),
        status: service(snapshot, known, now, usage),
        history: history.collect(),
    })
}

fn service(
    snapshot: &Snapshot,
    service: &ServiceSnapshot,
    now: Now,
    usage: Usage,
) -> ServiceStatus {
    let facts = &service.now;
    let status = &facts.status;
    let cgroup = snapshot.whole.cgroup.as_ref();
    // Without cgroups nobody holds it to that.
    let quota = facts.cpu_milli.filter(|_| cgroup.is_some());
    ServiceStatus {
        state: status.state,
        since: now.rfc3339(status.since),
        reason: reason(status),
        pid: facts.pid,
        restarts: status.restarts,
        outdated: status.outdated.clone(),
        listens: facts.listens.clone(),
        cgroup: cgroup.map(|root| {
            let path = root.join(service.name().as_str());
            path.to_string_lossy().into_owned()
        }),
        memory: usage.memory,
        cpu: Cpu {
            usage_usec: usage.cpu_usec,
            quota: quota.map(|milli| f64::from(milli) / 1000.0),
        },
    }
}

fn reason(status: &machine::UnitStatus) -> String {
    if status.waits_for.is_empty() {
        return status.reason.to_string();
    }
    let names: Vec<_> = status.waits_for.iter().map(ToString::to_string).collect();
    format!("waits for {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc, time::SystemTime};

    use supervise::{
        effect::{Reason, StateName},
        event::{Exit, Time},
    };

    use super::*;
    use crate::publish::{
        Changes, ServiceFacts, Transition, Whole,
        fixtures::{facts, name},
    };

    fn snapshot(services: Vec<ServiceFacts>, cgroup: Option<&str>) -> Arc<Snapshot> {
        let whole = Whole {
            cgroup: cgroup.map(PathBuf::from),
            ..Whole::default()
        };
        let mut snapshot = Arc::new(Snapshot::first(whole, Time::default()));
        let exited = Transition {
            at: Time::default(),
            state: StateName::BackingOff,
            reason: Reason::Exited(Exit::Code(3)),
        };
        let changes = Changes {
            services,
            transitions: vec![(name("a"), exited)],
            ..Changes::default()
        };
        Snapshot::advance(&mut snapshot, changes);
        snapshot
    }

    const NOW: Now = Now {
        time: Time(std::time::Duration::from_secs(2)),
        wall: SystemTime::UNIX_EPOCH,
    };

    #[test]
    fn a_limit_is_told_where_somebody_holds_the_service_to_it() {
        let limited = || ServiceFacts {
            cpu_milli: Some(1500),
            ..facts("a", StateName::Ready)
        };
        let told = |cgroup| {
            let snapshot = snapshot(vec![limited()], cgroup);
            let mut status = status(&snapshot, NOW, &Figures::new(), &Files::default());
            let service = status.services.remove(&name("a")).unwrap();
            (service.cpu.quota, service.cgroup)
        };
        assert_eq!(told(None), (None, None));
        let (quota, cgroup) = told(Some("/unit.service"));
        assert_eq!(
            (quota, cgroup.as_deref()),
            (Some(1.5), Some("/unit.service/a"))
        );
    }

    #[test]
    fn figures_belong_to_the_service_that_was_measured() {
        let services = vec![facts("a", StateName::Ready), facts("b", StateName::Ready)];
        let snapshot = snapshot(services, None);
        let usage = Usage {
            memory: Memory {
                current: Some(7),
                ..Memory::default()
            },
            cpu_usec: Some(8),
        };
        let figures = Figures::from([(name("b"), usage)]);
        let told = status(&snapshot, NOW, &figures, &Files::default()).services;
        let used = |of: &str| {
            (
                told[&name(of)].memory.current,
                told[&name(of)].cpu.usage_usec,
            )
        };
        assert_eq!((used("a"), used("b")), ((None, None), (Some(7), Some(8))));
    }

    #[test]
    fn a_service_that_waits_says_for_whom_and_why_says_what_was_before() {
        let mut waits = facts("a", StateName::Waiting);
        waits.status.waits_for = vec![name("b"), name("c")];
        let snapshot = snapshot(vec![waits], None);
        let why = why(&snapshot, &name("a"), NOW, &Figures::new()).unwrap();
        assert_eq!(why.status.reason, "waits for b, c");
        let before: Vec<_> = why.history.iter().map(|entry| &entry.reason).collect();
        assert_eq!(before, ["it exited with code 3"]);
        assert!(super::why(&snapshot, &name("x"), NOW, &Figures::new()).is_none());
    }

    #[test]
    fn files_that_nobody_could_read_are_said_to_be_so() {
        let snapshot = snapshot(Vec::new(), None);
        let told = status(&snapshot, NOW, &Figures::new(), &Files::unread()).configuration;
        assert!(told.invalid.unwrap().contains("does not answer"));
    }
}
