//! What a change of each key of a service of the user's own takes, while the service runs.

use std::collections::BTreeSet;

use supervise::change::{Class, class, differences};

use super::*;
use crate::config::{Input, load};

/// The service of which this is said, with a command if none is said.
fn service(more: &str) -> ServiceSpec {
    let command = if more.starts_with("command") {
        ""
    } else {
        "command = [\"/mine\"]\n"
    };
    let text = format!("profile = \"local\"\n[service.mine]\n{command}{more}\n");
    let loaded = load(&Input {
        schema: schema(),
        file: Some(("gateway.toml".into(), text)),
        env: &|_| None,
        flags: &[],
        machine: None,
    });
    let settings = loaded.unwrap_or_else(|report| panic!("{report}")).settings;
    let stack = plan(
        &[],
        &settings,
        &paths(),
        &installed(&[], &settings),
        &secrets(),
        None,
    );
    let mut all = stack.services.into_iter();
    let mine = all.find(|spec| spec.name.as_str() == "mine");
    mine.expect("it is one")
}

/// A new key has to be put in here: somebody has to think about what its change takes.
#[test]
fn each_key_takes_the_least_that_makes_it_count() {
    const TASK: &str = "kind = \"task\"\n";
    let (live, restart) = (Some(Class::Live), Some(Class::Restart));
    let changes = [
        ("kind", "", "kind = \"task\"", restart),
        ("command", "", "command = [\"/mine\", \"-v\"]", restart),
        ("environment", "", "environment = { A = \"1\" }", restart),
        // Its variables are a part of the environment; where they stand is nothing to the service.
        ("environment_file", "", "environment_file = \"/keys\"", None),
        ("listen", "", "listen = [\"127.0.0.1:81\"]", restart),
        (
            "requires",
            "",
            "requires = [\"other\"]\n[service.other]\ncommand = [\"/o\"]",
            live,
        ),
        ("probe", "", "probe = { tcp = \"127.0.0.1:81\" }", live),
        ("restart", "", "restart = \"never\"", live),
        ("success_exit", "", "success_exit = [3]", live),
        ("schedule", TASK, "schedule = \"04:00\"", live),
        ("deadline", TASK, "deadline = \"5 min\"", live),
        ("reload", "reload = \"HUP\"", "reload = \"USR1\"", live),
        ("start_timeout", "", "start_timeout = \"5 s\"", live),
        ("stop_timeout", "", "stop_timeout = \"5 s\"", live),
        (
            "recycle",
            "",
            "recycle = true\n[limits.mine]\nmemory_max = \"1 GB\"",
            live,
        ),
    ];
    for (key, before, after, wanted) in changes {
        let kept = if before == TASK { TASK } else { "" };
        let old = service(before);
        let new = service(&format!("{kept}{after}"));
        let found = differences(&old, &new);
        assert_eq!(class(&found), wanted, "{key}: {found:?}");
    }
    let listed: BTreeSet<_> = changes.iter().map(|(key, ..)| *key).collect();
    let keys = schema()
        .keys
        .iter()
        .filter_map(|key| key.name.strip_prefix("service.*."));
    assert_eq!(listed, keys.collect());
    for limit in schema()
        .keys
        .iter()
        .filter_map(|key| key.name.strip_prefix("limits.*."))
    {
        let example = schema()
            .keys
            .iter()
            .find(|key| key.name == format!("limits.*.{limit}"));
        let example = example.expect("it is one").example;
        let new = service(&format!("[limits.mine]\n{limit} = {example}"));
        assert_eq!(class(&differences(&service(""), &new)), live, "{limit}");
    }
}

/// What nginx may touch has to be the same, or it would restart for what a reload takes up.
#[test]
fn nginx_takes_up_each_change_of_its_configuration_by_a_reload() {
    let nginx = |lines: &str| {
        let stack = planned(&settings_with("small", lines));
        let mut all = stack.services.into_iter();
        all.find(|spec| spec.name.as_str() == nginx::NAME).unwrap()
    };
    let before = nginx("");
    for lines in [
        "diet.static_files = false",
        "open_webui.enabled = false",
        "open_webui.signup = true",
        "front.trusted_proxies = [\"192.0.2.7\"]",
    ] {
        let found = differences(&before, &nginx(lines));
        assert_eq!(class(&found), Some(Class::Reload), "{lines}: {found:?}");
    }
}
