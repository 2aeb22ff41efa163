//! Whether enough clients may wait while a service restarts.

use super::{Check, Facts, Group, Verdict};
use crate::{
    doctor::fix::{root, roots},
    stack::QUEUE,
};

pub(super) const CHECK: Check = Check {
    id: "queues",
    group: Group::Network,
    title: "Queues",
    looks: "How many connections may wait at a listening socket (net.core.somaxconn), against the \
        4096 that the gateway counts on.",
    why: "Whoever comes while a service restarts waits in its socket's queue. When the queue is \
        full, requests to a service behind a Unix socket fail at once, and new clients have to try again. A socket keeps \
        the length that it was bound with: a change takes effect when the gateway was stopped and \
        is started again.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let Some(queue) = facts.machine.queue else {
        return Verdict::warning("the kernel does not tell how many connections may wait");
    };
    if queue >= QUEUE {
        return Verdict::ok(format!("{queue} connections may wait at a socket"));
    }
    let tee = root(facts, "tee /etc/sysctl.d/50-ai-gateway-queues.conf");
    Verdict::warning(format!(
        "only {queue} connections may wait at a socket, of {QUEUE} or more"
    ))
    .fix(format!(
        "echo net.core.somaxconn={QUEUE} | {tee} && {}",
        roots(facts, &["sysctl --system"])
    ))
}
