//! Whose gateway it is: that of the user who runs the command, or, if root does, of the user to whom the
//! folder or the machine's gateway belongs. All code that needs to know asks here, so that there is one
//! answer.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use nix::unistd::{Uid, User};

use super::context::{Context, SYSTEM_USER, variable};
use crate::config::exposed::Reader;

/// The gateway's user.
#[derive(Debug)]
pub(super) struct Owner {
    /// The user's name, or the number of one without a name.
    pub(super) name: String,
    /// The user's number. `None` if there is no such user yet.
    pub(super) uid: Option<Uid>,
    /// The number of the user's group. `None` if it is not known.
    pub(super) gid: Option<u32>,
}

impl Owner {
    /// Looks the user up in the user database.
    pub(super) fn find(context: &Context) -> Self {
        if context.user.is_root() {
            let name = gateway_user();
            let user = User::from_name(&name).ok().flatten();
            return Self::of(name, None, user);
        }
        let user = User::from_uid(context.user).ok().flatten();
        // A number without a name is a user as well.
        Self::of(context.user.to_string(), Some(context.user), user)
    }

    fn of(name: String, uid: Option<Uid>, user: Option<User>) -> Self {
        match user {
            Some(user) => Self {
                name: user.name,
                uid: Some(user.uid),
                gid: Some(user.gid.as_raw()),
            },
            None => Self {
                name,
                uid,
                gid: None,
            },
        }
    }

    /// The same in the form in which the configuration needs it.
    pub(super) fn reader(&self) -> Reader {
        Reader {
            uid: self.uid.map(Uid::as_raw),
            gid: self.gid,
        }
    }
}

/// The name of the user whose gateway root asks about.
pub(super) fn gateway_user() -> String {
    let home = variable("AI_GATEWAY_HOME").filter(|home| !home.is_empty());
    let owner = home.as_deref().and_then(|home| owner_of(Path::new(home)));
    owner.unwrap_or_else(|| SYSTEM_USER.to_owned())
}

/// The owner of a folder, unless that is root.
fn owner_of(folder: &Path) -> Option<String> {
    let uid = Uid::from_raw(fs::metadata(folder).ok()?.uid());
    let user = User::from_uid(uid).ok()??;
    (!uid.is_root()).then_some(user.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::exposed::{Exposed, Rights};

    #[test]
    fn a_user_whom_nobody_has_made_yet_is_not_taken_for_root() {
        let owner = Owner::of("gw".to_owned(), None, None);
        assert_eq!(owner.uid, None);
        // This is how the command line makes the file if root writes the configuration first.
        let new = Rights {
            owner: 0,
            group: 0,
            mode: 0o640,
        };
        assert_eq!(Exposed::of(new, owner.reader()), None);
    }

    #[test]
    fn a_number_without_a_name_is_somebody() {
        let number = Uid::from_raw(4_000_000);
        let owner = Owner::of(number.to_string(), Some(number), None);
        assert_eq!((owner.name.as_str(), owner.uid), ("4000000", Some(number)));
        assert_eq!(owner.reader().gid, None);
    }

    #[test]
    fn a_user_of_the_database_has_a_group() {
        let root = User::from_uid(Uid::from_raw(0)).unwrap();
        let owner = Owner::of("0".to_owned(), Some(Uid::from_raw(0)), root);
        assert_eq!((owner.name.as_str(), owner.gid), ("root", Some(0)));
    }
}
