//! What a person who writes `gateway.toml` sees.

use super::*;

/// A machine with "2 GB", as it reports itself.
const SMALL: Machine = Machine {
    memory_bytes: 2_083_000_000,
    cpus: 2,
};

fn load_text(text: &str) -> Result<Loaded, Report> {
    load_all(text, &[], &[], Some(SMALL))
}

fn load_all(
    text: &str,
    env: &[(&str, &str)],
    flags: &[(&str, &str)],
    machine: Option<Machine>,
) -> Result<Loaded, Report> {
    load(&Input {
        file: Some(("gateway.toml".into(), text.into())),
        env: &|name| {
            let found = env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        },
        flags,
        machine,
    })
}

fn report(text: &str) -> String {
    load_text(text).unwrap_err().to_string()
}

/// The titles of the problems that there are.
fn titles(text: &str) -> Vec<String> {
    let report = load_text(text).unwrap_err();
    report.titles().map(str::to_owned).collect()
}

#[test]
fn nothing_said_is_enough() {
    let loaded = load_text("").unwrap();
    assert_eq!(loaded.settings.profile, "small");
    assert_eq!(loaded.settings.listen.port, 3000);
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let no_file = Input {
        file: None,
        env: &|_| None,
        flags: &[],
        machine: Some(SMALL),
    };
    let without = load(&no_file).unwrap();
    assert_eq!(without.settings, loaded.settings);
    assert_eq!(without.rows, loaded.rows);
}

fn row<'a>(loaded: &'a Loaded, key: &str) -> (Option<&'a str>, String) {
    let row = loaded.rows.iter().find(|row| row.key == key).unwrap();
    (row.value.as_deref(), row.origin.to_string())
}

#[test]
fn every_layer_covers_the_one_below_and_says_so() {
    let key = "litellm.workers";
    let file = "profile = \"small\"\n[litellm]\nworkers = 2\n";
    let env: &[_] = &[("AI_GATEWAY_WORKERS", "3")];
    let flags: &[_] = &[(key, "4")];
    let profile = load_all("profile = \"small\"", &[], &[], None).unwrap();
    assert_eq!(row(&profile, key), (Some("1"), "profile small".into()));
    assert_eq!(row(&profile, "profile").1, "gateway.toml:1");
    assert_eq!(
        row(&profile, "listen.port"),
        (Some("3000"), "default".into())
    );
    let loaded = load_all(file, &[], &[], None).unwrap();
    assert_eq!(row(&loaded, key), (Some("2"), "gateway.toml:3".into()));
    let loaded = load_all(file, env, &[], None).unwrap();
    let from_env = "environment AI_GATEWAY_WORKERS".into();
    assert_eq!(row(&loaded, key), (Some("3"), from_env));
    let loaded = load_all(file, env, flags, None).unwrap();
    assert_eq!(row(&loaded, key), (Some("4"), "flag --workers".into()));
    assert_eq!(loaded.settings.litellm.workers, 4);
}

#[test]
fn a_profile_that_does_not_fit_is_shown_with_its_sum() {
    insta::assert_snapshot!(report("profile = \"medium\""), @r#"
    error: profile "medium" does not fit this machine
     --> gateway.toml:1:11
      |
    1 | profile = "medium"
      |           ^^^^^^^^ 3200 MB for the services, and this machine has 2020 MB for them
      |
      = note: the memory limits are
                postgres          480 MB
                litellm          1780 MB
                open-webui        880 MB
                nginx              60 MB
                sum              3200 MB
                this machine     2020 MB, 97 % of 2083 MB
      = help: profile = "small" is the largest that fits, with 1600 MB
    "#);
}

#[test]
fn services_in_a_circle_are_shown_with_the_path() {
    let text = r#"
[service.a]
command = ["/a"]
requires = ["b"]
[service.b]
command = ["/b"]
requires = ["c", "postgres"]
[service.c]
command = ["/c"]
requires = ["a"]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: services require each other in a circle: a -> b -> c -> a
      --> gateway.toml:4:13
       |
     4 | requires = ["b"]
       |             ^^^ a waits for b
    ...
     7 | requires = ["c", "postgres"]
       |             ^^^ b waits for c
    ...
    10 | requires = ["a"]
       |             ^^^ c waits for a
       |
       = help: none of them could ever start: take one of these away
    "#);
}

#[test]
fn every_mistake_is_shown_at_once() {
    let text = r#"profile = "smal"
budget = -5
[listen]
prot = 80
port = 70000
admin_port = "4000"
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `profile` has no such value
     --> gateway.toml:1:11
      |
    1 | profile = "smal"
      |           ^^^^^^ expected "tiny", "small", "medium", "large" or "local"
      |
      = help: did you mean "small"?

    error: `budget` is below zero
     --> gateway.toml:2:10
      |
    2 | budget = -5
      |          ^^ expected an amount of 0 or more
      |
      = help: for example: budget = "prod"

    error: there is no key `listen.prot`
     --> gateway.toml:4:1
      |
    4 | prot = 80
      | ^^^^ not known in [listen]
      |
      = help: did you mean `port`?

    error: `listen.port` is out of range
     --> gateway.toml:5:8
      |
    5 | port = 70000
      |        ^^^^^ expected a port from 1 to 65535
      |
      = help: for example: port = 3000

    error: `listen.admin_port` has the wrong type
     --> gateway.toml:6:14
      |
    6 | admin_port = "4000"
      |              ^^^^^^ expected a port from 1 to 65535, found text
      |
      = help: write it without quotes: 4000
    "#);
}

#[test]
fn every_mistake_with_services_is_shown_at_once() {
    let text = r#"[limits.litllm]
cpus = 1
[limits.nginx]
memory_max = "1 MB"
memory_high = "20M"
cpus = 0
[service.mailer]
command = "/bin/mailer -v"
requires = ["postgrs"]
[service.nginx]
command = ["bin/nginx"]
[service.Big]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: there is no service "litllm" to limit
     --> gateway.toml:1:9
      |
    1 | [limits.litllm]
      |         ^^^^^^ not known
      |
      = help: did you mean `litellm`?

    error: `limits.nginx.memory_max` is too small
     --> gateway.toml:4:14
      |
    4 | memory_max = "1 MB"
      |              ^^^^^^ nginx cannot run in 1 MB
      |
      = help: at least "8 MB"

    error: `limits.nginx.memory_high` is not clear
     --> gateway.toml:5:15
      |
    5 | memory_high = "20M"
      |               ^^^^^ thousands or 1024s?
      |
      = help: "20 MB" counts in thousands, "20 MiB" in 1024s

    error: `limits.nginx.cpus` is out of range
     --> gateway.toml:6:8
      |
    6 | cpus = 0
      |        ^ with 0 CPUs it would never run
      |
      = help: for example: cpus = 0.9

    error: `service.mailer.command` has the wrong type
     --> gateway.toml:8:11
      |
    8 | command = "/bin/mailer -v"
      |           ^^^^^^^^^^^^^^^^ expected an array: the program and its arguments, found text
      |
      = help: no shell reads it: ["/bin/mailer", "-v"]

    error: "mailer" requires "postgrs", and there is no such service
     --> gateway.toml:9:13
      |
    9 | requires = ["postgrs"]
      |             ^^^^^^^^^ not known
      |
      = help: did you mean `postgres`?

    error: the name "nginx" is taken
      --> gateway.toml:10:10
       |
    10 | [service.nginx]
       |          ^^^^^ the gateway has a service of that name
       |
       = help: its limits are set in [limits.nginx]

    error: `service.nginx.command` is not an absolute path
      --> gateway.toml:11:12
       |
    11 | command = ["bin/nginx"]
       |            ^^^^^^^^^^^ has to begin with /
       |
       = help: for example: command = ["/usr/local/bin/mailer", "--port", "8025"]

    error: "Big" cannot name a service
      --> gateway.toml:12:10
       |
    12 | [service.Big]
       |          ^^^ expected a lower-case letter, then lower-case letters, digits or dashes, at most 32 in all
    "#);
}

#[test]
fn variables_and_flags_are_shown_as_they_were_typed() {
    let env: &[_] = &[("AI_GATEWAY_PORT", "abc"), ("AI_GATEWAY_BUDGET", "nan")];
    let flags: &[_] = &[("litellm.workers", "0"), ("listen.prot", "1")];
    insta::assert_snapshot!(load_all("", env, flags, None).unwrap_err(), @r#"
    error: `budget` is no amount
     |
     | AI_GATEWAY_BUDGET=nan
     |                   ^^^ not a finite number
     |
     = help: "unlimited" is 1000 US dollars: a budget is a brake, so there is always one

    error: `listen.port` has the wrong type
     |
     | AI_GATEWAY_PORT=abc
     |                 ^^^ expected a port from 1 to 65535, found text

    error: `litellm.workers` is out of range
     |
     | --workers=0
     |           ^ expected a whole number from 1 to 64

    error: there is no key `listen.prot`
     |
     | --set listen.prot=1
     |       ^^^^^^^^^^^ not known
     |
     = help: did you mean `listen.port`?
    "#);
}

#[test]
fn a_text_that_is_no_toml_is_still_read_to_its_end() {
    let text = "budget = = 3\nprot = 3\n[listen]\nport = true\n";
    insta::assert_snapshot!(report(text), @r#"
    error: this is not TOML
     --> gateway.toml:1:10
      |
    1 | budget = = 3
      |          ^ extra `=`

    error: there is no key `prot`
     --> gateway.toml:2:1
      |
    2 | prot = 3
      | ^^^^ not known at the top of the file
      |
      = help: `port` belongs in [listen]

    error: `listen.port` has the wrong type
     --> gateway.toml:4:8
      |
    4 | port = true
      |        ^^^^ expected a port from 1 to 65535, found true
      |
      = help: for example: port = 3000
    "#);
}

#[test]
fn what_was_not_understood_leads_to_no_conclusion() {
    // Port 3000, the default, must not be held against the admin port.
    assert_eq!(
        titles("listen = { port = \"x\", admin_port = 3000 }"),
        ["`listen.port` has the wrong type"]
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Texts that are nearly right: that is where spans go wrong.
    fn nearly() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "profile",
            "budget",
            "[listen]",
            "port",
            "[service.a]",
            "[limits.nginx]",
            "requires",
            "probe",
            "command",
            "memory_max",
            "=",
            " = ",
            "\n",
            "\r\n",
            "\"",
            "'",
            "\"\"\"",
            "[",
            "]",
            "[[",
            "{",
            "}",
            ",",
            ".",
            "#",
            "3000",
            "-1",
            "nan",
            "0x_",
            "1.5e400",
            "true",
            "\"\\u0000\"",
            "\"1 MB\"",
            "é",
            "\u{202e}",
            "\u{1b}[2J",
            "\t",
            "\0",
            "\u{feff}",
            "1979-05-27",
            "99999999999999999999999999999999999999999999",
            "http",
            "tcp",
            "\"a\"",
            "[service]",
        ]);
        let line = prop::sample::select(vec![
            "[service.a]\ncommand = [\"/a\"]\nrequires = [\"b\", \"a\"]\n",
            "[service.b]\ncommand = [\"a\"]\nrequires = [\"a\"]\n",
            "[limits.litellm]\nmemory_max = \"9 GB\"\nmemory_high = \"10 GB\"\n",
            "profile = \"large\"\n",
            "listen = { port = 5, admin_port = 5 }\n",
            "engine.kind = \"download\"\n",
        ]);
        let piece = prop_oneof![8 => words.prop_map(str::to_owned), 1 => line.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_every_place_lies_in_its_text(
            text in prop_oneof![nearly(), any::<String>()],
            variable in nearly(),
            flag in nearly(),
        ) {
            let env = [("AI_GATEWAY_BUDGET", variable.as_str())];
            let flags = [("service.a.requires", flag.as_str()), (flag.as_str(), variable.as_str())];
            if let Err(report) = load_all(&text, &env, &flags, Some(SMALL)) {
                prop_assert!(report.count() > 0);
                report.assert_places();
                let shown = report.to_string();
                prop_assert!(!shown.contains('\u{1b}'), "{shown}");
                report.render(true);
            }
        }

        #[test]
        fn the_highest_layer_that_speaks_is_the_one_that_holds(
            file in prop::option::of(1_u16..),
            env in prop::option::of(1_u16..),
            flag in prop::option::of(1_u16..),
        ) {
            let text = file.map_or(String::new(), |port| format!("listen.port = {port}"));
            let env_text = env.map(|port| port.to_string()).unwrap_or_default();
            let flag_text = flag.map(|port| port.to_string());
            let flags: Vec<_> = flag_text.iter().map(|text| ("listen.port", text.as_str())).collect();
            let expected = flag.or(env).or(file).unwrap_or(3000);
            let loaded = load_all(&text, &[("AI_GATEWAY_PORT", &env_text)], &flags, None);
            if expected == 4000 {
                prop_assert!(loaded.is_err());
            } else {
                prop_assert_eq!(loaded.unwrap().settings.listen.port, expected);
            }
        }
    }
}
