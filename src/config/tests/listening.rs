//! Where services of people's own listen: how it is written, and what cannot be.

use super::*;

fn listens(value: &str) -> Vec<String> {
    let text = format!("[service.web]\ncommand = [\"/web\"]\nlisten = {value}\n");
    let settings = load_text(&text).unwrap().settings;
    settings.custom[0]
        .listen
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn addresses_are_written_as_the_status_shows_them() {
    let all = [
        "127.0.0.1:8080",
        "[::1]:8080",
        "0.0.0.0:8081",
        "unix:/srv/web.sock",
    ];
    assert_eq!(listens(&format!("{all:?}")), all);
    assert_eq!(listens("[]"), Vec::<String>::new());
}

#[test]
fn what_is_no_address_is_shown_with_what_may_be_meant() {
    let text = r#"
[service.web]
command = ["/web"]
listen = [
  8080, "localhost:8080", "*:81", "/srv/web.sock", "::1:80", "[::ffff:127.0.0.1]:80",
]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `service.web.listen` cannot be read
     --> gateway.toml:5:3
      |
    5 |   8080, "localhost:8080", "*:81", "/srv/web.sock", "::1:80", "[::ffff:127.0.0.1]:80",
      |   ^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: with the address: "127.0.0.1:8080"

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:9
      |
    5 |   8080, "localhost:8080", "*:81", "/srv/web.sock", "::1:80", "[::ffff:127.0.0.1]:80",
      |         ^^^^^^^^^^^^^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: did you mean "127.0.0.1:8080"?

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:27
      |
    5 |   8080, "localhost:8080", "*:81", "/srv/web.sock", "::1:80", "[::ffff:127.0.0.1]:80",
      |                           ^^^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: did you mean "0.0.0.0:81"?

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:35
      |
    5 |   8080, "localhost:8080", "*:81", "/srv/web.sock", "::1:80", "[::ffff:127.0.0.1]:80",
      |                                   ^^^^^^^^^^^^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: did you mean "unix:/srv/web.sock"?

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:52
      |
    5 |   8080, "localhost:8080", "*:81", "/srv/web.sock", "::1:80", "[::ffff:127.0.0.1]:80",
      |                                                    ^^^^^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: did you mean "[::1]:80"?

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:62
      |
    5 |   8080, "localhost:8080", "*:81", "/srv/web.sock", "::1:80", "[::ffff:127.0.0.1]:80",
      |                                                              ^^^^^^^^^^^^^^^^^^^^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: did you mean "127.0.0.1:80"?
    "#);
}

#[test]
fn what_cannot_be_bound_is_shown_with_an_example() {
    let long = format!("unix:/{}", "a".repeat(107));
    let text = format!(
        "[service.web]
command = [\"/web\"]
listen = [

  \"127.0.0.1:0\", \"127.0.0.1\", \"unix:web.sock\", \"web.example.org:80\",
  \"{long}\",
]
"
    );
    insta::assert_snapshot!(report(&text), @r#"
    error: `service.web.listen` is out of range
     --> gateway.toml:5:3
      |
    5 |   "127.0.0.1:0", "127.0.0.1", "unix:web.sock", "web.example.org:80",
      |   ^^^^^^^^^^^^^ expected a port from 1 to 65535
      |
      = help: for example: listen = ["127.0.0.1:8080"]

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:18
      |
    5 |   "127.0.0.1:0", "127.0.0.1", "unix:web.sock", "web.example.org:80",
      |                  ^^^^^^^^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: for example: listen = ["127.0.0.1:8080"]

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:31
      |
    5 |   "127.0.0.1:0", "127.0.0.1", "unix:web.sock", "web.example.org:80",
      |                               ^^^^^^^^^^^^^^^ expected a path that begins with /
      |
      = help: for example: listen = ["127.0.0.1:8080"]

    error: `service.web.listen` cannot be read
     --> gateway.toml:5:48
      |
    5 |   "127.0.0.1:0", "127.0.0.1", "unix:web.sock", "web.example.org:80",
      |                                                ^^^^^^^^^^^^^^^^^^^^ expected an IP address with a port, or unix: and an absolute path
      |
      = help: for example: listen = ["127.0.0.1:8080"]

    error: `service.web.listen` cannot be read
     --> gateway.toml:6:3
      |
    6 |   "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected a path of 107 bytes or fewer, found 108
      |
      = help: for example: listen = ["127.0.0.1:8080"]
    "#);
}

#[test]
fn addresses_are_a_list_and_no_more_than_a_process_can_be_given() {
    let many: Vec<_> = (1..=13).map(|port| format!("127.0.0.1:{port}")).collect();
    let text = format!(
        "[service.many]
command = [\"/many\"]
listen = {many:?}
[service.one]
command = [\"/one\"]
listen = \"127.0.0.1:80\"
"
    );
    insta::assert_snapshot!(report(&text), @r#"
    error: `service.many.listen` is out of range
     --> gateway.toml:3:194
      |
    3 | ...10", "127.0.0.1:11", "127.0.0.1:12", "127.0.0.1:13"]
      |                                         ^^^^^^^^^^^^^^ expected 12 addresses or fewer, found 13
      |
      = help: for example: listen = ["127.0.0.1:8080"]

    error: `service.one.listen` has the wrong type
     --> gateway.toml:6:10
      |
    6 | listen = "127.0.0.1:80"
      |          ^^^^^^^^^^^^^^ expected an array of addresses such as "127.0.0.1:8080", "[::1]:8080" or "unix:/run/my/web.sock", found text
      |
      = help: in brackets: ["127.0.0.1:80"]
    "#);
}

#[test]
fn two_that_want_one_address_are_shown_both() {
    let text = r#"
[listen]
port = 3100
[service.a]
command = ["/a"]
listen = ["127.0.0.1:8080", "unix:/srv/a.sock", "127.0.0.1:3100"]
[service.b]
command = ["/b"]
listen = ["[::1]:8080", "0.0.0.0:8080", "unix:/srv/a.sock", "127.0.0.1:4000", "[::1]:8080"]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: two cannot listen on 127.0.0.1:3100
     --> gateway.toml:3:8
      |
    3 | port = 3100
      |        ^^^^ `listen.port` is 3100
    ...
    6 | listen = ["127.0.0.1:8080", "unix:/srv/a.sock", "127.0.0.1:3100"]
      |                                                 ^^^^^^^^^^^^^^^^ a listens here
      |
      = help: give one of them another address

    error: two cannot listen on 0.0.0.0:8080
     --> gateway.toml:6:11
      |
    6 | listen = ["127.0.0.1:8080", "unix:/srv/a.sock", "127.0.0.1:3100"]
      |           ^^^^^^^^^^^^^^^^ a listens here
    ...
    9 | listen = ["[::1]:8080", "0.0.0.0:8080", "unix:/srv/a.sock", "127.0.0.1:4000", "[::1]:8080"]
      |                         ^^^^^^^^^^^^^^ b listens here
      |
      = help: give one of them another address

    error: two cannot listen on unix:/srv/a.sock
     --> gateway.toml:6:29
      |
    6 | listen = ["127.0.0.1:8080", "unix:/srv/a.sock", "127.0.0.1:3100"]
      |                             ^^^^^^^^^^^^^^^^^^ a listens here
    ...
    9 | listen = ["[::1]:8080", "0.0.0.0:8080", "unix:/srv/a.sock", "127.0.0.1:4000", "[::1]:8080"]
      |                                         ^^^^^^^^^^^^^^^^^^ b listens here
      |
      = help: give one of them another address

    error: two cannot listen on 127.0.0.1:4000
     --> gateway.toml:9:61
      |
    9 | listen = ["[::1]:8080", "0.0.0.0:8080", "unix:/srv/a.sock", "127.0.0.1:4000", "[::1]:8080"]
      |                                                             ^^^^^^^^^^^^^^^^ b listens here
      |
      = note: `listen.admin_port` is 4000 by default
      = help: give one of them another address

    error: two cannot listen on [::1]:8080
     --> gateway.toml:9:11
      |
    9 | listen = ["[::1]:8080", "0.0.0.0:8080", "unix:/srv/a.sock", "127.0.0.1:4000", "[::1]:8080"]
      |           ^^^^^^^^^^^^ b listens here                                         ^^^^^^^^^^^^ b listens here
      |
      = help: give one of them another address
    "#);
}

#[test]
fn what_does_not_meet_is_fine() {
    let text = r#"
[service.a]
command = ["/a"]
listen = ["127.0.0.1:8080", "[::]:8080", "127.0.0.2:8080", "[::1]:3000"]
probe = { tcp = "127.0.0.1:8081" }
[service.b]
command = ["/b"]
listen = ["unix:/srv/b.sock"]
probe = { tcp = "127.0.0.1:8082" }
[service.c]
command = ["/c"]
listen = ["127.0.0.1:8083"]
probe = { http = "http://127.0.0.1:8083/" }
"#;
    load_text(text).unwrap();
}

#[test]
fn who_does_not_run_on_cannot_listen() {
    let text = r#"
[service.make]
kind = "task"
command = ["/make"]
listen = ["127.0.0.1:8080"]
[service.there]
kind = "external"
probe = { tcp = "127.0.0.1:8080" }
listen = ["127.0.0.1:8080"]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `service.make.listen` is for daemons alone
     --> gateway.toml:5:10
      |
    5 | listen = ["127.0.0.1:8080"]
      |          ^^^^^^^^^^^^^^^^^^ a task runs to its end, and then nobody would answer

    error: `service.there.listen` is for daemons alone
     --> gateway.toml:9:10
      |
    9 | listen = ["127.0.0.1:8080"]
      |          ^^^^^^^^^^^^^^^^^^ somebody else runs it, and binds its address
    "#);
}

/// The kernel takes a connection for whoever listens, and that is the gateway.
#[test]
fn a_tcp_probe_of_a_held_address_would_prove_nothing() {
    let text = r#"
[service.a]
command = ["/a"]
listen = ["0.0.0.0:8080"]
probe = { tcp = "127.0.0.1:8080" }
[service.b]
command = ["/b"]
listen = ["[::1]:8081"]
probe = { tcp = "localhost:8081" }
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `service.a.probe` would pass before a answers
     --> gateway.toml:5:9
      |
    5 | probe = { tcp = "127.0.0.1:8080" }
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^ the gateway listens here for it, and takes every connection
      |
      = help: ask for an answer: probe = { http = "http://127.0.0.1:8080/" }, or exec, notify or log

    error: `service.b.probe` would pass before b answers
     --> gateway.toml:9:9
      |
    9 | probe = { tcp = "localhost:8081" }
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^ the gateway listens here for it, and takes every connection
      |
      = help: ask for an answer: probe = { http = "http://localhost:8081/" }, or exec, notify or log
    "#);
}
