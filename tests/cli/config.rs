//! The configuration: shown, checked, changed.

use std::{net::TcpListener, os::unix::fs::PermissionsExt};

use ai_gateway::control::types::{
    Call, ConfigurationState, GatewayStatus, KeyPreview, Preview, Refusal, Reply, ServicePreview,
    Step,
};
use insta::assert_snapshot;
use supervise::spec::ServiceName;

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
    assert_snapshot!(line("listen.port"), @"listen.port                    3001                   $TEST/gw/gateway.toml:3");
    assert_snapshot!(line("listen.admin_port"), @"listen.admin_port              4000                   default");
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

/// What the daemon finds a reload would come to.
fn preview() -> Preview {
    let service = |name: &str| ServiceName::new(name).unwrap();
    Preview {
        services: vec![ServicePreview {
            service: service("nginx"),
            step: Step::Reload,
            fields: vec!["files".into()],
            over_limit: None,
        }],
        keys: vec![KeyPreview {
            key: "front.trusted_proxies".into(),
            services: [(service("nginx"), Step::Reload)].into(),
            over_limit: [].into(),
        }],
    }
}

#[test]
fn what_a_reload_would_do_is_asked_for_without_doing_it() {
    let bench = bench("");
    let daemon = bench.daemon_that(ready(), |_| Ok(Reply::Preview(Box::new(preview()))));
    let text = "nginx goes on and reads its files again (files)\n\n\
                front.trusted_proxies  nginx reads its files again\n";
    assert_eq!(bench.answer("reload --dry-run"), text);
    let checked = bench.answer("config check --diff");
    assert!(
        checked.ends_with(&format!("is valid.\n{text}")),
        "{checked}"
    );
    assert_eq!(daemon.asked(), [Call::Preview, Call::Preview]);
    let json: serde_json::Value =
        serde_json::from_str(&bench.answer("config check --diff --json")).unwrap();
    assert_eq!(json["preview"]["services"][0]["step"], "reload");
    let json: serde_json::Value =
        serde_json::from_str(&bench.answer("reload --dry-run --json")).unwrap();
    assert_eq!(json["keys"][0]["services"]["nginx"], "reload");
}

#[test]
fn one_service_reads_its_files_again() {
    let bench = bench("");
    let daemon = bench.daemon_that(ready(), |_| Ok(Reply::Done(vec![])));
    let text = bench.answer("reload nginx");
    assert_eq!(text, "nginx has read its files again\n");
    let nginx = ServiceName::new("nginx").unwrap();
    assert_eq!(daemon.asked(), [Call::Reload(Some(nginx))]);
}

#[test]
fn a_service_of_ones_own_has_what_goes_with_its_kind() {
    let wrong = |table: &str| {
        let bench = bench(&format!(
            "[listen]\nport = {}\nadmin_port = {}\n[service.mine]\n{table}",
            free_port(),
            free_port()
        ));
        let output = bench.command("config check").output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for (table, code, words) in [
        ("kind = \"external\"", 78, "`service.mine.probe` is missing"),
        (
            "kind = \"external\"\nprobe = { notify = true }",
            78,
            "what somebody else runs is asked by http or tcp",
        ),
        ("kind = \"task\"", 78, "`service.mine.command` is missing"),
        (
            "kind = \"task\"\ncommand = [\"/bin/true\"]\nschedule = \"at four\"",
            78,
            "expected a time of the day such as \"04:00\", or \"every 6 h\"",
        ),
        (
            "kind = \"task\"\ncommand = [\"/bin/true\"]\nschedule = \"every 5 s\"",
            78,
            "expected a minute or more",
        ),
        (
            "command = [\"/bin/true\"]\nreload = \"KILL\"",
            78,
            "no process can take this one up",
        ),
        (
            "command = [\"/bin/true\"]\nsuccess_exit = [0]",
            78,
            "expected an array of exit codes from 1 to 255",
        ),
        (
            "command = [\"/bin/true\"]\nschedule = \"04:00\"",
            0,
            "not used with kind \"daemon\"",
        ),
        (
            "kind = \"external\"\nprobe = { tcp = \"192.0.2.1:80\" }",
            0,
            "",
        ),
        (
            "kind = \"external\"\nprobe = { tcp = \"192.0.2.1:80\" }\n[limits.mine]\ncpus = 1",
            0,
            "somebody else runs it",
        ),
        (
            "kind = \"task\"\ncommand = [\"/bin/true\"]\nschedule = \"every 6 h\"\ndeadline = \"5 min\"",
            0,
            "",
        ),
        (
            "command = [\"/bin/true\"]\nreload = [\"/bin/true\", \"x\"]",
            0,
            "",
        ),
    ] {
        let (exit, said) = wrong(table);
        assert_eq!(exit, Some(code), "{table}: {said}");
        assert!(said.contains(words), "{table}: {said}");
    }
}

#[test]
fn a_file_with_keys_is_held_to_what_it_has_to_be() {
    let bench = bench("");
    let keys = bench.home().join("keys.env");
    bench.write(
        "gateway.toml",
        &format!(
            "profile = \"local\"\n[listen]\nport = {}\nadmin_port = {}\n[service.mine]\n\
             command = [\"/bin/true\"]\nenvironment_file = \"{}\"\n",
            free_port(),
            free_port(),
            keys.display()
        ),
    );
    let check = || {
        let output = bench.command("config check").output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = check();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("the environment of mine"), "{said}");
    std::fs::write(&keys, "KEY=sk-1\nsk-2\n").unwrap();
    let mode = |mode| std::fs::set_permissions(&keys, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    assert!(check().1.contains("is open to other users (mode 0644)"));
    mode(0o600);
    let (code, said) = check();
    assert!(said.contains("keys.env:2: expected NAME=VALUE"), "{said}");
    assert!(code == Some(78) && !said.contains("sk-"), "{said}");
    std::fs::write(&keys, "KEY=sk-1\n").unwrap();
    assert_eq!(check().0, Some(0));
}
