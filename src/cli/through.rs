//! A start or a restart through systemd, followed at the control socket.
//!
//! To systemd a start is over when everything is ready, and so its own wait goes on while one
//! service has failed for good and waits for a person. The daemon knows better: as soon as it
//! listens, it is asked. Until then systemctl tells whether it comes up at all.

use nix::sys::signal::Signal;

use super::{
    context::Context,
    detach::until_it_listens,
    failure::{Exit, Failure},
    progress,
    start::{INTERRUPTED, RISEN, addresses, failed_for_good},
    systemd::{Job, Manager, UNIT},
    wait::{self, Signals, wait_for},
};
use crate::control::{
    client::{Client, ClientError},
    types::Refusal,
};

/// Starts everything, and says where it is.
///
/// # Errors
/// The daemon does not come up, or a service has failed for good.
pub(super) fn start(manager: Manager, context: &Context) -> Result<(), Failure> {
    follow(manager.begin("start")?, context)
}

/// The same after a stop.
///
/// # Errors
/// As those of a start.
pub(super) fn restart(manager: Manager, context: &Context) -> Result<(), Failure> {
    let before = match context.connect() {
        Ok(client) => Some(client),
        Err(ClientError::NotRunning { .. }) => None,
        Err(other) => return Err(other.into()),
    };
    let mut job = manager.begin("restart")?;
    if let Some(before) = before {
        until_it_ends(before, &mut job)?;
    }
    follow(job, context)
}

fn follow(mut job: Job, context: &Context) -> Result<(), Failure> {
    loop {
        if let Some(fd) = job.fd() {
            let mut signals = Signals::take(&[Signal::SIGINT, Signal::SIGTERM])?;
            if !until_it_listens(context, fd, &mut signals)? {
                over(&mut job)?;
            }
        }
        match wait::ask(context, &RISEN, &progress::rising, INTERRUPTED)? {
            Ok(_) => return addresses(context),
            // One on its way down, which systemd lets go before it starts the next.
            Err(ClientError::Refused(Refusal::Ending)) => {
                until_it_ends(context.connect()?, &mut job)?;
            }
            // It died: systemctl is about to say so, unless it was the one before.
            Err(ClientError::Gone) if job.fd().is_some() => {}
            Err(error) => return Err(failed_for_good(error)),
        }
    }
}

/// Waits until the daemon at the other end has ended, or systemctl has.
fn until_it_ends(mut client: Client, job: &mut Job) -> Result<(), Failure> {
    use std::os::fd::AsFd as _;
    client.watch()?;
    let mut signals = Signals::take(&[Signal::SIGINT, Signal::SIGTERM])?;
    while let Some(fd) = job.fd() {
        let readable = wait_for(&[client.as_fd(), signals.fd(), fd], None)?;
        if readable[1] && signals.next().is_some() {
            return Err(Failure::Said(Exit::Failed));
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

/// systemctl has ended. If it did not succeed, why: the daemon's own words, where systemd has them.
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
    let exit = [Exit::NotPermitted, Exit::Configuration]
        .into_iter()
        .find(|exit| *exit as i32 == code)
        .unwrap_or(Exit::Failed);
    let failure = Failure::new(exit, format!("{UNIT} did not start"));
    Err(said(failure)
        .cause(format!("the daemon exited with code {code}"))
        .hint(job.status())
        .hint(job.journal()))
}
