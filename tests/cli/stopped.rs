//! Without a daemon.

use insta::assert_snapshot;

use crate::bench::Bench;

#[test]
fn status_says_that_it_is_stopped() {
    assert_snapshot!(Bench::new().run("status"), @"
    exit: 69
    --- stdout ---
    ai-gateway is not set up
    --- stderr ---
    hint: 'ai-gateway setup' sets it up
    ");
}

#[test]
fn what_was_set_up_and_is_stopped_is_started() {
    let bench = Bench::new();
    let record = r#"{"generations": {"current": {"payloads": {"litellm": "1.2.3-01234567"}}}}"#;
    bench.write("state/setup.json", record);
    assert_snapshot!(bench.run("status"), @"
    exit: 69
    --- stdout ---
    ai-gateway is stopped
    --- stderr ---
    hint: 'ai-gateway start' starts it
    ");
    assert!(
        bench
            .run("stop")
            .contains("\nhint: 'ai-gateway start' starts it\n")
    );
}

#[test]
fn status_as_json_has_the_same_shape_as_ever() {
    let bench = Bench::new();
    bench.write("gateway.toml", "profile = \"local\"\nlisten.port = 3001\n");
    assert_snapshot!(bench.run("status --json"), @r#"
    exit: 69
    --- stdout ---
    {
      "limits": {
        "enforced": false,
        "reason": "ai-gateway is not running"
      },
      "profile": "local",
      "services": {},
      "state": "stopped",
      "urls": {
        "admin": "http://127.0.0.1:4000/ui",
        "api": "http://127.0.0.1:3001/api/litellm/v1",
        "webui": "http://127.0.0.1:3001"
      }
    }
    "#);
}

#[test]
fn a_watch_as_json_is_a_line_for_each_status_also_while_nothing_runs() {
    let bench = Bench::new();
    bench.write("gateway.toml", "profile = \"local\"\n");
    assert_snapshot!(bench.run("status --watch --json"), @r#"
    exit: 69
    --- stdout ---
    {"limits":{"enforced":false,"reason":"ai-gateway is not running"},"profile":"local","services":{},"state":"stopped","urls":{"admin":"http://127.0.0.1:4000/ui","api":"http://127.0.0.1:3000/api/litellm/v1","webui":"http://127.0.0.1:3000"}}
    "#);
}

#[test]
fn a_wrong_configuration_does_not_hide_that_nothing_runs() {
    let bench = Bench::new();
    bench.write("gateway.toml", "profile = 5\n");
    let seen = bench.run("status --json");
    assert!(seen.starts_with("exit: 69\n"), "{seen}");
    assert!(seen.contains("\"profile\": null"), "{seen}");
}

#[test]
fn what_the_daemon_runs_itself_is_not_for_typing() {
    assert_snapshot!(Bench::new().run("internal ensure-webui-key"), @"
    exit: 2
    --- stderr ---
    error: AI_GATEWAY_WORKERS is not set: the daemon sets it for the commands that it runs itself, and they are not for typing
    ");
}

#[test]
fn what_needs_a_daemon_says_that_there_is_none() {
    let bench = Bench::new();
    assert_snapshot!(bench.run("stop"), @"
    exit: 69
    --- stderr ---
    error: ai-gateway is not running
      caused by: nobody listens on $TEST/gw/run/control.sock
    hint: 'ai-gateway setup' sets it up
    ");
    assert_snapshot!(bench.run("why litellm"), @"
    exit: 69
    --- stderr ---
    error: ai-gateway is not running
      caused by: nobody listens on $TEST/gw/run/control.sock
    hint: 'ai-gateway setup' sets it up
    ");
    for verb in [
        "restart",
        "reload",
        "start nginx",
        "stop nginx",
        "restart nginx",
    ] {
        assert!(bench.run(verb).starts_with("exit: 69\n"), "{verb}");
    }
}

#[test]
fn a_socket_that_nobody_listens_on_is_no_daemon() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.socket().parent().unwrap()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(bench.socket()).unwrap());
    assert!(bench.socket().exists());
    assert!(bench.run("status").starts_with("exit: 69\n"));
}

#[test]
fn a_wrong_command_line_is_explained() {
    let bench = Bench::new();
    assert_snapshot!(bench.run("statsu"), @"
    exit: 2
    --- stderr ---
    error: unrecognized subcommand 'statsu'

      tip: some similar subcommands exist: 'setup', 'start', 'status'

    Usage: ai-gateway <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(bench.run("why Nginx"), @r#"
    exit: 2
    --- stderr ---
    error: invalid value 'Nginx' for '<SERVICE>': "Nginx" cannot name a service: expected a lower-case letter, then lower-case letters, digits or dashes, at most 32 in all

    For more information, try '--help'.
    "#);
}

#[test]
fn a_folder_that_cannot_be_is_a_bad_configuration() {
    let bench = Bench::new();
    let mut command = bench.command("status");
    assert_snapshot!(bench.seen(command.env("AI_GATEWAY_HOME", "gw")), @r#"
    exit: 78
    --- stderr ---
    error: AI_GATEWAY_HOME is "gw": it has to be an absolute path
    "#);
}

#[test]
fn accounts_are_looked_after_once_there_is_a_database() {
    let bench = Bench::new();
    assert_snapshot!(bench.seen(&mut bench.as_person("admin list")), @"
    exit: 1
    --- stderr ---
    error: the gateway is not set up: there is no database: run 'ai-gateway setup'
    ");
    assert_snapshot!(bench.seen(&mut bench.as_person("admin create nobody")), @r#"
    exit: 2
    --- stderr ---
    error: "nobody" is not an e-mail address
    hint: Open WebUI's sign-in takes name@example.org and name@localhost
    "#);
}

#[test]
fn keys_that_were_not_made_yet_are_made_by_setup() {
    assert_snapshot!(Bench::new().run("key"), @"
    exit: 1
    --- stderr ---
    error: there are no keys yet
      caused by: $TEST/gw/state/secrets/litellm-ui-password does not exist
    hint: 'ai-gateway setup' makes them
    ");
}

/// A gateway with keys, and what `key` with these arguments prints there, the keys by their names.
fn shown(arguments: &[&str]) -> Vec<String> {
    let bench = Bench::new();
    let folder = bench.home().join("state/secrets");
    let secrets = ai_gateway::secrets::SecretStore::new(folder.clone());
    secrets
        .make_missing(ai_gateway::services::catalog().secrets(), None)
        .unwrap();
    let known = [
        ("open-webui-admin-password", "WEBUI-PASSWORD"),
        ("litellm-ui-password", "PASSWORD"),
        ("litellm-master-key", "API-KEY"),
    ]
    .map(|(file, name)| (std::fs::read_to_string(folder.join(file)).unwrap(), name));
    let print = |argument: &&str| {
        let printed = bench.run(&format!("key {argument}"));
        known
            .iter()
            .fold(printed, |text, (key, name)| text.replace(key, name))
    };
    arguments.iter().map(print).collect()
}

#[test]
fn keys_are_shown_to_who_asks_for_them() {
    let [files, shown, api, password] = &shown(&["", "--show", "api", "password"])[..] else {
        panic!("one answer for each");
    };
    assert_snapshot!(files, @"
    exit: 0
    --- stdout ---
    Open WebUI login     admin@localhost
    Open WebUI password  in $TEST/gw/state/secrets/open-webui-admin-password
    Admin page login     admin
    Admin page password  in $TEST/gw/state/secrets/litellm-ui-password
    API master key       in $TEST/gw/state/secrets/litellm-master-key
    ");
    assert_snapshot!(shown, @"
    exit: 0
    --- stdout ---
    Open WebUI login     admin@localhost
    Open WebUI password  WEBUI-PASSWORD
    Admin page login     admin
    Admin page password  PASSWORD
    API master key       API-KEY
    ");
    assert_snapshot!(api, @"
    exit: 0
    --- stdout ---
    API-KEY
    ");
    assert_snapshot!(password, @"
    exit: 0
    --- stdout ---
    PASSWORD
    ");
}

#[test]
fn keys_as_json_are_with_the_files_that_they_are_in() {
    let json = &shown(&["--json"])[0];
    assert_snapshot!(json, @r#"
    exit: 0
    --- stdout ---
    {
      "api": {
        "file": "$TEST/gw/state/secrets/litellm-master-key",
        "value": "API-KEY"
      },
      "password": {
        "file": "$TEST/gw/state/secrets/litellm-ui-password",
        "value": "PASSWORD"
      },
      "user": "admin",
      "webui": {
        "password": {
          "file": "$TEST/gw/state/secrets/open-webui-admin-password",
          "value": "WEBUI-PASSWORD"
        },
        "user": "admin@localhost"
      }
    }
    "#);
}
