//! Tells which processes are this gateway's own.
//!
//! A gateway is its state folder, and the folder has a random number that no other folder has
//! ([`GatewayId`]). Every process that is launched carries the number in a variable of its environment
//! ([`Mark`]), which its descendants inherit. Some services write their titles over their environment, so
//! what was launched is also written down in the state folder ([`record`]). [`ours`] decides by both which
//! processes of a list are the gateway's, and reads nothing; [`find`] reads the list of this moment.
//!
//! Neither a folder nor the name of a program makes a process the gateway's: a shell may be opened in any
//! folder.
//!
//! Callers: the daemon (its own processes, and at its start those of one that was killed), `stop`
//! where no daemon runs, set-up (what an earlier set-up has left), and whoever asks who holds a port.

mod find;
mod ours;
mod pid_file;
mod record;

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use supervise::{event::Instance, spec::ServiceName};

use crate::fs::draft::{Draft, DraftError, Survives};

pub use find::{FindError, Handle, find, pids, process};
pub use ours::{Known, Ours, Process, Root, ours};
pub use pid_file::PidFile;
pub use record::{LaunchRecord, RecordedProcess, Signal};

/// The variable that marks what is launched.
pub const VARIABLE: &str = "AI_GATEWAY_INSTANCE";

/// What a mark has in the place of a service's name if set-up has launched the process. No service can have
/// that name.
const SET_UP: &str = "@set-up";

/// The number of a gateway: 128 random bits in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GatewayId(String);

/// For what a process was launched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The process is a service, or a command for it.
    Service(ServiceName),
    /// Set-up has launched the process.
    SetUp,
}

/// The value of the variable that marks a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The gateway to which the process belongs.
    pub gateway: GatewayId,
    /// For what the process was launched. `None` if that is something that only a later version knows.
    pub owner: Option<Owner>,
}

impl GatewayId {
    /// Finds the number of the gateway with this state folder. It is made if there is none, and made anew in
    /// a copy of a state folder, because processes of the original do not belong to the copy.
    ///
    /// Only a process that holds the lock of the daemon or of set-up may call this.
    ///
    /// # Errors
    /// The file cannot be read or made.
    pub fn of(state: &Path) -> io::Result<Self> {
        if let Some(known) = Self::read(state)? {
            return Ok(known);
        }
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|error| io::Error::other(error.to_string()))?;
        let text = |text: String, byte: &u8| text + &format!("{byte:02x}");
        let id = Self(bits.iter().fold(String::new(), text));
        let failed = |error: DraftError| error.source;
        let mut draft = Draft::new(&path(state), 0o600).map_err(failed)?;
        let place = Place::of(&draft.file.metadata()?);
        let line = format!("{id} {place}\n");
        draft.write(line.as_bytes()).map_err(failed)?;
        draft.put(Survives::ALossOfPower).map_err(failed)?;
        Ok(id)
    }

    /// Finds the number as [`GatewayId::of`] does, but does not make one.
    ///
    /// # Errors
    /// The file is there, but cannot be read.
    pub fn read(state: &Path) -> io::Result<Option<Self>> {
        let text = match crate::fs::regular::text(&path(state)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let place = Place::of(&fs::metadata(path(state))?).to_string();
        let id = text.trim_end().strip_suffix(&place).map(str::trim_end);
        Ok(id.and_then(Self::parse))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
        (text.len() == 32 && digits).then(|| Self(text.to_owned()))
    }

    /// The mark of a process of this instance of a service.
    pub fn mark(&self, instance: &Instance) -> String {
        format!("{self}/{}/{}", instance.service, instance.generation)
    }

    /// The mark of what set-up runs.
    pub fn mark_of_set_up(&self) -> String {
        format!("{self}/{SET_UP}")
    }
}

impl fmt::Display for GatewayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Mark {
    /// Reads the value of the variable. `None` if it is not a mark.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (gateway, rest) = text.split_once('/')?;
        let owner = rest.split('/').next().unwrap_or_default();
        let service = || ServiceName::new(owner).ok().map(Owner::Service);
        Some(Self {
            gateway: GatewayId::parse(gateway)?,
            owner: if owner == SET_UP {
                Some(Owner::SetUp)
            } else {
                service()
            },
        })
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("identity")
}

/// What identifies the file itself, so that a copy with the same contents is told apart from it.
struct Place(u64, u64);

impl Place {
    fn of(metadata: &fs::Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {:x}:{:x}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_one_number_and_its_copy_another() {
        let (original, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(GatewayId::read(original.path()).unwrap(), None);
        let id = GatewayId::of(original.path()).unwrap();
        assert_eq!(GatewayId::of(original.path()).unwrap(), id);
        assert_eq!(GatewayId::read(original.path()).unwrap(), Some(id.clone()));
        fs::copy(path(original.path()), path(copy.path())).unwrap();
        assert_eq!(GatewayId::read(copy.path()).unwrap(), None);
        assert_ne!(GatewayId::of(copy.path()).unwrap(), id);
    }

    #[test]
    fn a_moved_state_keeps_its_number_and_a_damaged_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (before, after) = (folder.path().join("before"), folder.path().join("after"));
        fs::create_dir(&before).unwrap();
        let id = GatewayId::of(&before).unwrap();
        fs::rename(&before, &after).unwrap();
        assert_eq!(GatewayId::of(&after).unwrap(), id);
        fs::write(path(&after), "x 1:2").unwrap();
        assert_ne!(GatewayId::of(&after).unwrap(), id);
    }

    #[test]
    fn marks_are_read_as_they_are_written() {
        let id = GatewayId("0123456789abcdef".repeat(2));
        let service = ServiceName::new("litellm").unwrap();
        let instance = Instance {
            service: service.clone(),
            generation: 7,
        };
        let mark = |owner| Mark {
            gateway: id.clone(),
            owner,
        };
        let of = |text: &str| Mark::parse(text.as_bytes());
        assert_eq!(
            of(&id.mark(&instance)),
            Some(mark(Some(Owner::Service(service))))
        );
        assert_eq!(of(&id.mark_of_set_up()), Some(mark(Some(Owner::SetUp))));
        assert_eq!(of(&format!("{id}/Something New")), Some(mark(None)));
        for no in ["", "/litellm/1", "0123/litellm/1", &id.to_string()] {
            assert_eq!(of(no), None, "{no}");
        }
    }
}
