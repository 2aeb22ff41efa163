//! How a service of the user's own runs, ends and reads its files again.

use std::{collections::BTreeSet, str::FromStr as _};

use nix::sys::signal::Signal;

use super::{FORM, RANGE, Raw, RawValue, ValueKind, Wrong, lists::all};
use crate::config::{
    settings::{CustomReload, CustomSchedule},
    value::units,
};

/// The shortest interval of a task. For anything more frequent, a daemon that waits by itself is better.
const SHORTEST_SECONDS: u64 = 60;

impl ValueKind {
    /// Reads a schedule: `"04:00"` or `"every 6 h"`.
    pub(super) fn schedule(self, raw: &Raw) -> Result<CustomSchedule, Wrong> {
        let text = self.text(raw)?;
        if let Some(minute) = units::minute_of_day(text) {
            return Ok(CustomSchedule::Daily { minute });
        }
        let every = text.strip_prefix("every ");
        let every = every.and_then(|text| humantime::parse_duration(text).ok());
        match every {
            None => Err(self.unreadable(raw)),
            Some(every) if every.as_secs() < SHORTEST_SECONDS => {
                let label = "expected a minute or more".to_owned();
                Err(self.error(raw, RANGE, label))
            }
            Some(every) => Ok(CustomSchedule::Every(every)),
        }
    }

    /// Reads exit codes from 1 to 255.
    pub(super) fn codes(self, raw: &Raw) -> Result<BTreeSet<i32>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            return Err(vec![self.wrong_type(raw)]);
        };
        let code = |raw: &Raw| {
            let code = self.whole(raw, 1, 255)?;
            Ok(i32::try_from(code).unwrap_or(i32::MAX))
        };
        all(items.iter().map(code))
    }

    /// Reads the name of a signal, or a command.
    pub(super) fn reload(self, raw: &Raw) -> Result<CustomReload, Vec<Wrong>> {
        match &raw.is {
            RawValue::List(_) => Self::Command.command(raw).map(CustomReload::Run),
            RawValue::Text(text) => {
                let name = text.strip_prefix("SIG").unwrap_or(text);
                let signal = Signal::from_str(&format!("SIG{name}"));
                let signal = signal.map_err(|_| vec![self.unreadable(raw)])?;
                if [Signal::SIGKILL, Signal::SIGSTOP].contains(&signal) {
                    let label = "no process can take this one up".to_owned();
                    return Err(vec![self.error(raw, FORM, label)]);
                }
                Ok(CustomReload::Signal(signal as i32))
            }
            _ => Err(vec![self.wrong_type(raw)]),
        }
    }
}
