//! A daemon in a process of its own, and what a test may ask of it.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use ai_gateway::{
    config::paths::Paths,
    control::{
        client::{Client, ClientError},
        types::{Call, GatewayStatus, Refusal, Reply, Urls},
    },
    fs::regular,
    identity::{self, GatewayId, Mark},
    logs::Output,
    publish::{Compare, Compared},
    runtime::{DaemonOptions, Planned, run},
};
use nix::{sys::signal::Signal, unistd::Pid};
use supervise::spec::ServiceName;

use crate::scenarios;

const HOME: &str = "AI_GATEWAY_TEST_HOME";

/// Where the services' lines go, instead of to files.
pub(crate) const JOURNAL: &str = "AI_GATEWAY_TEST_JOURNAL";

/// The daemon's process: not a test, unless it is asked to be one.
#[test]
fn daemon() {
    let Some(home) = env::var_os(HOME).map(PathBuf::from) else {
        return;
    };
    let planned = move |scenario: &str| planned(&home, scenario);
    let paths = paths(&PathBuf::from(env::var_os(HOME).expect("it was there")));
    let scenario_file = paths.config.with_file_name("scenario");
    let scenario = fs::read_to_string(&scenario_file).expect("the test wrote it");
    let output = Output::Files {
        folder: paths.logs(),
        terminal: false,
    };
    ai_gateway::logs::init(&output).expect("logs can be written");
    let output = match env::var_os(JOURNAL) {
        Some(socket) => Output::Journal(socket.into()),
        None => output,
    };
    let first = planned(&scenario);
    let options = DaemonOptions {
        paths,
        output,
        planned: first,
        replan: Arc::new(move |_| {
            let scenario = fs::read_to_string(&scenario_file).unwrap_or_default();
            if scenario == "nonsense" {
                return Err(Refusal::Configuration("this is nonsense".to_owned()));
            }
            Ok(planned(&scenario))
        }),
    };
    if let Err(error) = run(options) {
        panic!("{error}");
    }
}

/// What the daemon is to run in this scenario.
fn planned(home: &Path, scenario: &str) -> Planned {
    Planned {
        stack: scenarios::stack(scenario, home).expect("a scenario of this name"),
        profile: "local".to_owned(),
        urls: Urls::from_iter([
            ("webui", None),
            (
                "api",
                Some("http://127.0.0.1:3000/api/litellm/v1".to_owned()),
            ),
            ("admin", Some("http://127.0.0.1:4000/ui".to_owned())),
        ]),
        compare: compare(home, scenario),
    }
}

/// How the file with the scenario's name is compared with the scenario that runs.
fn compare(home: &Path, runs: &str) -> Compare {
    let (home, runs) = (home.to_owned(), runs.to_owned());
    let file = home.join("scenario");
    // A pipe is not opened, not even for a moment: whoever writes into it is to meet the
    // reload that reads it, and nobody else.
    let now = move || {
        let text = file.is_file().then(|| regular::text(&file).ok());
        text.flatten().unwrap_or_default()
    };
    let (again, before) = (now.clone(), runs.clone());
    let look = move || {
        let now = now();
        Compared {
            differs: (now != runs)
                .then(|| "scenario".to_owned())
                .into_iter()
                .collect(),
            invalid: (now == "nonsense").then(|| "this is nonsense".to_owned()),
        }
    };
    let alone = move || {
        let now = again();
        let stack = scenarios::stack(&now, &home).filter(|_| now != before);
        let services = stack.map(|stack| ("scenario".to_owned(), stack.services));
        services.into_iter().collect()
    };
    Compare::new(look, alone)
}

pub(crate) fn paths(home: &Path) -> Paths {
    let variable = |name: &str| {
        (name == "AI_GATEWAY_HOME").then(|| home.to_str().expect("a plain path").to_owned())
    };
    Paths::find(variable, false).expect("a short path")
}

pub(crate) fn name(name: &str) -> ServiceName {
    ServiceName::new(name).expect("a good name")
}

/// A daemon, ended with the value.
pub(crate) struct Gateway {
    home: std::sync::Arc<tempfile::TempDir>,
    child: Mutex<Child>,
}

impl Gateway {
    /// Starts a daemon in a folder of its own, and returns when it can be asked.
    pub(crate) fn start(scenario: &str) -> Self {
        Self::start_with(scenario, &[])
    }

    /// The same with more variables.
    pub(crate) fn start_with(scenario: &str, variables: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        Self::begin(home.into(), scenario, variables).reachable()
    }

    /// Another daemon for the same folder.
    pub(crate) fn again(&self, scenario: &str) -> Self {
        Self::begin(self.home.clone(), scenario, &[]).reachable()
    }

    fn begin(
        home: std::sync::Arc<tempfile::TempDir>,
        scenario: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        fs::write(home.path().join("scenario"), scenario).expect("a file");
        let child = Command::new(env::current_exe().expect("this program"))
            .args([
                "--exact",
                "gateway::daemon",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(HOME, home.path())
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this program runs");
        Self {
            home,
            child: Mutex::new(child),
        }
    }

    /// Waits until the daemon answers, or has ended.
    fn reachable(self) -> Self {
        let socket = self.paths().control_socket();
        loop {
            let ended = self.child().try_wait().expect("a child of ours");
            if ended.is_some() || Client::connect(&socket).is_ok() {
                return self;
            }
            std::thread::yield_now();
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().expect("nobody panics with it")
    }

    pub(crate) fn paths(&self) -> Paths {
        paths(self.home.path())
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.paths().control_socket()).expect("a daemon")
    }

    pub(crate) fn ask(&self, call: &Call) -> Result<Reply, ClientError> {
        Client::connect(&self.paths().control_socket())?.ask(call)
    }

    pub(crate) fn status(&self) -> GatewayStatus {
        match self.ask(&Call::Status).expect("an answer") {
            Reply::Status(status) => *status,
            other => panic!("{other:?} is no status"),
        }
    }

    /// Follows the status until it is as wanted.
    pub(crate) fn until(&self, wanted: impl Fn(&GatewayStatus) -> bool) {
        let mut client = Client::connect(&self.paths().control_socket()).expect("a daemon");
        client.watch().expect("it lets us watch");
        while let Some(status) = client.next_status().expect("a status") {
            if wanted(&status) {
                return;
            }
        }
        panic!("the daemon ended before");
    }

    pub(crate) fn daemon(&self) -> i32 {
        i32::try_from(self.child().id()).expect("a pid")
    }

    pub(crate) fn pid(&self, service: &str) -> i32 {
        let pid = self.status().services[service].pid.expect("it runs");
        i32::try_from(pid).expect("a pid")
    }

    pub(crate) fn kill(&self, pid: i32, signal: i32) {
        let signal = Signal::try_from(signal).expect("a signal");
        nix::sys::signal::kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    /// The processes that work in one of this gateway's folders, and those that carry its mark.
    pub(crate) fn members(&self) -> Vec<i32> {
        let gateway = GatewayId::read(&self.paths().state).expect("a state");
        let marked = |pid| {
            let mark = sys::proc::variable(pid, identity::VARIABLE).ok().flatten();
            let mark = mark.and_then(|value| Mark::parse(&value));
            mark.is_some_and(|mark| Some(mark.gateway) == gateway)
        };
        let folder = self.paths().state.join("services");
        let all = sys::proc::all().expect("/proc");
        let ours = |pid| sys::proc::cwd(pid).is_ok_and(|cwd| cwd.starts_with(&folder));
        let living = all.iter().filter(|stat| !stat.zombie);
        living
            .map(|stat| stat.pid)
            .filter(|&pid| ours(pid) || marked(pid))
            .collect()
    }

    /// The number that a service has written into a file of this name.
    pub(crate) fn wrote_pid(&self, file: &str) -> i32 {
        let path = self.home().join(file);
        loop {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if let Some(pid) = text.strip_suffix('\n') {
                return pid.parse().expect("a number");
            }
            std::thread::yield_now();
        }
    }

    /// Waits until a service has put this text into a file of its own.
    pub(crate) fn wrote(&self, file: &str, text: &str) {
        let path = self.home().join(file);
        while fs::read_to_string(&path).ok().as_deref() != Some(text) {
            let ended = self.child().try_wait().expect("a child of ours");
            assert!(ended.is_none(), "the daemon ended before {text:?}");
            std::thread::yield_now();
        }
    }

    /// Three times this signal, as somebody sends it who does not want to wait.
    pub(crate) fn ask_three_times(&self, signal: i32) {
        // Signals merge: each has to be taken before the next.
        for taken in ["stopping\n", "once more"] {
            self.kill(self.daemon(), signal);
            self.logged(taken);
        }
        self.kill(self.daemon(), signal);
    }

    pub(crate) fn log(&self, name: &str) -> String {
        let path = self.paths().logs().join(format!("{name}.log"));
        fs::read_to_string(path).expect("a log")
    }

    /// Waits until the daemon has logged this text.
    pub(crate) fn logged(&self, text: &str) {
        while !self.log("ai-gateway").contains(text) {
            let ended = self.child().try_wait().expect("a child of ours");
            assert!(ended.is_none(), "the daemon ended without {text:?}");
            std::thread::yield_now();
        }
    }

    /// Waits for the daemon's end, whatever it is.
    pub(crate) fn wait(&self) {
        self.child().wait().expect("a child of ours");
    }

    /// Waits for the daemon's end; 1 stands for any failure. What it said on standard error.
    pub(crate) fn ended(&self, code: i32) -> String {
        let mut child = self.child();
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said).expect("text");
        }
        let status = child.wait().expect("a child of ours");
        assert_eq!(status.success(), code == 0, "{status}: {said}");
        said
    }

    /// How often the daemon has given up the processor by itself: once for each time it slept.
    pub(crate) fn switches(&self) -> u64 {
        let path = format!("/proc/{}/status", self.daemon());
        let status = BufReader::new(fs::File::open(path).expect("it runs"));
        let line = status
            .lines()
            .map_while(Result::ok)
            .find(|line| line.starts_with("voluntary_ctxt_switches"));
        let count = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        count.expect("the kernel counts them")
    }

    /// Waits until the kernel has stopped the daemon after SIGSTOP.
    pub(crate) fn until_stopped(&self) {
        let path = format!("/proc/{}/stat", self.daemon());
        while !fs::read_to_string(&path)
            .expect("it is there")
            .contains(") T ")
        {
            std::thread::yield_now();
        }
    }

    /// Lets time pass for the daemon, without anything from us.
    #[expect(
        clippy::disallowed_methods,
        reason = "that nothing happens takes time to see"
    )]
    pub(crate) fn rest(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let Ok(child) = self.child.get_mut() else {
            return;
        };
        if matches!(child.try_wait(), Ok(None)) {
            // In this order: nobody is left to start a service again.
            let _ended = child.kill();
            let _reaped = child.wait();
            for pid in self.members() {
                let _ended = nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}
