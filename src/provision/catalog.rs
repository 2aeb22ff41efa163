//! The list of what there can be in a set-up: payloads, tables and roles of the services, and which of
//! them these settings want.
//!
//! Pure data. How a payload is installed and how tables are migrated is in [`super::steps`].

use super::{
    embedded,
    hash::sha256,
    model::{MB, Packages, Payload, Role, Tables, Wanted},
};
use crate::{
    config::settings::Settings,
    secrets::Kind,
    services::{litellm::EngineSource, open_webui},
};

/// uv, and npm with its Node.js.
pub const TOOLS: Payload = Payload {
    name: "tools",
    title: "Tools (uv, Node.js)",
    what: "the tools uv and Node.js",
    // It is uv's.
    versioned: false,
    bytes: 270 * MB,
    needed: "bin/python",
    packages: Packages::Python {
        lock: embedded::TOOLS_LOCK,
        package: "uv",
    },
    runs_in_set_up: true,
};

/// Our query engine, which also generates LiteLLM's database client.
pub const ENGINE: Payload = Payload {
    name: "engine",
    title: "Query engine",
    what: "the query engine",
    versioned: true,
    bytes: 20 * MB,
    needed: "generate",
    packages: Packages::Npm {
        lock: embedded::ENGINE_LOCK,
        files: embedded::ENGINE,
    },
    runs_in_set_up: false,
};

/// A native query engine that is downloaded.
pub const NATIVE_ENGINE: Payload = Payload {
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
pub const LITELLM: Payload = Payload {
    name: "litellm",
    title: "LiteLLM",
    what: "LiteLLM",
    versioned: true,
    bytes: 600 * MB,
    needed: "bin/python",
    packages: Packages::Python {
        lock: embedded::LITELLM_LOCK,
        package: "litellm",
    },
    runs_in_set_up: false,
};

/// Open WebUI's environment.
pub const OPEN_WEBUI: Payload = Payload {
    name: "open-webui",
    title: "Open WebUI",
    what: "Open WebUI",
    versioned: true,
    bytes: 800 * MB,
    needed: "bin/python",
    packages: Packages::Python {
        lock: embedded::OPEN_WEBUI_LOCK,
        package: "open-webui",
    },
    runs_in_set_up: false,
};

/// Every payload, in the order in which they are made.
pub const PAYLOADS: [Payload; 5] = [TOOLS, ENGINE, NATIVE_ENGINE, LITELLM, OPEN_WEBUI];

/// LiteLLM's tables.
pub const LITELLM_TABLES: Tables = Tables {
    name: "litellm",
    of: "LiteLLM",
    doing: "bring LiteLLM's tables up to date",
    payload: LITELLM,
};

/// Open WebUI's tables.
pub const OPEN_WEBUI_TABLES: Tables = Tables {
    name: "open_webui",
    of: "Open WebUI",
    doing: "let Open WebUI bring its tables up to date and make its administrator's account",
    payload: OPEN_WEBUI,
};

/// All tables, in the order in which they are brought up to date.
pub const TABLES: [Tables; 2] = [LITELLM_TABLES, OPEN_WEBUI_TABLES];

/// Each with a database of its own name.
pub const ROLES: [Role; 2] = [
    Role {
        name: "litellm",
        password: Kind::PostgresLitellmPassword,
    },
    Role {
        name: "open_webui",
        password: Kind::PostgresOpenWebuiPassword,
    },
];

/// From what is embedded and what is configured.
pub fn wanted(settings: &Settings) -> Wanted {
    let payloads = PAYLOADS.into_iter();
    let payloads: Vec<_> = payloads
        .filter_map(|payload| Some((payload, folder(payload, settings)?)))
        .collect();
    let is_wanted = |tables: &Tables| {
        let mut payloads = payloads.iter();
        payloads.any(|(payload, _)| *payload == tables.payload)
    };
    let tables = TABLES.into_iter().filter(is_wanted);
    Wanted {
        tables: tables.collect(),
        payloads,
        roles: ROLES.into(),
    }
}

/// The name of a payload's folder, or none where the settings want no such payload.
fn folder(payload: Payload, settings: &Settings) -> Option<String> {
    match payload.packages {
        Packages::None => match &EngineSource::of(settings) {
            EngineSource::Download { sha256, .. } => Some(embedded::folder("sha256", sha256)),
            EngineSource::Wasm | EngineSource::Program(_) => None,
        },
        Packages::Npm { files, .. } => {
            let hash = embedded::files_hash(files);
            Some(embedded::folder(embedded::ENGINE_VERSION, &hash))
        }
        Packages::Python { .. } if payload == OPEN_WEBUI && !settings.has(open_webui::NAME) => None,
        Packages::Python { lock, package } => {
            let version =
                embedded::pinned(lock, package).expect("a test finds the version of every lock");
            let hash = if payload == LITELLM {
                // The generated database client is a part of LiteLLM's environment, so whatever
                // generates it counts as well.
                let engine = embedded::files_hash(embedded::ENGINE);
                sha256(&[lock.as_bytes(), engine.as_bytes()])
            } else {
                sha256(&[lock.as_bytes()])
            };
            Some(embedded::folder(version, &hash))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, services};

    #[test]
    fn every_lock_pins_the_package_that_its_folder_is_named_after() {
        let settings = config::of_profile(services::schema(), "local", "").unwrap();
        let folders = wanted(&settings).payloads;
        assert_eq!(folders.len(), 4, "no native engine");
        for (payload, folder) in folders {
            assert!(
                folder.starts_with(|c: char| c.is_ascii_digit()),
                "{payload:?}: {folder}"
            );
        }
    }

    #[test]
    fn what_is_switched_off_is_not_wanted_nor_its_tables() {
        let settings =
            config::of_profile(services::schema(), "local", "open_webui.enabled = false").unwrap();
        let wanted = wanted(&settings);
        assert_eq!(wanted.folder(OPEN_WEBUI.name), None);
        assert_eq!(wanted.tables, [LITELLM_TABLES]);
    }
}
