//! How what is wrong is shown: all of it at once, each where it is.

use super::*;

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
      |          ^^ expected 0.01 or more
      |
      = help: to have all requests refused: 'ai-gateway stop litellm'

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
fn every_mistake_with_limits_is_shown_at_once() {
    let text = r#"[limits.litllm]
cpus = 1
[limits.nginx]
memory_max = "1 MB"
memory_high = "20M"
cpus = 0
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
    "#);
}

#[test]
fn every_mistake_with_services_is_shown_at_once() {
    let text = r#"[service.mailer]
command = "/bin/mailer -v"
requires = ["postgrs"]
[service.nginx]
command = ["bin/nginx"]
[service.Big]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `service.mailer.command` has the wrong type
     --> gateway.toml:2:11
      |
    2 | command = "/bin/mailer -v"
      |           ^^^^^^^^^^^^^^^^ expected an array: the program and its arguments, found text
      |
      = help: no shell reads it: ["/bin/mailer", "-v"]

    error: "mailer" requires "postgrs", and there is no such service
     --> gateway.toml:3:13
      |
    3 | requires = ["postgrs"]
      |             ^^^^^^^^^ not known
      |
      = help: did you mean `postgres`?

    error: the name "nginx" is taken
     --> gateway.toml:4:10
      |
    4 | [service.nginx]
      |          ^^^^^ the gateway has a service of that name
      |
      = help: its limits are set in [limits.nginx]

    error: `service.nginx.command` is not an absolute path
     --> gateway.toml:5:12
      |
    5 | command = ["bin/nginx"]
      |            ^^^^^^^^^^^ has to begin with /
      |
      = help: for example: command = ["/usr/local/bin/mailer", "--port", "8025"]

    error: "Big" cannot name a service
     --> gateway.toml:6:10
      |
    6 | [service.Big]
      |          ^^^ expected a lower-case letter, then lower-case letters, digits or dashes, at most 32 in all
    "#);
}

#[test]
fn variables_and_flags_are_shown_as_they_were_typed() {
    let env: &[_] = &[("AI_GATEWAY_PORT", "abc"), ("AI_GATEWAY_BUDGET", "nan")];
    let flags: &[_] = &[
        ("listen.port", "0"),
        ("litellm.workers", "0"),
        ("listen.prot", "1"),
    ];
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

    error: `listen.port` is out of range
     |
     | --port=0
     |        ^ expected a port from 1 to 65535

    error: `litellm.workers` is out of range
     |
     | litellm.workers=0
     |                 ^ expected a whole number from 1 to 64

    error: there is no key `listen.prot`
     |
     | listen.prot=1
     | ^^^^^^^^^^^ not known
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
    // Nor may a port on a line that is no TOML, ...
    assert_eq!(
        titles("listen.admin_port = 3000\nlisten.port = = 5"),
        ["this is not TOML"]
    );
    // ... or a sum with a limit that is not known.
    assert_eq!(
        titles("profile = \"medium\"\nlimits.nginx.memory_max = true"),
        ["`limits.nginx.memory_max` has the wrong type"]
    );
    // A stronger layer says what holds, and that counts.
    let env: &[_] = &[("AI_GATEWAY_PORT", "4000")];
    let report = load_all("listen.port = true", env, &[], None).unwrap_err();
    assert_eq!(report.count(), 2, "{report}");
}

#[test]
fn values_that_contradict_one_another_are_shown_together() {
    let text = r#"listen.port = 4000
[limits.litellm]
memory_high = "1 GB"
[limits.nginx]
memory_max = "30 MB"
memory_high = "40 MB"
[engine]
kind = "download"
url = "https://example.org/engine"
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `listen.port` and `listen.admin_port` are the same port, 4000
     --> gateway.toml:1:15
      |
    1 | listen.port = 4000
      |               ^^^^ `listen.port` is 4000
      |
      = note: `listen.admin_port` is 4000 by default
      = help: give one of them another, such as 4001

    error: `limits.litellm.memory_high` is above `limits.litellm.memory_max`
     --> gateway.toml:3:15
      |
    3 | memory_high = "1 GB"
      |               ^^^^^^ 1 GB would never be reached
      |
      = note: `limits.litellm.memory_max` is "900 MB" by profile small

    error: `limits.nginx.memory_high` is above `limits.nginx.memory_max`
     --> gateway.toml:6:15
      |
    5 | memory_max = "30 MB"
      |              ------- it is killed at 30 MB
    6 | memory_high = "40 MB"
      |               ^^^^^^^ 40 MB would never be reached

    error: `engine.sha256` is missing
     --> gateway.toml:8:8
      |
    8 | kind = "download"
      |        ^^^^^^^^^^ kind "download" needs it
    "#);
}

#[test]
fn what_is_there_twice_is_shown_with_the_first() {
    let text = r#"budget = prod
[litellm]
workers =
[service.a]
command = ["/a"]
[service.a] # again
command = ["/b"]
[limits.nginx]
cpus = 1
cpus = 2
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: this is not TOML
     --> gateway.toml:1:10
      |
    1 | budget = prod
      |          ^^^^ no number, and text has to be in quotes
      |
      = help: if it is text: "prod"

    error: this is not TOML
     --> gateway.toml:3:10
      |
    3 | workers =
      |          ^ expected a value

    error: `[service.a]` is there twice
     --> gateway.toml:6:1
      |
    4 | [service.a]
      | ----------- it is here already
    5 | command = ["/a"]
    6 | [service.a] # again
      | ^^^^^^^^^^^ this one is too many

    error: `cpus` is there twice
      --> gateway.toml:10:1
       |
     9 | cpus = 1
       | ---- it is here already
    10 | cpus = 2
       | ^^^^ this one is too many
    "#);
}

#[test]
fn a_text_that_nests_without_end_is_refused() {
    for text in [
        format!("a = {}", "[".repeat(20_000)),
        format!("a = {}", "{a=".repeat(20_000)),
        format!("{}a = 1", "a.".repeat(20_000)),
        format!("[{}a]", "a.".repeat(20_000)),
    ] {
        assert_eq!(load_text(&text).unwrap_err().count(), 1);
    }
}

#[test]
fn a_table_in_the_wrong_place_leads_to_the_right_one() {
    let text = r#"listen = 3000
service = []
[limits]
memory_max = 3
[postgres]
memory_max = "1 GB"
[lisen]
port = 1
[open_webui.x]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `listen` is a table
     --> gateway.toml:1:10
      |
    1 | listen = 3000
      |          ^^^^ expected [listen], found the number 3000
      |
      = help: for example: listen.port = 3000

    error: `service` is a table
     --> gateway.toml:2:11
      |
    2 | service = []
      |           ^^ expected [service.NAME], found an array

    error: there is no key `limits.memory_max`
     --> gateway.toml:4:1
      |
    4 | memory_max = 3
      | ^^^^^^^^^^ not known in [limits]
      |
      = help: `memory_max` belongs in [limits.NAME]

    error: there is no key `postgres.memory_max`
     --> gateway.toml:6:1
      |
    6 | memory_max = "1 GB"
      | ^^^^^^^^^^ not known in [postgres]
      |
      = help: `memory_max` belongs in [limits.postgres]

    error: there is no table `[lisen]`
     --> gateway.toml:7:2
      |
    7 | [lisen]
      |  ^^^^^ not known at the top of the file
      |
      = help: did you mean `listen`?

    error: there is no table `[open_webui.x]`
     --> gateway.toml:9:13
      |
    9 | [open_webui.x]
      |             ^ not known in [open_webui]
      |
      = help: what is known here: enabled, signup, admin_email, admin_name, environment
    "#);
}
