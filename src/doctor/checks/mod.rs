//! The checks: pure functions from facts to a verdict, one thought in each file.

mod cgroups;
mod clock;
mod configuration;
mod controllers;
mod daemon;
mod diet;
mod disk;
mod dns;
mod environment;
mod landlock;
mod limits;
mod linger;
mod low_ports;
mod lxc_drop_in;
mod memory;
mod named_programs;
mod nesting;
mod open_files;
mod permissions;
mod ports;
mod proxy;
mod psi;
mod queues;
mod remove_ipc;
mod secrets;
mod setup;
mod system;
mod systemd;
mod unit;
mod user;
mod user_bus;

use super::{Check, Facts, Group, Verdict};

/// Those that are about no single service, in the order in which they are shown: by group, and first what
/// others rest on.
pub(super) const ALL: [Check; 31] = [
    system::CHECK,
    nesting::CHECK,
    memory::CHECK,
    disk::CHECK,
    clock::CHECK,
    psi::CHECK,
    open_files::CHECK,
    landlock::CHECK,
    systemd::CHECK,
    user::CHECK,
    user_bus::CHECK,
    linger::CHECK,
    remove_ipc::CHECK,
    lxc_drop_in::CHECK,
    cgroups::CHECK,
    controllers::CHECK,
    unit::CHECK,
    ports::CHECK,
    low_ports::CHECK,
    queues::CHECK,
    dns::CHECK,
    proxy::CHECK,
    named_programs::CHECK,
    configuration::CHECK,
    environment::CHECK,
    permissions::CHECK,
    secrets::CHECK,
    setup::CHECK,
    daemon::CHECK,
    diet::CHECK,
    limits::CHECK,
];
