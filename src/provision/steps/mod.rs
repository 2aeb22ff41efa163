//! What each step of a plan does. The plan has decided; here it is done.
//!
//! `build` and `migrate` find the function of a payload and of a service's tables; the other files
//! are one thing each. None of them knows the plan that it is a part of.

pub(super) mod build;
pub(super) mod database;
mod engine;
mod litellm;
pub(super) mod migrate;
pub mod migrations;
pub(super) mod open_webui;
mod python;
pub(super) mod server;
mod tools;
mod views;
