//! Ctrl-C and SIGTERM: whoever waits ends with 130 or 143, as a shell sees it, and what was begun
//! goes on. A command that says so ends in order with that code; another one by the signal itself.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, Command, ExitStatus, Stdio},
};

use ai_gateway::{
    control::types::{Call, GatewayState, GatewayStatus, Reply},
    lock::DaemonLock,
    secrets::SecretStore,
};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use supervise::effect::StateName;

use crate::{
    bench::{Bench, free_port, gateway, ready},
    set_up::until,
};

/// With the code that a shell shows for it.
const SIGNALS: [(Signal, i32); 2] = [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)];

/// In a process group of its own, as a shell starts it: a terminal's Ctrl-C goes to all of it.
fn begin(command: &mut Command) -> Child {
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends the signal, and returns how it ended and what was said on standard error.
fn interrupt(mut child: Child, signal: Signal) -> (ExitStatus, String) {
    assert!(child.try_wait().unwrap().is_none(), "it does not wait");
    killpg(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    until("it ends by the signal", || {
        child.try_wait().unwrap().is_some()
    });
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (child.wait().unwrap(), said)
}

/// The same for a command that takes the signal, ends in order with this code and says what goes on.
fn ends_in_order(child: Child, (signal, code): (Signal, i32), says: &str) {
    let (status, said) = interrupt(child, signal);
    // Not by the signal itself, for which a shell shows the same code.
    assert_eq!(status.code(), Some(code), "{status}: {said}");
    assert!(said.contains(says), "{says:?} is not in {said:?}");
}

/// The same for a command that has nothing to say: the signal itself ends it.
fn ends_by_it(child: Child, (signal, _): (Signal, i32)) {
    let (status, said) = interrupt(child, signal);
    assert_eq!(status.signal(), Some(signal as i32), "{status}: {said}");
}

/// A signal has an effect of its own from now on.
fn until_signals_are_taken(child: &Child) {
    let pid = child.id();
    until("it takes its signals", || {
        open_files(pid, "anon_inode:[signalfd]") > 0
    });
}

fn starting() -> GatewayStatus {
    gateway(
        GatewayState::Starting,
        &[("nginx", StateName::Starting), ("app", StateName::Stopping)],
    )
}

#[test]
fn what_waits_for_the_daemon_ends_and_says_what_goes_on() {
    for verb in [
        "start",
        "start nginx",
        "restart",
        "restart nginx",
        "reload",
        "stop",
        "stop app",
        "config set budget 7",
        "budget 7",
        "profile tiny",
    ] {
        for signal in SIGNALS {
            let bench = Bench::new();
            bench.write("gateway.toml", "profile = \"local\"\n");
            let daemon = bench.daemon(starting());
            daemon.hold(true);
            let child = begin(&mut bench.child(verb));
            until(verb, || !daemon.asked().is_empty());
            ends_in_order(child, signal, "'ai-gateway status' shows how far it is");
            assert_eq!(daemon.asked().len(), 1, "{verb}: nothing else is asked");
            daemon.hold(false);
        }
    }
}

#[test]
fn a_start_that_waits_for_a_daemon_that_begins_ends() {
    for signal in SIGNALS {
        let bench = Bench::new();
        let lock = DaemonLock::take(&bench.home().join("state")).unwrap();
        let child = begin(&mut bench.child("start"));
        until_signals_are_taken(&child);
        ends_in_order(child, signal, "It goes on starting: 'ai-gateway status'");
        drop(lock);
    }
}

/// What the process has open of this kind.
fn open_files(pid: u32, kind: &str) -> usize {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    open.filter_map(|file| fs::read_link(file.path()).ok())
        .filter(|link| link.to_string_lossy().starts_with(kind))
        .count()
}

#[test]
fn a_stop_that_waits_for_the_end_of_the_daemon_says_what_goes_on() {
    for signal in SIGNALS {
        for listens in [true, false] {
            let bench = Bench::new();
            let daemon = bench.daemon(ready());
            // Either the daemon goes on listening, or its process, which is ours, goes on.
            let lock = DaemonLock::take(&bench.home().join("state")).unwrap();
            if listens {
                drop(lock);
                daemon.stays();
            }
            let child = begin(&mut bench.child("stop"));
            until("the stop is asked for", || !daemon.asked().is_empty());
            let pid = child.id();
            until("only the connection that waits is left", || {
                open_files(pid, "socket:") <= 1
            });
            ends_in_order(child, signal, "It goes on stopping: 'ai-gateway status'");
        }
    }
}

#[test]
fn what_waits_for_systemd_ends() {
    for (verb, says) in [
        ("start", Some("It goes on starting: 'ai-gateway status'")),
        ("stop", Some("It goes on stopping: 'ai-gateway status'")),
        ("restart", Some("It goes on starting: 'ai-gateway status'")),
        // The wait is systemctl's alone, which the terminal ends as well.
        ("reload", None),
    ] {
        for signal in SIGNALS {
            let bench = Bench::new();
            // Its own wait never ends; that of `reload` is the whole of ours.
            bench.program(
                "systemctl",
                "case \"$*\" in
                    *LoadState*) echo loaded;;
                    *show*) ;;
                    *start*|*stop*|*reload*) : >\"$HOME.begun\"; exec /bin/sleep 60;;
                esac",
            );
            let mut command = bench.person(verb);
            let daemon = (verb == "stop")
                .then(|| bench.persons_daemon(ready(), |_| Ok(Reply::Done(Vec::new()))));
            command
                .env_remove("AI_GATEWAY_HOME")
                .env("XDG_RUNTIME_DIR", bench.runtime_folder());
            let child = begin(&mut command);
            let begun = bench.folder().join("home.begun");
            until(verb, || begun.exists());
            match says {
                Some(says) => {
                    until_signals_are_taken(&child);
                    ends_in_order(child, signal, says);
                }
                None => ends_by_it(child, signal),
            }
            let asked = daemon.map(|daemon| daemon.asked());
            assert!(!asked.is_some_and(|asked| asked.contains(&Call::Stop(None))));
        }
    }
}

#[test]
fn what_watches_ends() {
    for verb in ["status --watch", "status --watch --json", "logs --follow"] {
        for signal in SIGNALS {
            let bench = Bench::new();
            bench.write("gateway.toml", "profile = \"local\"\n");
            bench.write("state/logs/nginx.log", "2026-11-24T02:12:34.000001Z two\n");
            let _daemon = bench.daemon(ready());
            let mut child = begin(&mut bench.child(verb));
            let mut first = [0];
            let out = child.stdout.as_mut().unwrap();
            out.read_exact(&mut first).unwrap();
            ends_by_it(child, signal);
        }
    }
}

#[test]
fn a_question_that_nobody_answers_ends() {
    for signal in SIGNALS {
        let bench = Bench::new();
        let front = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = front.local_addr().unwrap().port();
        let text = format!("profile = \"local\"\nlisten.port = {port}\n");
        bench.write("gateway.toml", &text);
        let store = SecretStore::new(bench.home().join("state/secrets"));
        fs::create_dir_all(bench.home().join("state")).unwrap();
        store
            .make_missing(ai_gateway::services::catalog().secrets(), None)
            .unwrap();
        let child = begin(&mut bench.child("ask"));
        let _asked = front.accept().unwrap();
        ends_by_it(child, signal);
    }
}

/// What every other program is: it tells its version, and no more once Python takes its time.
const SLOW_AFTER: &str = "[ -e \"${0%/*}\"/../begun ] && exec /bin/sleep 60; echo 15.1";

/// A machine that set-up takes for one where it can begin, with this Python.
fn machine_with_python(script: &str) -> Bench {
    let bench = Bench::new();
    let bin = bench.folder().join("bin");
    let bin = bin.display();
    bench.program("python", script);
    for program in ["postgres", "initdb", "psql", "pg_isready", "nginx"] {
        bench.program(program, SLOW_AFTER);
    }
    bench.write(
        "gateway.toml",
        &format!(
            "profile = \"local\"\nlisten = {{ port = {}, admin_port = {} }}\n\
             [programs]\npython = \"{bin}/python\"\npostgres_bin = \"{bin}\"\n",
            free_port(),
            free_port()
        ),
    );
    bench
}

/// Interrupts a set-up when its Python has left a file, each time in another way.
fn interrupts_a_set_up_with(python: &str) {
    for signal in SIGNALS.into_iter().chain([(Signal::SIGHUP, 129)]) {
        let bench = machine_with_python(python);
        let child = begin(&mut bench.person("setup --yes"));
        let begun = bench.folder().join("begun");
        until("Python is asked for something that takes long", || {
            begun.exists()
        });
        let says = "interrupted: run 'ai-gateway setup' again to go on from here";
        ends_in_order(child, signal, says);
    }
}

#[test]
fn a_set_up_ends_and_says_how_it_goes_on() {
    // Enough of a Python to be taken for one, which then takes its time.
    interrupts_a_set_up_with(
        "[ \"$2\" = -c ] && printf '3 11 2 1\\n%s\\n' \"$0\" && exit\n\
         : >\"${0%/*}\"/../begun; exec /bin/sleep 60",
    );
}

#[test]
fn a_set_up_that_asks_a_program_what_it_is_ends_at_once() {
    // It answers when set-up looks for what there is to do, and not when it looks again.
    interrupts_a_set_up_with(
        "here=\"${0%/*}\"/..\n\
         [ -e \"$here\"/asked ] && : >\"$here\"/begun && exec /bin/sleep 60\n\
         : >\"$here\"/asked; printf '3 11 2 1\\n%s\\n' \"$0\"",
    );
}
