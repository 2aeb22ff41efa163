//! How values are written.

use super::*;

#[test]
fn values_are_json_where_json_is_asked_for() {
    let bench = bench(
        "budget = 7.5\n[limits.nginx]\ncpus = 0.5\nmemory_max = \"100 MB\"\n\
         [service.a]\ncommand = [\"/bin/a\", \"b c\"]\nenvironment = { KEY = \"sk-secret\" }\n\
         requires = [\"nginx\"]\nprobe = { tcp = \"127.0.0.1:1\" }\n",
    );
    let answer = bench.answer("config show --json");
    assert!(!answer.contains("sk-secret"), "{answer}");
    let shown: serde_json::Value = serde_json::from_str(&answer).unwrap();
    for (key, value) in [
        ("budget", serde_json::json!(7.5)),
        ("listen.port", serde_json::json!(3000)),
        ("listen.address", serde_json::json!("127.0.0.1")),
        ("litellm.demo_model", serde_json::json!(true)),
        ("limits.nginx.cpus", serde_json::json!(0.5)),
        ("limits.nginx.memory_max", serde_json::json!("100 MB")),
        ("service.a.command", serde_json::json!(["/bin/a", "b c"])),
        ("service.a.environment", serde_json::json!({ "KEY": null })),
        ("service.a.requires", serde_json::json!(["nginx"])),
        (
            "service.a.probe",
            serde_json::json!({ "tcp": "127.0.0.1:1" }),
        ),
        ("programs.nginx", serde_json::Value::Null),
    ] {
        assert_eq!(shown[key]["value"], value, "{key}");
        assert!(shown[key]["origin"].is_string(), "{key}");
    }
    let budget: serde_json::Value = serde_json::from_str(&bench.answer("budget --json")).unwrap();
    assert_eq!(budget["usd"], 7.5);
    assert!(budget["spend"].is_null(), "{budget}");
    let profile: serde_json::Value = serde_json::from_str(&bench.answer("profile --json")).unwrap();
    assert_eq!(profile["profile"], "local");
    assert_eq!(profile["profiles"][0]["name"], "tiny");
    assert!(profile["profiles"][4]["memory"].is_null(), "{profile}");
}

#[test]
fn a_value_without_quotes_is_explained_by_its_key() {
    assert_snapshot!(bench("budget = ten\n").run("config check"), @r#"
    exit: 78
    --- stderr ---
    error: `budget` cannot be read
     --> $TEST/gw/gateway.toml:2:10
      |
    2 | budget = ten
      |          ^^^ expected "test", "prod", "unlimited" or an amount in US dollars such as 50
      |
      = help: for example: budget = "prod"
    "#);
    assert_snapshot!(bench("[listen]\nport = many\naddress = localhost\n").run("config check"), @r#"
    exit: 78
    --- stderr ---
    error: `listen.port` cannot be read
     --> $TEST/gw/gateway.toml:3:8
      |
    3 | port = many
      |        ^^^^ expected a port from 1 to 65535
      |
      = help: for example: port = 3000

    error: `listen.address` cannot be read
     --> $TEST/gw/gateway.toml:4:11
      |
    4 | address = localhost
      |           ^^^^^^^^^ expected an IP address such as "127.0.0.1"
      |
      = help: for example: address = "127.0.0.1"
    "#);
    assert_snapshot!(bench("budget = prod\n").run("config check"), @r#"
    exit: 78
    --- stderr ---
    error: this is not TOML
     --> $TEST/gw/gateway.toml:2:10
      |
    2 | budget = prod
      |          ^^^^ no number, and text has to be in quotes
      |
      = help: if it is text: "prod"
    "#);
}

#[test]
fn money_is_understood_or_what_was_meant_is_told() {
    for (typed, meant) in [
        ("$20", "write the number alone: 20"),
        ("0", "of $20 a shell makes 0"),
        ("prd", "did you mean \"prod\"?"),
    ] {
        let seen = bench("").run(&format!("budget {typed}"));
        assert!(seen.starts_with("exit: 2\n"), "{seen}");
        assert!(seen.contains(meant), "{seen}");
    }
}
