//! One line on how far everything is, for the person who types `systemctl status`.

use std::time::Duration;

use supervise::{effect::StateName, event::Time, machine::UnitStatus};

use super::notify::{Phase, Services};

/// A line that is longer is cut: systemd keeps it in memory, and a person reads it.
const LINE_MAX: usize = 400;

/// How far everything is: `3 of 4 ready: waiting for mailer (12 s)`.
pub(super) fn line<'a>(services: &impl Services<'a>, phase: &Phase, now: Time) -> String {
    let line = match phase {
        Phase::Stopping => stopping(services, now),
        Phase::Reloading => format!("reloading: {}", ready(services, now)),
        Phase::Starting | Phase::Running => ready(services, now),
    };
    one_line(&line)
}

/// Of one line: in a message of sd_notify(3) what follows a line break would be a field of its
/// own, and these texts hold what other programs have said.
pub(super) fn one_line(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LINE_MAX + 1)
        .collect();
    match text.char_indices().nth(LINE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn ready<'a>(services: &impl Services<'a>, now: Time) -> String {
    let ready = services.clone().filter(|s| s.state.is_fine());
    let count = format!("{} of {} ready", ready.count(), services.clone().count());
    let rest: Vec<String> = [waiting(services, now)]
        .into_iter()
        .flatten()
        .chain(services.clone().filter_map(trouble))
        .collect();
    if rest.is_empty() {
        count
    } else {
        format!("{count}: {}", rest.join("; "))
    }
}

/// Those on their way up. A service that waits for another is not named: the other is.
fn waiting<'a>(services: &impl Services<'a>, now: Time) -> Option<String> {
    let names: Vec<String> = services
        .clone()
        .filter(|s| matches!(s.state, StateName::Starting | StateName::Running))
        .map(|s| format!("{} ({})", s.instance.service, seconds(now.since(s.since))))
        .collect();
    (!names.is_empty()).then(|| format!("waiting for {}", names.join(", ")))
}

fn trouble(status: &UnitStatus) -> Option<String> {
    let (name, reason) = (&status.instance.service, &status.reason);
    match status.state {
        _ if status.outdated.is_some() => Some(format!("{name} goes on with its old files")),
        StateName::Ready
        | StateName::Starting
        | StateName::Running
        | StateName::Completed
        | StateName::Scheduled
        | StateName::Waiting => None,
        StateName::Failed => Some(format!("{name} has failed: {reason}")),
        StateName::BackingOff => Some(format!("{name} is tried again soon: {reason}")),
        StateName::Unhealthy => Some(format!("{name} is unhealthy: {reason}")),
        state @ (StateName::Stopped | StateName::Draining | StateName::Stopping) => {
            Some(format!("{name} is {state}"))
        }
    }
}

fn stopping<'a>(services: &impl Services<'a>, now: Time) -> String {
    let down = |state| {
        matches!(
            state,
            StateName::Stopped | StateName::Failed | StateName::Completed | StateName::Scheduled
        )
    };
    let up: Vec<&UnitStatus> = services.clone().filter(|s| !down(s.state)).collect();
    let names: Vec<String> = up
        .iter()
        .filter(|s| matches!(s.state, StateName::Draining | StateName::Stopping))
        .map(|s| format!("{} ({})", s.instance.service, seconds(now.since(s.since))))
        .collect();
    match (up.len(), names.is_empty()) {
        (0, _) => "everything is stopped".to_owned(),
        (count, true) => format!("stopping: {count} of {} still up", services.clone().count()),
        (count, false) => format!(
            "stopping: {count} of {} still up: waiting for {}",
            services.clone().count(),
            names.join(", ")
        ),
    }
}

/// Coarser the longer it takes, so that the line changes seldom.
fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    let step = match seconds {
        0..20 => 1,
        20..60 => 5,
        _ => 10,
    };
    let seconds = seconds / step * step;
    match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use supervise::{
        effect::Reason,
        event::{Exit, Instance},
        spec::ServiceName,
    };

    use super::*;

    fn service(name: &str, state: StateName, since: u64, reason: Reason) -> UnitStatus {
        UnitStatus {
            instance: Instance {
                service: ServiceName::new(name).unwrap(),
                generation: 1,
            },
            state,
            since: Time(Duration::from_secs(since)),
            reason,
            restarts: 0,
            waits_for: Vec::new(),
            reloading: false,
            outdated: None,
            renewed: false,
            external: false,
            scheduled: false,
        }
    }

    fn at(seconds: u64) -> Time {
        Time(Duration::from_secs(seconds))
    }

    #[test]
    fn a_start_says_how_far_it_is_and_whom_it_waits_for() {
        let services = [
            service("litellm", StateName::Starting, 3, Reason::Requested),
            service("nginx", StateName::Ready, 1, Reason::ProbePassed),
            service("open-webui", StateName::Ready, 9, Reason::ProbePassed),
            service("postgres", StateName::Ready, 3, Reason::ProbePassed),
        ];
        let line = |now| line(&services.iter(), &Phase::Starting, at(now));
        assert_eq!(line(15), "3 of 4 ready: waiting for litellm (12 s)");
        assert_eq!(line(32), "3 of 4 ready: waiting for litellm (25 s)");
        assert_eq!(
            line(3 + 175),
            "3 of 4 ready: waiting for litellm (2 min 50 s)"
        );
    }

    #[test]
    fn trouble_is_named_with_its_reason() {
        let exit = Reason::Exited(Exit::Code(3));
        let services = [
            service("litellm", StateName::Waiting, 0, Reason::Requested),
            service("nginx", StateName::BackingOff, 0, exit.clone()),
            service("open-webui", StateName::Failed, 0, exit),
            service("postgres", StateName::Starting, 0, Reason::Requested),
        ];
        assert_eq!(
            line(&services.iter(), &Phase::Starting, at(0)),
            "0 of 4 ready: waiting for postgres (0 s); nginx is tried again soon: it exited with \
             code 3; open-webui has failed: it exited with code 3"
        );
    }

    #[test]
    fn a_stop_says_what_is_still_up() {
        let mut services = [
            service("a", StateName::Draining, 1, Reason::Requested),
            service("b", StateName::Ready, 0, Reason::ProbePassed),
        ];
        let line = |services: &[UnitStatus]| line(&services.iter(), &Phase::Stopping, at(3));
        assert_eq!(
            line(&services),
            "stopping: 2 of 2 still up: waiting for a (2 s)"
        );
        services[0].state = StateName::Stopped;
        assert_eq!(line(&services), "stopping: 1 of 2 still up");
        services[1].state = StateName::Failed;
        assert_eq!(line(&services), "everything is stopped");
    }

    #[test]
    fn what_a_service_said_cannot_forge_a_field() {
        let said = Reason::ProbeFailed("no\nREADY=1\n\u{1b}[31m".to_owned());
        let services = [service("a", StateName::Unhealthy, 0, said)];
        let text = line(&services.iter(), &Phase::Running, at(0));
        assert_eq!(
            text,
            "0 of 1 ready: a is unhealthy: its probe failed: no READY=1  [31m"
        );
        let long = one_line(&"é".repeat(LINE_MAX + 7));
        assert_eq!(long.chars().count(), LINE_MAX + 1);
        assert_eq!(one_line(&"é".repeat(LINE_MAX)), "é".repeat(LINE_MAX));
    }
}
