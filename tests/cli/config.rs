//! The configuration: shown, checked, changed.

mod own;
mod preview;
mod values;

use std::net::TcpListener;

use ai_gateway::control::types::{Call, ConfigurationState, GatewayStatus, Refusal, Reply};
use insta::assert_snapshot;

use crate::bench::{Bench, free_port, ready};

/// With a profile that fits every machine.
fn bench(more: &str) -> Bench {
    let bench = Bench::new();
    bench.write("gateway.toml", &format!("profile = \"local\"\n{more}"));
    bench
}

/// The daemon warns as well, in words that nobody reads when it starts.
#[test]
fn whoever_has_the_file_read_is_told_once_what_is_unwise_in_it() {
    let bench = bench("[diet]\nshort_queries = true\n");
    let warning = "warning: `diet.short_queries` has no effect any more";
    let told = |seen: &str| seen.matches(warning).count();
    let dies = bench.seen(&mut bench.as_person("start"));
    assert!(dies.contains("is not set up"), "{dies}");
    assert_eq!(told(&dies), 1, "{dies}");
    let _daemon = bench.daemon(ready());
    for verb in ["start", "restart", "reload"] {
        let seen = bench.run(verb);
        assert!(seen.starts_with("exit: 0\n"), "{seen}");
        assert_eq!(told(&seen), 1, "{verb}: {seen}");
    }
}

#[test]
fn the_budget_is_shown_with_where_it_comes_from() {
    let bench = bench("budget = 7.5\n");
    assert_snapshot!(bench.run("budget"), @"
    exit: 0
    --- stdout ---
    $7.50 in 30 days (budget is 7.5: $TEST/gw/gateway.toml:2)
    What was spent is not known: the database does not tell.
    ");
    let mut command = bench.command("budget");
    assert_snapshot!(bench.seen(command.env("AI_GATEWAY_BUDGET", "prod")), @"
    exit: 0
    --- stdout ---
    $200.00 in 30 days (budget is 200: environment AI_GATEWAY_BUDGET)
    What was spent is not known: the database does not tell.
    ");
}

#[test]
fn a_new_budget_is_written_and_holds_from_the_next_start_on() {
    let bench = bench("# mine\nbudget = 7.5 # dollars\n");
    assert_snapshot!(bench.run("budget prod"), @"
    exit: 0
    --- stdout ---
    budget: 7.5 -> 200
    ai-gateway is not running: this takes effect at its next start.
    ");
    let text = std::fs::read_to_string(bench.home().join("gateway.toml")).unwrap();
    assert_eq!(
        text,
        "profile = \"local\"\n# mine\nbudget = \"prod\" # dollars\n"
    );
    assert_snapshot!(bench.run("budget 200"), @"
    exit: 0
    --- stdout ---
    Nothing changes: budget is 200 ($TEST/gw/gateway.toml:3).
    ");
}

#[test]
fn a_daemon_that_runs_takes_a_new_budget_up() {
    let bench = bench("");
    let daemon = bench.daemon_that(ready(), |_| {
        Ok(Reply::Done(vec!["litellm: restarted".into()]))
    });
    let answer = bench.answer("budget unlimited");
    assert_eq!(answer, "budget: 15 -> 1000\nlitellm: restarted\n");
    assert_eq!(daemon.asked(), [Call::Reload(None)]);
}

#[test]
fn a_bad_value_changes_nothing() {
    let bench = bench("");
    assert_snapshot!(bench.run("budget -5"), @"
    exit: 2
    --- stderr ---
    error: `budget` is below zero
     |
     | budget = -5
     |          ^^ expected 0.01 or more
     |
     = help: to have all requests refused: 'ai-gateway stop litellm'
    ");
    assert_snapshot!(bench.run("profile locale"), @r#"
    exit: 2
    --- stderr ---
    error: `profile` has no such value
     |
     | profile = locale
     |           ^^^^^^ expected "tiny", "small", "medium", "large" or "local"
     |
     = help: did you mean "local"?
    "#);
    let text = std::fs::read_to_string(bench.home().join("gateway.toml")).unwrap();
    assert_eq!(text, "profile = \"local\"\n");
}

#[test]
fn the_profiles_are_shown_with_the_one_that_holds() {
    let seen = bench("")
        .run("profile")
        .replace(" (too big for this machine)", "");
    assert_snapshot!(seen, @"
    exit: 0
    --- stdout ---
      tiny       955 MB  a machine with 1 GB and 1 CPU
      small     1600 MB  a machine with 2 GB and 2 CPUs
      medium    3200 MB  a machine with 4 GB and 4 CPUs
      large     6300 MB  a machine with 8 GB and 8 CPUs
    * local   no limits  a developer's machine

    Profile local is in effect: $TEST/gw/gateway.toml:1
    ");
}

#[test]
fn a_wrong_file_is_shown_where_it_is_wrong() {
    let bench = bench("bugdet = 5\n[listen]\nport = \"x\"\n");
    assert_snapshot!(bench.run("config check"), @r#"
    exit: 78
    --- stderr ---
    error: there is no key `bugdet`
     --> $TEST/gw/gateway.toml:2:1
      |
    2 | bugdet = 5
      | ^^^^^^ not known at the top of the file
      |
      = help: did you mean `budget`?

    error: `listen.port` has the wrong type
     --> $TEST/gw/gateway.toml:4:8
      |
    4 | port = "x"
      |        ^^^ expected a port from 1 to 65535, found text
      |
      = help: for example: port = 3000
    "#);
    assert_snapshot!(bench.run("config check --json"), @r#"
    exit: 78
    --- stdout ---
    {
      "differs": [],
      "ok": false,
      "report": "error: there is no key `bugdet`\n --> $TEST/gw/gateway.toml:2:1\n  |\n2 | bugdet = 5\n  | ^^^^^^ not known at the top of the file\n  |\n  = help: did you mean `budget`?\n\nerror: `listen.port` has the wrong type\n --> $TEST/gw/gateway.toml:4:8\n  |\n4 | port = \"x\"\n  |        ^^^ expected a port from 1 to 65535, found text\n  |\n  = help: for example: port = 3000"
    }
    "#);
    assert!(bench.run("config show").starts_with("exit: 78\n"));
    assert!(bench.run("budget").starts_with("exit: 78\n"));
}

#[test]
fn a_port_that_is_taken_is_found_unless_we_have_it_ourselves() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let bench = bench(&format!(
        "[listen]\nport = {port}\nadmin_port = {}\n",
        free_port()
    ));
    let seen = bench.run("config check");
    assert!(seen.starts_with("exit: 78\n"), "{seen}");
    assert!(
        seen.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{seen}"
    );
    let _daemon = bench.daemon(ready());
    assert_snapshot!(bench.run("config check"), @"
    exit: 0
    --- stdout ---
    $TEST/gw/gateway.toml is valid.
    ");
}

#[test]
fn every_value_is_shown_with_where_it_comes_from() {
    let bench = bench("[listen]\nport = 3001\n");
    let seen = bench.run("config show");
    let line = |key: &str| {
        seen.lines()
            .find(|line| line.starts_with(key))
            .unwrap()
            .to_owned()
    };
    assert_snapshot!(line("listen.port"), @"listen.port                    3001                     $TEST/gw/gateway.toml:3");
    assert_snapshot!(line("listen.admin_port"), @"listen.admin_port              4000                     default");
    let json = bench.command("config show --json").output().unwrap().stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["listen.port"]["value"], 3001);
    assert!(
        json["listen.port"]["origin"]
            .as_str()
            .unwrap()
            .ends_with("gateway.toml:3")
    );
}

#[test]
fn the_example_is_a_right_configuration() {
    let bench = Bench::new();
    let example = bench.answer("config example");
    bench.write("gateway.toml", &example);
    let seen = bench.run("config show");
    assert!(seen.starts_with("exit: 0\n"), "{seen}");
}

fn text(bench: &Bench) -> String {
    std::fs::read_to_string(bench.home().join("gateway.toml")).unwrap()
}

#[test]
fn a_port_of_somebody_else_is_refused_before_anything_is_written() {
    let bench = bench("");
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let before = text(&bench);
    let seen = bench.run(&format!("config set listen.admin_port {port}"));
    assert!(seen.starts_with("exit: 1\n"), "{seen}");
    assert!(
        seen.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{seen}"
    );
    let daemon = bench.daemon(ready());
    let seen = bench.run(&format!("config set listen.port {port}"));
    assert!(seen.starts_with("exit: 1\n"), "{seen}");
    assert_eq!(text(&bench), before);
    assert!(daemon.asked().is_empty(), "{:?}", daemon.asked());
    // What somebody else has already does not keep another key from being changed.
    bench.write(
        "gateway.toml",
        &format!("{before}[listen]\nport = {port}\n"),
    );
    assert!(bench.run("budget prod").starts_with("exit: 0\n"));
}

#[test]
fn the_file_is_as_it_was_if_the_daemon_refuses_what_was_written() {
    let bench = bench("# mine\n");
    let before = text(&bench);
    let _daemon = bench.daemon_that(differing(&["litellm.workers"]), |_| {
        Err(Refusal::Configuration("error: no database".into()))
    });
    for verb in [
        "budget prod",
        "profile local",
        "config set litellm.demo_model false",
    ] {
        let seen = bench.run(verb);
        assert!(seen.starts_with("exit: 78\n"), "{seen}");
        assert!(seen.contains("error: no database"), "{seen}");
        assert!(seen.contains("gateway.toml is as it was"), "{seen}");
        assert_eq!(text(&bench), before, "{verb}");
    }
}

fn differing(keys: &[&str]) -> GatewayStatus {
    GatewayStatus {
        configuration: ConfigurationState {
            differs: keys.iter().map(|key| (*key).to_owned()).collect(),
            ..ConfigurationState::default()
        },
        ..ready()
    }
}

#[test]
fn a_value_that_is_only_in_the_file_is_applied_when_it_is_set_again() {
    let bench = bench("budget = \"prod\"\n");
    let daemon = bench.daemon_that(differing(&["budget"]), |_| {
        Ok(Reply::Done(vec!["litellm has changed and restarts".into()]))
    });
    assert_eq!(
        bench.answer("budget 200"),
        "litellm has changed and restarts\n"
    );
    assert_eq!(daemon.asked(), [Call::Reload(None)]);
    daemon.becomes(ready());
    assert!(
        bench
            .answer("budget 200")
            .starts_with("Nothing changes: budget is 200")
    );
    assert_eq!(daemon.asked().len(), 1);
}

#[test]
fn a_file_that_is_wrong_can_be_set_right() {
    let bench = bench("budget = \"much\"\n");
    let mut command = bench.command("budget prod");
    // Of a file that was wrong nobody knows which ports are new.
    command
        .env("AI_GATEWAY_PORT", free_port().to_string())
        .env("AI_GATEWAY_ADMIN_PORT", free_port().to_string());
    assert_snapshot!(bench.seen(&mut command), @"
    exit: 0
    --- stdout ---
    budget: 200
    ai-gateway is not running: this takes effect at its next start.
    ");
    assert_eq!(text(&bench), "profile = \"local\"\nbudget = \"prod\"\n");
}

#[test]
fn what_is_not_in_effect_is_told_wherever_somebody_looks() {
    let bench = bench("");
    let mut status = differing(&["budget", "listen.port"]);
    status.configuration.refused = Some("there is no key `bugdet`".into());
    let _daemon = bench.daemon(status);
    assert_snapshot!(bench.run("status"), @"
    exit: 0
    --- stdout ---
    ai-gateway is ready, 2 of 2 services ready, profile small

      SERVICE   STATE  SINCE  RESTARTS  MEMORY                 CPU
    * nginx     ready    2 h         0  #.......  62 / 256 MB  3 s
    * postgres  ready    2 h         0  #.......  62 / 256 MB  3 s

    the last reload was refused: there is no key `bugdet`; what ran before goes on
    gateway.toml differs from what runs: budget and listen.port; 'ai-gateway reload' applies it

    Chat   http://127.0.0.1:3000
    API    http://127.0.0.1:3000/api/litellm/v1
    Admin  http://127.0.0.1:4000/ui
    ");
    assert_snapshot!(bench.run("config check"), @"
    exit: 0
    --- stdout ---
    $TEST/gw/gateway.toml is valid.
    What runs differs from it: budget and listen.port; 'ai-gateway reload' applies it.
    ");
    let json: serde_json::Value =
        serde_json::from_str(&bench.answer("config check --json")).unwrap();
    assert_eq!(
        json["differs"],
        serde_json::json!(["budget", "listen.port"])
    );
    for verb in ["start", "restart", "restart nginx"] {
        let seen = bench.run(verb);
        assert!(
            seen.contains("differs from what runs: budget and listen.port"),
            "{seen}"
        );
    }
}

#[test]
fn what_is_no_file_of_a_sensible_size_is_not_read() {
    let bench = Bench::new();
    let path = bench.home().join("gateway.toml");
    let refused = |why: &str| {
        for command in [
            "config check",
            "config show",
            "status --json",
            "setup --dry-run",
        ] {
            // As a person: set-up refuses root before it reads anything.
            let seen = bench.seen(&mut bench.as_person(command));
            let told = seen.contains(why) && seen.contains("gateway.toml");
            // A status tells what it knows without it.
            assert!(told || command == "status --json", "{command}: {seen}");
        }
    };
    std::fs::create_dir_all(&path).unwrap();
    refused("it is a folder: a file is expected");
    std::fs::remove_dir(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap();
    refused("it is not a regular file");
    std::fs::remove_file(&path).unwrap();
    let long = std::fs::File::create(&path).unwrap();
    long.set_len(50 << 20).unwrap();
    refused("it has 52428800 bytes: more than 4194304 are not read");
}
