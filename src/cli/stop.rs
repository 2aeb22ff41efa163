//! `ai-gateway stop`: down in order, nothing lost.

use std::os::fd::{AsFd as _, BorrowedFd};

use nix::sys::signal::Signal;
use supervise::spec::ServiceName;

use super::{
    context::{Context, print, tell},
    failure::{CommandExit, Failure},
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

/// Waits for the end of the daemon itself; everything is down then.
fn all(call: &Call, context: &Context) -> Result<(), Failure> {
    // The handle on the process is taken while it certainly runs, because it closes its sockets a moment
    // before it ends.
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
        // The daemon ended before it could answer.
        Err(ClientError::Gone | ClientError::Refused(Refusal::Ending)) => Reply::Done(Vec::new()),
        answered => answered?,
    };
    // Nothing was asked on this connection, so the only thing that can happen to it is that it is closed.
    wait_until(until.as_fd(), &mut signals)?;
    until.wait_for_end()?;
    if let Some(daemon) = daemon {
        wait_until(daemon.as_fd(), &mut signals)?;
    }
    say(&reply, "ai-gateway is stopped")
}

/// Stops in order what a killed daemon has left running. Returns how many processes that were.
fn orphans(context: &Context) -> Result<usize, Failure> {
    // The configuration says how each service is stopped. If it is wrong by now, the record of the daemon has
    // to do.
    let services = services(context).unwrap_or_default();
    let say = &mut |what: &str| tell(format!("{what}\n"));
    runtime::orphans::end(&context.paths.state, &services, say)
        .map_err(|error| Failure::of(CommandExit::Failed, &error))
}

/// Stops a daemon that cannot be reached at its socket: a signal has the same effect as the order.
fn by_signal(context: &Context) -> Result<(), Failure> {
    let holder = Holder::find(&context.paths.state);
    if let Some(daemon) = holder.and_then(|holder| holder.open()) {
        let mut signals = Signals::that_interrupt()?;
        // The daemon may have ended meanwhile.
        let _gone = daemon.send_signal(Signal::SIGTERM as i32);
        tell("stopping the daemon by a signal: it cannot be asked\n");
        wait_until(daemon.as_fd(), &mut signals)?;
    }
    // A daemon that had only just begun has not ended the processes of an earlier one yet.
    orphans(context)?;
    print("ai-gateway is stopped\n")
}

/// Waits until this is readable, or a signal says that somebody does not want to wait.
fn wait_until(ends: BorrowedFd<'_>, signals: &mut Signals) -> Result<(), Failure> {
    while !wait_for(&[ends, signals.fd()], None)?[0] {
        signals.check(interrupted::STOPPING)?;
    }
    Ok(())
}
