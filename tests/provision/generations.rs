//! Which payloads are in use together, and which were before, as set-up leaves it on the disk.

use std::fs;

use ai_gateway::services;
use serde_json::Value;

use super::machine::Machine;

fn record(machine: &Machine) -> Value {
    let text = fs::read_to_string(machine.paths().state.join("setup.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// One more payload, as the programs of the test's machine serve it.
const ENGINE: &str = "\
[engine]
kind = \"download\"
url = \"https://h.example/engine\"
# sha256sum of \"an engine\".
sha256 = \"48189993a28ac7ea2c871d7c7c3ba80052d50958868ff560d01913094889afc8\"";

#[test]
fn each_change_of_the_payloads_is_a_generation_with_the_state_of_its_database() {
    let mut machine = Machine::new();
    machine.setup().unwrap();
    let first = record(&machine)["generations"].clone();
    assert_eq!(first["previous"], Value::Null);
    let database = &first["current"]["database"];
    assert_eq!(
        database["migrations"]["litellm"], first["current"]["payloads"]["litellm"],
        "{first}"
    );
    assert!(database["cluster"].is_u64() && database["major"].is_u64());

    machine.set(ENGINE);
    machine.setup().unwrap();
    let second = record(&machine)["generations"].clone();
    assert_eq!(second["previous"], first["current"]);
    let native = &second["current"]["payloads"]["native-engine"];
    assert_eq!(*native, "sha256-48189993");
    for (payload, folder) in second["current"]["payloads"].as_object().unwrap() {
        let link = machine.paths().payloads().join(payload).join("current");
        let target = fs::read_link(link).unwrap();
        assert_eq!(target.to_str(), folder.as_str(), "{payload}");
    }

    machine.set("");
    assert_eq!(
        machine.plan().steps,
        [],
        "what is not wanted now stays in use"
    );
}

/// What an older version has left: links, and a record without generations.
#[test]
fn an_installation_of_an_older_version_runs_and_is_taken_over() {
    let mut machine = Machine::new();
    let installed = machine.setup().unwrap();
    let mut old = record(&machine);
    let generations = old["generations"].clone();
    for key in ["generations", "major"] {
        old.as_object_mut().unwrap().remove(key);
    }
    let file = machine.paths().state.join("setup.json");
    fs::write(file, old.to_string()).unwrap();
    assert_eq!(machine.plan().steps, []);
    let found = services::installed(&machine.paths(), &machine.settings);
    assert_eq!(found, Ok(installed));

    machine.set(ENGINE);
    machine.setup().unwrap();
    let now = record(&machine)["generations"].clone();
    let payloads = |of: &Value| of["payloads"].clone();
    assert_eq!(
        payloads(&now["previous"]),
        payloads(&generations["current"])
    );
}
