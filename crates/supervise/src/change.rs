//! What a change of a specification requires of a service that runs.
//!
//! This is pure: it compares two specifications and returns the fields that differ, each with the smallest
//! action that makes the new value take effect. The machine carries the action out when it is reconfigured;
//! a preview only shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spec::{ServiceKind, ServiceSpec};

/// What is needed for a change to take effect, in the order from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The supervisor uses the new value from now on, and the processes notice nothing.
    Live,
    /// The service reads its files again, by its own reload action.
    Reload,
    /// The service has to be restarted: only a new instance can have the new value.
    Restart,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Live => "live",
            Self::Reload => "reload",
            Self::Restart => "restart",
        })
    }
}

/// A part of a specification that can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// [`ServiceSpec::kind`].
    Kind,
    /// Of a task: its schedule and its deadline.
    Schedule,
    /// [`ServiceSpec::command`].
    Command,
    /// [`ServiceSpec::files`].
    Files,
    /// [`ServiceSpec::listeners`] and [`ServiceSpec::handover`].
    Listeners,
    /// [`ServiceSpec::requires`] and [`ServiceSpec::restart_with_requirements`].
    Requirements,
    /// [`ServiceSpec::startup`].
    Startup,
    /// [`ServiceSpec::liveness`].
    Liveness,
    /// [`ServiceSpec::restart`] and [`ServiceSpec::success_exit`].
    RestartPolicy,
    /// [`ServiceSpec::reload`].
    ReloadAction,
    /// [`ServiceSpec::stop`].
    Stop,
    /// [`ServiceSpec::limits`].
    Limits,
    /// [`ServiceSpec::confinement`].
    Confinement,
    /// [`ServiceSpec::recycle`].
    LeakWatch,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kind => "kind",
            Self::Schedule => "schedule",
            Self::Command => "command",
            Self::Files => "files",
            Self::Listeners => "listening addresses",
            Self::Requirements => "requirements",
            Self::Startup => "start-up",
            Self::Liveness => "liveness probe",
            Self::RestartPolicy => "restart policy",
            Self::ReloadAction => "reload action",
            Self::Stop => "way to stop",
            Self::Limits => "limits",
            Self::Confinement => "confinement",
            Self::LeakWatch => "watch for leaks",
        })
    }
}

/// A field that has another value in the new specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The field.
    pub field: Field,
    /// What is needed for the new value to take effect.
    pub class: Class,
}

/// The fields in which two specifications of one service differ.
pub fn differences(old: &ServiceSpec, new: &ServiceSpec) -> Vec<Difference> {
    // All fields are named here, so that a new field does not compile until somebody has chosen its class.
    let ServiceSpec {
        name: _,
        kind,
        command,
        files,
        listeners,
        handover,
        requires,
        restart_with_requirements,
        startup,
        liveness,
        restart,
        success_exit,
        reload,
        stop,
        limits,
        confinement,
        recycle,
    } = new;
    let (requirements, probes) = (class_of_requirements(new), class_of_probes(new));
    let requires_other =
        old.requires != *requires || old.restart_with_requirements != *restart_with_requirements;
    let kind_of_change = match (&old.kind, kind) {
        (ServiceKind::Task(_), ServiceKind::Task(_)) => (Field::Schedule, Class::Live),
        _ => (Field::Kind, Class::Restart),
    };
    let policy = old.restart != *restart || old.success_exit != *success_exit;
    let all = [
        (kind_of_change.0, kind_of_change.1, old.kind != *kind),
        (Field::Command, Class::Restart, old.command != *command),
        (Field::Files, class_of_files(old, new), old.files != *files),
        (
            Field::Listeners,
            Class::Restart,
            old.listeners != *listeners || old.handover != *handover,
        ),
        (Field::Requirements, requirements, requires_other),
        (Field::Startup, probes, old.startup != *startup),
        (Field::Liveness, probes, old.liveness != *liveness),
        (Field::RestartPolicy, Class::Live, policy),
        (Field::ReloadAction, Class::Live, old.reload != *reload),
        (Field::Stop, Class::Live, old.stop != *stop),
        (Field::Limits, Class::Live, old.limits != *limits),
        // A process keeps the confinement that it was launched with until it ends: the kernel cannot lift
        // it.
        (
            Field::Confinement,
            Class::Restart,
            old.confinement != *confinement,
        ),
        (Field::LeakWatch, Class::Live, old.recycle != *recycle),
    ];
    let differing = all.into_iter().filter(|(.., differs)| *differs);
    differing
        .map(|(field, class, _)| Difference { field, class })
        .collect()
}

/// An instance is tied to the instances of its requirements that ran when it was launched, and to no
/// others.
const fn class_of_requirements(new: &ServiceSpec) -> Class {
    if new.restart_with_requirements {
        Class::Restart
    } else {
        Class::Live
    }
}

/// The new reload action may have been written for the new files, so both change together.
const fn class_of_files(old: &ServiceSpec, new: &ServiceSpec) -> Class {
    match (&old.reload, &new.reload) {
        (Some(_), Some(_)) => Class::Reload,
        _ => Class::Restart,
    }
}

/// An external service consists of nothing but its probes. With other probes it is another service.
const fn class_of_probes(new: &ServiceSpec) -> Class {
    if new.is_external() {
        Class::Restart
    } else {
        Class::Live
    }
}

/// What is needed for all of these changes to take effect together. `None` if nothing differs.
pub fn class(differences: &[Difference]) -> Option<Class> {
    differences.iter().map(|difference| difference.class).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        confinement::{Access, Confinement},
        fixtures::{name, reload, service},
        spec::RestartMode,
    };

    fn found(change: impl FnOnce(&mut ServiceSpec)) -> Vec<(Field, Class)> {
        let mut old = service("a", &[]);
        old.reload = Some(reload());
        let mut new = old.clone();
        change(&mut new);
        let found = differences(&old, &new);
        found.iter().map(|d| (d.field, d.class)).collect()
    }

    #[test]
    fn what_is_the_same_differs_in_nothing() {
        assert_eq!(found(|_| {}), []);
        assert_eq!(class(&[]), None);
    }

    #[test]
    fn what_only_the_supervisor_uses_changes_while_the_service_runs() {
        let live = [
            (Field::Limits, found(|s| s.limits.pids_max = Some(7))),
            (Field::Stop, found(|s| s.stop.clear())),
            (Field::Liveness, found(|s| s.liveness = None)),
            (Field::Startup, found(|s| s.startup.readiness = None)),
            (
                Field::RestartPolicy,
                found(|s| s.restart.mode = RestartMode::Never),
            ),
            (Field::ReloadAction, found(|s| s.reload = None)),
            (
                Field::Requirements,
                found(|s| s.requires = [name("b")].into()),
            ),
        ];
        for (field, found) in live {
            assert_eq!(found, [(field, Class::Live)]);
        }
    }

    #[test]
    fn what_a_process_was_given_takes_a_new_one() {
        let restart = [
            (Field::Command, found(|s| s.command.args.push("-v".into()))),
            (
                Field::Listeners,
                found(|s| s.listeners.push(crate::spec::Listener::Unix("/s".into()))),
            ),
            (
                Field::Listeners,
                found(|s| s.handover = crate::spec::Handover::Systemd),
            ),
            (
                Field::Confinement,
                found(|s| s.confinement = Confinement::To(Access::default())),
            ),
            (
                Field::Requirements,
                found(|s| s.restart_with_requirements = true),
            ),
        ];
        for (field, found) in restart {
            assert_eq!(found, [(field, Class::Restart)]);
        }
    }

    #[test]
    fn files_are_read_again_where_the_service_can_do_that() {
        let other = |s: &mut ServiceSpec| {
            s.files.insert("/conf".into(), "2".into());
        };
        assert_eq!(found(other), [(Field::Files, Class::Reload)]);
        let mut old = service("a", &[]);
        let mut new = old.clone();
        other(&mut new);
        assert_eq!(class(&differences(&old, &new)), Some(Class::Restart));
        // It was launched as something that cannot.
        new.reload = Some(reload());
        assert_eq!(class(&differences(&old, &new)), Some(Class::Restart));
        old.reload = Some(reload());
        assert_eq!(class(&differences(&old, &new)), Some(Class::Reload));
        new.command.args.push("-v".into());
        assert_eq!(class(&differences(&old, &new)), Some(Class::Restart));
    }
}
