//! Runs the programs that set-up is made of: one at a time, in a clean environment, in a process
//! group of their own, with what they say kept for the case that they fail.

use std::{
    collections::BTreeMap,
    ffi::{CString, OsStr, OsString},
    fs::File,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, killpg},
    unistd::{Pid, pipe2},
};
use sys::{
    pidfd::{PidFd, ProcessEnd},
    spawn::{Group, Launch, Spawned},
};

use super::{
    error::{CommandFailed, LaunchError, SetupError},
    interrupt::Interrupts,
    progress::now,
};
use crate::fs::regular;
use crate::identity;

/// How often somebody who waits looks at what the program has written.
const TICK: Duration = Duration::from_millis(200);
/// How long a program that was asked to end has before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How many of the last lines of a program are kept.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: usize = 16 * 1024;

/// A program that is to be run, with all that it is given.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What is being done, as a person says it: "installing the tools".
    pub(crate) doing: String,
    pub(crate) program: PathBuf,
    /// The name that a person knows it by, where that is not the program's.
    pub(crate) known_as: Option<&'static str>,
    pub(crate) args: Vec<OsString>,
    /// The variables that it gets beside those of the clean environment.
    pub(crate) env: BTreeMap<String, String>,
    /// The root folder, unless it is said: the one that set-up was started in may be closed to its
    /// user (root's home), and what configures a package manager there is not meant for us.
    pub(crate) cwd: PathBuf,
    /// At most what a pipe holds: it is written before anybody reads.
    pub(crate) input: Vec<u8>,
}

impl Call {
    pub(crate) fn new(doing: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            doing: doing.into(),
            program: program.into(),
            known_as: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: PathBuf::from("/"),
            input: Vec::new(),
        }
    }

    pub(crate) const fn known_as(mut self, name: &'static str) -> Self {
        self.known_as = Some(name);
        self
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, variables: BTreeMap<String, String>) -> Self {
        self.env.extend(variables);
        self
    }

    pub(crate) fn cwd(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.cwd);
        self
    }

    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    fn name(&self) -> String {
        let file = self.program.file_name().unwrap_or(self.program.as_os_str());
        self.known_as
            .map_or_else(|| file.to_string_lossy().into_owned(), str::to_owned)
    }
}

/// What a running program lets its watcher know.
#[derive(Debug, Clone, Copy)]
pub(crate) enum News<'a> {
    /// It has said this line, on its standard output or its standard error.
    Line(&'a str),
    /// It has written this number of bytes to the disk in all.
    Written(u64),
}

/// Runs programs, and holds what all of them share.
#[derive(Debug)]
pub(crate) struct Runner {
    /// The whole environment of a program but for what its call adds.
    pub(crate) env: BTreeMap<String, String>,
    /// The mark by which the next set-up knows the processes that this one has left.
    pub(crate) mark: String,
    pub(crate) interrupts: Interrupts,
}

/// Where a program's three streams go.
pub(crate) struct Streams<'a>(pub(crate) [std::os::fd::BorrowedFd<'a>; 3]);

impl Runner {
    /// Runs a program to its end and returns what it has written to its standard output.
    pub(crate) fn run(
        &mut self,
        call: &Call,
        watch: &mut dyn FnMut(News<'_>),
    ) -> Result<String, SetupError> {
        let launch_error = |source: io::Error| SetupError::Launch {
            program: call.program.display().to_string(),
            source: source.into(),
        };
        let stdin = filled_pipe(&call.input).map_err(launch_error)?;
        let (out, child_out) = pipe2(OFlag::O_CLOEXEC).map_err(|e| launch_error(e.into()))?;
        let (err, child_err) = pipe2(OFlag::O_CLOEXEC).map_err(|e| launch_error(e.into()))?;
        let streams = Streams([stdin.as_fd(), child_out.as_fd(), child_err.as_fd()]);
        // Whoever kills us, even with SIGKILL, ends what we were running.
        let mut marked = call.clone();
        marked
            .env
            .insert(identity::VARIABLE.to_owned(), self.mark.clone());
        let child = self.launch(&marked, &streams, Group::Process, Some(Signal::SIGKILL))?;
        drop((stdin, child_out, child_err));
        let mut running = Running {
            child,
            streams: [
                Stream::new(out).map_err(launch_error)?,
                Stream::new(err).map_err(launch_error)?,
            ],
            tail: Tail::default(),
        };
        let ended = running.watch(&mut self.interrupts, watch);
        let exit = match ended {
            Ok(exit) => exit,
            Err(error) => {
                running.end();
                return Err(error);
            }
        };
        if exit == ProcessEnd::Code(0) {
            let [out, _] = running.streams;
            return Ok(String::from_utf8_lossy(&out.all).into_owned());
        }
        Err(SetupError::Command(Box::new(CommandFailed {
            doing: call.doing.clone(),
            program: call.name(),
            exit,
            tail: running.tail.text(),
        })))
    }

    /// Launches a program and does not wait for it.
    pub(crate) fn launch(
        &self,
        call: &Call,
        streams: &Streams<'_>,
        group: Group,
        death_signal: Option<Signal>,
    ) -> Result<Spawned, SetupError> {
        self.try_to_launch(call, streams, group, death_signal)
            .map_err(|source| SetupError::Launch {
                program: call.program.display().to_string(),
                source,
            })
    }

    fn try_to_launch(
        &self,
        call: &Call,
        streams: &Streams<'_>,
        group: Group,
        death_signal: Option<Signal>,
    ) -> Result<Spawned, LaunchError> {
        let mut env = self.env.clone();
        env.extend(call.env.clone());
        let text = |text: &OsStr| CString::new(text.as_bytes());
        let argv = std::iter::once(call.program.as_os_str())
            .chain(call.args.iter().map(OsString::as_os_str));
        let launch = Launch {
            program: text(call.program.as_os_str())?,
            argv: argv.map(text).collect::<Result<_, _>>()?,
            env: env
                .iter()
                .map(|(name, value)| text(OsStr::new(&format!("{name}={value}"))))
                .collect::<Result<_, _>>()?,
            pid_variable: None,
            cwd: Some(text(call.cwd.as_os_str())?),
            stdio: streams.0,
            handed: Vec::new(),
            cgroup: None,
            group,
            open_files: None,
            no_new_privs: false,
            death_signal,
        };
        Ok(launch.spawn()?)
    }
}

/// A pipe that holds `input` and then ends.
fn filled_pipe(input: &[u8]) -> io::Result<OwnedFd> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    File::from(write).write_all(input)?;
    // Only our end may not block; whoever reads expects to wait.
    fcntl(&read, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(read)
}

struct Running {
    child: Spawned,
    streams: [Stream; 2],
    tail: Tail,
}

impl Running {
    fn watch(
        &mut self,
        interrupts: &mut Interrupts,
        watch: &mut dyn FnMut(News<'_>),
    ) -> Result<ProcessEnd, SetupError> {
        let mut ticked = now();
        loop {
            interrupts.check()?;
            let mut fds = vec![self.child.pidfd.as_fd(), interrupts.as_fd()];
            // An ended stream would be ready for ever.
            let open = self.streams.iter().filter(|stream| stream.open);
            fds.extend(open.map(|stream| stream.pipe.as_fd()));
            let waited = wait_for(&fds, TICK);
            waited.map_err(|e| SetupError::io("wait for", Path::new("a program"))(e.into()))?;
            for stream in &mut self.streams {
                stream.read(&mut self.tail, watch);
            }
            if ticked.elapsed() >= TICK {
                ticked = now();
                if let Some(bytes) = written(self.child.pid) {
                    watch(News::Written(bytes));
                }
            }
            let ended = self.child.pidfd.try_wait();
            if let Some(exit) = ended.map_err(SetupError::io("wait for", Path::new("a program")))? {
                // It may have said something between the two looks. A grandchild that keeps the
                // pipe open is not waited for.
                for stream in &mut self.streams {
                    stream.read(&mut self.tail, watch);
                    stream.finish(&mut self.tail, watch);
                }
                return Ok(exit);
            }
        }
    }

    fn end(&self) {
        let group = Pid::from_raw(self.child.pid);
        end_group(group, &self.child.pidfd, Signal::SIGTERM, GRACE);
    }
}

/// Asks a child that leads its group to end, makes it after a while, and reaps it.
pub(crate) fn end_group(group: Pid, leader: &PidFd, ask: Signal, grace: Duration) {
    // It may be gone already; then there is nothing to do.
    let _asked = killpg(group, ask);
    let asked = now();
    while asked.elapsed() < grace {
        if let Ok(Some(_)) | Err(_) = leader.try_wait() {
            let _rest = killpg(group, Signal::SIGKILL);
            return;
        }
        let _waited = wait_for(&[leader.as_fd()], TICK);
    }
    let _made = killpg(group, Signal::SIGKILL);
    let _reaped = leader.wait();
}

/// Waits until one of them has something, or for so long; says whether one has.
pub(crate) fn wait_for(fds: &[std::os::fd::BorrowedFd<'_>], most: Duration) -> nix::Result<bool> {
    let mut fds: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::new(*fd, PollFlags::POLLIN))
        .collect();
    let most = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
    match poll(&mut fds, most) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(e) => Err(e),
    }
}

/// What a process has written to files and elsewhere, as the kernel counts it.
fn written(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("wchar: "))?;
    line.parse().ok()
}

/// A program's output, read without blocking.
pub(crate) struct Stream {
    pub(crate) pipe: File,
    pub(crate) open: bool,
    pub(crate) all: Vec<u8>,
    /// Where the line begins that is not yet whole.
    line: usize,
}

impl Stream {
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self {
            pipe: pipe.into(),
            open: true,
            all: Vec::new(),
            line: 0,
        })
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self, tail: &mut Tail, watch: &mut dyn FnMut(News<'_>)) {
        let mut buffer = [0; 8192];
        while self.open {
            let n = match self.pipe.read(&mut buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            self.open = n > 0;
            self.all.extend_from_slice(&buffer[..n]);
            while let Some(end) = self.all[self.line..]
                .iter()
                .position(|b| matches!(b, b'\n' | b'\r'))
            {
                self.tell(self.line + end, tail, watch);
                self.line += end + 1;
            }
        }
    }

    fn finish(&mut self, tail: &mut Tail, watch: &mut dyn FnMut(News<'_>)) {
        self.tell(self.all.len(), tail, watch);
        self.line = self.all.len();
    }

    fn tell(&self, end: usize, tail: &mut Tail, watch: &mut dyn FnMut(News<'_>)) {
        let line = String::from_utf8_lossy(&self.all[self.line..end]);
        let line = line.trim_end();
        if !line.is_empty() {
            tail.push(line);
            watch(News::Line(line));
        }
    }
}

/// The last lines of a program.
#[derive(Debug, Default)]
pub(crate) struct Tail(std::collections::VecDeque<String>);

impl Tail {
    pub(crate) fn push(&mut self, line: &str) {
        self.0.push_back(line.chars().take(2_000).collect());
        let long = |lines: &std::collections::VecDeque<String>| {
            lines.len() > TAIL_LINES || lines.iter().map(String::len).sum::<usize>() > TAIL_BYTES
        };
        while long(&self.0) {
            self.0.pop_front();
        }
    }

    pub(crate) fn text(self) -> String {
        Vec::from(self.0).join("\n")
    }
}

/// A path as an argument that another one begins: `--option=PATH`.
pub(crate) fn joined(prefix: &str, path: &Path) -> OsString {
    OsString::from_vec([prefix.as_bytes(), path.as_os_str().as_bytes()].concat())
}

/// The end of a file that a program wrote its errors to.
pub(crate) fn tail_of_file(path: &Path) -> String {
    let text = regular::long_text(path).unwrap_or_default();
    let mut tail = Tail::default();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        tail.push(line);
    }
    tail.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};

    /// Why this call cannot be launched.
    fn refused(call: &Call) -> LaunchError {
        let runner = Runner {
            env: BTreeMap::new(),
            mark: String::new(),
            interrupts: Interrupts::catch().unwrap(),
        };
        let null = File::open("/dev/null").unwrap();
        let streams = Streams([null.as_fd(); 3]);
        let refused = runner.launch(call, &streams, Group::Process, None);
        match refused.unwrap_err() {
            SetupError::Launch { program, source } => {
                assert_eq!(program, call.program.display().to_string());
                source
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_program_that_is_missing_is_told_from_what_else_keeps_one_from_starting() {
        let missing = refused(&Call::new("testing", "/nonexistent/program"));
        assert!(missing.is_missing() && !missing.lacks_descriptors());
        assert_eq!(
            missing.to_string(),
            "cannot launch /nonexistent/program: failed to execute"
        );
        let folder = refused(&Call::new("testing", "/bin/true").cwd(Path::new("/nonexistent")));
        assert!(!folder.is_missing(), "{folder}");
        let zero = refused(&Call::new("testing", "/bin/true").arg("a\0b"));
        assert!(matches!(zero, LaunchError::ZeroByte(_)), "{zero}");
        assert!(!zero.is_missing() && !zero.lacks_descriptors());
    }

    #[test]
    fn a_lack_of_descriptors_is_told_from_other_errors_of_pipes() {
        let of = |errno: Errno| LaunchError::from(io::Error::from(errno));
        for errno in [Errno::EMFILE, Errno::ENFILE] {
            assert!(of(errno).lacks_descriptors());
            assert!(!of(errno).is_missing());
        }
        // A pipe has no name that could be missing.
        assert!(!of(Errno::ENOENT).is_missing());
        assert!(!of(Errno::EIO).lacks_descriptors());
    }

    #[test]
    fn the_end_of_a_log_is_shown_and_a_pipe_in_its_place_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(&log, b"one\n\n  two\xff\n").unwrap();
        assert_eq!(tail_of_file(&log), "one\n  two\u{fffd}");
        pipe_at(&log);
        assert_eq!(at_once(move || tail_of_file(&log)), "");
    }
}
