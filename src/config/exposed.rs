//! Whether other users than the gateway's can read a configuration that has keys in it.
//!
//! [`look`] opens the file, and [`Exposed::of`] decides (pure). The file has to be readable by its owner
//! alone (0600), or to belong to root and be read by the gateway through its group (0640). Set-up, `run`,
//! start, restart, reload, and every command that writes the file, correct its mode; a file of root's is
//! corrected only by root. `config check` and `doctor` report it.

use std::{
    fmt,
    fs::{self, File, Metadata, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::{fs::regular, shell};

/// The user of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The user's number. `None` if there is no such user yet.
    pub uid: Option<u32>,
    /// The number of the user's group. `None` if it is not known.
    pub gid: Option<u32>,
}

/// The owner, the group and the permission bits of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// The owner.
    pub owner: u32,
    /// The group.
    pub group: u32,
    /// The permission bits.
    pub mode: u32,
}

impl Rights {
    /// Those of an open file.
    pub fn of(file: &Metadata) -> Self {
        Self {
            owner: file.uid(),
            group: file.gid(),
            mode: file.mode() & 0o7777,
        }
    }
}

/// What has to change so that other users cannot read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposed {
    /// The permission bits that it should have.
    pub wanted: u32,
    /// The group that it has to have, so that the gateway can still read it.
    pub group: Option<u32>,
}

impl Exposed {
    /// Decides from these rights. `None` if nobody else can read the file. This is pure.
    pub fn of(file: Rights, reader: Reader) -> Option<Self> {
        if file.owner != 0 {
            let open = file.mode & 0o077 != 0;
            return open.then_some(Self {
                wanted: 0o600,
                group: None,
            });
        }
        // The gateway reads a file of root's through its group. Group 0 is root's own.
        let stranger = reader.gid.filter(|gid| file.group != *gid);
        let read_by_strangers = stranger.is_some() && file.group != 0 && file.mode & 0o040 != 0;
        let open = file.mode & 0o027 != 0 || read_by_strangers;
        open.then_some(Self {
            wanted: 0o640,
            group: stranger,
        })
    }

    /// The commands that correct it. The path is quoted for a shell.
    pub fn commands(&self, path: &str) -> Vec<String> {
        let chgrp = self.group.map(|group| format!("chgrp {group} {path}"));
        let chmod = format!("chmod {:04o} {path}", self.wanted);
        chgrp.into_iter().chain([chmod]).collect()
    }
}

/// A configuration that other users can read.
#[derive(Debug)]
pub struct Found {
    path: PathBuf,
    file: File,
    rights: Rights,
    exposed: Exposed,
    /// Whether its path was a symbolic link.
    linked: bool,
    /// Why it could not be corrected.
    refused: Option<io::Error>,
}

/// Looks at a configuration with keys in it. `None` if no other user can read it, or there is no file.
pub fn look(path: &Path, reader: Reader) -> Option<Found> {
    let file = regular::open(path).ok()?;
    let found = file.metadata().ok()?;
    let rights = Rights::of(&found);
    Exposed::of(rights, reader).map(|exposed| Found {
        path: path.to_owned(),
        file,
        rights,
        exposed,
        linked: fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()),
        refused: None,
    })
}

impl Found {
    /// Corrects the mode of a file that belongs to this user or to the gateway and keeps its group. Returns
    /// what was done.
    ///
    /// A file of root's is not given to another group here: whoever can write its folder may have put a
    /// link to another file of root's in its place.
    ///
    /// # Errors
    /// The file stays open; the error has the reason if the kernel refused.
    pub fn close(mut self, us: u32, reader: Reader) -> Result<String, Self> {
        let own = self.rights.owner == us || us == 0 && Some(self.rights.owner) == reader.uid;
        if !own || self.exposed.group.is_some() {
            return Err(self);
        }
        let mode = Permissions::from_mode(self.exposed.wanted);
        match self.file.set_permissions(mode) {
            Ok(()) => Ok(self.closed()),
            Err(error) => {
                self.refused = Some(error);
                Err(self)
            }
        }
    }

    /// The rights that a file needs which root writes in its place. `None` if that would be open as well.
    pub fn replacement(&self, us: u32) -> Option<Rights> {
        let roots = us == 0 && self.rights.owner == 0 && !self.linked;
        self.exposed.group.filter(|_| roots).map(|group| Rights {
            owner: 0,
            group,
            mode: self.exposed.wanted,
        })
    }

    /// The message that it was corrected.
    pub fn closed(&self) -> String {
        let (was, is) = match self.exposed.group {
            Some(group) => (
                format!(" and group {}", self.rights.group),
                format!(" and group {group}"),
            ),
            None => (String::new(), String::new()),
        };
        format!(
            "{} had mode {:04o}{was}, and a service's environment in it: it has {:04o}{is} now.",
            self.path.display(),
            self.rights.mode,
            self.exposed.wanted
        )
    }
}

/// What is wrong, with the commands that correct it.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let quoted = shell::quote(&self.path.to_string_lossy());
        write!(
            f,
            "{path} is open to other users (mode {:04o}",
            self.rights.mode
        )?;
        if self.exposed.group.is_some() {
            write!(f, ", group {}", self.rights.group)?;
        }
        f.write_str(") and has a service's environment in it, where keys may be")?;
        if let Some(error) = &self.refused {
            write!(f, "; it could not be closed ({error})")?;
        }
        write!(f, ": {}", self.exposed.commands(&quoted).join(" && "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: Reader = Reader {
        uid: Some(998),
        gid: Some(997),
    };

    /// There is no such user yet.
    const UNKNOWN: Reader = Reader {
        uid: None,
        gid: None,
    };

    fn of(owner: u32, group: u32, mode: u32) -> Option<(u32, Option<u32>)> {
        let rights = Rights { owner, group, mode };
        Exposed::of(rights, GATEWAY).map(|exposed| (exposed.wanted, exposed.group))
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
        for uid in [None, Some(998)] {
            let reader = Reader { uid, gid: None };
            let of = |group, mode| {
                let owner = 0;
                Exposed::of(Rights { owner, group, mode }, reader)
            };
            assert_eq!(of(100, 0o640), None);
            assert_eq!(of(0, 0o640), None);
            let open = of(100, 0o644).map(|exposed| (exposed.wanted, exposed.group));
            assert_eq!(open, Some((0o640, None)));
        }
    }

    #[test]
    fn root_closes_its_own_file_and_leaves_the_gateway_its_right_to_read() {
        for reader in [GATEWAY, UNKNOWN] {
            assert_eq!(closed_by(0, (0, 997, 0o644), reader), (true, 0o640));
        }
    }

    #[test]
    fn a_file_is_closed_by_its_owner_and_by_root_for_the_gateway() {
        assert_eq!(closed_by(998, (998, 997, 0o644), GATEWAY), (true, 0o600));
        assert_eq!(closed_by(0, (998, 997, 0o644), GATEWAY), (true, 0o600));
        assert_eq!(closed_by(998, (0, 997, 0o644), GATEWAY), (false, 0o644));
        assert_eq!(closed_by(0, (1234, 997, 0o644), GATEWAY), (false, 0o644));
        assert_eq!(closed_by(0, (1234, 997, 0o644), UNKNOWN), (false, 0o644));
    }

    /// What user `us` makes of a file that is said to have this owner, group and mode: whether it
    /// was closed, and its mode then. The file is the test's own, so no test needs root.
    fn closed_by(us: u32, (owner, group, mode): (u32, u32, u32), reader: Reader) -> (bool, u32) {
        let file = tempfile::tempfile().unwrap();
        file.set_permissions(Permissions::from_mode(mode)).unwrap();
        let rights = Rights { owner, group, mode };
        let looked = file.try_clone().unwrap();
        let closed = found(file, rights, reader).close(us, reader);
        let mode = looked.metadata().unwrap().mode() & 0o7777;
        (closed.is_ok(), mode)
    }

    fn found(file: File, rights: Rights, reader: Reader) -> Found {
        Found {
            path: "/gateway.toml".into(),
            file,
            rights,
            exposed: Exposed::of(rights, reader).unwrap(),
            linked: false,
            refused: None,
        }
    }

    #[test]
    fn it_is_told_why_a_file_could_not_be_closed() {
        // Nobody may change the mode of a file of /proc.
        let file = File::open("/proc/self/environ").unwrap();
        let (owner, group, mode) = (998, 997, 0o644);
        let open = found(file, Rights { owner, group, mode }, GATEWAY);
        let told = open.close(998, GATEWAY).unwrap_err().to_string();
        assert!(
            told.ends_with(
                "; it could not be closed (Operation not permitted (os error 1)): \
                 chmod 0600 /gateway.toml"
            ),
            "{told}"
        );
    }

    #[test]
    fn what_is_told_is_so_whatever_others_may_do_with_it() {
        let told = |owner, group, mode| {
            let file = tempfile::tempfile().unwrap();
            found(file, Rights { owner, group, mode }, GATEWAY).to_string()
        };
        let rest = "and has a service's environment in it, where keys may be:";
        for mode in [0o660, 0o641, 0o642, 0o644] {
            assert_eq!(
                told(0, 997, mode),
                format!(
                    "/gateway.toml is open to other users (mode {mode:04o}) {rest} \
                     chmod 0640 /gateway.toml"
                )
            );
        }
        assert_eq!(
            told(998, 997, 0o610),
            format!(
                "/gateway.toml is open to other users (mode 0610) {rest} chmod 0600 /gateway.toml"
            )
        );
        // Of this one the mode is right.
        assert_eq!(
            told(0, 100, 0o640),
            format!(
                "/gateway.toml is open to other users (mode 0640, group 100) {rest} \
                 chgrp 997 /gateway.toml && chmod 0640 /gateway.toml"
            )
        );
    }

    #[test]
    fn a_file_that_root_writes_in_the_place_of_its_own_is_for_the_gateways_group() {
        let found = |owner, group, mode| {
            let file = tempfile::tempfile().unwrap();
            found(file, Rights { owner, group, mode }, GATEWAY)
        };
        let (owner, group, mode) = (0, 997, 0o640);
        let rights = Rights { owner, group, mode };
        for (group, mode) in [(0, 0o644), (100, 0o640), (100, 0o664)] {
            assert_eq!(found(0, group, mode).replacement(0), Some(rights));
            assert_eq!(found(0, group, mode).replacement(998), None);
            let mut linked = found(0, group, mode);
            linked.linked = true;
            assert_eq!(linked.replacement(0), None, "it may be anything of root's");
        }
        assert_eq!(found(1234, 100, 0o644).replacement(0), None);
        assert_eq!(
            found(0, 100, 0o640).closed(),
            "/gateway.toml had mode 0640 and group 100, and a service's environment in it: \
             it has 0640 and group 997 now."
        );
    }

    #[test]
    fn a_link_to_a_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(!look(&file, GATEWAY).unwrap().linked);
        assert!(look(&link, GATEWAY).unwrap().linked);
    }

    #[test]
    fn what_is_no_file_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        assert!(look(folder.path(), GATEWAY).is_none());
        assert!(look(&folder.path().join("missing"), GATEWAY).is_none());
    }
}
