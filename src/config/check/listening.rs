//! Checks who listens where: the gateway's own ports, and the addresses that are held for services of the
//! user's own.

use std::net::{IpAddr, SocketAddr};

use supervise::spec::Listener;

use crate::config::{
    report::{Place, Problem},
    resolve::Merged,
    settings::CustomProbe,
    value::Value,
};

const PORT: &str = "listen.port";
const ADMIN_PORT: &str = "listen.admin_port";

/// An address that is to be listened on.
struct Wanted {
    at: Listener,
    /// The label that is shown at its place.
    label: String,
    place: Option<Place>,
}

pub(super) fn check(all: &Merged, problems: &mut Vec<Problem>) {
    ports(all, problems);
    own_services(all, problems);
    address(all, problems);
}

fn ports(all: &Merged, problems: &mut Vec<Problem>) {
    let (one, other) = (PORT, ADMIN_PORT);
    let known = all.sound(one) && all.sound(other);
    if known && all.whole(one) == all.whole(other) {
        let port = all.whole(one).unwrap_or_default();
        let label = |name| match all.place(name) {
            Some(_) => format!("`{name}` is {port}"),
            None => String::new(),
        };
        let mut problem =
            Problem::error(format!("`{one}` and `{other}` are the same port, {port}"))
                .at(all.place(one), label(one))
                .at(all.place(other), label(other));
        for name in [one, other] {
            if all.place(name).is_none() {
                problem = problem.note(format!("`{name}` is {port} by default"));
            }
        }
        let other = if port < 65_535 { port + 1 } else { port - 1 };
        problems.push(problem.help(format!("give one of them another, such as {other}")));
    }
}

fn address(all: &Merged, problems: &mut Vec<Problem>) {
    for (key, what) in [
        ("listen.address", "the gateway"),
        ("listen.admin_address", "the admin page"),
    ] {
        if let Some(Value::Address(address)) = all.value(key)
            && !address.is_loopback()
            && all.sound(key)
        {
            let title = format!("other machines can reach {what} at {address}");
            problems.push(
                Problem::warning(title)
                    .at(all.place(key), "not a loopback address")
                    .note("nothing encrypts what goes through this port"),
            );
        }
    }
}

/// Checks that each address is used once, and only by daemons, and that no probe takes a connection to a held
/// address for an answer.
fn own_services(all: &Merged, problems: &mut Vec<Problem>) {
    let mut wanted = gateways(all);
    for service in all.custom() {
        let name = format!("service.{service}.listen");
        let Some(Value::Listen(addresses)) = all.value(&name) else {
            continue;
        };
        let kind = all.text(&format!("service.{service}.kind"));
        if let Some(why) = nobody_listens(kind.unwrap_or("daemon")) {
            let title = format!("`{name}` is for daemons alone");
            problems.push(Problem::error(title).at(all.place(&name), why));
            continue;
        }
        let source = all.place(&name).map(|place| place.source);
        for (at, span) in addresses {
            let place = source.map(|source| Place {
                source,
                span: span.clone(),
            });
            let label = format!("{service} listens here");
            let here = Wanted {
                at: at.clone(),
                label,
                place,
            };
            problems.extend(wanted.iter().find_map(|other| twice(other, &here)));
            wanted.push(here);
        }
        problems.extend(asked_at_a_held_address(all, service, addresses));
    }
}

/// The addresses of the gateway itself. An address that could not be understood is left out.
fn gateways(all: &Merged) -> Vec<Wanted> {
    let both = [
        ("listen.address", PORT),
        ("listen.admin_address", ADMIN_PORT),
    ];
    let found = both.into_iter().filter_map(|(address, port)| {
        let Some(Value::Address(ip)) = all.value(address) else {
            return None;
        };
        let number = u16::try_from(all.whole(port)?).ok()?;
        let sound = all.sound(address) && all.sound(port);
        sound.then(|| Wanted {
            at: Listener::Tcp(SocketAddr::new(*ip, number)),
            label: format!("`{port}` is {number}"),
            place: all.place(port),
        })
    });
    found.collect()
}

fn nobody_listens(kind: &str) -> Option<&'static str> {
    match kind {
        "task" => Some("a task runs to its end, and then nobody would answer"),
        "external" => Some("somebody else runs it, and binds its address"),
        _ => None,
    }
}

fn twice(one: &Wanted, other: &Wanted) -> Option<Problem> {
    if !overlap(&one.at, &other.at) {
        return None;
    }
    let title = format!("two cannot listen on {}", other.at);
    let mut problem = Problem::error(title)
        .at(other.place.clone(), other.label.clone())
        .at(one.place.clone(), one.label.clone());
    if one.place.is_none() {
        problem = problem.note(format!("{} by default", one.label));
    }
    Some(problem.help("give one of them another address".to_owned()))
}

/// Whether the kernel would refuse the second of them.
fn overlap(one: &Listener, other: &Listener) -> bool {
    match (one, other) {
        (Listener::Tcp(at), Listener::Tcp(other_at)) => one.takes(*other_at) || other.takes(*at),
        (Listener::Tcp(_) | Listener::Unix(_), _) => one == other,
    }
}

/// The kernel accepts a connection to a held socket, whether or not its service has begun to answer.
fn asked_at_a_held_address(
    all: &Merged,
    service: &str,
    held: &[(Listener, std::ops::Range<usize>)],
) -> Option<Problem> {
    let name = format!("service.{service}.probe");
    let Some(Value::Probe(CustomProbe::Tcp(asked))) = all.value(&name) else {
        return None;
    };
    let asked_at = addresses_of(asked);
    let is_held = |(held, _): &(Listener, _)| asked_at.iter().any(|at| held.takes(*at));
    held.iter().any(is_held).then(|| {
        Problem::error(format!("`{name}` would pass before {service} answers"))
            .at(
                all.place(&name),
                "the gateway listens here for it, and takes every connection",
            )
            .help(format!(
                "ask for an answer: probe = {{ http = \"http://{asked}/\" }}, or exec, notify or log"
            ))
    })
}

/// The addresses at which a probe of `host:port` may arrive. There are none if only a resolver knows the
/// name.
fn addresses_of(asked: &str) -> Vec<SocketAddr> {
    if let Some(port) = asked.strip_prefix("localhost:") {
        let port = port.parse().ok();
        let loopback: [IpAddr; 2] = [[127, 0, 0, 1].into(), [0, 0, 0, 0, 0, 0, 0, 1_u16].into()];
        let found = port.map(|port| loopback.map(|ip| SocketAddr::new(ip, port)));
        return found.into_iter().flatten().collect();
    }
    asked.parse().into_iter().collect()
}
