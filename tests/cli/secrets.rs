//! A start without one of the secrets: one that the gateway never had, and one that it has lost.

use std::{fs, path::PathBuf};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    bench::Bench,
    set_up::{Running, set_up},
};

/// A gateway whose set-up knew these secrets, with any value, and which has no file for one.
fn set_up_with_secrets(known: &[&str], missing: &str) -> (Bench, PathBuf) {
    let bench = set_up();
    let file = bench.home().join("state/setup.json");
    let mut record: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let of = known.iter().map(|name| ((*name).to_owned(), json!("00")));
    let of: serde_json::Map<_, _> = of.collect();
    record["secrets"] = json!({ "salt": "00", "of": of });
    fs::write(file, record.to_string()).unwrap();
    let missing = bench.home().join("state/secrets").join(missing);
    fs::remove_file(&missing).unwrap();
    (bench, missing)
}

/// What somebody sees whose daemon does not start.
fn refused(bench: &Bench) -> String {
    let mut command = bench.as_person("run");
    bench.give_to_the_person();
    bench.seen(&mut command)
}

#[test]
fn one_that_this_version_is_the_first_to_need_is_made_by_a_start_which_says_so() {
    let (bench, secret) = set_up_with_secrets(&[], "open-webui-secret-key");
    let running = Running::start(&bench, "022");
    assert_eq!(fs::read_to_string(secret).unwrap().len(), 64);
    let record = fs::read_to_string(bench.home().join("state/setup.json")).unwrap();
    assert!(record.contains("open-webui-secret-key"), "{record}");
    let log = fs::read_to_string(bench.logs().join("ai-gateway.log")).unwrap();
    let said = "the secret open-webui-secret-key was missing, and nothing depended on an earlier one: \
                a new one was made";
    assert!(log.contains(said), "{log}");
    drop(running);
}

#[test]
fn one_that_was_lost_is_refused_with_the_ways_out() {
    let (bench, secret) = set_up_with_secrets(&["litellm-master-key"], "litellm-master-key");
    assert_snapshot!(refused(&bench), @"
    exit: 78
    --- stderr ---
    error: litellm-master-key: missing or empty, and the database was set up with what was there
    hint: restore $TEST/gw/state/secrets from its backup
    hint: or, to go on without it: 'ai-gateway setup' (whoever uses the master key needs the new one)
    ");
    assert!(!secret.exists());
}

#[test]
fn one_that_the_database_has_to_be_told_is_left_to_set_up() {
    let (bench, secret) = set_up_with_secrets(&[], "postgres-litellm-password");
    assert_snapshot!(refused(&bench), @"
    exit: 78
    --- stderr ---
    error: the gateway is not set up: the secret postgres-litellm-password is missing, and only set-up makes it: run 'ai-gateway setup'
    ");
    assert!(!secret.exists());
}
