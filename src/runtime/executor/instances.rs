//! The processes that run, and to which service and instance each belongs.
//!
//! A process is identified by its pidfd. A pid is used as a key only until the process is reaped, because
//! until then the kernel gives the number to no other process; [`Instances::reap`] ends both.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

use nix::libc::pid_t;
use supervise::{
    event::{Exit, Instance, Phase, Time},
    hang::Activity,
    spec::ServiceName,
};
use sys::{cgroup::Cgroup, pidfd, pidfd::PidFd, proc, spawn::Spawned};
use tokio::{net::UnixDatagram, sync::oneshot, task::AbortHandle};

use crate::identity::{self, GatewayId, Known, Owner, Root};

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Role {
    /// The service's main process.
    Main,
    /// An exec probe.
    Probe(Phase),
    /// The post-start command.
    PostStart,
    /// The check of its files.
    CheckFiles,
    /// The command of a reload.
    Reload,
    /// The command of this stop step.
    StopStep(usize),
    /// A probe or a reload that took too long. It was killed, and how it ends does not matter.
    Late,
}

/// A child that is not reaped yet.
#[derive(Debug)]
pub(in crate::runtime) struct Child {
    /// The handle.
    pub(in crate::runtime) pidfd: PidFd,
    /// The instance that it belongs to.
    pub(in crate::runtime) instance: Instance,
    /// What it is for.
    pub(in crate::runtime) role: Role,
}

/// The newest instance of a service.
#[derive(Debug)]
pub(in crate::runtime) struct Running {
    /// The instance.
    pub(in crate::runtime) instance: Instance,
    /// The main process, which leads its process group.
    pub(in crate::runtime) leader: pid_t,
    /// When the main process was started, in clock ticks since boot.
    pub(in crate::runtime) started: u64,
    /// The folder in which it was launched.
    pub(in crate::runtime) cwd: PathBuf,
    /// Its cgroup, if there are cgroups.
    pub(in crate::runtime) group: Option<Cgroup>,
    /// How many processes the kernel had killed for memory in that cgroup before this instance began.
    pub(in crate::runtime) kills_before: u64,
    /// Where the output of its other commands goes.
    pub(in crate::runtime) output: OwnedFd,
    /// The socket on which it reports that it is ready, if it has to.
    pub(in crate::runtime) notify: Option<UnixDatagram>,
    /// A future for the line of output that makes it ready, if it waits for one.
    pub(in crate::runtime) line: Option<oneshot::Receiver<()>>,
    /// Probes that are under way.
    pub(in crate::runtime) tasks: Vec<AbortHandle>,
    /// What its processes were doing when a probe had no answer.
    pub(in crate::runtime) silence: Option<(Activity, Time)>,
    /// Whether the instance is to end completely: all its processes are killed until none is left.
    pub(in crate::runtime) clearing: bool,
}

impl Running {
    /// How many processes the kernel has killed for memory in its cgroup.
    pub(in crate::runtime) fn kills(group: Option<&Cgroup>) -> u64 {
        group
            .and_then(|group| group.memory_events().ok())
            .map_or(0, |events| events.oom_kill)
    }

    /// What the exit of one of its processes means for the machine.
    pub(in crate::runtime) fn exit(&self, exit: pidfd::ProcessEnd) -> Exit {
        match exit {
            pidfd::ProcessEnd::Code(0) => Exit::Clean,
            pidfd::ProcessEnd::Code(code) => Exit::Code(code),
            pidfd::ProcessEnd::Signal { signal, .. } if self.ran_out_of_memory(signal) => {
                Exit::OutOfMemory
            }
            pidfd::ProcessEnd::Signal { signal, .. } => Exit::Signal(signal),
        }
    }

    fn ran_out_of_memory(&self, signal: i32) -> bool {
        signal == nix::libc::SIGKILL && Self::kills(self.group.as_ref()) > self.kills_before
    }

    /// Ends its probes, because nobody waits for their answers any more.
    pub(in crate::runtime) fn abort_tasks(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

/// All instances and children.
#[derive(Debug)]
pub(in crate::runtime) struct Instances {
    gateway: GatewayId,
    newest: BTreeMap<ServiceName, Running>,
    children: HashMap<pid_t, Child>,
}

impl Instances {
    /// An empty list for this gateway.
    pub(in crate::runtime) fn new(gateway: GatewayId) -> Self {
        Self {
            gateway,
            newest: BTreeMap::new(),
            children: HashMap::new(),
        }
    }

    /// The instance, if it is its service's newest.
    pub(in crate::runtime) fn get(&self, instance: &Instance) -> Option<&Running> {
        let running = self.newest.get(&instance.service)?;
        (running.instance == *instance).then_some(running)
    }

    /// The instance, to change it.
    pub(in crate::runtime) fn get_mut(&mut self, instance: &Instance) -> Option<&mut Running> {
        let running = self.newest.get_mut(&instance.service)?;
        (running.instance == *instance).then_some(running)
    }

    /// The newest instance of a service.
    pub(in crate::runtime) fn of(&self, service: &ServiceName) -> Option<&Running> {
        self.newest.get(service)
    }

    /// Every instance of which processes may be left, also of services that were removed from the
    /// configuration.
    pub(in crate::runtime) fn all(&self) -> impl Iterator<Item = &Running> {
        self.newest.values()
    }

    /// Begins an instance. The one before it has to be over.
    pub(in crate::runtime) fn begin(&mut self, running: Running) {
        self.newest
            .insert(running.instance.service.clone(), running);
    }

    /// Ends an instance of which nothing is left.
    pub(in crate::runtime) fn end(&mut self, instance: &Instance) {
        if self.get(instance).is_some() {
            self.newest.remove(&instance.service);
        }
    }

    /// The instances that are to end completely.
    pub(in crate::runtime) fn clearing(&self) -> Vec<Instance> {
        let clearing = self.newest.values().filter(|running| running.clearing);
        clearing.map(|running| running.instance.clone()).collect()
    }

    /// Remembers a child, and returns a second handle on it for a task that waits.
    ///
    /// # Errors
    /// The kernel has no descriptor left. The child is remembered anyway.
    pub(in crate::runtime) fn adopt(
        &mut self,
        spawned: Spawned,
        instance: &Instance,
        role: Role,
    ) -> io::Result<OwnedFd> {
        let second = spawned.pidfd.as_fd().try_clone_to_owned();
        self.children.insert(
            spawned.pid,
            Child {
                pidfd: spawned.pidfd,
                instance: instance.clone(),
                role,
            },
        );
        second
    }

    /// The child with this number.
    pub(in crate::runtime) fn child(&self, pid: pid_t) -> Option<&Child> {
        self.children.get(&pid)
    }

    /// The main process of an instance, until it is reaped.
    pub(in crate::runtime) fn main(&self, instance: &Instance) -> Option<&Child> {
        let child = self.children.get(&self.get(instance)?.leader)?;
        (child.instance == *instance && child.role == Role::Main).then_some(child)
    }

    /// Kills a command that takes too long, and returns what it was for.
    pub(in crate::runtime) fn give_up(&mut self, pid: pid_t) -> Option<(Instance, Role)> {
        let child = self.children.get_mut(&pid)?;
        // It may have ended meanwhile; then it is reaped like any other child.
        let _ended = child.pidfd.send_signal(nix::libc::SIGKILL);
        let role = std::mem::replace(&mut child.role, Role::Late);
        Some((child.instance.clone(), role))
    }

    /// Reaps a child if it has ended. Its number is free for other processes from here on.
    pub(in crate::runtime) fn reap(&mut self, pid: pid_t) -> Option<(Child, pidfd::ProcessEnd)> {
        let exit = self.children.get(&pid)?.pidfd.try_wait().ok()??;
        let child = self.children.remove(&pid)?;
        Some((child, exit))
    }

    /// The processes of an instance: those in its cgroup, or its [`members`](Self::members) if there is no
    /// cgroup or it cannot be read.
    pub(in crate::runtime) fn processes(&self, running: &Running) -> Vec<pid_t> {
        let in_group = running
            .group
            .as_ref()
            .and_then(|group| group.processes().ok());
        in_group.unwrap_or_else(|| self.members(running))
    }

    /// The processes of an instance if there is no cgroup: those of our descendants that [`identity::ours`]
    /// finds to be the service's. Processes that have ended and only wait to be reaped do not count.
    ///
    /// The descendants of other instances' children are not searched. A process whose parent has ended
    /// becomes a child of this daemon, which is the subreaper, and never a descendant of another service.
    /// So the cost does not grow with the number of processes of the other services.
    pub(in crate::runtime) fn members(&self, running: &Running) -> Vec<pid_t> {
        let own = nix::unistd::getpid().as_raw();
        let service = &running.instance.service;
        let may_be = |pid: pid_t| {
            let child = self.child(pid);
            child.is_none_or(|child| child.instance.service == *service)
        };
        let descendants = proc::descendants(own, may_be).unwrap_or_default();
        let stats = descendants
            .into_iter()
            .filter_map(|pid| proc::stat(pid).ok());
        let processes: Vec<_> = stats.map(identity::process).collect();
        let roots = self.newest.values().map(|running| Root {
            owner: Owner::Service(running.instance.service.clone()),
            pid: running.leader,
            started: running.started,
            cgroup: None,
            folder: &running.cwd,
        });
        let known = Known {
            gateway: &self.gateway,
            roots: roots.collect(),
            own,
            reaper: true,
        };
        let ours = identity::ours(&processes, &known).into_iter();
        let of_it = ours.filter(|ours| ours.owner == Owner::Service(service.clone()));
        of_it.map(|ours| ours.pid).collect()
    }

    /// The processes that can be recognised by their descent alone: they have given up the mark, the group
    /// and the folder of their service. They are looked for at the end, when every service is down.
    pub(in crate::runtime) fn strays(&self) -> Vec<PidFd> {
        let own = nix::unistd::getpid().as_raw();
        let descendants = proc::descendants(own, |_| true).unwrap_or_default();
        let living = descendants
            .into_iter()
            .filter(|&pid| proc::stat(pid).is_ok_and(|stat| !stat.zombie));
        living.filter_map(|pid| PidFd::open(pid).ok()).collect()
    }

    /// Kills every process of an instance, and returns whether there was none to kill.
    pub(in crate::runtime) fn kill(&self, running: &Running) -> bool {
        if let Some(group) = &running.group {
            // Kernels before 5.14 have no `cgroup.kill`. There the loop below kills the processes.
            if group.kill().is_ok() {
                return !group.populated().unwrap_or(false);
            }
        }
        let members = self.members(running);
        for &pid in &members {
            kill(pid);
        }
        members.is_empty()
    }
}

/// Kills one of our descendants. Its number cannot pass to another process until we, or its parent, have
/// reaped it, and the handle makes sure of that.
fn kill(pid: pid_t) {
    if let Ok(process) = PidFd::open(pid) {
        // It may have ended meanwhile, which is what was wanted.
        let _ended = process.send_signal(nix::libc::SIGKILL);
    }
}
