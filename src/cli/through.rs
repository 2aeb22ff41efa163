//! A start or a restart through systemd, followed at the control socket.
//!
//! For systemd a start is over only when everything is ready, so it goes on waiting even if a service has
//! failed for good and needs a person. The daemon knows more, so the command asks it as soon as it listens.
//! Until then systemctl tells whether the daemon comes up at all.

use std::os::fd::AsFd as _;

use super::{
    context::{Context, now, print},
    detach::until_it_listens,
    failure::{CommandExit, Failure},
    interrupted, progress,
    startup::{RISEN, addresses, failed_for_good},
    systemd::{Job, Manager, UNIT},
    wait::{self, ProgressLine, Signals, interrupted_by, wait_for},
};
use crate::control::{
    client::{Client, ClientError},
    types::Refusal,
};

/// Starts everything, and says at which addresses it can be reached.
///
/// # Errors
/// The daemon does not come up, or a service has failed for good.
pub(super) fn start(manager: Manager, context: &Context) -> Result<(), Failure> {
    let job = manager.begin("start")?;
    follow(job, context, &mut Signals::that_interrupt()?)
}

/// Restarts everything in the same way.
///
/// # Errors
/// As those of a start.
pub(super) fn restart(manager: Manager, context: &Context) -> Result<(), Failure> {
    let before = match context.connect() {
        Ok(client) => Some(client),
        Err(ClientError::NotRunning { .. } | ClientError::Starting { .. }) => None,
        Err(other) => return Err(other.into()),
    };
    let mut job = manager.begin("restart")?;
    let mut signals = Signals::that_interrupt()?;
    if let Some(before) = before {
        until_it_ends(before, &mut job, &mut signals)?;
    }
    follow(job, context, &mut signals)
}

/// Stops everything, and shows how far it is.
///
/// # Errors
/// systemd could not, or somebody pressed Ctrl-C.
pub(super) fn stop(manager: Manager, context: &Context) -> Result<(), Failure> {
    let Ok(mut client) = context.connect() else {
        return manager.tell("stop");
    };
    client.watch()?;
    let mut watched = Some(client);
    let mut job = manager.begin("stop")?;
    let mut signals = Signals::that_interrupt()?;
    let (mut status, mut progress) = (None, ProgressLine::new());
    while let Some(fd) = job.fd() {
        let mut fds = vec![fd, signals.fd()];
        fds.extend(watched.as_ref().map(|client| client.as_fd()));
        let readable = wait_for(&fds, progress.tick())?;
        if let Some(signal) = signals.next() {
            drop(progress);
            return Err(interrupted_by(signal, interrupted::STOPPING));
        }
        if readable[0] {
            drop(progress);
            job.end()?;
            return print("ai-gateway is stopped\n");
        }
        if readable.get(2) == Some(&true) {
            // If the daemon reports nothing more, the command still waits for systemd.
            match wait::newest(&mut watched) {
                Ok(newest) => status = newest.or(status),
                Err(_) => watched = None,
            }
        }
        let falling =
            |status| progress::falling(status, now(), &|name| wait::requests(context, name));
        progress.show(status.as_ref().and_then(falling).as_ref());
    }
    Ok(())
}

fn follow(mut job: Job, context: &Context, signals: &mut Signals) -> Result<(), Failure> {
    loop {
        if let Some(fd) = job.fd()
            && !until_it_listens(context, fd, signals)?
        {
            over(&mut job)?;
        }
        match wait::ask_with(
            signals,
            context,
            &RISEN,
            &progress::rising,
            interrupted::STARTING,
        )? {
            Ok(_) => return addresses(context),
            // This daemon is about to end; systemd waits for that before it starts the next one.
            Err(ClientError::Refused(Refusal::Ending)) => {
                until_it_ends(context.connect()?, &mut job, signals)?;
            }
            // The daemon died. systemctl is about to report it, unless it was the daemon before.
            Err(ClientError::Gone) if job.fd().is_some() => {}
            Err(error) => return Err(failed_for_good(error)),
        }
    }
}

/// Waits until the daemon at the other end of the connection, or systemctl, has ended.
fn until_it_ends(mut client: Client, job: &mut Job, signals: &mut Signals) -> Result<(), Failure> {
    client.watch()?;
    while let Some(fd) = job.fd() {
        let readable = wait_for(&[client.as_fd(), signals.fd(), fd], None)?;
        if readable[1] {
            signals.check(interrupted::STARTING)?;
        }
        if readable[0] && client.next_status()?.is_none() {
            return Ok(());
        }
        if readable[2] {
            over(job)?;
        }
    }
    Ok(())
}

/// systemctl has ended. If it did not succeed, the failure has the daemon's own words, if systemd knows
/// them.
fn over(job: &mut Job) -> Result<(), Failure> {
    let Err(failure) = job.end() else {
        return Ok(());
    };
    let unit = job.unit();
    let said = |failure: Failure| match unit.status.as_deref() {
        Some(status) => failure.cause(status),
        None => failure,
    };
    let Some(code) = unit.exit_code else {
        return Err(said(failure).hint(job.status()));
    };
    let exit = [CommandExit::NotPermitted, CommandExit::Configuration]
        .into_iter()
        .find(|exit| *exit as i32 == code)
        .unwrap_or(CommandExit::Failed);
    let failure = Failure::new(exit, format!("{UNIT} did not start"));
    Err(said(failure)
        .cause(format!("the daemon exited with code {code}"))
        .hint(job.status())
        .hint(job.journal()))
}
