//! Whether others than the gateway's user can read a configuration with keys in it.
//!
//! [`look`] opens the file, [`Exposed::of`] decides (pure): the file is its owner's alone (0600), or
//! root's and read by the gateway through its group (0640). Set-up, start, reload and whatever
//! writes the file close it; `config check` and `doctor` say it.

use std::{
    fmt,
    fs::{File, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::regular;

/// Whose gateway it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The user.
    pub uid: u32,
    /// The user's group; none: it is not known.
    pub gid: Option<u32>,
}

/// Owner, group and permission bits of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Whose.
    pub owner: u32,
    /// Of which group.
    pub group: u32,
    /// The permission bits.
    pub mode: u32,
}

/// Others can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposed {
    /// The permission bits that it should have.
    pub wanted: u32,
    /// The group that it has to be given, so that the gateway can still read it.
    pub group: Option<u32>,
}

impl Exposed {
    /// Decides; none: nobody else can read it. Pure.
    pub fn of(file: Shared, reader: Reader) -> Option<Self> {
        if file.owner != 0 || reader.uid == 0 {
            let open = file.mode & 0o077 != 0;
            return open.then_some(Self {
                wanted: 0o600,
                group: None,
            });
        }
        // The gateway reads root's file by its group. Group 0 is root.
        let stranger = reader.gid.filter(|gid| file.group != *gid);
        let read_by_strangers = stranger.is_some() && file.group != 0 && file.mode & 0o040 != 0;
        let open = file.mode & 0o027 != 0 || read_by_strangers;
        open.then_some(Self {
            wanted: 0o640,
            group: stranger,
        })
    }

    /// The commands that end it, for a path as a shell takes it.
    pub fn commands(&self, path: &str) -> Vec<String> {
        let chgrp = self.group.map(|group| format!("chgrp {group} {path}"));
        let chmod = format!("chmod {:04o} {path}", self.wanted);
        chgrp.into_iter().chain([chmod]).collect()
    }
}

/// A configuration that others can read.
#[derive(Debug)]
pub struct Found {
    path: PathBuf,
    file: File,
    shared: Shared,
    exposed: Exposed,
}

/// Looks at a configuration with keys in it; none: nobody else can read it, or there is none.
pub fn look(path: &Path, reader: Reader) -> Option<Found> {
    let file = regular::open(path).ok()?;
    let found = file.metadata().ok()?;
    let shared = Shared {
        owner: found.uid(),
        group: found.gid(),
        mode: found.mode() & 0o7777,
    };
    Exposed::of(shared, reader).map(|exposed| Found {
        path: path.to_owned(),
        file,
        shared,
        exposed,
    })
}

impl Found {
    /// Closes it, where it is this user's or the gateway's and no group has to be decided on; no: it
    /// stays as it is.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn close(&self, us: u32, reader: Reader) -> io::Result<bool> {
        let own = self.shared.owner == us || us == 0 && self.shared.owner == reader.uid;
        if !own || self.exposed.group.is_some() {
            return Ok(false);
        }
        let mode = Permissions::from_mode(self.exposed.wanted);
        self.file.set_permissions(mode).map(|()| true)
    }

    /// That it was closed.
    pub fn closed(&self) -> String {
        format!(
            "{} had mode {:04o}, and a service's environment in it: it has {:04o} now.",
            self.path.display(),
            self.shared.mode,
            self.exposed.wanted
        )
    }
}

/// What is wrong, with the commands that end it.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let quoted = crate::trust::quoted(&self.path);
        write!(
            f,
            "{path} can be read by other users (mode {:04o}) and has a service's environment in it, \
             where keys may be: {}",
            self.shared.mode,
            self.exposed.commands(&quoted).join(" && ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: Reader = Reader {
        uid: 998,
        gid: Some(997),
    };

    fn of(owner: u32, group: u32, mode: u32) -> Option<(u32, Option<u32>)> {
        let shared = Shared { owner, group, mode };
        Exposed::of(shared, GATEWAY).map(|exposed| (exposed.wanted, exposed.group))
    }

    #[test]
    fn a_file_of_the_gateways_user_is_for_that_user_alone() {
        for right in [0o600, 0o400, 0o700] {
            assert_eq!(of(998, 997, right), None, "{right:o}");
        }
        for open in [0o640, 0o604, 0o644, 0o666, 0o660, 0o610] {
            assert_eq!(of(998, 997, open), Some((0o600, None)), "{open:o}");
        }
    }

    #[test]
    fn a_file_of_roots_is_for_the_gateways_group_as_well() {
        for right in [0o640, 0o600, 0o440] {
            assert_eq!(of(0, 997, right), None, "{right:o}");
        }
        for open in [0o644, 0o660, 0o642, 0o641] {
            assert_eq!(of(0, 997, open), Some((0o640, None)), "{open:o}");
        }
        // Taking the others' right away would shut the gateway out as well.
        assert_eq!(of(0, 0, 0o644), Some((0o640, Some(997))));
        assert_eq!(of(0, 100, 0o640), Some((0o640, Some(997))));
        assert_eq!(of(0, 0, 0o640), None, "nobody else reads it");
    }

    #[test]
    fn the_group_is_not_guessed_where_it_is_not_known() {
        let reader = Reader {
            gid: None,
            ..GATEWAY
        };
        let of = |mode| {
            let shared = Shared {
                owner: 0,
                group: 100,
                mode,
            };
            Exposed::of(shared, reader)
        };
        assert_eq!(of(0o640), None);
        assert_eq!(of(0o644).map(|exposed| exposed.group), Some(None));
    }

    #[test]
    fn what_is_no_file_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        assert!(look(folder.path(), GATEWAY).is_none());
        assert!(look(&folder.path().join("missing"), GATEWAY).is_none());
    }
}
