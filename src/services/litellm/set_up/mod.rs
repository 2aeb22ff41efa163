//! What set-up makes for LiteLLM: its environment with the generated database client, the query engine, and its
//! tables.

mod engine;
mod engine_files;
mod environment;
mod given_engine;
mod history;
mod migrations;
mod views;

use std::path::PathBuf;

use super::settings::EngineSource;
use crate::{
    config::settings::Settings,
    provision::{
        Installation,
        catalog::{Brought, Installable, Migratable, of_packages},
        model::{MB, Packages, Payload, Role, Tables},
        names,
        steps::migrate::Migrate,
    },
};

/// The hash-locked requirements of its environment.
const LOCK: &str = include_str!("../../../../locks/litellm.txt");

/// Our query engine, which also generates LiteLLM's database client.
pub(crate) const ENGINE: Payload = Payload {
    name: "engine",
    title: "Query engine",
    what: "the query engine",
    versioned: true,
    bytes: 20 * MB,
    needed: "generate",
    packages: Packages::Npm {
        lock: engine_files::LOCK,
        version: engine_files::VERSION,
        files: engine_files::ALL,
    },
    runs_in_set_up: false,
};

/// A native query engine that is downloaded.
pub(crate) const NATIVE_ENGINE: Payload = Payload {
    name: "native-engine",
    title: "Native query engine",
    what: "the native query engine",
    versioned: true,
    bytes: 20 * MB,
    needed: "query-engine",
    packages: Packages::None,
    runs_in_set_up: false,
};

/// LiteLLM's environment.
pub(crate) const PAYLOAD: Payload = Payload {
    name: "litellm",
    title: "LiteLLM",
    what: "LiteLLM",
    versioned: true,
    bytes: 600 * MB,
    needed: "bin/python",
    packages: Packages::Python {
        lock: LOCK,
        package: "litellm",
    },
    runs_in_set_up: false,
};

/// LiteLLM's tables.
pub(crate) const TABLES: Tables = Tables {
    name: "litellm",
    of: "LiteLLM",
    doing: "bring LiteLLM's tables up to date",
    payload: PAYLOAD,
};

pub(super) const SET_UP: Brought = Brought {
    payloads: &[
        Installable {
            payload: ENGINE,
            folder: of_packages,
            build: engine::build,
        },
        Installable {
            payload: NATIVE_ENGINE,
            folder: |_, settings| native_folder(settings),
            build: engine::build_native,
        },
        Installable {
            payload: PAYLOAD,
            // The generated database client is a part of LiteLLM's environment, so whatever generates it
            // counts as well.
            folder: |_, _| Some(names::of_lock(LOCK, "litellm", &[engine_files::ALL])),
            build: environment::build,
        },
    ],
    programs: &[given_engine::PROGRAM],
    tables: &[Migratable {
        tables: TABLES,
        migrate: Migrate::WithServer(environment::migrate),
    }],
    // With a database of the same name.
    roles: &[Role {
        name: "litellm",
        password: super::DATABASE_PASSWORD,
    }],
    secrets: super::secrets::ALL,
    needs: |settings| {
        [Some(PAYLOAD), payload_of_engine(settings)]
            .into_iter()
            .flatten()
            .collect()
    },
    ..Brought::NOTHING
};

/// The payload that has the engine of these settings in it. A program of the machine is in none.
fn payload_of_engine(settings: &Settings) -> Option<Payload> {
    match EngineSource::of(settings) {
        EngineSource::Wasm => Some(ENGINE),
        EngineSource::Download { .. } => Some(NATIVE_ENGINE),
        EngineSource::Program(_) => None,
    }
}

/// The query engine of these settings.
pub fn engine(installed: &Installation, settings: &Settings) -> PathBuf {
    match EngineSource::of(settings) {
        EngineSource::Wasm => installed.folder(&ENGINE).join("query-engine"),
        EngineSource::Download { .. } => installed.folder(&NATIVE_ENGINE).join("query-engine"),
        EngineSource::Program(path) => path,
    }
}

fn native_folder(settings: &Settings) -> Option<String> {
    match EngineSource::of(settings) {
        EngineSource::Download { sha256, .. } => Some(names::of_hash(&sha256)),
        EngineSource::Wasm | EngineSource::Program(_) => None,
    }
}
