//! What systemd hears from us.

pub mod notify;
