//! What systemd hears from us: [`notify`] decides what to say, [`socket`] says it.

pub mod notify;
pub mod socket;
mod status;
