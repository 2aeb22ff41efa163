//! Start, where systemd does it and where we do.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    process::{Child, Stdio},
};

use ai_gateway::{
    control::types::{Call, Refusal, Reply},
    identity::{self, GatewayId},
    lock::DaemonLock,
};
use insta::assert_snapshot;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};

use crate::bench::{Bench, free_port, ready};

#[test]
fn a_daemon_that_runs_is_asked_to_start_what_is_stopped() {
    let bench = Bench::new();
    let daemon = bench.daemon(ready());
    assert_snapshot!(bench.run("start"), @"
    exit: 0
    --- stdout ---
    ai-gateway is ready

    Chat   http://127.0.0.1:3000
    API    http://127.0.0.1:3000/api/litellm/v1
    Admin  http://127.0.0.1:4000/ui
    ");
    assert_eq!(daemon.asked().len(), 1);
}

#[test]
fn a_unit_is_started_by_systemd() {
    let bench = Bench::new();
    bench.program(
        "systemctl",
        "echo \"$@\" >>\"$HOME.calls\"\ncase \"$*\" in *show*) echo loaded;; *start*) exit 4;; esac",
    );
    for verb in ["start", "stop", "restart", "reload"] {
        let seen = of_person(&bench, verb);
        let wanted = if verb.ends_with("start") {
            "exit: 77\n"
        } else {
            "exit: 0\n"
        };
        assert!(seen.starts_with(wanted), "{verb}: {seen}");
    }
    let calls = bench.home().parent().unwrap().join("home.calls");
    let calls = std::fs::read_to_string(calls)
        .unwrap()
        .replace("--user ", "");
    let told: Vec<&str> = calls
        .lines()
        .filter(|line| !line.contains("show"))
        .collect();
    let wanted = ["--quiet start", "stop", "--quiet restart", "reload"]
        .map(|verb| format!("{verb} ai-gateway.service"));
    assert_eq!(told, wanted);
}

/// A start by systemd, whose own wait never ends.
const WAITS: &str = "case \"$*\" in
    *LoadState*) echo loaded;;
    *start*) exec /bin/sleep 60;;
esac";

/// What a person with a manager sees: of root's the machine's own gateway would be asked.
fn of_person(bench: &Bench, verb: &str) -> String {
    let mut command = bench.as_person(verb);
    command
        .env_remove("AI_GATEWAY_HOME")
        .env("XDG_RUNTIME_DIR", bench.runtime_folder());
    bench.seen(&mut command)
}

#[test]
fn a_start_by_systemd_ends_when_the_daemon_says_that_everything_is_ready() {
    let bench = Bench::new();
    bench.program("systemctl", WAITS);
    let daemon = bench.persons_daemon(ready(), |_| Ok(Reply::Done(Vec::new())));
    let seen = of_person(&bench, "start");
    assert!(
        seen.starts_with("exit: 0\n--- stdout ---\nai-gateway is ready\n"),
        "{seen}"
    );
    assert_eq!(daemon.asked(), [Call::Start(None)]);
}

#[test]
fn a_start_by_systemd_does_not_wait_for_a_service_that_has_failed_for_good() {
    let bench = Bench::new();
    bench.program("systemctl", WAITS);
    let _daemon = bench.persons_daemon(ready(), |_| {
        Err(Refusal::Failed(
            "litellm has failed: it exited with code 3".into(),
        ))
    });
    assert_snapshot!(of_person(&bench, "start"), @"
    exit: 1
    --- stderr ---
    error: litellm has failed: it exited with code 3
    hint: the others go on; 'ai-gateway start' tries again once it is fixed
    ");
}

#[test]
fn a_daemon_that_systemd_could_not_start_is_told_with_its_own_words() {
    let bench = Bench::new();
    bench.program(
        "systemctl",
        "case \"$*\" in
            *LoadState*) echo loaded;;
            *start*) exit 1;;
            *show*) echo Result=exit-code; echo ExecMainStatus=78
                echo 'StatusText=there is no database';;
        esac",
    );
    assert_snapshot!(of_person(&bench, "start"), @"
    exit: 78
    --- stderr ---
    error: ai-gateway.service did not start
      caused by: there is no database
      caused by: the daemon exited with code 78
    hint: 'systemctl --user status ai-gateway.service' shows what systemd knows
    hint: 'journalctl --user -eu ai-gateway.service' shows what happened
    ");
}

/// With ports that are free, but nothing behind them.
fn not_set_up() -> Bench {
    let bench = Bench::new();
    let (port, admin_port) = (free_port(), free_port());
    bench.write(
        "gateway.toml",
        &format!("profile = \"local\"\nlisten = {{ port = {port}, admin_port = {admin_port} }}\n"),
    );
    bench
}

#[test]
fn a_daemon_that_dies_at_once_is_quoted() {
    let bench = not_set_up();
    let mut command = bench.as_person("start");
    assert_snapshot!(bench.seen(&mut command), @"
    exit: 78
    --- stderr ---
    error: the gateway is not set up: there is no database: run 'ai-gateway setup'
    ");
    let told = bench.logs().join("last-words");
    let told = std::fs::metadata(told).unwrap();
    assert_eq!(told.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_daemon_in_the_foreground_says_what_is_missing() {
    let bench = not_set_up();
    assert_snapshot!(bench.seen(&mut bench.as_person("run")), @"
    exit: 78
    --- stderr ---
    error: the gateway is not set up: there is no database: run 'ai-gateway setup'
    ");
}

#[test]
fn a_port_that_somebody_else_has_is_named_before_anything_starts() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let bench = Bench::new();
    bench.write(
        "gateway.toml",
        &format!("profile = \"local\"\nlisten.port = {port}\n"),
    );
    let seen = bench.seen(&mut bench.as_person("run"));
    assert!(seen.starts_with("exit: 1\n"), "{seen}");
    assert!(
        seen.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{seen}"
    );
}

#[test]
fn root_does_not_run_a_daemon() {
    let bench = Bench::new();
    for verb in ["start", "run"] {
        let seen = bench.run(verb);
        let refused = seen.starts_with("exit: 77\n");
        let told = seen.contains(&format!("runuser -u ai-gateway -- ai-gateway {verb}"));
        assert_eq!(
            (refused, told),
            (Uid::effective().is_root(), refused),
            "{seen}"
        );
    }
}

/// A process with the mark of a service of the gateway in this folder.
fn marked(bench: &Bench, script: &str) -> Child {
    let state = bench.home().join("state");
    std::fs::create_dir_all(&state).unwrap();
    let gateway = GatewayId::of(&state).unwrap();
    std::process::Command::new("/bin/sh")
        .args(["-c", script])
        .env(identity::VARIABLE, format!("{gateway}/nginx/1"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn stop_ends_what_a_killed_daemon_has_left_and_nobody_else() {
    let bench = Bench::new();
    let mut left = marked(&bench, "exec sleep 60");
    let folder = bench.home().join("state/services/nginx");
    std::fs::create_dir_all(&folder).unwrap();
    let mut guest = std::process::Command::new("sleep")
        .arg("60")
        .current_dir(&folder)
        .spawn()
        .unwrap();
    // Nobody else reaps them: to the program a child that has ended and waits for us is gone.
    let seen = bench.run("stop");
    let told = format!(
        "exit: 0\n--- stdout ---\nNo daemon ran; what a killed one had left is stopped.\n\
         --- stderr ---\nstopping nginx (process {}), which an earlier daemon left running\n",
        left.id()
    );
    assert_eq!(seen, told);
    let ended = left.try_wait().unwrap().unwrap();
    assert_eq!(ended.signal(), Some(15));
    assert!(guest.try_wait().unwrap().is_none(), "it is somebody else's");
    guest.kill().unwrap();
    guest.wait().unwrap();
    assert!(bench.run("stop").starts_with("exit: 69\n"));
}

#[test]
fn stop_spares_the_shell_that_it_is_typed_in() {
    let bench = Bench::new();
    let program = env!("CARGO_BIN_EXE_ai-gateway");
    // The shell has the mark of a service, as one that a service has started.
    let script = format!(
        "AI_GATEWAY_HOME={} {program} stop 2>&1; echo shell lives; exit 7",
        bench.home().display()
    );
    let shell = marked(&bench, &script).wait_with_output().unwrap();
    let said = String::from_utf8(shell.stdout).unwrap();
    assert!(said.ends_with("shell lives\n"), "{said}");
    assert_eq!(shell.status.code(), Some(7));
}

/// A daemon that has begun: this process, to whoever looks.
fn begun(bench: &Bench) -> DaemonLock {
    DaemonLock::take(&bench.home().join("state")).unwrap()
}

#[test]
fn a_script_is_told_of_a_daemon_that_begins_in_the_shape_of_every_status() {
    let bench = Bench::new();
    bench.write("gateway.toml", "profile = \"local\"\n");
    let _lock = begun(&bench);
    let pid = std::process::id().to_string();
    assert_snapshot!(bench.run("status --json").replace(&pid, "PID"), @r#"
    exit: 69
    --- stdout ---
    {
      "limits": {
        "enforced": false,
        "reason": "ai-gateway is starting (process PID) and does not answer yet"
      },
      "profile": "local",
      "services": {},
      "state": "starting",
      "urls": {
        "admin": "http://127.0.0.1:4000/ui",
        "api": "http://127.0.0.1:3000/api/litellm/v1",
        "webui": "http://127.0.0.1:3000"
      }
    }
    "#);
}

#[test]
fn whoever_starts_while_a_daemon_begins_waits_for_the_same_one() {
    let bench = Bench::new();
    let lock = begun(&bench);
    let starts: Vec<_> = (0..3)
        .map(|_| {
            let mut start = bench.child("start");
            start.stdout(Stdio::piped()).stderr(Stdio::piped());
            start.spawn().unwrap()
        })
        .collect();
    let pid = std::process::id().to_string();
    assert_snapshot!(bench.run("status").replace(&pid, "PID"), @"
    exit: 69
    --- stdout ---
    ai-gateway is starting (process PID) and does not answer yet
    --- stderr ---
    hint: 'ai-gateway start' waits until everything is ready
    ");
    let daemon = bench.daemon(ready());
    lock.listens().unwrap();
    for start in starts {
        let output = start.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{:?}", output.stderr);
        assert!(said.starts_with("ai-gateway is ready\n"), "{said}");
    }
    assert_eq!(daemon.asked().len(), 3);
}

#[test]
fn a_daemon_without_its_socket_is_named_and_can_be_stopped() {
    let bench = Bench::new();
    let lock = begun(&bench);
    lock.listens().unwrap();
    let pid = std::process::id().to_string();
    for verb in ["start", "status", "restart nginx"] {
        let seen = bench.run(verb).replace(&pid, "PID");
        assert_eq!(
            seen,
            "exit: 1\n--- stderr ---\n\
             error: ai-gateway runs (process PID), but nobody can reach it: \
             $TEST/gw/run/control.sock is gone\n\
             hint: its folder of sockets was removed: 'ai-gateway stop' and 'ai-gateway start' \
             make it anew\n",
            "{verb}"
        );
    }
    drop(lock);
    // Another process holds it: one that ends when it is asked to.
    let held = bench.home().join("state/daemon.lock");
    let mut daemon = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let id = i32::try_from(daemon.id()).unwrap();
    let started = sys::proc::stat(id).unwrap().started;
    std::fs::write(held, format!("{id} {started} listens")).unwrap();
    assert_snapshot!(bench.run("stop"), @"
    exit: 0
    --- stdout ---
    ai-gateway is stopped
    --- stderr ---
    stopping the daemon by a signal: it cannot be asked
    ");
    assert_eq!(daemon.try_wait().unwrap().unwrap().signal(), Some(15));
}

#[test]
fn who_stops_waiting_for_a_daemon_that_cannot_be_asked_is_told_so_by_the_code() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let bench = Bench::new();
        drop(begun(&bench));
        let mut daemon = std::process::Command::new("sh")
            .args(["-c", "trap '' TERM; echo ready; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0];
        daemon
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .unwrap();
        let id = i32::try_from(daemon.id()).unwrap();
        let started = sys::proc::stat(id).unwrap().started;
        let held = bench.home().join("state/daemon.lock");
        std::fs::write(held, format!("{id} {started} listens")).unwrap();
        let mut stop = bench.child("stop").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(stop.stderr.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().contains("cannot be asked"));
        kill(Pid::from_raw(stop.id().cast_signed()), signal).unwrap();
        assert_eq!(stop.wait().unwrap().code(), Some(code));
        drop(daemon.stdin.take());
        daemon.wait().unwrap();
    }
}
