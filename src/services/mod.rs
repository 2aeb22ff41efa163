//! The services that the gateway brings along, a room for each: what one service is made of stands in its
//! folder, behind one [`Service`], and the list of them is here and nowhere else.
//!
//! Planning is pure: data in, data out. What set-up has left comes in as an [`Installation`], what is to
//! be written goes out as [`crate::stack::Stack`]. What set-up runs (`set_up`), and what is done in a service that
//! runs (`litellm::after_start`, Open WebUI's accounts), is beside it in the room. Rooms may use one another; what
//! is not a room uses the list and the types. `tests/imports/names.rs` lists the few places that name a service all
//! the same.

mod addresses;
pub mod custom;
pub(crate) mod diet;
pub mod litellm;
pub mod nginx;
pub mod open_webui;
mod own_environment;
pub mod own_files;
mod part;
mod plan;
pub mod postgres;
mod process;
mod secrets;
mod service;
mod uvicorn;

pub use self::{
    addresses::{admin_address, front_address},
    plan::{dialects, plan},
    secrets::Secrets,
    service::{NamedUrl, Service},
};

use std::sync::LazyLock;

use crate::{
    config::{paths::Paths, schema::Schema, settings::Settings},
    control::types::Urls,
    doctor::{self, Check},
    provision::{self, Catalog, Installation, NotSetUp},
};

/// All of them, in the order in which they are listed and launched where nothing else decides.
pub static ALL: [&Service; 4] = [
    &postgres::SERVICE,
    &litellm::SERVICE,
    &open_webui::SERVICE,
    &nginx::SERVICE,
];

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema_of(&ALL));

/// All that can stand in `gateway.toml`.
pub fn schema() -> &'static Schema {
    &SCHEMA
}

/// All that can stand in the `gateway.toml` of a gateway that brings these services along.
pub fn schema_of(services: &[&Service]) -> Schema {
    let services: Vec<_> = services
        .iter()
        .map(|service| (service.built_in, service.declaration))
        .collect();
    Schema::new(&services, &diet::DECLARATION)
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| catalog_of(&ALL));

/// What set-up can make for these services.
pub fn catalog_of(services: &[&Service]) -> Catalog {
    Catalog::new(services.iter().map(|service| &service.set_up))
}

/// What set-up can make.
pub fn catalog() -> &'static Catalog {
    &CATALOG
}

/// What set-up has left for the services of these settings. It looks at little, because every start asks.
///
/// # Errors
/// Set-up has not run, was cut off, or was run by another version or with other settings.
pub fn installed(paths: &Paths, settings: &Settings) -> Result<Installation, NotSetUp> {
    provision::installed(catalog(), paths, settings)
}

/// The titles of all of them.
pub fn titles() -> Vec<&'static str> {
    ALL.iter().map(|service| service.built_in.title).collect()
}

/// The titles of those of which set-up installs something.
pub fn installed_titles() -> Vec<&'static str> {
    let all = ALL.iter();
    let installed = all.filter(|service| !service.set_up.payloads.is_empty());
    installed.map(|service| service.built_in.title).collect()
}

/// The addresses at which people reach what these services do. Those of the services that are launched last
/// come first, because people begin there.
pub fn named_urls(services: &[&'static Service]) -> impl Iterator<Item = &'static NamedUrl> {
    services.iter().rev().flat_map(|service| service.urls)
}

/// Where people reach the gateway.
pub fn urls(settings: &Settings) -> Urls {
    let urls = named_urls(&ALL);
    urls.map(|named| (named.name, (named.url)(settings)))
        .collect()
}

/// All that `doctor` looks at: for the gateway as a whole, and for each service.
pub fn checks() -> Vec<Check> {
    doctor::checks(ALL.iter().flat_map(|service| service.checks))
}

#[cfg(test)]
mod tests;
