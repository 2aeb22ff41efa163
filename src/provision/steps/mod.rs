//! What each step of the plan does. The plan has decided; here it is done.

pub(super) mod database;
pub(super) mod engine;
pub mod migrations;
pub(super) mod open_webui;
pub(super) mod payload;
pub(super) mod python;
pub(super) mod server;
mod views;
