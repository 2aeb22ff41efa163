//! Whether anybody but the gateway's user and root could change what the gateway reads or runs.
//!
//! A file is as safe as the least safe folder on the way to it: whoever may write that folder puts
//! another one in its place. So [`look`] follows a path from the root on, through every link, and
//! [`judge`] decides (pure), by the rule of sshd(8)'s `StrictModes`: each step belongs to the user
//! or to root, and nobody else may write it. In a folder with the sticky bit (`/tmp`) others may
//! make entries but not replace ours, so it counts as safe on the way, not as an end.
//!
//! Callers: set-up, start, reload and `config check` refuse what is found; `doctor` shows it.

use std::{
    collections::VecDeque,
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use nix::unistd::{Gid, Group, Uid, User};

use crate::shell;

/// As many links as the kernel follows (path_resolution(7)).
const LINKS: usize = 40;
/// The owner that the kernel shows where it has no number for the real one, in a user namespace.
const OVERFLOW: u32 = 65_534;

const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// Whose gateway it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The user.
    pub uid: u32,
    /// The user's own group, where nobody else is in it: its right to write gives nothing away.
    pub private_group: Option<u32>,
    /// In a user namespace, where root of the machine may be shown as an unknown user.
    pub namespace: bool,
}

impl Who {
    /// That user, as the user database has it.
    pub fn of(uid: Uid) -> Self {
        let user = User::from_uid(uid).ok().flatten();
        let private = user.and_then(|user| {
            let group = Group::from_gid(user.gid).ok()??;
            let alone = group.mem.iter().all(|member| *member == user.name);
            (group.name == user.name && alone).then_some(user.gid)
        });
        // The whole of all numbers is mapped only outside.
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        Self {
            uid: uid.as_raw(),
            private_group: private.map(Gid::as_raw),
            namespace: !map.trim_end().ends_with("4294967295"),
        }
    }
}

/// What stands at a step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A link, which is followed.
    Link,
    /// Anything else.
    File,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStep {
    /// The path.
    pub path: PathBuf,
    /// Whether it is a file, a folder or a link.
    pub kind: EntryKind,
    /// The number of its owner.
    pub owner: u32,
    /// The number of its group.
    pub group: u32,
    /// The permission bits.
    pub mode: u32,
    /// Something of ours is or will be made in it, or it is read itself.
    pub end: bool,
}

/// Somebody else could change what we rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// The path.
    pub path: PathBuf,
    /// How somebody could change it.
    pub how: How,
}

/// How somebody else could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It belongs to another user.
    Foreign {
        /// To whom.
        owner: u32,
        /// It is a link, which its owner may point elsewhere.
        link: bool,
    },
    /// Others may write it.
    Writable {
        /// Its permission bits.
        mode: u32,
        /// Whether it is the group that may, and not everybody.
        group: bool,
    },
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.how {
            How::Foreign { owner, link } => {
                let user = User::from_uid(Uid::from_raw(owner)).ok().flatten();
                let name = user.map_or_else(|| format!("user {owner}"), |user| user.name);
                let what = if link { "is a link that" } else { "" };
                let what = format!("{what} belongs to {name}");
                write!(f, "{path} {}", what.trim_start())
            }
            How::Writable { mode, group } => {
                let who = if group { "its group" } else { "every user" };
                write!(f, "{path} can be written by {who} (mode {mode:04o})")
            }
        }
    }
}

impl Danger {
    /// The command that ends it; none where it takes a decision.
    pub fn command(&self) -> Option<String> {
        match self.how {
            How::Writable { .. } => Some(format!(
                "chmod go-w {}",
                shell::quote(&self.path.to_string_lossy())
            )),
            How::Foreign { .. } => None,
        }
    }
}

/// Others than the gateway's user and root could change what it reads or runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Untrusted {
    /// All that was found.
    pub dangers: Vec<Danger>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<_> = self.dangers.iter().map(Danger::to_string).collect();
        write!(
            f,
            "{}: whoever can change it can run programs as the gateway and read its secrets",
            found.join("; ")
        )
    }
}

impl Untrusted {
    /// What to do, in commands as far as there are any.
    pub fn hint(&self) -> String {
        let commands: Vec<_> = self.dangers.iter().filter_map(Danger::command).collect();
        if commands.is_empty() {
            "use a folder of your own, or have root give it to you: chown -R".to_owned()
        } else {
            format!(
                "look at what is in there, and then run: {}",
                commands.join(" && ")
            )
        }
    }
}

/// Refuses paths that others could change; those that do not exist yet by what is above them.
///
/// # Errors
/// All that was found.
pub fn check<'a>(paths: impl IntoIterator<Item = &'a Path>, who: Who) -> Result<(), Untrusted> {
    let dangers = dangers(paths, who);
    if dangers.is_empty() {
        Ok(())
    } else {
        Err(Untrusted { dangers })
    }
}

/// All that is wrong with these paths, each thing once.
pub fn dangers<'a>(paths: impl IntoIterator<Item = &'a Path>, who: Who) -> Vec<Danger> {
    let mut found = Vec::new();
    for path in paths {
        for danger in judge(&look(path), who) {
            if !found.contains(&danger) {
                found.push(danger);
            }
        }
    }
    found
}

/// Decides. Pure.
pub fn judge(steps: &[PathStep], who: Who) -> Vec<Danger> {
    let dangers = steps.iter().filter_map(|step| {
        let how = how(step, who)?;
        Some(Danger {
            path: step.path.clone(),
            how,
        })
    });
    dangers.collect()
}

fn how(step: &PathStep, who: Who) -> Option<How> {
    let unknown = who.namespace && step.owner == OVERFLOW && !step.end;
    if step.owner != 0 && step.owner != who.uid && !unknown {
        let link = step.kind == EntryKind::Link;
        let owner = step.owner;
        return Some(How::Foreign { owner, link });
    }
    // A link's own mode says nothing.
    let sticky = step.kind == EntryKind::Folder && step.mode & STICKY != 0 && !step.end;
    if step.kind == EntryKind::Link || sticky {
        return None;
    }
    let others = step.mode & OTHERS_WRITE != 0;
    let group =
        step.mode & GROUP_WRITES != 0 && step.group != 0 && who.private_group != Some(step.group);
    (others || group).then_some(How::Writable {
        mode: step.mode,
        group: !others,
    })
}

/// The link of an ordinary user by which root would write into a folder of somebody else's: its owner
/// chose where root writes. `None` if each link on the way is root's or leads to its owner's own folder.
pub fn misleading(path: &Path) -> Option<PathStep> {
    let steps = look(path);
    let folders = steps.iter().rev();
    let mut folders = folders.filter(|step| step.kind == EntryKind::Folder);
    let folder = folders.next()?.owner;
    let chosen =
        |step: &&PathStep| step.kind == EntryKind::Link && ![0, folder].contains(&step.owner);
    steps.iter().find(chosen).cloned()
}

/// Every step from the root folder to what `path` leads to, as far as it exists and may be seen.
pub fn look(path: &Path) -> Vec<PathStep> {
    let mut steps: Vec<PathStep> = Vec::new();
    let mut at = PathBuf::from("/");
    let mut rest: VecDeque<PathBuf> = parts(path);
    let mut links = 0;
    if let Ok(root) = step(&at) {
        steps.push(root);
    }
    while let Some(part) = rest.pop_front() {
        if part == Path::new("..") {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let Ok(step) = step(&next) else {
            // It is to be made here, or is none of our business to see.
            rest.push_front(part);
            break;
        };
        let link = step.kind == EntryKind::Link;
        steps.push(step);
        if !link {
            at = next;
            continue;
        }
        links += 1;
        let Ok(target) = fs::read_link(&next) else {
            break;
        };
        if links > LINKS {
            break;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        let mut all = parts(&target);
        all.append(&mut rest);
        rest = all;
    }
    // What is there, or the folder in which only the last name is missing.
    if rest.len() <= 1
        && let Some(last) = steps.iter_mut().rev().find(|step| step.path == at)
    {
        last.end = true;
    }
    steps
}

fn parts(path: &Path) -> VecDeque<PathBuf> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

fn step(path: &Path) -> io::Result<PathStep> {
    let found = fs::symlink_metadata(path)?;
    let kind = if found.is_symlink() {
        EntryKind::Link
    } else if found.is_dir() {
        EntryKind::Folder
    } else {
        EntryKind::File
    };
    Ok(PathStep {
        path: path.to_owned(),
        kind,
        owner: found.uid(),
        group: found.gid(),
        mode: found.mode() & 0o7777,
        end: false,
    })
}

#[cfg(test)]
mod tests;
