//! What systemd hears from us ([`notify`] decides what to say, [`notification`] is each thing that it says,
//! [`socket`] sends it), and the units by which it knows us ([`unit`]).

pub mod notification;
pub mod notify;
pub mod socket;
mod status;
pub mod unit;
