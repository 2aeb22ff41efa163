//! The services that the gateway brings along, a room for each: what one service is made of stands in its
//! folder, behind one [`Service`], and the list of them is here and nowhere else.
//!
//! Everything here is pure: data in, data out. What a service needs of the machine comes in as
//! [`Installed`], what is to be written goes out as [`RenderedFile`]. Rooms may use one another; what is not
//! a room may use the list and the types, and names no service.

mod addresses;
pub mod custom;
pub(crate) mod diet;
mod installed;
pub mod litellm;
pub mod nginx;
pub mod open_webui;
mod part;
pub mod postgres;
mod process;
mod secrets;
mod service;
pub mod stack;
mod uvicorn;

pub use self::{
    addresses::{admin_address, front_address},
    installed::Installed,
    part::RenderedFile,
    process::QUEUE,
    secrets::Secrets,
    service::Service,
    stack::Stack,
};

/// All of them, in the order in which they are listed and launched where nothing else decides.
pub static ALL: [&Service; 4] = [
    &postgres::SERVICE,
    &litellm::SERVICE,
    &open_webui::SERVICE,
    &nginx::SERVICE,
];

#[cfg(test)]
mod tests;
