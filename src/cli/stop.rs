//! `ai-gateway stop`: down in order, nothing lost.

use std::os::fd::{AsFd as _, BorrowedFd};

use nix::sys::signal::Signal;
use supervise::spec::ServiceName;

use super::{
    context::{Context, print, tell},
    failure::{Exit, Failure},
    interrupted, progress,
    run::services,
    say::say,
    systemd::Manager,
    through,
    wait::{self, Signals, wait_for},
};
use crate::{
    control::{
        client::ClientError,
        types::{Call, GatewayStatus, Refusal, Reply},
    },
    lock::Holder,
    runtime,
};

/// Stop everything, or one service
///
/// Services go down in order, those that others need last, and each ends what it has begun. What
/// was stopped stays down until it is started again.
///
/// Without SERVICE the daemon ends too, through systemd where a unit is installed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service; without it, all of them
    #[arg(value_parser = ServiceName::new)]
    service: Option<ServiceName>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if args.service.is_none()
        && let Some(manager) = Manager::find(context)
    {
        return through::stop(manager, context);
    }
    let call = Call::Stop(args.service.clone());
    let Some(service) = &args.service else {
        return all(&call, context);
    };
    let falling = |status: &GatewayStatus, now, requests: progress::Requests<'_>| {
        progress::falling_one(status, service, now, requests)
    };
    let reply = wait::ask(context, &call, &falling, interrupted::STOPPING)??;
    say(&reply, &format!("{service} is stopped"))
}

/// Everything is down when the daemon itself has gone.
fn all(call: &Call, context: &Context) -> Result<(), Failure> {
    // Taken while it certainly runs: it closes its sockets a moment before it has gone.
    let daemon = Holder::find(&context.paths.state).and_then(|holder| holder.open());
    let mut until = match context.connect() {
        Err(ClientError::NotRunning { path }) => {
            return match orphans(context)? {
                0 => Err(ClientError::NotRunning { path }.into()),
                _ => print("No daemon ran; what a killed one had left is stopped.\n"),
            };
        }
        Err(ClientError::Starting { .. } | ClientError::OutOfReach { .. }) => {
            return by_signal(context);
        }
        connected => connected?,
    };
    let mut signals = Signals::that_interrupt()?;
    let asked = wait::ask_with(
        &mut signals,
        context,
        call,
        &progress::falling,
        interrupted::STOPPING,
    );
    let reply = match asked? {
        // It went before it could say so.
        Err(ClientError::Gone | ClientError::Refused(Refusal::Ending)) => Reply::Done(Vec::new()),
        answered => answered?,
    };
    // On a connection that asks nothing, nothing comes but its end.
    wait_until(until.as_fd(), &mut signals)?;
    until.wait_for_end()?;
    if let Some(daemon) = daemon {
        wait_until(daemon.as_fd(), &mut signals)?;
    }
    say(&reply, "ai-gateway is stopped")
}

/// What a daemon that was killed has left, stopped in order; how many processes that were.
fn orphans(context: &Context) -> Result<usize, Failure> {
    // Its commands are a part of how LiteLLM is stopped. Where the configuration is wrong by now,
    // what the daemon wrote down has to do.
    let services = services(context).unwrap_or_default();
    let say = &mut |what: &str| tell(format!("{what}\n"));
    runtime::orphans::end(&context.paths.state, &services, say)
        .map_err(|error| Failure::of(Exit::Failed, &error))
}

/// A daemon that cannot be asked: it does as if it had been.
fn by_signal(context: &Context) -> Result<(), Failure> {
    let holder = Holder::find(&context.paths.state);
    if let Some(daemon) = holder.and_then(|holder| holder.open()) {
        let mut signals = Signals::that_interrupt()?;
        // It may have ended meanwhile.
        let _gone = daemon.send_signal(Signal::SIGTERM as i32);
        tell("stopping the daemon by a signal: it cannot be asked\n");
        wait_until(daemon.as_fd(), &mut signals)?;
    }
    // One that had only begun has ended nothing yet.
    orphans(context)?;
    print("ai-gateway is stopped\n")
}

/// Until this is readable, or somebody does not want to wait for that.
fn wait_until(ends: BorrowedFd<'_>, signals: &mut Signals) -> Result<(), Failure> {
    while !wait_for(&[ends, signals.fd()], None)?[0] {
        signals.check(interrupted::STOPPING)?;
    }
    Ok(())
}
