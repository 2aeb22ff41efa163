//! What systemd hears from us ([`notify`] decides what to say, [`socket`] says it), and the units by
//! which it knows us ([`unit`]).

pub mod notify;
pub mod socket;
mod status;
pub mod unit;
