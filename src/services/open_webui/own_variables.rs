//! Which variables a person may give to Open WebUI.
//!
//! `known_variables.txt` has those that the locked Open WebUI reads, made from its source by
//! `python/tests/test_open_webui_variables.py`. A name that neither it nor one of its libraries reads has no effect,
//! so it is refused, with the name that was probably meant.

use std::collections::BTreeMap;

use super::settings::ENVIRONMENT;
use crate::{
    config::{
        report::{Problem, nearest},
        resolve::Merged,
    },
    services::{
        nginx,
        own_environment::{self, Decided, decided, names},
    },
};

/// One line for each: its name, and `seeds` behind it if its value is only the first one of a setting.
const KNOWN: &str = include_str!("known_variables.txt");

/// What its libraries read, by what the names begin with.
const OF_LIBRARIES: [&str; 12] = [
    "AWS_",
    "AZURE_",
    "CURL_CA_BUNDLE",
    "GOOGLE_",
    "HF_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "OTEL_",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_",
    "TZ",
];

/// The variables of Open WebUI that the gateway decides, each with the reason.
pub(in crate::services) const DECIDED: [Decided; 23] = [
    ("DATA_DIR", "the gateway keeps its data with its own"),
    ("DATABASE_URL", "the database is the gateway's own"),
    ("DATABASE_TYPE", "the database is the gateway's own"),
    ("DATABASE_USER", "the database is the gateway's own"),
    ("DATABASE_PASSWORD", "the database is the gateway's own"),
    ("DATABASE_HOST", "the database is the gateway's own"),
    ("DATABASE_PORT", "the database is the gateway's own"),
    ("DATABASE_NAME", "the database is the gateway's own"),
    (
        "DATABASE_POOL_SIZE",
        "the connections of the database are divided among all services",
    ),
    (
        "DATABASE_POOL_MAX_OVERFLOW",
        "the connections of the database are divided among all services",
    ),
    (
        "WEBUI_SECRET_KEY",
        "set-up has made it, and it is kept with the gateway's secrets",
    ),
    (
        "WEBUI_JWT_SECRET_KEY",
        "set-up has made it, and it is kept with the gateway's secrets",
    ),
    ("ENABLE_SIGNUP", "the key open_webui.signup decides it"),
    (
        "WEBUI_ADMIN_EMAIL",
        "the key open_webui.admin_email decides it",
    ),
    (
        "WEBUI_ADMIN_NAME",
        "the key open_webui.admin_name decides it",
    ),
    (
        "WEBUI_ADMIN_PASSWORD",
        "set-up has made it, and 'ai-gateway key' shows it",
    ),
    ("WEBUI_AUTH", "without accounts everybody is administrator"),
    ("FROM_INIT_PY", "the gateway has a launcher of its own"),
    ("FRONTEND_BUILD_DIR", "nginx serves these files"),
    ("STATIC_DIR", "nginx serves these files"),
    ("DATABASE_SCHEMA", "the database is the gateway's own"),
    (
        "DATABASE_ENABLE_IAM_TOKEN_AUTH",
        "the database is the gateway's own",
    ),
    ("ENABLE_DB_MIGRATIONS", "set-up migrates the database"),
];

/// What is wrong with them, and what a person should know of them.
pub(super) fn check(all: &Merged) -> Vec<Problem> {
    let mut problems = own_environment::check(all, ENVIRONMENT, &DECIDED);
    let known = known();
    let free = || names(all, ENVIRONMENT).filter(|name| decided(name, &DECIDED).is_none());
    for name in free() {
        if known.contains_key(name) || is_of_a_library(name) {
            continue;
        }
        // Without its place: the values beside it may be keys.
        let title = format!("`{ENVIRONMENT}` sets {name}, which Open WebUI does not read");
        let meant = nearest(name, known.keys().copied());
        let problem = Problem::error(title)
            .note("it would have no effect")
            .help(meant.map(|meant| format!("did you mean {meant}?")));
        problems.push(problem);
    }
    problems.extend(untrusted_headers(all));
    let seeding: Vec<_> = free()
        .filter(|name| known.get(name) == Some(&true))
        .collect();
    let always = names(all, ENVIRONMENT).any(|name| name == "ENABLE_PERSISTENT_CONFIG");
    if !seeding.is_empty() && !always {
        problems.push(only_first(&seeding));
    }
    problems
}

/// Headers by which a proxy signs people in have to be among those that nginx takes from strangers: with any other,
/// everybody could sign in as whom they like.
fn untrusted_headers(all: &Merged) -> Vec<Problem> {
    let given = all.variables(ENVIRONMENT).into_iter().flatten();
    let headers = given
        .filter(|(name, _)| name.starts_with("WEBUI_AUTH_TRUSTED_") && name.ends_with("_HEADER"));
    let taken = |value: &str| {
        let mut known = nginx::IDENTITY.iter();
        known.any(|header| header.eq_ignore_ascii_case(value))
    };
    let unknown = headers.filter(|(_, value)| !value.is_empty() && !taken(value));
    let problems = unknown.map(|(name, _)| {
        let title = format!(
            "`{ENVIRONMENT}` has {name} name a header that nginx does not take from strangers"
        );
        Problem::error(title)
            .note("everybody could sign in with it as whom they like")
            .help(format!("one of: {}", nginx::IDENTITY.join(", ")))
    });
    problems.collect()
}

fn only_first(seeding: &[&str]) -> Problem {
    let title = format!(
        "in `{ENVIRONMENT}` these are only the first value of a setting: {}",
        seeding.join(", ")
    );
    Problem::warning(title)
        .note(
            "the setting is kept in the database afterwards, and is changed in the administrator's \
             settings of the page",
        )
        .help(
            "ENABLE_PERSISTENT_CONFIG = \"false\" has the variables count at each start, and what is \
             changed in the page only until the next one"
                .to_owned(),
        )
}

/// The names, and whether the value is only the first one of a setting.
fn known() -> BTreeMap<&'static str, bool> {
    let lines = KNOWN.lines();
    let words = lines.map(|line| match line.split_once(' ') {
        Some((name, _seeds)) => (name, true),
        None => (line, false),
    });
    words.collect()
}

/// Variables for proxies are read in small letters as well.
fn is_of_a_library(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let mut all = OF_LIBRARIES.iter();
    all.any(|known| name == *known || known.ends_with('_') && name.starts_with(known))
}
