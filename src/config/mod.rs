//! From `gateway.toml`, profile, environment and flags to settings that are known to be right.

pub mod paths;
pub mod settings;
