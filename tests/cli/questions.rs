//! Set-up on a terminal: what it asks, and what comes of the answers.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
};

use nix::sys::signal::Signal;

use crate::{
    bench::{Bench, free_port},
    set_up::until,
    terminal::Terminal,
};

/// A machine on which nothing is in the way of set-up, until it begins.
fn bench(port: u16) -> Bench {
    let bench = Bench::new();
    let bin = bench.folder().join("bin");
    let bin = bin.display();
    let admin_port = free_port();
    // Enough of a Python to be taken for one.
    bench.program(
        "python",
        &format!("[ \"$2\" = -c ] && printf '3 11 2 1\\n{bin}/python\\n' || exit 1"),
    );
    for program in ["postgres", "initdb", "psql", "pg_isready", "nginx"] {
        bench.program(program, "echo 15.1");
    }
    bench.write(
        "gateway.toml",
        &format!(
            "profile = \"local\"\nlisten = {{ port = {port}, admin_port = {admin_port} }}\n\
             [programs]\npython = \"{bin}/python\"\npostgres_bin = \"{bin}\"\n"
        ),
    );
    bench
}

fn setup(bench: &Bench, arguments: &str) -> Terminal {
    Terminal::run(bench.person(&format!("setup {arguments}")))
}

fn config(bench: &Bench) -> String {
    fs::read_to_string(bench.home().join("gateway.toml")).unwrap()
}

#[test]
fn a_wrong_answer_is_asked_for_again_with_the_reason() {
    let bench = bench(free_port());
    let before = config(&bench);
    let mut terminal = setup(&bench, "");
    let list = terminal.until("Profile [local]: ");
    assert!(list.contains("This machine has "), "{list}");
    assert!(
        list.contains("* local   no limits  a developer's machine"),
        "{list}"
    );
    terminal.types("?");
    let explained = terminal.until("Profile [local]: ");
    assert!(
        explained.contains("How much the services may use"),
        "{explained}"
    );
    assert!(
        explained.lines().all(|line| line.chars().count() <= 80),
        "{explained}"
    );
    terminal.types("huge");
    terminal.until("expected \"tiny\"");
    terminal.until("Profile [local]: ");
    terminal.types("");
    terminal.until("or US dollars [15]: ");
    terminal.types("-5");
    terminal.until("error: `budget`");
    terminal.until("or US dollars [15]: ");
    terminal.types("20");
    terminal.until("Port of Open WebUI and the API [");
    terminal.types("99999");
    terminal.until("expected a port from 1 to 65535");
    terminal.until("Port of Open WebUI and the API [");
    terminal.types("");
    terminal.until("E-mail address of Open WebUI's administrator [admin@localhost]: ");
    terminal.types("ada");
    terminal.until("expected an e-mail address");
    terminal.until("administrator [admin@localhost]: ");
    terminal.types("");
    terminal.until("Password of that account");
    terminal.types("");
    let plan = terminal.until("Go on? [Y/n] ");
    assert!(plan.contains("make the database cluster"), "{plan}");
    assert!(!plan.contains("Blocking problem"), "{plan}");
    terminal.types("?");
    let explained = terminal.until("Go on? [Y/n] ");
    assert!(
        explained.contains("nothing of your answers is written"),
        "{explained}"
    );
    terminal.types("perhaps");
    terminal.until("Answer y or n.");
    terminal.types("n");
    let (code, last) = terminal.end();
    assert_eq!(code, Some(1));
    assert!(last.contains("error: nothing was done"), "{last}");
    assert_eq!(config(&bench), before);
}

#[test]
fn a_port_that_is_taken_is_named_and_a_free_one_proposed() {
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = here.local_addr().unwrap().port();
    let bench = bench(port);
    let mut terminal = setup(&bench, "--budget prod");
    terminal.until("Profile [local]: ");
    terminal.types("");
    terminal.until(&format!("Port {port} is taken: "));
    terminal.until("Port of Open WebUI and the API [");
    terminal.types(&port.to_string());
    terminal.until(&format!("Port {port} is taken: "));
    terminal.until("Port of Open WebUI and the API [");
    let free = terminal.until("]: ").replace("]: ", "");
    terminal.types("");
    terminal.until("E-mail address of Open WebUI's administrator [admin@localhost]: ");
    terminal.types("Ada@Example.org");
    terminal.until("Password of that account");
    terminal.types("a long pass phrase");
    terminal.until("Again: ");
    terminal.types("another one");
    terminal.until("The two are not the same.");
    terminal.until("Password of that account");
    terminal.types("a long pass phrase");
    let question = terminal.until("Again: ");
    assert!(!question.contains("phrase"), "{question}");
    terminal.types("a long pass phrase");
    terminal.until("Go on? [Y/n] ");
    terminal.types("");
    // The stand-in for Python makes no environments.
    let (code, last) = terminal.end();
    assert_eq!(code, Some(1), "{last}");
    let config = config(&bench);
    assert!(config.contains(&format!("port = {free}")), "{config}");
    assert!(config.contains("budget = \"prod\""), "{config}");
    assert!(
        config.contains("admin_email = \"Ada@Example.org\""),
        "{config}"
    );
    let kept = bench.home().join("state/secrets/open-webui-admin-password");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "a long pass phrase");
    let mode = fs::metadata(kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_end_of_input_is_no_answer() {
    let bench = bench(free_port());
    let mut terminal = setup(&bench, "");
    terminal.until("Profile [local]: ");
    terminal.types_end("");
    let (code, last) = terminal.end();
    assert_eq!(code, Some(1));
    assert!(last.contains("nothing was done"), "{last}");
    assert!(!bench.home().join("state").exists());
}

/// At the question for a password.
fn at_the_password(bench: &Bench) -> Terminal {
    let mut terminal = setup(bench, "--budget prod --admin-email a@b.org");
    terminal.until("Profile [local]: ");
    terminal.types("");
    terminal.until("Port of Open WebUI and the API [");
    terminal.types("");
    terminal.until("Password of that account");
    assert!(!terminal.shows_what_is_typed());
    terminal
}

#[test]
fn who_ends_it_at_a_question_ends_it_by_the_signal() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let bench = bench(free_port());
        let mut terminal = setup(&bench, "--budget prod");
        terminal.until("Profile [local]: ");
        terminal.signals(signal);
        assert_eq!(terminal.ended().signal(), Some(signal as i32));
        assert!(terminal.shows_what_is_typed());
        assert!(!bench.home().join("state").exists());
    }
}

#[test]
fn who_ends_it_at_a_password_has_a_terminal_that_shows_what_is_typed() {
    for (signal, code) in [
        (Signal::SIGHUP, 129),
        (Signal::SIGINT, 130),
        (Signal::SIGQUIT, 131),
        (Signal::SIGTERM, 143),
    ] {
        for again in [false, true] {
            let bench = bench(free_port());
            let mut terminal = at_the_password(&bench);
            if again {
                terminal.types("a long pass phrase");
                terminal.until("Again: ");
            }
            terminal.signals(signal);
            assert_eq!(terminal.ended().code(), Some(code), "{signal}");
            assert!(terminal.shows_what_is_typed(), "{signal}");
            assert!(!bench.home().join("state").exists(), "{signal}");
        }
    }
}

#[test]
fn the_end_of_input_within_a_password_is_no_end_of_the_line() {
    let bench = bench(free_port());
    let mut terminal = at_the_password(&bench);
    let before = terminal.has_read();
    terminal.types_end("abc");
    until("what was typed is read", || {
        terminal.has_read() >= before + 3
    });
    terminal.signals(Signal::SIGINT);
    assert_eq!(terminal.ended().code(), Some(130));
    assert!(terminal.shows_what_is_typed());
    let mut terminal = at_the_password(&bench);
    terminal.types_end("a long ");
    terminal.types("pass phrase");
    terminal.until("Again: ");
    terminal.types("a long pass phrase");
    terminal.until("Go on? [Y/n] ");
    terminal.types("n");
    assert_eq!(terminal.ended().code(), Some(1));
}

#[test]
fn who_stops_it_at_a_password_has_a_terminal_that_shows_what_is_typed_and_is_asked_again() {
    let bench = bench(free_port());
    let mut terminal = at_the_password(&bench);
    terminal.signals(Signal::SIGTSTP);
    terminal.until_stopped();
    assert!(terminal.shows_what_is_typed());
    terminal.signals(Signal::SIGCONT);
    terminal.until("Password of that account");
    assert!(!terminal.shows_what_is_typed());
    terminal.types("a long pass phrase");
    terminal.until("Again: ");
    terminal.signals(Signal::SIGINT);
    assert_eq!(terminal.ended().code(), Some(130));
    assert!(terminal.shows_what_is_typed());
}

#[test]
fn nobody_is_asked_who_said_yes() {
    let bench = bench(free_port());
    let (code, seen) = setup(&bench, "--yes").end();
    assert_eq!(code, Some(1), "{seen}");
    assert!(!seen.contains("]: "), "{seen}");
    assert!(!seen.contains("Go on?"), "{seen}");
    assert!(seen.contains("error: "), "{seen}");
}

#[test]
fn a_port_that_is_taken_is_refused_before_anything_is_done() {
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = here.local_addr().unwrap().port();
    let bench = bench(free_port());
    let before = config(&bench);
    let seen = bench.seen(&mut bench.as_person(&format!("setup --port {port}")));
    assert!(seen.starts_with("exit: 1\n"), "{seen}");
    assert!(
        seen.contains(&format!("error: cannot listen on 127.0.0.1:{port}")),
        "{seen}"
    );
    assert!(!bench.home().join("state").exists());
    assert_eq!(config(&bench), before);
}
