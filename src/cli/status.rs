//! `ai-gateway status`: what runs, for how long, and what it takes.

use std::net::SocketAddr;

use serde_json::json;

use super::{
    absent::Absent,
    addresses,
    context::{Context, Screen, now, print, tell},
    failure::{CommandExit, Failure},
    settings,
    stack::spend::Spend,
    table, watch,
};
use crate::{
    config::settings::Listen,
    control::{
        client::ClientError,
        types::{GatewayState, GatewayStatus},
    },
    disk, open_files, services,
};

/// Show what runs and what it takes
///
/// Shows each service's state and since when, its restarts, its memory against its limit and its
/// CPU, the addresses, and why something is not as it should be, a full disk or too few
/// open files included.
///
/// Exits with 69 if ai-gateway is not running, or has only begun to start.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object; with --watch, one a line for each change
    #[arg(long)]
    json: bool,
    /// Keep showing it until Ctrl-C
    #[arg(long, short)]
    watch: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut client = match context.connect() {
        Ok(client) => client,
        Err(ClientError::NotRunning { .. }) => return Err(stopped(args, context)?),
        Err(starting @ ClientError::Starting { .. }) => {
            return Err(begun(args, context, &starting)?);
        }
        Err(other) => return Err(other.into()),
    };
    if args.watch {
        return watch::run(client, context, args.json);
    }
    let status = client.status()?;
    if args.json {
        print(pretty(&status)?)
    } else {
        let screen = Screen::find();
        print(picture(&status, screen))?;
        print(more(&status, context)).map(drop)?;
        print(lacks(context))
    }
}

/// That the gateway is stopped is an answer, so it goes to standard output; the hint about what to do goes
/// to standard error.
fn stopped(args: &Args, context: &Context) -> Result<Failure, Failure> {
    let absent = Absent::find(context);
    if absent.is_elsewhere() {
        let failure = Failure::new(absent.exit(), absent.what());
        let hints = absent.hints("status").into_iter();
        return Ok(hints.fold(failure, Failure::hint));
    }
    if !args.json {
        print(format!("{}\n", absent.what()))?;
        for hint in absent.hints("status") {
            tell(format!("hint: {hint}\n"));
        }
        return Ok(Failure::AlreadyReported(CommandExit::NotRunning));
    }
    let reason = "ai-gateway is not running";
    let status = without_daemon(context, GatewayState::Stopped, reason);
    print(as_json(args, &status)?)?;
    Ok(Failure::AlreadyReported(CommandExit::NotRunning))
}

/// A daemon that has the lock and does not listen yet, which is so for a moment at each start. This is an
/// answer, too.
fn begun(args: &Args, context: &Context, starting: &ClientError) -> Result<Failure, Failure> {
    if args.json {
        let status = without_daemon(context, GatewayState::Starting, &starting.to_string());
        print(as_json(args, &status)?)?;
    } else {
        print(format!("{starting}\n"))?;
        tell("hint: 'ai-gateway start' waits until everything is ready\n".to_owned());
    }
    Ok(Failure::AlreadyReported(CommandExit::NotRunning))
}

/// The part of the status that is known while no daemon answers, in the same form.
fn without_daemon(context: &Context, state: GatewayState, reason: &str) -> serde_json::Value {
    // Even if the configuration is wrong, the status says that nothing runs.
    let settings = settings::read(context, &[])
        .map(|loaded| loaded.settings)
        .ok();
    json!({
        "state": state,
        "profile": settings.as_ref().map(|settings| &settings.profile),
        "limits": { "enforced": false, "reason": reason },
        "urls": settings.as_ref().map(services::urls),
        "services": {},
    })
}

/// Prints one status: one line of a watch, or the only one.
fn as_json(args: &Args, status: &serde_json::Value) -> Result<String, Failure> {
    if args.watch {
        Ok(format!("{status}\n"))
    } else {
        pretty(status)
    }
}

/// JSON that a person can read and a script can parse.
pub(super) fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|e| Failure::of(CommandExit::Failed, &e))
}

/// Sentences about what the machine has too little of: full disks, and open files.
pub(super) fn lacks(context: &Context) -> String {
    let full = disk::full(&context.paths);
    let full = full
        .iter()
        .map(|lack| format!("{lack}: make room, or nothing can be written\n"));
    let files = open_files::of_gateway(&context.paths.state).and_then(open_files::lack);
    let files = files.map(|lack| format!("{lack}: 'ai-gateway doctor' says where that is set\n"));
    full.chain(files).collect()
}

/// What the daemon does not know: the budget, and the addresses for other machines.
fn more(status: &GatewayStatus, context: &Context) -> String {
    let Ok(loaded) = settings::read(context, &[]) else {
        return String::new();
    };
    let mut lines = from_other_machines(&loaded.settings.listen);
    if let Some(spend) = Spend::of_running(status, context, &loaded.settings) {
        lines.push(format!("\nBudget {}\n", spend.sentence(now())));
        lines.extend(spend.warning().map(|text| text + "\n"));
    }
    lines.concat()
}

/// The addresses at which other machines reach the chat page and the admin page, if those listen on all
/// addresses.
fn from_other_machines(listen: &Listen) -> Vec<String> {
    let pages = [
        ("", listen.address, listen.port, ""),
        ("admin ", listen.admin_address, listen.admin_port, "/ui"),
    ];
    let lines = pages.into_iter().flat_map(|(page, address, port, path)| {
        let found = addresses::of_machine(address).into_iter();
        found.map(move |address| {
            let at = SocketAddr::new(address, port);
            format!("{page}from other machines: http://{at}{path}\n")
        })
    });
    lines.collect()
}

fn picture(status: &GatewayStatus, screen: Screen) -> String {
    table::lines(status, screen, now(), None)
        .iter()
        .map(|line| line.render(usize::MAX) + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn lines(address: Ipv4Addr, admin_address: Ipv4Addr) -> Vec<String> {
        from_other_machines(&Listen {
            address: IpAddr::V4(address),
            port: 3000,
            admin_address: IpAddr::V4(admin_address),
            admin_port: 4000,
        })
    }

    #[test]
    fn what_other_machines_use_is_shown_for_each_page_that_they_reach() {
        let (one, all) = (Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED);
        assert!(lines(one, one).is_empty());
        let machine = addresses::of_machine(all.into());
        let front = machine
            .iter()
            .map(|at| format!("from other machines: http://{at}:3000\n"));
        let front: Vec<_> = front.collect();
        let admin = machine
            .iter()
            .map(|at| format!("admin from other machines: http://{at}:4000/ui\n"));
        let admin: Vec<_> = admin.collect();
        assert_eq!(lines(all, one), front);
        assert_eq!(lines(one, all), admin);
        assert_eq!(lines(all, all), [front, admin].concat());
    }
}
